// SPDX-License-Identifier: MIT
// The decisions of PID 1: State x Event (with its time) -> next State and a short list of Actions.
// Pure. The loop in src/cmd reports what happened and performs what is asked.
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
    running,
    draining,
    stopping,
    lingering,
    killing,
    ended
};
inline constexpr int state_count = 7;
/// "running" and so on, as /proc/PID/comm shows it behind `usher:`.
Literal state_name(State state);

/// How long usher waits after SIGKILL for what it killed.
inline constexpr Duration kill_patience = 1 * second;

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
    deadline,        ///< deadline() has passed
};
inline constexpr int event_count = 10;

/// Whether it matters when that happened: a deadline may be set. A signal that is only passed on,
/// and an orphan's end, cost no look at the clock.
constexpr bool needs_time(EventKind kind) {
    return kind == EventKind::stop_signal || kind == EventKind::main_ended ||
           kind == EventKind::deadline;
}

/// Whose process group is the terminal's foreground group.
enum class Foreground : std::uint8_t { unknown, usher, program, other };

struct Event {
    EventKind kind{};
    Time now = 0;  ///< only where needs_time()
    int signal = 0;
    std::optional<int> status;  ///< the main process's wait status
    Foreground foreground = Foreground::unknown;
    bool by_kernel = false;  ///< `signal` came from the kernel: from the terminal, say
};

enum class ActionKind : std::uint8_t {
    send,    ///< `signal` to whom --forward names
    resume,  ///< SIGCONT to the program's group at least: what the terminal stopped is a group
    give_terminal,   ///< the program's group becomes the foreground group
    take_terminal,   ///< usher's own group does
    stop_self,       ///< as `signal` would have stopped usher
    stop_group,      ///< the same for usher's whole process group
    halt_self,       ///< SIGSTOP to usher, whoever could continue it
    tell_rest,       ///< `signal` to everything that is left, and SIGCONT to what of it is stopped
    name_survivors,  ///< log who is about to be killed
    kill_rest,       ///< SIGKILL to everything that is left
    leave,           ///< end with exit_code()
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
        : settings_(settings), is_init_(is_init) {}

    [[gnu::hot]] Actions on(const Event& event);

    [[nodiscard]] State state() const { return state_; }
    /// When EventKind::deadline is due; `infinite`: never.
    [[nodiscard]] Time deadline() const { return deadline_; }
    [[nodiscard]] bool program_alive() const { return !main_status_; }
    [[nodiscard]] bool program_stopped() const { return program_stopped_; }
    /// What usher reports: the main process's own status, remapped; 137 if it had to be killed.
    [[nodiscard, gnu::hot]] int exit_code() const;

  private:
    [[gnu::hot]] void begin_stop(const Event& event, Actions& actions);
    [[gnu::hot]] void forward_stop(Time now, Actions& actions);
    [[gnu::hot]] void forward(const Event& event, Actions& actions);
    [[gnu::hot]] void send(int signal, Actions& actions);
    void job_control(const Event& event, Actions& actions);
    void resume_while_stopping(const Event& event, Actions& actions);
    static void hand_over_again(const Event& event, Actions& actions);
    void begin_linger(const Event& event, Actions& actions);
    void tell_again(const Event& event, Actions& actions);
    void begin_killing(Time now, Actions& actions);
    [[gnu::hot]] void leave(const Event& event, Actions& actions);
    [[gnu::hot]] void main_is_gone(const Event& event, Actions& actions);

    const RunSettings& settings_;
    bool is_init_;
    State state_ = State::starting;
    bool program_stopped_ = false;
    bool terminal_stop_ = false;  ///< the last signal was a ^Z for usher's own group
    bool grace_began_ = false;    ///< a stop signal has been forwarded
    int pending_stop_ = 0;        ///< the latest stop signal, held back while draining
    Time deadline_ = infinite;
    Time grace_end_ = infinite;
    std::optional<int> main_status_;
};

/// What one event means in one state. The whole behaviour is this table and one function a row.
enum class Reaction : std::uint8_t {
    none,
    run,
    begin_stop,
    end_drain,
    forward,
    job_control,
    resume,
    note_continued,
    hand_over,
    begin_linger,
    tell_again,
    begin_killing,
    kill_again,
    note_end,
    leave,
};
[[gnu::hot]] Reaction reaction_to(State state, EventKind event);

}  // namespace usher
