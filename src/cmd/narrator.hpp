// SPDX-License-Identifier: MIT
// What is said of what happens in the run form. The loop calls with facts; only here are they made
// sentences. Whether anybody listens is looked at first, in line: the loop's code lies apart from
// the narrator's, which is not to become resident for nothing.
#pragma once

#include <errno.h>

#include "kernel.hpp"
#include "log.hpp"
#include "supervisor.hpp"

namespace usher::cmd {

/// To whom a signal was sent.
enum class Whom : std::uint8_t { process, group, everybody, descendants, unreached };

class Narrator {
  public:
    /// Both must outlive the narrator.
    Narrator(const RunSettings& settings, sys::Log& log) : settings_(settings), log_(log) {}

    void no_subreaper();
    void no_parent_death();
    void shell_is_init(std::string_view name);
    void started(int pid, std::string_view name) {
        if (log_.enabled(Level::info)) tell_started(pid, name);
    }
    [[gnu::hot]] void received(const sys::Received& received) {
        if (log_.enabled(settings_.wording.received_at)) tell_received(received);
    }
    [[gnu::hot]] void child_news() {
        if (log_.enabled(Level::debug) && !settings_.wording.child_news.empty()) tell_child_news();
    }
    [[gnu::hot]] void main_ended(int pid, int wait_status) {
        if (log_.enabled(Level::info)) tell_main_ended(pid, wait_status);
    }
    [[gnu::hot]] void reaped(int pid, int wait_status) {
        const Level level = settings_.warn_reaped ? Level::warning : Level::debug;
        if (log_.enabled(level)) tell_reaped(level, pid, wait_status);
    }
    [[gnu::hot]] void entered(State state, const Supervisor& supervisor, Time now) {
        if (log_.enabled(Level::info)) tell_entered(state, supervisor, now);
    }
    /// `error` 0: it was sent. Who may have ended by themselves are no news; the main process,
    /// which is reaped by usher alone, cannot be gone.
    [[gnu::hot]] void sent(Whom whom, int pid, int signal, const Error& error) {
        const bool may_be_gone = whom != Whom::process;
        const bool is_news = error.number != 0 && !(may_be_gone && error.number == ESRCH);
        const Level level = is_news ? Level::warning : Level::info;
        if (log_.enabled(level)) tell_sent(level, whom, pid, signal, error);
    }

    /// The linger's signal to nobody: without /proc nobody can tell who has heard of the stop.
    void tells_nobody(int signal);

    void dropped(const sys::Received& received) {
        if (log_.enabled(Level::info)) tell_dropped(received);
    }
    void cannot_wait(const Error& error);
    void waiting_failed(int wait_status);

    void no_watcher(const Error& error, Duration delay);
    void watcher_ended(int wait_status, Duration delay);
    void not_notified(const Error& error);
    /// By --heal: what is done about it.
    void unhealthy();

    /// Processes, one after the other: "7 (app), 9 (worker)".
    class ProcessList {
      public:
        enum class Note : std::uint8_t { none, from_outside, ignores_it, blocks_it };
        void add(int pid, std::string_view name, Note note);

      private:
        friend class Narrator;
        [[nodiscard]] std::span<const Survivor> named() const {
            return std::span(named_).first(std::min(count_, named_.size()));
        }
        void add_to(Writer& text) const;
        std::array<Survivor, 16> named_{};
        std::array<Note, 16> notes_{};
        std::size_t count_ = 0;
    };
    [[nodiscard]] bool asks_for_survivors() const { return log_.enabled(Level::warning); }
    void still_running(const ProcessList& processes, int signal);
    void killing(const ProcessList& processes);

  private:
    void say(Level level, Literal event, Literal pattern, const Facts& facts, int exit_code = -1);
    [[gnu::noinline]] void tell_started(int pid, std::string_view name);
    [[gnu::noinline]] void tell_received(const sys::Received& received);
    [[gnu::noinline]] void tell_child_news();
    [[gnu::noinline]] void tell_dropped(const sys::Received& received);
    [[gnu::noinline]] void tell_main_ended(int pid, int wait_status);
    [[gnu::noinline]] void tell_reaped(Level level, int pid, int wait_status);
    [[gnu::noinline]] void tell_entered(State state, const Supervisor& supervisor, Time now);
    [[gnu::noinline]] void tell_sent(Level level, Whom whom, int pid, int signal,
                                     const Error& error);

    const RunSettings& settings_;
    sys::Log& log_;
};

}  // namespace usher::cmd
