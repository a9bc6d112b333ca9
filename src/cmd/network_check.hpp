// SPDX-License-Identifier: MIT
// One http, tcp or grpc check from its name to its verdict, in somebody else's poll loop.
#pragma once

#include <optional>

#include "check.hpp"
#include "grpc.hpp"
#include "http.hpp"
#include "outcome.hpp"
#include "probe_settings.hpp"
#include "resolver.hpp"

namespace usher::cmd {

class NetworkCheck {
  public:
    static constexpr std::size_t most_fds = sys::Resolver::most_fds;
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
    /// drain: the verdict has fallen; the rest of an http reply is taken, so that the server need
    /// not log that its client went away in the middle.
    enum class Phase : unsigned char { over, resolve, connect, retry, send, reply, drain };

    void choose_addresses(Time now);
    void addresses_known(Time now);
    void connect_next(Time now);
    void begin_connect(Time now);
    void connect_failed(int number, Time now);
    void connected(Time now);
    void build_request();
    void send();
    void receive(Time now);
    void drain(bool ready, Time now);
    void begin_drain(Time now);
    void judge_http();
    void judge_grpc();
    void time_out();
    [[nodiscard]] Literal phase_name() const;
    void fail(Literal phase, Literal reason);
    void fail(Literal phase, int number);
    void succeed();
    void finish(Verdict verdict, Time now);
    void disconnect();
    void trace(std::string_view what);
    [[nodiscard]] std::string_view authority(std::span<char> room) const;

    const Check* check_ = nullptr;
    const ProbeSettings* settings_ = nullptr;
    Outcome* outcome_ = nullptr;
    Phase phase_ = Phase::over;
    Time started_ = 0;
    Time deadline_ = infinite;
    Time attempt_end_ = infinite;  ///< for this address; the next one wants its share
    int first_error_ = 0;          ///< of the first address that failed
    int fd_ = -1;
    std::size_t next_address_ = 0;
    AddressList addresses_;
    std::optional<sys::Resolver> resolver_;
    std::optional<HttpReply> http_;
    std::optional<GrpcCall> grpc_;
    std::size_t request_length_ = 0;
    std::size_t sent_ = 0;
    Time drain_end_ = infinite;
    std::size_t drained_ = 0;  ///< bytes
    char request_[4096];
};

}  // namespace usher::cmd
