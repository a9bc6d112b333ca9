// SPDX-License-Identifier: MIT
// In the place of tini, dumb-init or catatonit.
#include "commands.hpp"
#include "exit_status.hpp"
#include "file.hpp"
#include "init.hpp"
#include "memory.hpp"
#include "release_inherited.hpp"
#include "run.hpp"

namespace usher::cmd {

namespace {

// Lets go of the terminal, for the program's session to take it. The kernel then sends HUP and CONT
// to the foreground group if we lead the session; those are not meant for the program.
void leave_terminal() {
    const auto before = sys::rt_sigpending();
    if (!before || !sys::release_terminal(sys::stdin_fd)) return;
    const SignalSet sent = (set_of(sig::hup) | set_of(sig::cont)) & ~before.value;
    while (sys::rt_sigtimedwait(sent, 0)) {
    }
}

// As PID 1 of a pod it lives as long as that: its code is the loop's, and the rest is given back.
[[gnu::hot, gnu::noinline]] int pause_until_told(SignalSet waited_for) {
    sys::release_start_up();
    while (true) {
        const auto received = sys::rt_sigtimedwait(waited_for, infinite);
        // EINTR, or a kernel that refuses: not to spin then.
        if (!received) sys::nanosleep(100 * millisecond);
        const int signal = received ? received.value.signal : 0;
        if (signal == sig::term || signal == sig::intr) return to_int(ExitCode::success);
        while (true) {
            const auto waited = sys::wait_any();
            if (!waited || waited.value.pid == 0) break;
        }
    }
}

// catatonit -P: reaps until TERM or INT. podman knows it by its name.
int pause(const RunSettings& settings, const Invocation& invocation, sys::Log& log) {
    Init(settings, invocation, log).prepare();
    (void)sys::set_name("catatonit");
    (void)sys::sigaction(sig::chld, sys::Disposition::other);
    release_inherited(-1);
    return pause_until_told(settings.waited_for);
}

}  // namespace

int imitate(Peer peer, const Invocation& invocation) {
    RunSettings settings;
    char room[4096];
    Writer answer(room);
    const PeerTask task = apply_peer(peer,
                                     {.name = invocation.words[0],
                                      .words = invocation.words.subspan(1),
                                      .environment = invocation.environment,
                                      .pid = sys::getpid()},
                                     settings, answer);
    if (task.kind == PeerTask::Kind::answer) {
        (void)sys::write(task.on_stderr ? sys::stderr_fd : sys::stdout_fd, answer.view());
        return task.exit_code;
    }
    sys::Log log;
    log.set(settings.wording.style, settings.verbosity);
    // What the peer leaves to the kernel ends it; the rest of what it does not wait for stays
    // pending for ever.
    (void)sys::rt_sigprocmask(sys::MaskHow::unblock, fault_signals & ~settings.waited_for);
    if (task.kind == PeerTask::Kind::pause) return pause(settings, invocation, log);
    if (settings.home == Home::session) leave_terminal();
    return run_program(settings, invocation, invocation.words.subspan(task.program + 1), log);
}

}  // namespace usher::cmd
