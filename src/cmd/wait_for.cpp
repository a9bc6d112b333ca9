// SPDX-License-Identifier: MIT
#include "wait_for.hpp"

#include <errno.h>

#include "ending_signals.hpp"
#include "exit_status.hpp"
#include "run_checks.hpp"
#include "spawn.hpp"
#include "wait_until_healthy.hpp"

namespace usher::cmd {

namespace {

constexpr Duration after_failure = 100 * millisecond;
constexpr int most_failures = 10;
constexpr SignalSet job_control =
    set_of(sig::tstp) | set_of(sig::ttin) | set_of(sig::ttou) | set_of(sig::cont);

struct Start {
    const RunSettings& settings;
    const Invocation& invocation;
    int parent;
};

// In the child, and no longer than usher lives.
int wait_in_child(void* context) {
    const Start& start = *static_cast<Start*>(context);
    const RunSettings& settings = start.settings;
    (void)sys::set_name("usher-wait");
    (void)sys::set_parent_death_signal(sig::kill);
    if (sys::getppid() != start.parent) return to_int(ExitCode::usher_failed);
    // What ends the waiting is usher's to decide.
    for (const int signal : {sig::hup, sig::intr, sig::quit, sig::term}) {
        (void)sys::sigaction(signal, sys::Disposition::ignored);
    }
    RunChecks checks(start.invocation, Command::wait, settings.wait.timeout);
    Prober* const prober = checks.make_prober(settings.wait.checks);
    if (prober == nullptr) return to_int(ExitCode::usher_failed);
    sys::Log log;
    // As `usher wait` does it, the reasons are told without being asked for.
    const int verbosity = settings.verbosity;
    log.set(settings.wording.style, verbosity < 0 ? verbosity : verbosity + 1);
    const int code = wait_until_healthy(*prober, checks.settings(), log);
    tell_misuse(*prober, log);
    prober->drain();
    return code;
}

// What the child's end means; nothing: it lives on.
std::optional<int> look_at_child(int child, int status, Narrator& narrator) {
    // Only by SIGSTOP, for it blocks the others. The time goes on.
    if (has_stopped(status)) (void)sys::kill(child, sig::cont);
    if (has_stopped(status) || has_continued(status)) return std::nullopt;
    const bool was_killed = (status & 0x7f) != 0;
    if (was_killed) narrator.waiting_failed(status);
    return was_killed ? to_int(ExitCode::usher_failed) : shell_code(status);
}

// Reaps whatever has ended. The exit code, once the child has.
Result<std::optional<int>> reap(int child, Narrator& narrator) {
    std::optional<int> code;
    while (true) {
        const auto waited = sys::wait_any();
        if (!waited && !code) return waited.error;
        if (!waited || waited.value.pid == 0) return code;
        const auto [pid, status] = waited.value;
        if (pid == child) {
            code = look_at_child(pid, status, narrator);
        } else if (!has_stopped(status) && !has_continued(status)) {
            narrator.reaped(pid, status);
        }
    }
}

// Who adopts it need not reap what it does not know.
void end_child(int child) {
    (void)sys::kill(child, sig::kill);
    for (int tries = 100; tries > 0; --tries) {
        const auto waited = sys::wait_any();
        if (waited && waited.value.pid == child) return;
        if (!waited) return;
        if (waited.value.pid == 0) (void)sys::rt_sigtimedwait(set_of(sig::chld), millisecond);
    }
}

// Takes every signal that comes, until the child has ended and none is left.
int wait_for_end(int child, const RunSettings& settings, SignalSet set, Narrator& narrator) {
    const int self = sys::getpid();
    std::optional<int> code;
    int failures = 0;  // of wait4, which may have told of the child's end
    while (true) {
        const Duration patience = failures > 0 ? after_failure : infinite;
        const auto received = sys::rt_sigtimedwait(set, code ? 0 : patience);
        if (received && received.value.signal != sig::chld) {
            const auto [signal, origin, sender] = received.value;
            if (ends_waiting(settings, received.value)) {
                if (!code) end_child(child);
                return code_of_signal(signal);
            }
            const bool itself = origin == 0 && sender == self;
            if (concerns_program(signal, {.code = origin, .itself = itself})) {
                narrator.dropped(received.value);
            }
            continue;
        }
        if (!received && code) return *code;
        const int error = received ? 0 : received.error.number;
        if (error != 0 && error != EAGAIN && error != EINTR) sys::nanosleep(after_failure);
        const auto ended = reap(child, narrator);
        if (!ended && ++failures == most_failures) {
            narrator.cannot_wait(ended.error);
            end_child(child);
            return to_int(ExitCode::usher_failed);
        }
        if (ended) failures = 0;
        if (ended && ended.value) {
            code = ended.value;
            child = 0;  // its pid may become another's
        }
    }
}

}  // namespace

int wait_for_checks(const RunSettings& settings, const Invocation& invocation, Narrator& narrator) {
    Start start{.settings = settings, .invocation = invocation, .parent = sys::getpid()};
    const auto child = sys::fork(wait_in_child, &start, sig::chld);
    if (!child) {
        narrator.cannot_wait(child.error);
        return to_int(ExitCode::usher_failed);
    }
    const SignalSet acting = job_control & ~invocation.mask & ~settings.stop_signals;
    (void)sys::rt_sigprocmask(sys::MaskHow::unblock, acting);
    const int code = wait_for_end(child.value, settings, all_signals & ~acting, narrator);
    (void)sys::rt_sigprocmask(sys::MaskHow::block, acting);
    return code;
}

}  // namespace usher::cmd
