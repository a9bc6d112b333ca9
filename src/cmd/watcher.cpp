// SPDX-License-Identifier: MIT
#include "watcher.hpp"

#include "exit_status.hpp"
#include "file.hpp"
#include "notify.hpp"
#include "proc.hpp"
#include "release_inherited.hpp"
#include "run_checks.hpp"
#include "spawn.hpp"

namespace usher::cmd {

namespace {

constexpr Duration shortest_delay = 1 * second;
constexpr Duration longest_delay = 30 * second;
constexpr Duration usual_start = 60 * second;
static_assert(CheckList::most <= Prober::most_checks);

struct Start {
    const RunSettings& settings;
    const Invocation& invocation;
    int parent;
    Time started;
    bool has_passed;
    bool was_ready;
};

void show(Wellness wellness) {
    char room[16];
    Writer name(room);
    add_watcher_name(name, wellness);
    name.add('\0');
    (void)sys::set_name(room);
}

// What it says of a round: each counted failure with its reason, and that all is well again.
class Report {
  public:
    Report(const Start& start, Prober& prober)
        : settings_(start.settings),
          prober_(prober),
          log_(settings_.wording.style.format, settings_.verbosity),
          narrator_(settings_, log_),
          is_owed_readiness_(!start.was_ready),
          overdue_at_(after(start.started, usual_start)) {}

    void tell(const Rounds& rounds, Wellness before, int failures_before) {
        const Wellness now = rounds.wellness();
        const bool is_ready = now == Wellness::healthy && is_owed_readiness_;
        if (now != before || is_ready) tell_manager(now, is_ready);
        // After that: who takes our place knows by it what was told.
        if (now != before) show(now);
        if (rounds.failures() > failures_before) {
            tell_each(rounds.is_unhealthy() ? Literal("heal") : Literal("unhealthy"),
                      Level::warning, rounds.failures());
        } else if (now == Wellness::healthy && before != Wellness::healthy) {
            tell_each("healthy", before == Wellness::failing ? Level::warning : Level::info, 0);
        } else if (!prober_.all_healthy()) {
            tell_uncounted(now);
        }
    }

  private:
    void tell_manager(Wellness wellness, bool is_ready) {
        if (settings_.notify_socket.empty()) return;
        char room[48];
        Writer text(room);
        if (is_ready) text.add("READY=1\n");
        text.add("STATUS=").add(wellness_name(wellness));
        const auto told = sys::notify(settings_.notify_socket, text.view());
        if (!told) return narrator_.not_notified(told.error);
        if (is_ready) is_owed_readiness_ = false;
    }

    void tell_each(Literal event, Level level, int failures) {
        for (std::size_t i = 0; i < prober_.count(); ++i) {
            if (failures == 0 || !prober_.is_healthy(i)) tell_one(event, level, i, failures);
        }
    }
    // Each new reason. As a warning one that no round will change, a misused check, and once what
    // has not passed long after the start: perhaps it never can.
    void tell_uncounted(Wellness now) {
        const bool is_overdue = now == Wellness::starting && sys::monotonic_clock() >= overdue_at_;
        if (is_overdue) overdue_at_ = infinite;
        for (std::size_t i = 0; i < prober_.count(); ++i) {
            if (prober_.is_healthy(i) || !(is_overdue || prober_.has_changed(i))) continue;
            const bool is_warning = is_overdue || prober_.is_misused(i);
            tell_one(
                "unhealthy", is_warning ? Level::warning : Level::info, i, 0,
                is_overdue ? Literal("; it was never healthy, so nothing is done") : Literal());
        }
    }
    void tell_one(Literal event, Level level, std::size_t index, int failures, Literal note = {}) {
        if (!log_.enabled(level)) return;
        char room[320];
        Writer text(room);
        prober_.add_result(text, index);
        text.cut(text.size() - 1);  // the newline
        if (failures > 0) text.add(", ").add(failures).add(" of ").add(settings_.heal.retries);
        text.add(note);
        log_.write({.level = level,
                    .event = event,
                    .text = text.view(),
                    .check = prober_.check(index).text});
    }

