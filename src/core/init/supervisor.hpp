// SPDX-License-Identifier: MIT
// The decisions of PID 1: State x Event (with its time) -> next State and a short list of Actions.
// Pure. The loop in src/cmd reports what happened and performs what is asked.
//
// The life of a container goes one way:
//
//   starting -> waiting -> running -> draining -> stopping -> lingering -> killing -> ended
//
// and may skip any state in between. `waiting`: the checks of --wait-for have to pass before the
// program is started, which is all that is decided here of it. `draining` is the pre-stop delay: a
// stop signal has come and is held back. `stopping`: it was forwarded, and the program has the
// grace to end. `lingering`: the main process has ended and others are left. `killing`: SIGKILL was
// sent, at most a second is waited.
//
// Who wins when two things come together:
// - The main process's end wins over everything: whatever the state, what is reported is how
//   it ended. Only a main process that had to be killed is reported as 137.
// - A stop by --heal is one without a drain, with a grace of its own, and with exit code 69.
// - That nobody is left ends every state at once.
// - A second stop signal ends the drain. Of two that came while draining only the later is
//   forwarded, once: two TERMs mean "force" to many programs.
// - The grace counts from the first forwarded stop signal, or from the end of a main process that
//   did not survive the drain. Nothing prolongs it: not a further stop signal, not the linger,
//   which is what is left of a finite grace unless --linger says less.
// - Timers beside the state's own deadline (--escalate, the warning of who runs on) come first when
//   they are due with it, one at a time.
//
// Nobody hears of a stop twice through usher. Each received stop signal is sent once, to whom
// --forward names. When the main process has ended, the linger's own signal goes to those alone
// whom no forwarded stop signal has reached (reach.hpp). A stop signal that comes while lingering
// is a new one: it goes to everybody who is left.
//
// With --until all a main process that ends with 0 (a daemon that went to the background) changes
// no state: whoever is left is then what signals go to and what is waited for.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "duration.hpp"
#include "run_settings.hpp"

namespace usher {

enum class State : std::uint8_t {
    starting,
    waiting,
    running,
    draining,
    stopping,
    lingering,
    killing,
    ended
};
inline constexpr int state_count = 8;
/// "running" and so on, as /proc/PID/comm shows it behind `usher:`.
Literal state_name(State state);

/// How long usher waits after SIGKILL for what it killed.
inline constexpr Duration kill_patience = 1 * second;
/// How long after a forwarded stop signal a warning names who runs on.
inline constexpr Duration stop_patience = 5 * second;

enum class EventKind : std::uint8_t {
    started,          ///< the program has been exec'ed
    stop_signal,      ///< a signal of the stop set was received
    other_signal,     ///< any other signal that concerns the program
    program_stopped,  ///< by `signal`
    program_continued,
    resumed,         ///< usher asked to be stopped by `signal`, and runs again without a SIGCONT
    main_ended,      ///< with `status`; other children are left
    nobody_left,     ///< no child is left; `status` if the main process ended just now
    somebody_ended,  ///< other than the main process; children are left
    unhealthy,       ///< by --heal the program is to be stopped
    deadline,        ///< deadline() has passed
};
inline constexpr int event_count = 11;

/// Whether it matters when that happened: a deadline may be set. A signal that is only passed on,
/// and an orphan's end, cost no look at the clock.
constexpr bool needs_time(EventKind kind) {
    return kind == EventKind::stop_signal || kind == EventKind::main_ended ||
           kind == EventKind::unhealthy || kind == EventKind::deadline;
}

/// Whose process group is the terminal's foreground group.
enum class Foreground : std::uint8_t { unknown, usher, program, other };

struct Event {
    EventKind kind{};
    Time now = 0;  ///< only where needs_time()
    int signal = 0;
    std::optional<int> status;       ///< the main process's wait status
    std::optional<int> last_status;  ///< that of the child that was reaped last
    Foreground foreground = Foreground::unknown;
    bool by_kernel = false;     ///< `signal` came from the kernel: from the terminal, say
    bool with_the_end = false;  ///< it waited already when the main process's end was noticed
};

enum class ActionKind : std::uint8_t {
    to_main,   ///< `signal` to the main process
    to_group,  ///< to its process group
    to_all,    ///< to everything that is left
    resume,    ///< SIGCONT to the program's group at least: what the terminal stopped is a group
    give_terminal,   ///< the program's group becomes the foreground group
    take_terminal,   ///< usher's own group does
    stop_self,       ///< as `signal` would have stopped usher
    stop_group,      ///< the same for usher's whole process group
    halt_self,       ///< SIGSTOP to usher, whoever could continue it
    tell_rest,       ///< `signal` to everything that is left, and SIGCONT to what of it is stopped
    tell_unreached,  ///< the same, less those whom one of reached_by() has reached
    name_still_running,  ///< log who runs on after stop signal `signal`; SIGCONT to who is stopped
    name_survivors,      ///< log who is about to be killed
    kill_rest,           ///< SIGKILL to everything that is left
    leave,               ///< end with exit_code()
};
struct Action {
    ActionKind kind;
    std::uint8_t signal;
    Action() = default;
    constexpr Action(ActionKind what, int number = 0)  // NOLINT(google-explicit-constructor)
        : kind(what), signal(static_cast<std::uint8_t>(number)) {}
    constexpr bool operator==(const Action&) const = default;
};

/// The actions of one step, in order. No step has more than `capacity`. So small that it is
/// returned in registers.
class Actions {
  public:
    static constexpr std::size_t capacity = 4;
    [[gnu::hot]] void add(ActionKind kind, int signal = 0) {
        if (count_ < capacity) list_[count_++] = {kind, signal};
    }
    [[nodiscard]] const Action* begin() const { return list_.data(); }
    [[nodiscard]] const Action* end() const { return list_.data() + count_; }
    [[nodiscard]] std::size_t size() const { return count_; }

