// SPDX-License-Identifier: MIT
// The watcher: a child of usher that makes the rounds of --heal while PID 1 sleeps. When they have
// failed too often it ends with 69, which is all that usher waits for.
#pragma once

#include "commands.hpp"
#include "narrator.hpp"

namespace usher::cmd {

class Watcher {
  public:
    /// What its end sends, in place of SIGCHLD, so that it is no child that usher waits for. URG
    /// means something only to who asked the kernel for it.
    static constexpr int end_signal = sig::urg;

    /// All must outlive it.
    Watcher(const RunSettings& settings, const Invocation& invocation, Narrator& narrator)
        : settings_(settings), invocation_(invocation), narrator_(narrator) {}

    /// The program has been started. Without --heal nothing is done.
    void start();
    /// Its job is over: it is killed, and reaped by look().
    void stop();
    /// It, or 0. Nobody but stop() may send it anything.
    [[nodiscard]] int pid() const { return pid_; }
    /// Sees whether it has ended or was stopped. True: it has found the program unhealthy.
    [[gnu::noinline]] bool look();
    /// After stop(): waits for its end, 100 ms at most.
    [[gnu::noinline]] void reap();
    /// When ring() is due, and after it look(): only where somebody killed or stopped it, or the
    /// kernel refused something.
    [[nodiscard]] Time due() const { return restart_at_ < resume_at_ ? restart_at_ : resume_at_; }
    [[gnu::noinline]] void ring(Time now);

  private:
    void launch();
    /// Anew, after a delay that doubles each time.
    void put_off(Time now);

    const RunSettings& settings_;
    const Invocation& invocation_;
    Narrator& narrator_;
    int pid_ = 0;
    bool is_wanted_ = false;
    bool has_passed_ = false;  ///< the checks, or the time in which no failure counts
    bool was_ready_ = false;   ///< the service manager was told
    Time started_ = 0;         ///< the program
    Time launched_ = 0;        ///< it
    Time restart_at_ = infinite;
    Time resume_at_ = infinite;
    Time resumed_ = 0;  ///< it, the last time
    Duration delay_;    ///< before it is started anew
};

}  // namespace usher::cmd
