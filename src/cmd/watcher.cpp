// SPDX-License-Identifier: MIT
#include "watcher.hpp"

#include "exit_status.hpp"
#include "file.hpp"
#include "heal_checks.hpp"
#include "notify.hpp"
#include "prober.hpp"
#include "proc.hpp"
#include "release_inherited.hpp"
#include "spawn.hpp"

namespace usher::cmd {

namespace {

constexpr Duration shortest_delay = 1 * second;
constexpr Duration longest_delay = 30 * second;

struct Start {
    const RunSettings& settings;
    const Invocation& invocation;
    int parent;
    Time started;
    bool has_passed;
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
    Report(const Start& start, const Prober& prober)
        : settings_(start.settings),
          prober_(prober),
          log_(settings_.wording.style.format, settings_.verbosity),
          narrator_(settings_, log_),
          was_ready_(start.has_passed) {}

    void entered(Wellness wellness) {
        show(wellness);
        if (settings_.notify_socket.empty()) return;
        char room[48];
        Writer text(room);
        // Once, whichever of several watchers saw it.
        if (wellness == Wellness::healthy && !was_ready_) text.add("READY=1\n");
        was_ready_ = was_ready_ || wellness == Wellness::healthy;
        text.add("STATUS=").add(wellness_name(wellness));
        const auto told = sys::notify(settings_.notify_socket, text.view());
        if (!told) narrator_.not_notified(told.error);
    }
    void tell(const Rounds& rounds, Wellness before, int failures_before) {
        if (rounds.failures() > failures_before) {
            tell_each(rounds.is_unhealthy() ? Literal("heal") : Literal("unhealthy"),
                      Level::warning, rounds.failures());
        } else if (rounds.wellness() == Wellness::healthy && before != Wellness::healthy) {
            tell_each("healthy", before == Wellness::failing ? Level::warning : Level::info, 0);
        }
    }

  private:
    void tell_each(Literal event, Level level, int failures) {
        if (!log_.enabled(level)) return;
        for (std::size_t i = 0; i < prober_.count(); ++i) {
            if (failures > 0 && prober_.is_healthy(i)) continue;
            char room[320];
            Writer text(room);
            prober_.add_result(text, i);
            text.cut(text.size() - 1);  // the newline
            if (failures > 0) {
                text.add(", ").add(failures).add(" of ").add(settings_.heal.retries);
            }
            log_.write(
                {.level = level, .event = event, .text = text.view(), .check = prober_.text(i)});
        }
    }

    const RunSettings& settings_;
    const Prober& prober_;
    sys::Log log_;
    Narrator narrator_;
    bool was_ready_;
};

// What it hears meanwhile was meant for others: it goes on.
void sleep_until(Prober& prober, Time end) {
    while (prober.pause(end) != 0) {
    }
}

Round make_round(Prober& prober, Duration timeout) {
    Round round{.began = sys::monotonic_clock()};
    const int interrupted = prober.run(after(round.began, timeout));
    round.ended = sys::monotonic_clock();
    round.has_passed = interrupted == 0 && prober.all_healthy();
    round.was_made = interrupted == 0 && prober.all_made() && !prober.any_misused();
    if (interrupted == 0) prober.drain();
    return round;
}

int watch(const Start& start) {
    const HealSettings& heal = start.settings.heal;
    // These were accepted before the program was started.
    BadInput bad;
    Arena arena;
    ProbeSettings checks(Command::probe);
    (void)read_check_options(checks, start.invocation, arena, bad);
    Prober& prober = Prober::make(start.invocation, checks);
    (void)sys::rt_sigprocmask(sys::MaskHow::set, all_signals);
    for (std::size_t i = 0; i < heal.check_count; ++i) {
        std::string_view text = heal.checks[i];
        const auto whole = prepare_check(text, start.invocation, arena, bad);
        if (!whole || !prober.add(text, *whole, bad)) return to_int(ExitCode::usher_failed);
    }
    Report report(start, prober);
    Rounds rounds(heal, start.started, start.has_passed, sys::monotonic_clock());
    while (!rounds.is_unhealthy()) {
        sleep_until(prober, rounds.due());
        const Wellness before = rounds.wellness();
        const int failures_before = rounds.failures();
        rounds.note(make_round(prober, heal.timeout));
        if (rounds.wellness() != before) report.entered(rounds.wellness());
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
    Start start{.settings = settings_,
                .invocation = invocation_,
                .parent = sys::getpid(),
                .started = started_,
                .has_passed = has_passed_};
    const auto pid = sys::fork(run_watcher, &start, end_signal);
    if (pid) {
        pid_ = pid.value;
        return;
    }
    narrator_.no_watcher(pid.error, delay_);
    put_off(sys::monotonic_clock());
}

void Watcher::put_off(Time now) {
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
    narrator_.watcher_ended(status, delay_);
    put_off(now);
    return false;
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