    const RunSettings& settings_;
    Prober& prober_;
    sys::Log log_;
    Narrator narrator_;
    bool is_owed_readiness_;
    Time overdue_at_;
};

// What it hears meanwhile was meant for others: it goes on.
void sleep_until(Prober& prober, Time end) {
    while (prober.pause(end) != 0) {
    }
}

Round make_round(Prober& prober, Duration timeout) {
    Round round{.began = sys::monotonic_clock()};
    const int interrupted = prober.run(after(round.began, timeout));
    if (interrupted == 0) prober.drain();
    round.ended = sys::monotonic_clock();
    round.has_passed = interrupted == 0 && prober.all_healthy();
    round.was_made = interrupted == 0 && prober.all_made() && !prober.any_misused();
    return round;
}

int watch(const Start& start) {
    const HealSettings& heal = start.settings.heal;
    RunChecks checks(start.invocation, Command::probe, heal.timeout);
    Prober* const made = checks.make_prober(heal.checks);
    if (made == nullptr) return to_int(ExitCode::usher_failed);
    Prober& prober = *made;
    Report report(start, prober);
    Rounds rounds(heal, start.started, start.has_passed, sys::monotonic_clock());
    while (!rounds.is_unhealthy()) {
        sleep_until(prober, rounds.due());
        // The kernel may have refused to end us with it.
        if (sys::getppid() != start.parent) return to_int(ExitCode::usher_failed);
        const Wellness before = rounds.wellness();
        const int failures_before = rounds.failures();
        rounds.note(make_round(prober, heal.timeout));
        report.tell(rounds, before, failures_before);
    }
    return to_int(ExitCode::healed);
}

// In a session of its own, with stderr alone, and no longer than usher lives.
int run_watcher(void* context) {
    const Start& start = *static_cast<Start*>(context);
    show(Wellness::starting);
    (void)sys::set_parent_death_signal(sig::kill);
    if (sys::getppid() != start.parent) return to_int(ExitCode::usher_failed);
    (void)sys::setsid();
    release_inherited(-1);
    sys::close(sys::stdin_fd);
    sys::close(sys::stdout_fd);
    return watch(start);
}

}  // namespace

void Watcher::start() {
    if (!settings_.heal.is_on()) return;
    is_wanted_ = true;
    started_ = sys::monotonic_clock();
    delay_ = shortest_delay;
    launch();
}

void Watcher::launch() {
    restart_at_ = infinite;
    launched_ = sys::monotonic_clock();
    Start start{.settings = settings_,
                .invocation = invocation_,
                .parent = sys::getpid(),
                .started = started_,
                .has_passed = has_passed_,
                .was_ready = was_ready_};
    const auto pid = sys::fork(run_watcher, &start, end_signal);
    if (pid) {
        pid_ = pid.value;
        return;
    }
    narrator_.no_watcher(pid.error, delay_);
    put_off(sys::monotonic_clock());
}

void Watcher::put_off(Time now) {
    if (now - launched_ > longest_delay) delay_ = shortest_delay;
    restart_at_ = after(now, delay_);
    delay_ = std::min(2 * delay_, longest_delay);
}

void Watcher::stop() {
    is_wanted_ = false;
    restart_at_ = resume_at_ = infinite;
    if (pid_ != 0) (void)sys::kill(pid_, sig::kill);
}

bool Watcher::look() {
    if (pid_ == 0) return false;
    // A zombie still has its name; once it is reaped nobody knows what it was called.
    const auto stat = is_wanted_ ? sys::read_stat(pid_) : Error{.number = ESRCH};
    const auto waited = sys::wait_clone(pid_);
    if (waited && waited.value.pid == 0) return false;
    const Time now = sys::monotonic_clock();
    if (!waited) {
        // Its end is told once. A CONT does no harm.
        if (is_wanted_) resume_at_ = after(now, 1 * second);
        return false;
    }
    const int status = waited.value.status;
    if (has_stopped(status)) {
        const Time earliest = after(resumed_, 1 * second);
        if (is_wanted_) resume_at_ = std::max(now, earliest);
        return false;
    }
    pid_ = 0;
    resume_at_ = infinite;
    if (!is_wanted_) return false;
    if (status == to_int(ExitCode::healed) << 8) return true;
    const auto wellness = stat ? wellness_in(stat.value.name) : std::nullopt;
    if (wellness && *wellness != Wellness::starting) has_passed_ = true;
    if (wellness == Wellness::healthy) was_ready_ = true;
    narrator_.watcher_ended(status, delay_);
    put_off(now);
    return false;
}

void Watcher::reap() {
    for (int tries = 100; tries > 0 && pid_ != 0; --tries) {
        (void)look();
        if (pid_ != 0) (void)sys::rt_sigtimedwait(set_of(sig::chld), millisecond);
    }
}

void Watcher::ring(Time now) {
    if (now >= resume_at_) {
        resume_at_ = infinite;
        resumed_ = now;
        (void)sys::kill(pid_, sig::cont);
    }
    if (now >= restart_at_) launch();
}

}  // namespace usher::cmd
