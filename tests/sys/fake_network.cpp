// SPDX-License-Identifier: MIT
#include "fake_network.hpp"

#include <errno.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

namespace usher::test {

namespace {

std::unique_ptr<FakeNetwork> current;
// Fewer than the faked kernel allows waits: a loop that polls is let out here.
constexpr int too_many_polls = 10000;
constexpr short poll_err = 8;
constexpr short poll_hup = 16;
constexpr short poll_nval = 32;

Error error_of(int number) { return {.number = number}; }

int take_error(std::deque<int>& errors) {
    if (errors.empty()) return 0;
    const int number = errors.front();
    errors.pop_front();
    return number;
}

sys::SocketAddress address_of(const std::string& text) {
    sys::SocketAddress address;
    EXPECT_LE(text.size(), sizeof address.bytes);
    address.length = static_cast<unsigned>(std::min(text.size(), sizeof address.bytes));
    std::memcpy(address.bytes, text.data(), address.length);
    return address;
}

void later(Duration duration, std::function<void()> what) {
    if (duration == infinite) return;
    kernel().timeline.emplace(after(kernel().now, duration), std::move(what));
}

// The code under test would wait for ever, or spins: say so and let it out by the signal that ends
// it.
void rescue(const char* why) {
    FakeNetwork& net = network();
    if (kernel().hung && net.polls > 2 * too_many_polls) {
        std::fprintf(stderr, "%s, and cannot be let out\n", why);
        std::abort();
    }
    if (!kernel().hung) ADD_FAILURE() << why;
    kernel().hung = true;
    net.poll_always = 0;
    net.poll_errors.clear();
    kernel().raise(sig::term);
}

}  // namespace

FakeNetwork& network() {
    if (!current) new_network();
    return *current;
}

void new_network() { current = std::make_unique<FakeNetwork>(); }

std::string text_of(const sys::SocketAddress& address) {
    return {reinterpret_cast<const char*>(address.bytes), address.length};
}

void Connection::say(const std::string& bytes, Duration duration) const {
    later(duration, [fd = fd_, serial = serial_, bytes] {
        if (auto* socket = network().find(fd, serial)) socket->incoming += bytes;
    });
}

void Connection::close(Duration duration) const {
    later(duration, [fd = fd_, serial = serial_] {
        if (auto* socket = network().find(fd, serial)) socket->is_closed = true;
    });
}

void Connection::reset(int number, Duration duration) const {
    later(duration, [fd = fd_, serial = serial_, number] {
        if (auto* socket = network().find(fd, serial)) socket->error = number;
    });
}

FakeNetwork::Socket* FakeNetwork::find(int fd, unsigned serial) {
    const auto found = sockets.find(fd);
    return found == sockets.end() || found->second.serial != serial ? nullptr : &found->second;
}

Result<int> FakeNetwork::add(Socket socket) {
    if (no_sockets != 0) return error_of(no_sockets);
    if (socket.v6 && no_v6) return error_of(EAFNOSUPPORT);
    const int fd = kernel().new_fd();
    socket.serial = next_serial++;
    socket.connection = Connection(fd, socket.serial);
    sockets[fd] = std::move(socket);
    return fd;
}

void FakeNetwork::finish_connect(int fd, unsigned serial) {
    Socket* const socket = find(fd, serial);
    if (socket == nullptr) return;
    const auto peer = peers.find(socket->peer);
    socket->is_connecting = false;
    socket->error = peer == peers.end() ? ECONNREFUSED : peer->second.refuses_with;
    socket->is_connected = socket->error == 0;
    if (socket->is_connected && peer->second.on_connect) {
        peer->second.on_connect(socket->connection);
    }
}

// A datagram to the name server that the socket is connected to, which takes replies from it alone.
Result<std::size_t> FakeNetwork::ask(int fd, const std::string& query) {
    Socket& socket = sockets.at(fd);
    if (sendto_error != 0) return error_of(sendto_error);
    if (socket.error != 0) return error_of(std::exchange(socket.error, 0));
    asked.push_back({.to = socket.peer, .query = query, .at = kernel().now - kernel().start_time});
    const unsigned serial = socket.serial;
    if (closed_ports.count(socket.peer) != 0) {
        later(0, [fd, serial] {
            if (auto* asker = network().find(fd, serial)) asker->error = ECONNREFUSED;
        });
    }
    const auto server = servers.find(socket.peer);
    if (server == servers.end()) return query.size();
    for (const Reply& reply : server->second(query)) {
        if (!reply.from.empty() && reply.from != socket.peer) continue;
        later(reply.later, [fd, serial, bytes = reply.bytes] {
            if (auto* asker = network().find(fd, serial)) asker->datagrams.push_back(bytes);
        });
    }
    return query.size();
}

Result<std::size_t> FakeNetwork::send(int fd, std::string_view text) {
    Socket& socket = sockets.at(fd);
    if (socket.kind == Socket::Kind::datagram) return ask(fd, std::string(text));
    Peer& peer = peers[socket.peer];
    if (!socket.is_connected) return error_of(ENOTCONN);
    if (const int number = take_error(peer.send_errors); number != 0) return error_of(number);
    const std::size_t room = peer.window - std::min(peer.window, socket.connection.request.size());
    if (room == 0) return error_of(EAGAIN);
    const std::size_t count = std::min({text.size(), room, peer.longest_send});
    socket.connection.request += text.substr(0, count);
    if (peer.on_bytes) peer.on_bytes(socket.connection);
    return count;
}

Result<std::size_t> FakeNetwork::take_datagram(int fd, std::span<char> room) {
    Socket& socket = sockets.at(fd);
    if (recvfrom_always != 0) return error_of(recvfrom_always);
    if (const int number = take_error(recvfrom_errors); number != 0) return error_of(number);
    if (socket.error != 0) return error_of(std::exchange(socket.error, 0));
    if (socket.datagrams.empty()) return error_of(EAGAIN);
    const std::string bytes = socket.datagrams.front();
    socket.datagrams.pop_front();
    const std::size_t count = std::min(bytes.size(), room.size());
    std::memcpy(room.data(), bytes.data(), count);
    return count;
}

short FakeNetwork::ready_events(const sys::PollFd& fd) {
    if (fd.fd < 0) return 0;
    if (kernel().open_fds.count(fd.fd) == 0) {
        ADD_FAILURE() << "poll of " << fd.fd << ": not open";
        return poll_nval;
    }
    const auto found = sockets.find(fd.fd);
    if (found == sockets.end()) return kernel().stderr_full ? short{0} : fd.events;
    const Socket& socket = found->second;
    int ready = 0;
    switch (socket.kind) {
        case Socket::Kind::datagram:
            ready = sys::poll_out;
            if (!socket.datagrams.empty() || !recvfrom_errors.empty() || recvfrom_always != 0)
                ready |= sys::poll_in;
            if (socket.error != 0) ready |= sys::poll_in | poll_err;
            break;
        case Socket::Kind::signals: {
            const auto is_wanted = [&](const sys::Received& received) {
                return contains(socket.signals, received.signal);
            };
            const auto& pending = kernel().pending;
            if (std::any_of(pending.begin(), pending.end(), is_wanted)) ready = sys::poll_in;
            break;
        }
        case Socket::Kind::stream: {
            if (socket.is_connecting) break;
            const std::size_t window =
                peers.count(socket.peer) != 0 ? peers[socket.peer].window : 0;
            if (socket.connection.request.size() < window) ready |= sys::poll_out;
            if (!socket.incoming.empty() || socket.is_closed) ready |= sys::poll_in;
            if (socket.error != 0) ready |= sys::poll_in | sys::poll_out | poll_err | poll_hup;
            break;
        }
    }
    return static_cast<short>(ready & (fd.events | poll_err | poll_hup));
}

}  // namespace usher::test

