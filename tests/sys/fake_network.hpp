// SPDX-License-Identifier: MIT
// The network in memory in place of src/sys/socket.cpp, beside fake_kernel.hpp: name servers that
// answer datagrams, peers that take connections or do not, files' facts, signalfd. Its clock is
// the faked kernel's; poll lets it go on. A socket's address is a text here: "10.0.0.1:80",
// "[::1]:80", "unix:/run/app.sock".
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "fake_kernel.hpp"
#include "file.hpp"
#include "socket.hpp"

namespace usher::test {

/// What a peer sees of one connection, and does to it. `later` counts from the call.
class Connection {
  public:
    Connection(int fd, unsigned serial) : fd_(fd), serial_(serial) {}

    std::string request;  ///< all that it was sent so far
    void say(const std::string& bytes, Duration later = 0) const;
    void close(Duration later = 0) const;
    void reset(int number, Duration later = 0) const;

  private:
    int fd_;
    unsigned serial_;  // a descriptor's number is used again
};

struct Peer {
    int refuses_with = 0;                 ///< what connect ends with; 0: it takes the connection
    Duration answers_after = 0;           ///< infinite: not at all
    bool is_oneself = false;              ///< the kernel connects the socket to itself
    bool answers_at_once = false;         ///< connect itself says it, without EINPROGRESS
    std::size_t window = SIZE_MAX;        ///< how much it ever takes; then sending says EAGAIN
    std::size_t longest_send = SIZE_MAX;  ///< how much it takes of one call
    std::deque<int> send_errors{};        ///< used up one by one
    std::deque<int> recv_errors{};
    std::function<void(Connection&)> on_connect{};
    std::function<void(Connection&)> on_bytes{};  ///< after each send
};

struct Reply {
    std::string bytes;
    Duration later = 0;
    std::string from{};  ///< empty: who was asked
};
using NameServer = std::function<std::vector<Reply>(const std::string& query)>;

struct Asked {
    std::string to;
    std::string query;
    Time at = 0;  ///< from the start of the test
};

struct FakeNetwork {
    // The others. Where there is none, a TCP connection is refused; a datagram is lost.
    std::map<std::string, Peer> peers;
    std::map<std::string, NameServer> servers;
    std::set<std::string> closed_ports;   ///< of name servers: ICMP says that nobody listens
    std::set<std::string> own_addresses;  ///< besides the loopback ones
    std::map<std::string, sys::FileFacts> facts;
    std::map<std::string, int> statx_errors;

    // What goes wrong. Errors in a queue are used up one by one.
    bool no_v6 = false;
    int no_sockets = 0;  ///< the errno of every socket(2)
    int no_signalfd = 0;
    int sendto_error = 0;                       ///< of datagrams
    std::map<std::string, int> connect_errors;  ///< of datagram sockets
    std::deque<int> poll_errors;
    int poll_always = 0;
    std::deque<int> recvfrom_errors;
    int recvfrom_always = 0;
    unsigned next_random = 1;

    // What usher did.
    std::vector<Asked> asked;             ///< datagrams
    std::vector<std::string> connected;   ///< connects, also those that failed
    std::vector<Duration> connect_times;  ///< when, from the start of the test
    std::vector<std::string> resets;      ///< connections that were to be reset when closed
    int polls = 0;
    Duration longest_poll = 0;

    struct Socket {
        enum class Kind { datagram, stream, signals } kind = Kind::stream;
        bool v6 = false;
        unsigned serial = 0;
        std::deque<std::string> datagrams{};
        std::string peer{};
        bool is_connecting = false;
        bool is_connected = false;
        int error = 0;  ///< SO_ERROR, or what recv says
        bool is_closed = false;
        std::string incoming{};
        Connection connection{-1, 0};
        SignalSet signals = 0;
    };

    // For the functions of socket.hpp and kernel.hpp.
    std::map<int, Socket> sockets;
    unsigned next_serial = 1;
    Socket* find(int fd, unsigned serial);
    Result<int> add(Socket socket);
    void finish_connect(int fd, unsigned serial);
    Result<std::size_t> send(int fd, std::string_view text);
    Result<std::size_t> ask(int fd, const std::string& query);
    Result<std::size_t> take_datagram(int fd, std::span<char> room);
    short ready_events(const sys::PollFd& fd);
    [[nodiscard]] int open_sockets() const { return static_cast<int>(sockets.size()); }
};

/// The one network; a new one with each new_kernel().
FakeNetwork& network();
void new_network();

/// An address as it is written here.
std::string text_of(const sys::SocketAddress& address);

}  // namespace usher::test
