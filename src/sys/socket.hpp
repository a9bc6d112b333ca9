// SPDX-License-Identifier: MIT
// One wrapper per system call of the network, all non-blocking. See kernel.hpp for the rules.
#pragma once

#include <cstdint>

#include "ip_address.hpp"
#include "kernel.hpp"

namespace usher::sys {

/// A socket address as the kernel takes it.
struct SocketAddress {
    alignas(8) unsigned char bytes[112] = {};
    unsigned length = 0;
    bool operator==(const SocketAddress& other) const;
};
/// For UDP as well. A zone that names no interface is left out.
SocketAddress tcp_address(const IpAddress& address, std::uint16_t port);
/// `path` beginning with '@': the abstract socket of that name (unix(7)).
SocketAddress unix_address(std::string_view path);

/// TCP sockets send at once (TCP_NODELAY).
Result<int> stream_socket(const SocketAddress& address);
/// To be connected, too: it then takes datagrams from that peer alone, and errors that ICMP tells
/// (udp(7)).
Result<int> datagram_socket(bool v6);
Result<int> unix_datagram_socket();
/// EINPROGRESS: wait until it is writable, then ask connect_result. EAGAIN: a unix socket whose
/// backlog is full.
Result<Done> connect(int fd, const SocketAddress& address);
Result<Done> connect_result(int fd);
/// Whether a TCP connection's own address is the peer's: the kernel chose the very port that was
/// asked for, and met itself (a simultaneous open, RFC 9293, section 3.5), so nobody listens there.
/// `address` is what it was connected to.
bool is_connected_to_itself(int fd, const SocketAddress& address);
/// From here on closing resets the connection (SO_LINGER of 0 s, socket(7)): no TIME-WAIT is left
/// that would keep a server from the port.
void reset_when_closed(int fd);
Result<std::size_t> recv(int fd, std::span<char> room);  ///< EAGAIN: nothing there

/// Loopback, or an address of this network namespace: a socket can be bound to it, and what is sent
/// to it goes out from it. The first alone holds for every address where ip_nonlocal_bind is 1
/// (ip-sysctl.txt), the second alone for one that is routed here by a rule. In doubt: false.
bool is_local(const IpAddress& address);

struct PollFd {  // struct pollfd of poll(2)
    int fd = -1;
    short events = 0;
    short revents = 0;
};
inline constexpr short poll_in = 1;
inline constexpr short poll_out = 4;
/// Until one is ready or the time is up. EINTR: ask again.
Result<Done> poll(std::span<PollFd> fds, Duration timeout);

}  // namespace usher::sys
