// SPDX-License-Identifier: MIT
#include "supervisor.hpp"

#include <algorithm>

#include "exit_status.hpp"

namespace usher {

namespace {

constexpr char state_names[state_count][10] = {"starting", "waiting",   "running", "draining",
                                               "stopping", "lingering", "killing", "ended"};
static_assert(static_cast<int>(State::ended) == state_count - 1);

using enum Reaction;
// clang-format off
[[gnu::section(".rodata.hot")]] constexpr Reaction table[state_count][event_count] = {
// started  stop_signal  other_signal  stopped      continued       resumed    main_ended    nobody_left  somebody_ended  unhealthy   deadline
  {run,     none,        none,         none,        none,           none,      none,         none,        none,           none,       none},           // starting
  {run,     none,        none,         none,        none,           none,      none,         none,        none,           none,       none},           // waiting
  {none,    begin_stop,  forward,      job_control, note_continued, hand_over, begin_linger, leave,       none,           begin_heal, none},           // running
  {none,    end_drain,   forward,      job_control, note_continued, hand_over, begin_linger, leave,       none,           none,       end_drain},      // draining
  {none,    begin_stop,  forward,      resume,      note_continued, hand_over, begin_linger, leave,       none,           none,       begin_killing},  // stopping
  {none,    tell_again,  pass_on,      none,        none,           none,      none,         leave,       none,           none,       begin_killing},  // lingering
  {none,    none,        none,         none,        none,           none,      note_end,     leave,       kill_again,     none,       leave},          // killing
  {none,    none,        none,         none,        none,           none,      none,         none,        none,           none,       none},           // ended
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
    if (event.last_status && is_daemon_) last_status_ = event.last_status;
    if (event.kind == EventKind::deadline && ring_timer(event.now, actions)) return actions;
    switch (reaction_to(state_, event.kind)) {
        case Reaction::none: break;
        case Reaction::run: state_ = State::running; break;
        case Reaction::begin_stop: begin_stop(event, actions); break;
        case Reaction::begin_heal: begin_heal(event.now, actions); break;
        case Reaction::end_drain:
            if (event.kind == EventKind::stop_signal) pending_stop_ = event.signal;
            forward_stop(event.now, actions);
            break;
        case Reaction::forward: forward(event, actions); break;
        case Reaction::job_control: job_control(event, actions); break;
        case Reaction::resume: resume_while_stopping(event, actions); break;
        case Reaction::note_continued: program_stopped_ = false; break;
        case Reaction::hand_over:
            if (program_alive()) hand_over_again(event, actions);
            break;
        case Reaction::begin_linger: begin_linger(event, actions); break;
        case Reaction::tell_again: tell_again(event, actions); break;
        case Reaction::pass_on: pass_on(event, actions); break;
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
    if (is_healing_) return to_int(ExitCode::healed);
    const auto& status = last_status_ ? last_status_ : main_status_;
    const int code = status ? shell_code(*status) : to_int(ExitCode::killed);
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
    if (state_ != State::stopping) begin_stopping(now, settings_.grace, as_sent(pending_stop_));
    send(pending_stop_, true, actions);
}

void Supervisor::begin_heal(Time now, Actions& actions) {
    is_healing_ = true;
    begin_stopping(now, settings_.heal.grace, settings_.heal.signal);
    deliver(settings_.heal.signal, true, true, actions);
}

void Supervisor::begin_stopping(Time now, Duration grace, int signal) {
    state_ = State::stopping;
    begin_grace(now, grace);
    deadline_ = grace_end_;
    if (settings_.advises) still_running_at_ = after(now, stop_patience);
    first_stop_ = signal;
}

void Supervisor::begin_grace(Time now, Duration grace) {
    if (grace_began_) return;
    grace_began_ = true;
    grace_start_ = now;
    grace_end_ = after(now, grace);
    set_next_escalation();
}

void Supervisor::set_next_escalation() {
    const bool is_left = escalations_sent_ < settings_.escalation_count;
    escalation_at_ =
        is_left ? after(grace_start_, settings_.escalations[escalations_sent_].delay) : infinite;
}

// What is due besides the state's own deadline, which comes after it.
bool Supervisor::ring_timer(Time now, Actions& actions) {
    if (now >= escalation_at_) {
        const int signal = settings_.escalations[escalations_sent_++].signal;
        set_next_escalation();
        const bool has_program = state_ == State::stopping && !is_daemon_;
        actions.add(has_program ? target_of(signal, true) : ActionKind::tell_rest, signal);
        if (has_program && program_stopped_) actions.add(ActionKind::resume);
        return true;
    }
    if (now >= still_running_at_) {
        still_running_at_ = infinite;
        if (first_stop_ != 0) actions.add(ActionKind::name_still_running, first_stop_);
        return true;
    }
    return false;
}

void Supervisor::send(int signal, bool is_stop, Actions& actions) {
    const int to_send = as_sent(signal);
    if (to_send != 0) deliver(to_send, is_stop, is_stop || signal == sig::hup, actions);
}

void Supervisor::deliver(int signal, bool is_stop, bool is_end, Actions& actions) {
    if (is_daemon_) {
        actions.add(is_end ? ActionKind::tell_rest : ActionKind::to_all, signal);
        return;
    }
    const ActionKind target = target_of(signal, is_stop);
    if (is_stop && target != ActionKind::to_main) reached_by_ |= set_of(signal);
    actions.add(target, signal);
    // A stopped process keeps its signals pending; only SIGCONT lets it act on them.
    if (is_end && program_stopped_) actions.add(ActionKind::resume);
}

// A HUP or USR1 that reaches the workers as well makes many a server drop what it serves; a stop,
// and what the terminal does to a job, concerns the whole group.
ActionKind Supervisor::target_of(int signal, bool is_stop) const {
    switch (settings_.forward) {
        case Forward::main: return ActionKind::to_main;
        case Forward::group: return ActionKind::to_group;
        case Forward::all: return ActionKind::to_all;
        case Forward::split: break;
    }
    constexpr SignalSet of_a_job =
        set_of(sig::tstp) | set_of(sig::ttin) | set_of(sig::ttou) | set_of(sig::cont);
    return is_stop || contains(of_a_job, signal) ? ActionKind::to_group : ActionKind::to_main;
}

void Supervisor::forward(const Event& event, Actions& actions) {
    terminal_stop_ = event.signal == sig::tstp && event.by_kernel;
    if (event.signal == sig::cont && event.foreground == Foreground::usher && !is_daemon_) {
        actions.add(ActionKind::give_terminal);
    }
    if (event.signal == sig::cont && program_stopped_) {
        actions.add(ActionKind::resume);
        return;
    }
    send(event.signal, false, actions);
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
    if (settings_.term_at_end) send(sig::term, true, actions);
}

// A main process that ends well, and whom --until all does not take for the whole program.
bool Supervisor::becomes_a_daemon(const Event& event) const {
    return settings_.until == Until::all && state_ <= State::draining && event.status == 0;
}

void Supervisor::begin_linger(const Event& event, Actions& actions) {
    is_daemon_ = becomes_a_daemon(event);
    main_is_gone(event, actions);
    if (is_daemon_) return;
    still_running_at_ = infinite;
    if (settings_.linger == 0) return end(actions);
    // The stop signal that is held back will not be sent any more; what it asked for begins now.
    if (state_ == State::draining) begin_grace(event.now, settings_.grace);
    state_ = State::lingering;
    deadline_ = linger_end(after(event.now, settings_.linger));
    if (settings_.linger_signal != 0) {
        actions.add(ActionKind::tell_unreached, settings_.linger_signal);
    }
}

// `linger_over`: when the linger's own time is over.
Time Supervisor::linger_end(Time linger_over) const {
    if (grace_end_ != infinite && !settings_.linger_is_given) return grace_end_;
    return std::min(linger_over, grace_end_);
}

// The program is gone and cannot be forwarded to, but whoever is left should hear of the stop, and
// from the first such signal on the grace counts.
void Supervisor::tell_again(const Event& event, Actions& actions) {
    if (!grace_began_) {
        begin_grace(event.now, settings_.grace);
        deadline_ = linger_end(deadline_);
    }
    const int to_send = as_sent(event.signal);
    // Sent to usher and the main process together, as systemd does: the linger has told everybody.
    const bool has_told = event.with_the_end && reached_by_ == 0;
    if (to_send == 0 || (has_told && to_send == settings_.linger_signal)) return;
    actions.add(ActionKind::tell_rest, to_send);
}

// Any other signal while lingering: the program cannot be asked, those who are left can.
void Supervisor::pass_on(const Event& event, Actions& actions) {
    const int to_send = as_sent(event.signal);
    if (to_send != 0) actions.add(ActionKind::to_all, to_send);
}

void Supervisor::begin_killing(Time now, Actions& actions) {
    state_ = State::killing;
    deadline_ = after(now, kill_patience);
    escalation_at_ = still_running_at_ = infinite;
    actions.add(ActionKind::name_survivors);
    actions.add(ActionKind::kill_rest);
}

void Supervisor::leave(const Event& event, Actions& actions) {
    if (!main_status_ && event.status) {
        if (becomes_a_daemon(event)) last_status_ = event.last_status;
        main_is_gone(event, actions);
    }
    end(actions);
}

void Supervisor::end(Actions& actions) {
    state_ = State::ended;
    deadline_ = escalation_at_ = still_running_at_ = infinite;
    actions.add(ActionKind::leave);
}

}  // namespace usher
