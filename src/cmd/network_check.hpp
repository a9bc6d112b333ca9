// SPDX-License-Identifier: MIT
// One check over the network from its name to its verdict, in somebody else's poll loop.
#pragma once

#include <algorithm>
#include <optional>

#include "conversation.hpp"
#include "resolver.hpp"
#include "stream.hpp"

namespace usher::cmd {

class NetworkCheck {
  public:
    /// How many addresses of a name are tried side by side.
    static constexpr std::size_t most_attempts = 4;
    /// How long an address is tried alone before the next one is tried beside it (RFC 8305, section
    /// 5). When it fails, the next one is tried at once.
    static constexpr Duration attempt_delay = 250 * millisecond;
    static constexpr std::size_t most_fds = std::max(sys::Resolver::most_fds, most_attempts);
    static constexpr Duration drain_time = 250 * millisecond;
    static constexpr std::size_t drain_limit = 1U << 20;  ///< bytes

    NetworkCheck() = default;
    NetworkCheck(const NetworkCheck&) = delete;
    NetworkCheck& operator=(const NetworkCheck&) = delete;
    ~NetworkCheck() { disconnect(); }

    /// All three must outlive the check. `deadline` bounds every phase together. The outcome is
    /// settled while the rest of the reply may still be read (at most drain_time and drain_limit);
    /// whoever does not wait for that may start again, or end.
    void start(const Check& check, const ProbeSettings& settings, Outcome& outcome, Time now,
               Time deadline);
    /// What to poll for, at most `most_fds`; returns how many. After the end: none.
    std::size_t interests(std::span<sys::PollFd> fds) const;
    [[nodiscard]] Time wake() const;
    void step(std::span<const sys::PollFd> fds, Time now);

  private:
    /// drain: the verdict has fallen; the rest that the server has to say is taken, so that it need
    /// not log that its client went away in the middle.
    enum class Phase : unsigned char { over, resolve, connect, retry, secure, send, reply, drain };

    struct Attempt {
        int fd = -1;              ///< -1: there is none
        std::size_t address = 0;  ///< its place among the addresses
    };

    void choose_addresses(Time now);
    void addresses_known(Time now);
    void begin_connecting(Time now);
    void connect_next(Time now);
    int begin_attempt(Attempt& attempt, std::size_t index);
    void step_attempts(std::span<const sys::PollFd> fds, Time now);
    int refuse_itself(const Attempt& attempt) const;
    void attempt_failed(Attempt& attempt, int number);
    void make_room();
    void close_attempts();
    [[nodiscard]] Time next_attempt(Time now);
    [[nodiscard]] std::size_t address_count() const;
    [[nodiscard]] sys::SocketAddress address(std::size_t index) const;
    [[nodiscard]] Attempt* attempt_of(int fd);
    void connected(Attempt& attempt);
    void secure();
    [[nodiscard]] std::string_view server_name() const;
    void talk();
    void trace_attempt(std::size_t index);
    void send();
    void receive(Time now);
    void drain(bool ready, Time now);
    void begin_drain(Time now);
    void time_out();
    [[nodiscard]] Literal phase_name() const;
    void fail(Literal phase, Literal reason);
    void fail(Literal phase, int number);
    void succeed();
    void disconnect();
    void trace(Literal what, std::string_view address = {});

    const Check* check_ = nullptr;
    const ProbeSettings* settings_ = nullptr;
    Outcome* outcome_ = nullptr;
    Phase phase_ = Phase::over;
    Time started_ = 0;
    Time deadline_ = infinite;
    sys::Stream stream_;  ///< the connection, once there is one
    std::array<Attempt, most_attempts> attempts_;
    std::size_t next_address_ = 0;  ///< the one that was not tried yet,
    Time next_attempt_ = infinite;  ///< and when it will be
    int first_error_ = 0;           ///< of the first address: the one to tell if all fail
    AddressList addresses_;
    std::optional<sys::Resolver> resolver_;
    Time drain_end_ = infinite;
    std::size_t drained_ = 0;  ///< bytes
    Conversation conversation_;
};

}  // namespace usher::cmd
