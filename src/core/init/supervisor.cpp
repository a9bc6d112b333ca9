// SPDX-License-Identifier: MIT
#include "supervisor.hpp"

#include <algorithm>

#include "exit_status.hpp"

namespace usher {

namespace {

constexpr char state_names[state_count][10] = {"starting",  "running", "draining", "stopping",
                                               "lingering", "killing", "ended"};
static_assert(static_cast<int>(State::ended) == state_count - 1);

using enum Reaction;
// clang-format off
[[gnu::section(".rodata.hot")]] constexpr Reaction table[state_count][event_count] = {
// started  stop_signal  other_signal  stopped      continued       resumed    main_ended    nobody_left  somebody_ended  deadline
  {run,     none,        none,         none,        none,           none,      none,         none,        none,           none},           // starting
  {none,    begin_stop,  forward,      job_control, note_continued, hand_over, begin_linger, leave,       none,           none},           // running
  {none,    end_drain,   forward,      job_control, note_continued, hand_over, begin_linger, leave,       none,           end_drain},      // draining
  {none,    begin_stop,  forward,      resume,      note_continued, hand_over, begin_linger, leave,       none,           begin_killing},  // stopping
  {none,    tell_again,  none,         none,        none,           none,      none,         leave,       none,           begin_killing},  // lingering
  {none,    none,        none,         none,        none,           none,      note_end,     leave,       kill_again,     leave},          // killing
  {none,    none,        none,         none,        none,           none,      none,         none,        none,           none},           // ended
};
// clang-format on
static_assert(static_cast<int>(EventKind::deadline) == event_count - 1);

}  // namespace

Literal state_name(State state) { return Literal::of_table(state_names[static_cast<int>(state)]); }

Reaction reaction_to(State state, EventKind event) {
    return table[static_cast<int>(state)][static_cast<int>(event)];
}

Actions Supervisor::on(const Event& event) {
    Actions actions;
    switch (reaction_to(state_, event.kind)) {
        case Reaction::none: break;
        case Reaction::run: state_ = State::running; break;
        case Reaction::begin_stop: begin_stop(event, actions); break;
        case Reaction::end_drain:
            if (event.kind == EventKind::stop_signal) pending_stop_ = event.signal;
            forward_stop(event.now, actions);
            break;
        case Reaction::forward: forward(event, actions); break;
        case Reaction::job_control: job_control(event, actions); break;
        case Reaction::resume: resume_while_stopping(event, actions); break;
        case Reaction::note_continued: program_stopped_ = false; break;
        case Reaction::hand_over: hand_over_again(event, actions); break;
        case Reaction::begin_linger: begin_linger(event, actions); break;
        case Reaction::tell_again: tell_again(event, actions); break;
        case Reaction::begin_killing: begin_killing(event.now, actions); break;
        case Reaction::kill_again: actions.add(ActionKind::kill_rest); break;
        case Reaction::note_end:
            main_is_gone(event, actions);
            actions.add(ActionKind::kill_rest);
            break;
        case Reaction::leave: leave(event, actions); break;
    }
    return actions;
}

int Supervisor::exit_code() const {
    const int code = main_status_ ? shell_code(*main_status_) : to_int(ExitCode::killed);
    return settings_.exit_code[static_cast<std::size_t>(code & 0xff)];
}

// The first stop signal in `running`, and each further one in `stopping`.
void Supervisor::begin_stop(const Event& event, Actions& actions) {
    pending_stop_ = event.signal;
    if (state_ == State::running && settings_.pre_stop > 0) {
        state_ = State::draining;
        deadline_ = after(event.now, settings_.pre_stop);
    } else {
        forward_stop(event.now, actions);
    }
}

void Supervisor::forward_stop(Time now, Actions& actions) {
    if (state_ != State::stopping) {
        state_ = State::stopping;
        grace_end_ = after(now, settings_.grace);
        deadline_ = grace_end_;
    }
    grace_began_ = true;
    send(pending_stop_, actions);
}

void Supervisor::send(int signal, Actions& actions) {
    const int to_send = settings_.rewrite[static_cast<std::size_t>(signal)];
    if (to_send == 0) return;
    actions.add(ActionKind::send, to_send);
    // A stopped process keeps its signals pending; only SIGCONT lets it act on them.
    const bool is_end = signal == sig::hup || contains(settings_.stop_signals, signal);
    if (is_end && program_stopped_) actions.add(ActionKind::resume);
}

void Supervisor::forward(const Event& event, Actions& actions) {
    terminal_stop_ = event.signal == sig::tstp && event.by_kernel;
    if (event.signal == sig::cont && event.foreground == Foreground::usher) {
        actions.add(ActionKind::give_terminal);
    }
    if (event.signal == sig::cont && program_stopped_) {
        actions.add(ActionKind::resume);
        return;
    }
    send(event.signal, actions);
    const bool is_terminal_stop = event.signal >= sig::tstp && event.signal <= sig::ttou;
    if (is_terminal_stop && settings_.stops_with_program) {
        actions.add(ActionKind::halt_self);
    }
}

// The program was stopped. On a terminal that is the user's ^Z, or a background job that wanted to
// read or write; what usher does then is what makes it look as if it were not there.
void Supervisor::job_control(const Event& event, Actions& actions) {
    program_stopped_ = true;
    const bool wants_terminal = event.signal == sig::ttin || event.signal == sig::ttou;
    if (wants_terminal && event.foreground == Foreground::usher) {
        actions.add(ActionKind::give_terminal);
        actions.add(ActionKind::resume);
        return;
    }
    if (is_init_) {
        // Nobody outside can ever bring it back with fg.
        if (event.signal == sig::tstp) actions.add(ActionKind::resume);
        return;
    }
    const bool had_terminal = event.foreground == Foreground::program;
    if (had_terminal) actions.add(ActionKind::take_terminal);
    if ((had_terminal && event.signal == sig::tstp) ||
        (wants_terminal && event.foreground != Foreground::unknown)) {
        // The terminal stops a whole group. Without usher the program would have shared its own
        // with the rest of the pipeline, or with the script that waits for it.
        actions.add(ActionKind::stop_group, event.signal);
    } else if (had_terminal || (event.signal == sig::tstp &&
                                (event.foreground != Foreground::unknown || terminal_stop_))) {
        actions.add(ActionKind::stop_self, event.signal);
    }
}

// What was told to stop shall not be kept from it by being stopped. But a background process that
// wants the terminal would be stopped again at once, and again: that one gets it, or stays. Where
// there is no terminal, somebody sent the signal.
void Supervisor::resume_while_stopping(const Event& event, Actions& actions) {
    program_stopped_ = true;
    const bool wants_terminal = (event.signal == sig::ttin || event.signal == sig::ttou) &&
                                event.foreground != Foreground::unknown;
    if (wants_terminal && event.foreground != Foreground::usher) return;
    if (wants_terminal) actions.add(ActionKind::give_terminal);
    actions.add(ActionKind::resume);
}

// usher's own stop did not happen: nothing but SIGSTOP stops an orphaned process group, and without
// usher the program would have been in it.
void Supervisor::hand_over_again(const Event& event, Actions& actions) {
    const bool ours = event.foreground == Foreground::usher;
    if (ours) actions.add(ActionKind::give_terminal);
    if (event.signal == sig::tstp || (ours && event.signal != sig::stop)) {
        actions.add(ActionKind::resume);
    }
}

void Supervisor::main_is_gone(const Event& event, Actions& actions) {
    main_status_ = event.status;
    program_stopped_ = false;
    if (event.foreground == Foreground::program) actions.add(ActionKind::take_terminal);
    if (settings_.term_at_end) send(sig::term, actions);
}

void Supervisor::begin_linger(const Event& event, Actions& actions) {
    main_is_gone(event, actions);
    if (settings_.linger == 0) {
        state_ = State::ended;
        deadline_ = infinite;
        actions.add(ActionKind::leave);
        return;
    }
    state_ = State::lingering;
    deadline_ = std::min(after(event.now, settings_.linger), grace_end_);
    if (settings_.linger_signal != 0) actions.add(ActionKind::tell_rest, settings_.linger_signal);
}

// The program is gone and cannot be forwarded to, but whoever is left should hear of the stop, and
// from the first such signal on the grace counts.
void Supervisor::tell_again(const Event& event, Actions& actions) {
    if (!grace_began_) {
        grace_began_ = true;
        grace_end_ = after(event.now, settings_.grace);
        deadline_ = std::min(deadline_, grace_end_);
    }
    const int to_send = settings_.rewrite[static_cast<std::size_t>(event.signal)];
    if (to_send != 0) actions.add(ActionKind::tell_rest, to_send);
}

void Supervisor::begin_killing(Time now, Actions& actions) {
    state_ = State::killing;
    deadline_ = after(now, kill_patience);
    actions.add(ActionKind::name_survivors);
    actions.add(ActionKind::kill_rest);
}

void Supervisor::leave(const Event& event, Actions& actions) {
    if (!main_status_ && event.status) main_is_gone(event, actions);
    state_ = State::ended;
    deadline_ = infinite;
    actions.add(ActionKind::leave);
}

}  // namespace usher
