// SPDX-License-Identifier: MIT
#include "program_check.hpp"

#include <errno.h>

#include "error_text.hpp"
#include "exit_status.hpp"
#include "proc.hpp"
#include "signal_process.hpp"
#include "spawn.hpp"

namespace usher::cmd {

namespace {

// The probe must end within 50 ms of its deadline; who is killed needs less than one.
constexpr Duration kill_time = 40 * millisecond;
constexpr Duration between_looks = 5 * millisecond;

void kill_descendant(void* descendants, int pid) {
    (void)sys::signal_descendant(pid, sig::kill, *static_cast<sys::Descendants*>(descendants));
}

}  // namespace

void ProgramCheck::start(char* const* argv, const Invocation& invocation, Outcome& outcome) {
    outcome_ = &outcome;
    // What it starts in other process groups shall come back to us when it loses its parent.
    (void)sys::set_child_subreaper();
    const auto sigchld = sys::sigaction(sig::chld, sys::Disposition::other);
    const sys::Spawned spawned =
        sys::spawn({.argv = argv,
                    .envp = invocation.environment,
                    .mask = invocation.mask,
                    .parent_death = sig::kill,  // an engine kills a probe that takes too long
                    .sigchld = sigchld ? sigchld.value : sys::Disposition::other});
    if (spawned.failure.stage.empty()) {
        pid_ = spawned.pid;
        return;
    }
    Writer& detail = outcome.settle(Health::unhealthy).add(spawned.failure.stage).add(": ");
    if (spawned.failure.interpreter_missing) {
        detail.add("interpreter or loader missing");
    } else {
        sys::add_error(detail, spawned.failure.number);
    }
}

bool ProgramCheck::reap() {
    while (true) {
        const auto waited = sys::wait_any();
        if (!waited) return waited.error.number == ECHILD;
        if (waited.value.pid == 0) return false;
        const int status = waited.value.status;
        const bool has_ended = !has_stopped(status) && !has_continued(status);
        if (waited.value.pid != pid_ || !has_ended) continue;
        const int code = shell_code(status);
        // What a failed check leaves behind would be one more at every probe.
        if (code != 0) (void)sys::kill(-pid_, sig::kill);
        pid_ = 0;
        if (outcome_->health != Health::pending) continue;
        outcome_->settle(code == 0 ? Health::healthy : Health::unhealthy, true)
            .add("exit code ")
            .add(code);
    }
}

void ProgramCheck::kill_all(Literal reason) {
    if (pid_ == 0) return;
    if (outcome_->health == Health::pending) outcome_->settle(Health::unhealthy, true).add(reason);
    const Time end = sys::monotonic_clock() + kill_time;
    const bool has_proc = sys::proc_is_ours();
    sys::Descendants descendants;
    // What it forks while we look is found in the next round: it has become our child by then.
    while (sys::monotonic_clock() < end) {
        if (pid_ != 0) (void)sys::kill(-pid_, sig::kill);
        if (has_proc) (void)sys::for_each_process(kill_descendant, &descendants);
        if (reap()) break;
        (void)sys::rt_sigtimedwait(set_of(sig::chld), between_looks);
    }
    if (pid_ == 0) outcome_->detail.add(", killed");
}

}  // namespace usher::cmd
