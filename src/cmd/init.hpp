// SPDX-License-Identifier: MIT
// The loop of PID 1: waits for a signal or a deadline, asks the supervisor, performs the answer.
#pragma once

#include <string_view>

#include "kernel.hpp"
#include "narrator.hpp"
#include "rest.hpp"
#include "resume_limit.hpp"
#include "terminal.hpp"
#include "watcher.hpp"

namespace usher::cmd {

class Init {
  public:
    /// All must outlive the init.
    Init(const RunSettings& settings, const Invocation& invocation, sys::Log& log);

    /// Before the program is started: subreaper, terminal.
    void prepare();

    /// The parent-death signal. A change of user takes it back.
    void follow_parent();

    /// --wait-for, if there is any. Returns 0, or the exit code with which usher is to end.
    int wait_for(const Invocation& invocation);

    /// Where the program is to get the foreground; -1: nowhere.
    [[nodiscard]] int terminal_to_give() const;
    [[nodiscard]] int terminal_fd() const { return terminal_.fd(); }
    void take_terminal_back(int program_group) const;

    /// From the program's start to the exit code. All signals must be blocked.
    [[gnu::hot]] int supervise(int program, std::string_view name);

  private:
    [[gnu::hot]] void step();
    [[gnu::hot]] void receive(const sys::Received& received);
    [[gnu::hot]] void reap();
    [[gnu::hot]] void dispatch(Event&& event);
    [[gnu::hot]] void dispatch_seen(EventKind kind, std::optional<int> status, int signal = 0);
    [[gnu::hot]] void perform(const Action& action);
    [[gnu::noinline]] void look_at_parent();
    [[gnu::hot]] void send_to_group(int signal);
    void send_to_all(int signal);
    [[gnu::noinline]] void tell_unreached(int signal);
    void resume();
    [[gnu::noinline]] void name_still_running(int signal);
    [[gnu::noinline]] void name_survivors();
    void stop(int whom, int signal);
    [[gnu::hot]] void show_state(Time now);
    void look_at_watcher();
    [[gnu::noinline]] void notify(State state);

    const RunSettings& settings_;
    Narrator narrator_;
    int self_;
    int parent_;
    bool is_init_;
    Watcher watcher_;
    Rest rest_;
    Supervisor supervisor_;
    sys::Terminal terminal_;
    int program_ = 0;
    State shown_ = State::starting;
    bool left_ = false;
    int resumed_ = 0;  ///< the signal of a stop() that came back without a SIGCONT
    ResumeLimit resume_limit_;
    bool look_again_ = false;  ///< wait4 failed: do not rely on the next SIGCHLD
};

}  // namespace usher::cmd
