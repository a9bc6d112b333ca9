// SPDX-License-Identifier: MIT
#include "socket.hpp"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <new>

#include <utility>

#include "number.hpp"
#include "returned.hpp"
#include "text.hpp"

namespace usher::sys {

namespace {

const sockaddr* raw(const SocketAddress& address) {
    return reinterpret_cast<const sockaddr*>(address.bytes);  // NOLINT(*-reinterpret-cast)
}
sockaddr* raw(SocketAddress& address) {
    return reinterpret_cast<sockaddr*>(address.bytes);  // NOLINT(*-reinterpret-cast)
}

// The address as the kernel's struct T, all zero.
template <class T>
T& begin(SocketAddress& address) {
    static_assert(sizeof(T) <= sizeof address.bytes);
    address.length = sizeof(T);
    return *new (address.bytes) T{};
}

constexpr std::uint16_t network_order(std::uint16_t port) {
    const unsigned char bytes[2] = {static_cast<unsigned char>(port >> 8),
                                    static_cast<unsigned char>(port)};
    return __builtin_bit_cast(std::uint16_t, bytes);
}

bool is_loopback(const IpAddress& address) {
    constexpr unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    constexpr unsigned char zeros[15] = {};
    const auto* bytes = address.bytes.data();
    if (address.v6 && memcmp(bytes, zeros, sizeof zeros) == 0) return bytes[15] <= 1;  // ::, ::1
    if (address.v6 && memcmp(bytes, mapped, sizeof mapped) != 0) return false;
    if (address.v6) bytes += sizeof mapped;
    return bytes[0] == 127 || memcmp(bytes, zeros, 4) == 0;
}

// if_nametoindex(3), which also takes the number itself; 0: no such interface, or no name.
unsigned interface_index(const char* zone) {
    if (*zone == 0) return 0;
    if (const auto number = parse_number(zone, UINT32_MAX)) return static_cast<unsigned>(*number);
    const auto fd = datagram_socket(false);
    if (!fd) return 0;
    ifreq request{};
    Writer(request.ifr_name).add_raw(slice(zone, 0, IFNAMSIZ - 1));
    const bool known = ::syscall(SYS_ioctl, fd.value, SIOCGIFINDEX, &request) == 0;
    close(fd.value);
    return known ? static_cast<unsigned>(request.ifr_ifindex) : 0;
}

bool can_bind(const IpAddress& address) {
    const auto fd = datagram_socket(address.v6);
    if (!fd) return false;
    const SocketAddress own = tcp_address(address, 0);
    const bool bound = ::syscall(SYS_bind, fd.value, raw(own), own.length) == 0;
    close(fd.value);
    return bound;
}

// Whether the kernel sends from this address to this address. Connecting a UDP socket sends
// nothing.
bool is_own_source(const IpAddress& address) {
    constexpr std::uint16_t any_port = 9;
    const auto fd = datagram_socket(address.v6);
    if (!fd) return false;
    const SocketAddress to = tcp_address(address, any_port);
    SocketAddress from;
    from.length = sizeof from.bytes;
    const bool known =
        connect(fd.value, to) && ::syscall(SYS_getsockname, fd.value, raw(from), &from.length) == 0;
    close(fd.value);
    const auto [at, size] = address.v6
                                ? std::pair(offsetof(sockaddr_in6, sin6_addr), sizeof(in6_addr))
                                : std::pair(offsetof(sockaddr_in, sin_addr), sizeof(in_addr));
    return known && memcmp(from.bytes + at, to.bytes + at, size) == 0;
}

}  // namespace

bool SocketAddress::operator==(const SocketAddress& other) const {
    return length == other.length && memcmp(bytes, other.bytes, length) == 0;
}

SocketAddress tcp_address(const IpAddress& address, std::uint16_t port) {
    SocketAddress made;
    if (address.v6) {
        auto& to = begin<sockaddr_in6>(made);
        to.sin6_family = AF_INET6;
        to.sin6_port = network_order(port);
        memcpy(&to.sin6_addr, address.bytes.data(), sizeof to.sin6_addr);
        to.sin6_scope_id = interface_index(address.zone.data());
    } else {
        auto& to = begin<sockaddr_in>(made);
        to.sin_family = AF_INET;
        to.sin_port = network_order(port);
        memcpy(&to.sin_addr, address.bytes.data(), sizeof to.sin_addr);
    }
    return made;
}

SocketAddress unix_address(std::string_view path) {
    SocketAddress made;
    auto& to = begin<sockaddr_un>(made);
    to.sun_family = AF_UNIX;
    memcpy(to.sun_path, path.data(), path.size());
    const bool is_abstract = path[0] == '@';
    if (is_abstract) to.sun_path[0] = 0;
    made.length = static_cast<unsigned>(offsetof(sockaddr_un, sun_path) + path.size() +
                                        (is_abstract ? 0 : 1));
    return made;
}

Result<int> stream_socket(const SocketAddress& address) {
    const int family = raw(address)->sa_family;
    const long fd = ::syscall(SYS_socket, family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return last_error();
    constexpr int on = 1;
    if (family != AF_UNIX) ::syscall(SYS_setsockopt, fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return static_cast<int>(fd);
}

Result<int> datagram_socket(bool v6) {
    const long fd = ::syscall(SYS_socket, v6 ? AF_INET6 : AF_INET,
                              SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return last_error();
    constexpr int off = 0;
    if (v6) ::syscall(SYS_setsockopt, fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    return static_cast<int>(fd);
}

Result<int> unix_datagram_socket() {
    const long fd = ::syscall(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return last_error();
    return static_cast<int>(fd);
}

Result<Done> connect(int fd, const SocketAddress& address) {
    if (::syscall(SYS_connect, fd, raw(address), address.length) < 0) return last_error();
    return Done{};
}

Result<Done> connect_result(int fd) {
    int error = 0;
    socklen_t length = sizeof error;
    if (::syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
        return last_error();
    if (error != 0) return Error{.number = error};
    return Done{};
}

bool is_connected_to_itself(int fd, const SocketAddress& address) {
    SocketAddress own;
    SocketAddress peer;
    own.length = peer.length = sizeof own.bytes;
    if (::syscall(SYS_getsockname, fd, raw(own), &own.length) != 0) return false;
    // Another port is the rule, and saves a call. It lies at the same place in both families. The
    // address may differ from what was asked for: 0.0.0.0 is 127.0.0.1 then.
    constexpr std::size_t port = offsetof(sockaddr_in, sin_port);
    static_assert(port == offsetof(sockaddr_in6, sin6_port));
    if (memcmp(own.bytes + port, address.bytes + port, sizeof(in_port_t)) != 0) return false;
    return ::syscall(SYS_getpeername, fd, raw(peer), &peer.length) == 0 && own == peer;
}

void reset_when_closed(int fd) {
    constexpr linger at_once{.l_onoff = 1, .l_linger = 0};
    ::syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

Result<std::size_t> recv(int fd, std::span<char> room) {
    const long got = ::syscall(SYS_recvfrom, fd, room.data(), room.size(), 0, nullptr, nullptr);
    if (got < 0) return last_error();
    return static_cast<std::size_t>(got);
}

bool is_local(const IpAddress& address) {
    if (is_loopback(address)) return true;
    return can_bind(address) && is_own_source(address);
}

Result<Done> poll(std::span<PollFd> fds, Duration timeout) {
    const std::int64_t time[2] = {timeout / second, timeout % second};
#ifdef SYS_ppoll_time64
    long ready = ::syscall(SYS_ppoll_time64, fds.data(), fds.size(),
                           timeout == infinite ? nullptr : time, nullptr, signal_count / 8);
    if (ready < 0 && (errno == ENOSYS || errno == EPERM)) {
        const long narrow[2] = {static_cast<long>(time[0]), static_cast<long>(time[1])};
        ready = ::syscall(SYS_ppoll, fds.data(), fds.size(), timeout == infinite ? nullptr : narrow,
                          nullptr, signal_count / 8);
    }
#else
    const long ready = ::syscall(SYS_ppoll, fds.data(), fds.size(),
                                 timeout == infinite ? nullptr : time, nullptr, signal_count / 8);
#endif
    if (ready < 0) return last_error();
    return Done{};
}

}  // namespace usher::sys
