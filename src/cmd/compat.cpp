// SPDX-License-Identifier: MIT
// In the place of tini, dumb-init or catatonit.
#include "commands.hpp"
#include "exit_status.hpp"
#include "init.hpp"
#include "personality.hpp"
#include "print.hpp"
#include "run.hpp"

namespace usher::cmd {

namespace {

constexpr int stdin_fd = 0;

// Lets go of the terminal, for the program's session to take it. The kernel then sends HUP and CONT
// to the foreground group if we lead the session; those are not meant for the program.
void leave_terminal() {
    const auto before = sys::rt_sigpending();
    if (!before || !sys::release_terminal(stdin_fd)) return;
    const SignalSet sent = (set_of(sig::hup) | set_of(sig::cont)) & ~before.value;
    while (sys::rt_sigtimedwait(sent, 0)) {
    }
}

// catatonit -P: reaps until TERM or INT.
int pause(const RunSettings& settings, sys::Log& log) {
    Init(settings, log).prepare();
    (void)sys::sigaction(sig::chld, sys::Disposition::other);
    while (true) {
        const auto received = sys::rt_sigtimedwait(settings.waited_for, infinite);
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

}  // namespace

int imitate(Command peer, const Invocation& invocation) {
    RunSettings settings;
    sys::Log log;
    BadInput bad;
    const PeerCommandLine line =
        apply_peer(peer, settings, invocation.words.subspan(1), invocation.environment, bad);
    log.set(settings.log_format, settings.verbosity);
    // What the peer leaves to the kernel ends it; the rest of what it does not wait for stays
    // pending for ever.
    (void)sys::rt_sigprocmask(sys::MaskHow::unblock, fault_signals & ~settings.waited_for);
    if (line.request == PeerRequest::pause) return pause(settings, log);
    if (line.request != PeerRequest::run) {
        return print_for_peer(peer, line.request, invocation.words[0], bad, log);
    }
    if (settings.home == Home::session) leave_terminal();
    return run_program(settings, invocation, invocation.words.subspan(line.program + 1), log);
}

}  // namespace usher::cmd
