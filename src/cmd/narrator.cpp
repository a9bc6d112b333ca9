// SPDX-License-Identifier: MIT
#include "narrator.hpp"

#include <algorithm>

#include "error_text.hpp"
#include "exit_status.hpp"

namespace usher::cmd {

namespace {

Literal name_of(Whom whom) {
    switch (whom) {
        case Whom::process: return "process";
        case Whom::group: return "process group";
        case Whom::everybody: return "every process";
        case Whom::descendants: return "all descendants";
        case Whom::unreached: break;
    }
    return "those whom no stop signal had reached";
}

Literal text_of(Narrator::ProcessList::Note note) {
    using enum Narrator::ProcessList::Note;
    switch (note) {
        case none: break;
        case from_outside: return " from outside";
        case ignores_it: return " ignores it";
        case blocks_it: return " blocks it";
    }
    return {};
}

}  // namespace

// A sentence of the wording. The record has the same facts.
void Narrator::say(Level level, Literal event, Literal pattern, const Facts& facts, int exit_code) {
    char room[512];
    Writer text(room);
    add_sentence(text, pattern, facts);
    log_.write({.level = level,
                .event = event,
                .text = text.view(),
                .pid = facts.pid,
                .signal = facts.signal,
                .exit_code = exit_code,
                .process = facts.name});
}

void Narrator::no_subreaper() {
    say(Level::warning, "no-subreaper", settings_.wording.no_subreaper, {});
}

void Narrator::no_parent_death() {
    say(Level::warning, "no-parent-death", "the parent's death will not be noticed", {});
}

void Narrator::shell_is_init(std::string_view name) {
    say(Level::warning, "shell-is-init",
        "PID 1 is a shell ({name}), which keeps a stop signal to itself: write ENTRYPOINT or CMD "
        "as a list of words",
        {.name = name});
}

void Narrator::tell_started(int pid, std::string_view name) {
    say(Level::info, "started", settings_.wording.started, {.name = name, .pid = pid});
}

void Narrator::tell_received(const sys::Received& received) {
    say(settings_.wording.received_at, "received", settings_.wording.received,
        {.pid = received.pid, .signal = received.signal});
}

void Narrator::tell_child_news() {
    say(Level::debug, "child-news", settings_.wording.child_news, {});
}

void Narrator::tell_main_ended(int pid, int wait_status) {
    say(Level::info, "main-ended", settings_.wording.main_ended,
        {.pid = pid, .wait_status = wait_status}, shell_code(wait_status));
}

void Narrator::tell_reaped(Level level, int pid, int wait_status) {
    say(level, "reaped", settings_.wording.reaped, {.pid = pid, .wait_status = wait_status},
        shell_code(wait_status));
}

void Narrator::tell_entered(State state, const Supervisor& supervisor, Time now) {
    char room[160];
    Writer text(room);
    text.add(state_name(state));
    switch (state) {
        case State::draining:
            add_duration(text.add(": serving on for "), settings_.pre_stop);
            text.add(" before the stop signal is forwarded");
            break;
        case State::stopping: add_duration(text.add(": grace "), supervisor.time_left(now)); break;
        case State::lingering:
            add_duration(text.add(": waiting up to "), supervisor.time_left(now));
            text.add(" for what the main process left behind");
            break;
        case State::ended: text.add(": exit code ").add(supervisor.exit_code()); break;
        case State::waiting: add_duration(text.add(": up to "), settings_.wait.timeout); break;
        case State::starting:
        case State::running:
        case State::killing: break;
    }
    log_.write({.event = "state",
                .text = text.view(),
                .exit_code = state == State::ended ? supervisor.exit_code() : -1,
                .state = state_name(state)});
}

void Narrator::tell_sent(Level level, Whom whom, int pid, int signal, const Error& error) {
    const bool was_sent = error.number == 0;
    char room[160];
    Writer text(room);
    text.add(was_sent ? Literal("sent ") : Literal("cannot send "));
    add_signal_name(text, signal);
    text.add(" to ").add(name_of(whom));
    if (pid != 0) text.add(' ').add(pid);
    if (!was_sent) sys::add_error(text.add(": "), error.number);
    log_.write({.level = level,
                .event = was_sent ? Literal("sent") : Literal("not-sent"),
                .text = text.view(),
                .pid = whom == Whom::group ? 0 : pid,
                .pgid = whom == Whom::group ? pid : 0,
                .signal = signal});
}

void Narrator::tells_nobody(int signal) {
    say(Level::warning, "not-told",
        "nobody is sent {signal}: without /proc it is not known who has heard of the stop",
        {.signal = signal});
}

void Narrator::tell_dropped(const sys::Received& received) {
    say(Level::info, "dropped", "dropped {signal} while waiting: there is no program yet",
        {.pid = received.pid, .signal = received.signal});
}

void Narrator::cannot_wait(const Error& error) {
    char room[160];
    Writer text(room);
    sys::add_error(text.add("cannot wait for the checks: "), error.number);
    log_.write({.level = Level::error, .event = "wait-failed", .text = text.view()});
}

void Narrator::waiting_failed(int wait_status) {
    say(Level::error, "wait-failed", "the process that makes the checks of --wait-for: {end}",
        {.wait_status = wait_status}, shell_code(wait_status));
}

void Narrator::no_watcher(const Error& error, Duration delay) {
    char room[160];
    Writer text(room);
    sys::add_error(text.add("cannot start the watcher: "), error.number);
    add_duration(text.add("; again in "), delay);
    log_.write({.level = Level::warning, .event = "watcher", .text = text.view()});
}

void Narrator::not_notified(const Error& error) {
    char room[160];
    Writer text(room);
    sys::add_error(text.add("cannot tell NOTIFY_SOCKET: "), error.number);
    log_.write({.level = Level::warning, .event = "not-notified", .text = text.view()});
}

void Narrator::watcher_ended(int wait_status, Duration delay) {
    char room[160];
    Writer text(room);
    add_sentence(text, "the watcher: {end}", {.wait_status = wait_status});
    add_duration(text.add("; again in "), delay);
    log_.write({.level = Level::warning,
                .event = "watcher",
                .text = text.view(),
                .exit_code = shell_code(wait_status)});
}

void Narrator::unhealthy() {
    char room[160];
    Writer text(room);
    add_signal_name(text.add("stopping the unhealthy program: "), settings_.heal.signal);
    add_duration(text.add(", SIGKILL after "), settings_.heal.grace);
    log_.write({.level = Level::warning,
                .event = "heal",
                .text = text.view(),
                .signal = settings_.heal.signal});
}

void Narrator::ProcessList::add(int pid, std::string_view name, Note note) {
    if (count_++ >= named_.size()) return;
    notes_[count_ - 1] = note;
    Survivor& survivor = named_[count_ - 1];
    survivor.pid = pid;
    Writer(std::span(survivor.process, sizeof survivor.process - 1)).add_untrusted(name);
}

void Narrator::ProcessList::add_to(Writer& text) const {
    if (count_ == 0) text.add(" processes that /proc does not show");
    for (std::size_t i = 0; i < named().size(); ++i) {
        text.add(i == 0 ? Literal(" ") : Literal(", ")).add(named_[i].pid);
        text.add(" (").add_untrusted(named_[i].process).add(')').add(text_of(notes_[i]));
    }
    const std::size_t unnamed = count_ - named().size();
    if (unnamed > 0) text.add(" and ").add(unnamed).add(" more");
}

void Narrator::still_running(const ProcessList& processes, int signal) {
    if (processes.named().empty()) return;
    char room[1024];
    Writer text(room);
    text.add("still running ");
    add_duration(text, stop_patience);
    add_signal_name(text.add(" after "), signal);
    processes.add_to(text.add(':'));
    log_.write({.level = Level::warning,
                .event = "still-running",
                .text = text.view(),
                .signal = signal,
                .survivors = processes.named()});
}

void Narrator::killing(const ProcessList& processes) {
    char room[1024];
    Writer text(room);
    processes.add_to(text.add("killing what did not stop:"));
    log_.write({.level = Level::warning,
                .event = "survivors",
                .text = text.view(),
                .survivors = processes.named()});
}

}  // namespace usher::cmd
