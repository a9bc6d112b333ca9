// SPDX-License-Identifier: MIT
// A stub resolver that lives in somebody else's poll loop: /etc/hosts, then the servers of
// resolv.conf, A and AAAA at once, by UDP, and by TCP what did not fit.
#pragma once

#include "dns.hpp"
#include "socket.hpp"

namespace usher::sys {

class Resolver {
  public:
    /// What a lookup polls at most: its UDP socket, and one TCP connection a query.
    static constexpr std::size_t most_fds = 3;
    enum class State : unsigned char { running, found, failed };

    Resolver() = default;
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;
    ~Resolver() { end(State::failed); }

    /// `name` must outlive the lookup.
    void start(std::string_view name, Time now);
    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] const AddressList& addresses() const { return found_; }
    /// Why it failed.
    [[nodiscard]] Literal failure() const { return failure_; }

    /// Fills in what to poll for; the return value says how many.
    std::size_t interests(std::span<PollFd> fds) const;
    /// When step is due although nothing is ready.
    [[nodiscard]] Time wake() const { return state_ == State::running ? wake_ : infinite; }
    void step(std::span<const PollFd> fds, Time now);

  private:
    // One query for the name that is being tried, and by TCP the rest of a reply that was cut.
    struct Query {
        std::uint8_t bytes[dns_query_limit];
        std::size_t length = 0;
        int code = no_reply;
        bool answered = false;
        AddressList found;
        int tcp = -1;
        bool connected = false;
        std::size_t received = 0;
        char reply[2 + 4096];  // with its length in front (RFC 1035, section 4.2.2)
    };

    bool look_in_hosts(std::string_view name);
    void read_configuration();
    void next_name(Time now);
    void ask(Time now);
    void send(const Query& query);
    void receive();
    void take_reply(std::span<const std::uint8_t> reply, std::size_t server);
    void begin_tcp(Query& query, std::size_t server);
    static void step_tcp(Query& query);
    static void end_tcp(Query& query);
    void judge(Time now);
    void end(State state, Literal failure = {});
    [[nodiscard]] SocketAddress server_address(std::size_t server) const;

    State state_ = State::failed;
    Literal failure_{};
    AddressList found_;
    ResolvConf configuration_;
    std::optional<SearchList> names_;
    char name_[dns_name_limit];
    int udp_ = -1;
    bool v6_ = false;
    int server_failures_ = 0;
    Time wake_ = infinite;
    Time again_ = infinite;  ///< when to ask once more
    Time give_up_ = infinite;
    Duration between_ = 0;
    Query queries_[2];
};

}  // namespace usher::sys
