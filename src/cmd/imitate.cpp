// SPDX-License-Identifier: MIT
// In the place of tini, dumb-init, catatonit, gosu or su-exec.
#include <errno.h>

#include <new>

#include "change_user.hpp"
#include "commands.hpp"
#include "error_text.hpp"
#include "exit_status.hpp"
#include "file.hpp"
#include "find_account.hpp"
#include "init.hpp"
#include "memory.hpp"
#include "release_inherited.hpp"
#include "run.hpp"
#include "spawn.hpp"

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

// What went wrong in the place of gosu or su-exec.
struct BecomeFailure {
    BecomeProblem problem;
    Literal stage{};
    int number = 0;  ///< errno
};

BecomeFailure failure_of(const sys::AccountFailure& failure) {
    if (failure.problem == AccountProblem::no_user) return {BecomeProblem::no_user};
    if (failure.problem == AccountProblem::no_group) return {BecomeProblem::no_group};
    return {BecomeProblem::not_changed, "users", failure.number != 0 ? failure.number : E2BIG};
}

BecomeFailure failure_of(const sys::SpawnFailure& failure, bool is_path) {
    const int number = failure.interpreter_missing ? ENOENT : failure.number;
    const bool is_absent = failure.number == ENOENT || failure.number == ENOTDIR;
    auto problem = BecomeProblem::not_executed;
    if (is_absent || number == EACCES) {
        problem = !is_path    ? BecomeProblem::not_in_path
                  : is_absent ? BecomeProblem::not_there
                              : BecomeProblem::forbidden;
    }
    return {problem, failure.stage, number};
}

struct Become {
    Peer peer;
    const Invocation& invocation;
    UserSpec spec;
    std::span<char*> program;

    BecomeFailure run(ChangeRoom& room) const {
        Account& account = room.account;
        if (sys::is_secure_execution()) return {BecomeProblem::not_changed, "set-uid", EPERM};
        const auto own_group = sys::getresgid();
        const auto found =
            sys::find_account(spec, own_group ? own_group.value.real : no_id, account, room.text);
        if (found.problem != AccountProblem::none) return failure_of(found);
        // su-exec has the group among the others.
        if (peer == Peer::su_exec) (void)account.add_group(account.group);
        const ChangeFailure change = change_user(account);
        if (!change.stage.empty()) {
            return {BecomeProblem::not_changed, change.stage,
                    change.number != 0 ? change.number : EPERM};
        }
        char home[home_room];
        const char* const extra = set_home(invocation.environment, account.home, home);
        return failure_of(sys::exec_in_place({.argv = program.data(),
                                              .envp = invocation.environment,
                                              .extra_variables = {extra},
                                              .mask = invocation.mask}),
                          has(program[0], '/'));
    }

    int tell(const BecomeFailure& failure) const {
        const bool is_user = failure.problem == BecomeProblem::no_user;
        const bool is_exec = failure.problem > BecomeProblem::not_changed;
        char reason_room[64];
        Writer reason(reason_room);
        sys::add_error(reason, failure.number);
        // As Go tells it.
        if (peer == Peer::gosu) reason_room[0] = to_lower(reason_room[0]);
        char room[1024];
        Writer line(room);
        add_sentence(line, become_sentence(peer, failure.problem),
                     {.name = is_exec ? std::string_view(program[0]) : spec.text,
                      .stage = failure.stage,
                      .reason = reason.view(),
                      .place = is_user ? spec.user.text : spec.group.text});
        (void)sys::write(sys::stderr_fd, line.view());
        return 1;
    }
};

// gosu and su-exec: another user, and then PROGRAM in our place. Nothing is supervised. Returns the
// exit code if that failed.
[[gnu::cold, gnu::noinline]] int become(Peer peer, const PeerTask& task,
                                        const Invocation& invocation) {
    Become become{.peer = peer,
                  .invocation = invocation,
                  .spec = split_user_spec(task.user),
                  .program = invocation.words.subspan(task.program + 1)};
    const auto self = sys::getresuid();
    if (become.spec.user.text.empty() && self) become.spec.user.id = self.value.real;
    const auto pages = sys::allocate_pages(sizeof(ChangeRoom));
    return become.tell(pages ? become.run(*new (pages.value.data()) ChangeRoom)
                             : BecomeFailure{BecomeProblem::not_changed, "mmap", ENOMEM});
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
    if (task.kind == PeerTask::Kind::become) return become(peer, task, invocation);
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
