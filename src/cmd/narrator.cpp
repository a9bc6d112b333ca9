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
        case Whom::descendants: break;
    }
    return "all descendants";
}

// A sentence of the wording, as text of a record.
class Sentence {
  public:
    Sentence(Literal pattern, const Facts& facts) { add_sentence(text_, pattern, facts); }
    [[nodiscard]] std::string_view view() const { return text_.view(); }

  private:
    char room_[192];
    Writer text_{room_};
};

}  // namespace

void Narrator::no_subreaper() {
    log_.write({.level = Level::warning,
                .event = "no-subreaper",
                .text = settings_.wording.no_subreaper.view()});
}

void Narrator::no_parent_death() {
    log_.write({.level = Level::warning,
                .event = "no-parent-death",
                .text = "the parent's death will not be noticed"});
}

void Narrator::tell_started(int pid, std::string_view name) {
    const Sentence text(settings_.wording.started, {.name = name, .pid = pid});
    log_.write({.event = "started", .text = text.view(), .pid = pid, .process = name});
}

void Narrator::tell_received(const sys::Received& received) {
    const Sentence text(settings_.wording.received,
                        {.pid = received.pid, .signal = received.signal});
    log_.write({.level = settings_.wording.received_at,
                .event = "received",
                .text = text.view(),
                .pid = received.pid,
                .signal = received.signal});
}

void Narrator::tell_child_news() {
    log_.write({.level = Level::debug, .text = settings_.wording.child_news.view()});
}

void Narrator::tell_main_ended(int pid, int wait_status) {
    const Sentence text(settings_.wording.main_ended, {.pid = pid, .wait_status = wait_status});
    log_.write({.event = "main-ended",
                .text = text.view(),
                .pid = pid,
                .exit_code = shell_code(wait_status)});
}

void Narrator::tell_reaped(Level level, int pid, int wait_status) {
    const Sentence text(settings_.wording.reaped, {.pid = pid, .wait_status = wait_status});
    log_.write({.level = level,
                .event = "reaped",
                .text = text.view(),
                .pid = pid,
                .exit_code = shell_code(wait_status)});
}

void Narrator::tell_entered(State state, int exit_code) {
    char room[160];
    Writer text(room);
    text.add(state_name(state));
    switch (state) {
        case State::draining:
            add_duration(text.add(": serving on for "), settings_.pre_stop);
            text.add(" before the stop signal is forwarded");
            break;
        case State::stopping: add_duration(text.add(": grace "), settings_.grace); break;
        case State::lingering:
            add_duration(text.add(": waiting up to "), settings_.linger);
            text.add(" for what the main process left behind");
            break;
        case State::ended: text.add(": exit code ").add(exit_code); break;
        case State::starting:
        case State::running:
        case State::killing: break;
    }
    log_.write({.event = "state",
                .text = text.view(),
                .exit_code = state == State::ended ? exit_code : -1,
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

void Narrator::Survivors::add(int pid, std::string_view name) {
    if (count_++ >= named_.size()) return;
    Survivor& survivor = named_[count_ - 1];
    survivor.pid = pid;
    Writer(std::span(survivor.process, sizeof survivor.process - 1)).add_untrusted(name);
}

void Narrator::killing(Survivors& survivors) {
    const auto named =
        std::span(survivors.named_).first(std::min(survivors.count_, survivors.named_.size()));
    char room[640];
    Writer text(room);
    text.add("killing what did not stop:");
    if (survivors.are_unknown_) text.add(" unknown processes (no /proc)");
    for (const Survivor& survivor : named) {
        text.add(&survivor == named.data() ? Literal(" ") : Literal(", ")).add(survivor.pid);
        text.add(" (").add_untrusted(survivor.process).add(')');
    }
    const std::size_t unnamed = survivors.count_ - named.size();
    if (unnamed > 0) text.add(" and ").add(unnamed).add(" more");
    log_.write(
        {.level = Level::warning, .event = "survivors", .text = text.view(), .survivors = named});
}

}  // namespace usher::cmd
