// SPDX-License-Identifier: MIT
// A stub resolver that lives in somebody else's poll loop: /etc/hosts, then the servers of
// resolv.conf, all of them and A and AAAA at once, by UDP, and by TCP what did not fit.
#pragma once

#include "dns.hpp"
#include "socket.hpp"

namespace usher::sys {

class Resolver {
  public:
    static constexpr std::size_t most_servers = 3;
    /// What a lookup polls at most: a UDP socket a server, and one TCP connection a query.
    static constexpr std::size_t most_fds = most_servers + 2;
    /// How long a usable answer waits for better ones: for the other kind of address, and for what
    /// another server knows of a name that this one does not have.
    static constexpr Duration patience = second;
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
    [[nodiscard]] Time wake() const;
    void step(std::span<const PollFd> fds, Time now);

  private:
    // One query for the name that is being tried, and by TCP the rest of a reply that was cut.
    struct Query {
        std::uint8_t bytes[dns_query_limit];
        std::size_t length = 0;
        DnsAnswer said[most_servers];
        bool is_slow[most_servers] = {};  ///< it let the patience pass: not waited for again
        AddressList found;
        std::size_t server = 0;  ///< the one whose addresses they are
        int tcp = -1;
        bool connected = false;
        std::size_t received = 0;
        char reply[2 + 4096];  // with its length in front (RFC 1035, section 4.2.2)

        [[nodiscard]] DnsAnswer best() const;
        [[nodiscard]] bool is_settled(std::size_t servers) const;
    };

    bool look_in_hosts(std::string_view name);
    void read_configuration();
    bool open_servers();
    void next_name(Time now);
    bool build_queries(std::string_view name);
    void ask(Time now);
    void send(const Query& query, std::size_t server);
    void receive(std::size_t server);
    void take_reply(std::span<const std::uint8_t> reply, std::size_t server);
    void unreachable(std::size_t server);
    void begin_tcp(Query& query, std::size_t server);
    static void step_tcp(Query& query);
    static void end_tcp(Query& query);
    [[nodiscard]] bool is_over(Time now);
    [[nodiscard]] bool has_enough() const;
    [[nodiscard]] bool can_hear() const;
    void conclude(Time now);
    void take_addresses();
    void end(State state, Literal failure = {});
    [[nodiscard]] std::size_t server_count() const { return configuration_.servers().size(); }

    State state_ = State::failed;
    Literal failure_{};
    AddressList found_;
    ResolvConf configuration_;
    std::optional<SearchList> names_;
    char name_[dns_name_limit];
    int servers_[most_servers] = {-1, -1, -1};  ///< a UDP socket each; -1: it cannot be asked
    int retries_ = 0;
    DnsAnswer worst_ = DnsAnswer::no_such_name;  ///< what to tell when no name gave an address
    Time again_ = infinite;                      ///< when to ask once more
    Time patience_end_ = infinite;
    Time give_up_ = infinite;
    Duration between_ = 0;
    Query queries_[2];
};

}  // namespace usher::sys