namespace usher::sys {

using namespace test;

bool SocketAddress::operator==(const SocketAddress& other) const {
    return text_of(*this) == text_of(other);
}

SocketAddress tcp_address(const IpAddress& address, std::uint16_t port) {
    char room[ip_text_limit];
    const std::string ip(format_ip(address, room));
    const std::string zone = address.zone[0] == 0 ? "" : std::string("%") + address.zone.data();
    return address_of((address.v6 ? "[" + ip + zone + "]" : ip) + ":" + std::to_string(port));
}

SocketAddress unix_address(std::string_view path) {
    return address_of("unix:" + std::string(path));
}

Result<int> stream_socket(const SocketAddress& address) {
    const std::string text = text_of(address);
    return network().add({.kind = FakeNetwork::Socket::Kind::stream, .v6 = text[0] == '['});
}

Result<int> datagram_socket(bool v6) {
    return network().add({.kind = FakeNetwork::Socket::Kind::datagram, .v6 = v6});
}

Result<int> unix_datagram_socket() { return Error{.number = EACCES}; }

Result<Done> connect(int fd, const SocketAddress& address) {
    FakeNetwork& net = network();
    FakeNetwork::Socket& socket = net.sockets.at(fd);
    socket.peer = text_of(address);
    if (socket.kind == FakeNetwork::Socket::Kind::datagram) {
        EXPECT_EQ(socket.peer[0] == '[', socket.v6) << "not of the family of " << socket.peer;
        const auto refused = net.connect_errors.find(socket.peer);
        if (refused != net.connect_errors.end()) return error_of(refused->second);
        return Done{};
    }
    net.connected.push_back(socket.peer);
    net.connect_times.push_back(kernel().now - kernel().start_time);
    const bool is_unix = socket.peer.rfind("unix:", 0) == 0;
    const auto peer = net.peers.find(socket.peer);
    if (is_unix && peer == net.peers.end()) return error_of(ENOENT);
    const bool at_once = is_unix || (peer != net.peers.end() && peer->second.answers_at_once);
    if (!at_once) {
        socket.is_connecting = true;
        later(peer == net.peers.end() ? 0 : peer->second.answers_after,
              [fd, serial = socket.serial] { network().finish_connect(fd, serial); });
        return error_of(EINPROGRESS);
    }
    if (peer->second.refuses_with != 0) return error_of(peer->second.refuses_with);
    net.finish_connect(fd, socket.serial);
    return Done{};
}

Result<Done> connect_result(int fd) {
    FakeNetwork::Socket& socket = network().sockets.at(fd);
    EXPECT_FALSE(socket.is_connecting) << "asked too early: the kernel would say that all is fine";
    const int number = std::exchange(socket.error, 0);  // SO_ERROR is read once
    if (number != 0) return error_of(number);
    return Done{};
}

bool is_connected_to_itself(int fd, const SocketAddress& address) {
    FakeNetwork& net = network();
    EXPECT_EQ(text_of(address), net.sockets.at(fd).peer);
    const auto peer = net.peers.find(net.sockets.at(fd).peer);
    return peer != net.peers.end() && peer->second.is_oneself;
}

void reset_when_closed(int fd) { network().resets.push_back(network().sockets.at(fd).peer); }

Result<std::size_t> recv(int fd, std::span<char> room) {
    FakeNetwork::Socket& socket = network().sockets.at(fd);
    if (socket.kind == FakeNetwork::Socket::Kind::datagram)
        return network().take_datagram(fd, room);
    const int number = take_error(network().peers[socket.peer].recv_errors);
    if (number != 0) return error_of(number);
    if (socket.incoming.empty()) {
        if (socket.error != 0) return error_of(std::exchange(socket.error, 0));
        if (socket.is_closed) return std::size_t{0};
        return error_of(EAGAIN);
    }
    const std::size_t count = std::min(socket.incoming.size(), room.size());
    std::memcpy(room.data(), socket.incoming.data(), count);
    socket.incoming.erase(0, count);
    return count;
}

bool is_local(const IpAddress& address) {
    char room[ip_text_limit];
    const std::string text(format_ip(address, room));
    return text == "::1" || text.rfind("127.", 0) == 0 || network().own_addresses.count(text) != 0;
}

Result<Done> poll(std::span<PollFd> fds, Duration timeout) {
    FakeNetwork& net = network();
    FakeKernel& fake = kernel();
    if (timeout < 0) ADD_FAILURE() << "a wait for less than nothing";
    if (timeout != infinite) net.longest_poll = std::max(net.longest_poll, timeout);
    if (++net.polls > too_many_polls) rescue("the loop spins");
    if (net.poll_always != 0) return error_of(net.poll_always);
    if (const int number = take_error(net.poll_errors); number != 0) return error_of(number);
    const Time until = after(fake.now, timeout);
    while (true) {
        while (fake.run_next_event(fake.now)) {
        }
        bool any = false;
        for (PollFd& fd : fds) {
            fd.revents = net.ready_events(fd);
            any = any || fd.revents != 0;
        }
        if (any) return Done{};
        if (fake.run_next_event(until)) continue;
        if (timeout != infinite) break;
        rescue("the loop waits for ever, and nothing will happen any more");
    }
    fake.now = until;
    return Done{};
}

Result<int> signalfd(SignalSet set) {
    if (network().no_signalfd != 0) return error_of(network().no_signalfd);
    EXPECT_EQ(set & ~kernel().blocked, 0U) << "signals are waited for that are not blocked";
    return network().add({.kind = FakeNetwork::Socket::Kind::signals, .signals = set});
}

Result<FileFacts> statx(const char* path) {
    FakeNetwork& net = network();
    if (strnlen(path, path_max) == path_max) return error_of(ENAMETOOLONG);
    if (const auto error = net.statx_errors.find(path); error != net.statx_errors.end()) {
        return error_of(error->second);
    }
    const auto found = net.facts.find(path);
    if (found == net.facts.end()) return error_of(ENOENT);
    return found->second;
}

std::uint32_t random_number() { return network().next_random++; }

}  // namespace usher::sys