  private:
    std::array<Action, capacity>
        list_;  // what lies behind count_ is never read: not worth clearing
    std::uint8_t count_ = 0;
};

class Supervisor {
  public:
    /// `settings` must outlive the supervisor. `is_init`: usher is PID 1 of its namespace.
    Supervisor(const RunSettings& settings, bool is_init)
        : settings_(settings),
          is_init_(is_init),
          state_(settings.wait.checks.count > 0 ? State::waiting : State::starting) {}

    [[gnu::hot]] Actions on(const Event& event);

    [[nodiscard]] State state() const { return state_; }
    /// When EventKind::deadline is due; `infinite`: never.
    [[nodiscard, gnu::hot]] Time deadline() const {
        const Time timer = escalation_at_ < still_running_at_ ? escalation_at_ : still_running_at_;
        return timer < deadline_ ? timer : deadline_;
    }
    /// How long the present state may last, from `now`; `infinite`: for ever.
    [[nodiscard]] Duration time_left(Time now) const {
        return deadline_ == infinite ? infinite : deadline_ - now;
    }
    /// The forwarded stop signals, as they were sent to more than the main process.
    [[nodiscard]] SignalSet reached_by() const { return reached_by_; }
    [[nodiscard]] bool program_alive() const { return !main_status_; }
    [[nodiscard]] bool program_stopped() const { return program_stopped_; }
    /// What usher reports: the main process's own status, remapped; 137 if it had to be killed; 69,
    /// whatever its status, if it was unhealthy.
    [[nodiscard, gnu::hot]] int exit_code() const;

  private:
    [[gnu::hot]] void begin_stop(const Event& event, Actions& actions);
    [[gnu::hot]] void forward_stop(Time now, Actions& actions);
    [[gnu::hot]] void forward(const Event& event, Actions& actions);
    [[gnu::hot]] void send(int signal, bool is_stop, Actions& actions);
    /// `signal` as it is. `is_end`: it asks the program to end.
    [[gnu::hot]] void deliver(int signal, bool is_stop, bool is_end, Actions& actions);
    /// The signal that is sent in place of a received one; 0: none is.
    [[nodiscard]] int as_sent(int signal) const {
        return settings_.rewrite[static_cast<std::size_t>(signal)];
    }
    [[nodiscard, gnu::hot]] ActionKind target_of(int signal, bool is_stop) const;
    void begin_heal(Time now, Actions& actions);
    [[gnu::hot]] void begin_grace(Time now, Duration grace);
    [[gnu::hot]] void begin_stopping(Time now, Duration grace, int signal);
    void set_next_escalation();
    bool ring_timer(Time now, Actions& actions);
    [[nodiscard, gnu::hot]] bool becomes_a_daemon(const Event& event) const;
    void job_control(const Event& event, Actions& actions);
    void resume_while_stopping(const Event& event, Actions& actions);
    static void hand_over_again(const Event& event, Actions& actions);
    void begin_linger(const Event& event, Actions& actions);
    [[nodiscard]] Time linger_end(Time linger_over) const;
    void tell_again(const Event& event, Actions& actions);
    void pass_on(const Event& event, Actions& actions);
    void begin_killing(Time now, Actions& actions);
    [[gnu::hot]] void leave(const Event& event, Actions& actions);
    [[gnu::hot]] void end(Actions& actions);
    [[gnu::hot]] void main_is_gone(const Event& event, Actions& actions);

    const RunSettings& settings_;
    bool is_init_;
    State state_;
    bool program_stopped_ = false;
    bool terminal_stop_ = false;  ///< the last signal was a ^Z for usher's own group
    bool grace_began_ = false;    ///< the grace counts
    bool is_healing_ = false;     ///< the program is stopped because it was unhealthy
    bool is_daemon_ = false;  ///< the main process has ended, and --until all waits for the others
    std::uint8_t escalations_sent_ = 0;
    int pending_stop_ = 0;      ///< the latest stop signal, held back while draining
    int first_stop_ = 0;        ///< that was forwarded, as it was sent; 0: none was sent
    SignalSet reached_by_ = 0;  ///< stop signals as they were sent to more than the main process
    Time deadline_ = infinite;  ///< of the state
    Time escalation_at_ = infinite;
    Time still_running_at_ = infinite;
    Time grace_start_ = infinite;
    Time grace_end_ = infinite;
    std::optional<int> main_status_;
    std::optional<int> last_status_;  ///< of the child reaped last, once is_daemon_
};

/// What one event means in one state. The whole behaviour is this table and one function a row.
enum class Reaction : std::uint8_t {
    none,
    run,
    begin_stop,
    begin_heal,
    end_drain,
    forward,
    job_control,
    resume,
    note_continued,
    hand_over,
    begin_linger,
    tell_again,
    pass_on,
    begin_killing,
    kill_again,
    note_end,
    leave,
};
[[gnu::hot]] Reaction reaction_to(State state, EventKind event);

}  // namespace usher
