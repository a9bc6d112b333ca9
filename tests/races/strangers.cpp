// SPDX-License-Identifier: MIT
// A pid that usher knew is another process's: no signal may reach that one.
#include <sys/wait.h>
#include <unistd.h>

#include "windows.hpp"

namespace races {

using namespace lab;

namespace {

void note_stranger(int sig, const siginfo_t& info) {
    if (sig <= 0 || sig == SIGCHLD) return;
    ++board->stranger_got;
    board->stranger_signal = sig;
    board->stranger_sender = info.si_pid;
}

// None of usher's, with the pid and the group that were the program's. Nothing is meant for it.
[[noreturn]] void be_stranger() {
    setpgid(0, 0);
    board->stranger = getpid();
    while (board->over == 0) {
        siginfo_t info{};
        note_stranger(next_signal(all_signals, ms, &info), info);
    }
    _exit(0);
}

// Takes the pid over as soon as it is free.
[[noreturn]] void wait_for_pid(pid_t pid) {
    change_mask(SIG_SETMASK, all_signals);
    while (board->over == 0) {
        const pid_t child = fork_as(pid);
        if (child == 0) be_stranger();
        if (child > 0) break;
    }
    while (wait(nullptr) > 0 || errno == EINTR) {
    }
    _exit(0);
}

}  // namespace

// Not as PID 1: there whoever has the pid is one of those who are left, and signals go to them.
void stranger() {
    Window window("stranger");
    // Not all: what is sent to all also goes to whom another process is just about to fork.
    constexpr const char* forwards[] = {"main", "group"};
    // None that asks for shutdown: who is left when the program has ended is told of those.
    constexpr int flood[] = {SIGUSR1, SIGUSR2, SIGHUP, SIGALRM, SIGCONT, SIGWINCH};
    while (window.next(120)) {
        Chance& chance = window.chance();
        const Setting setting{
            .pid1 = false,
            .init = {"-f", chance.one_of(forwards), "-q", "--linger", "1h", "--linger-signal", "0"},
            .program = role({"reused", "7"})};
        window.about(setting, "signals while the program ends, and its pid is another's");
        Life life = launch(setting);
        wait_until([] { return board->ready != 0; });
        const pid_t other = fork();
        if (other == 0) wait_for_pid(board->ready);
        const std::int64_t moment = now() + 20 * us;
        const std::int64_t give_up = now() + patience;
        bool told = false;
        // The first deadly one may end the program. CONT and WINCH do not.
        for (int after = 0; after < 40 && now() < give_up;) {
            if (!told && now() >= moment) {
                told = true;
                set(board->go, 1);
            }
            send(life, told ? chance.one_of(flood) : chance.below(2) == 0 ? SIGCONT : SIGWINCH);
            spin_until(now() + chance.below(5) * us);
            if (board->stranger != 0) ++after;
        }
        // Whatever is on its way to a stranger has come when usher has read all that we sent.
        const auto idle = [&] {
            return read_file("/proc/" + std::to_string(life.pid) + "/wchan").find("sigtimedwait") !=
                   std::string::npos;
        };
        if (!wait_until(idle)) window.fail("usher never waits");
        window.tally(board->stranger != 0 ? "pid used again" : "not used again");
        window.expect(board->stranger_got == 0,
                      "a stranger got " + std::to_string(board->stranger_got.load()) +
                          " signals, the last " + std::to_string(board->stranger_signal.load()) +
                          " from " + std::to_string(board->stranger_sender.load()));
        set(board->over, 1);
        waitpid(other, nullptr, 0);
        const int status = window.finish(life);
        window.expect_status(status, {exited(7), exited(128 + SIGUSR1), exited(128 + SIGUSR2),
                                      exited(128 + SIGHUP), exited(128 + SIGALRM)});
    }
}

namespace {

// Processes that are none of usher's, all with the same pid one after the other.
[[noreturn]] void outside(pid_t pid) {
    change_mask(SIG_SETMASK, all_signals);
    take_turns(pid, nurse, [] {
        ++board->stranger;
        const std::int64_t end = now() + turn;
        while (now() < end) {
            siginfo_t info{};
            if (next_signal(all_signals, end - now(), &info) > 0) ++board->stranger_got;
        }
    });
    _exit(0);
}

}  // namespace

void outsider() {
    Window window("outsider");
    constexpr pid_t pid = 30000;
    const std::string name = std::to_string(pid);
    while (window.next(10)) {
        const Setting setting{
            .pid1 = false, .init = {"-f", "all", "-q"}, .program = role({"nursery", name, "3"})};
        window.about(setting, "one pid is a descendant's and a stranger's by turns");
        Life life = launch(setting);
        wait_until([] { return board->ready != 0; });
        const pid_t other = fork();
        if (other == 0) outside(pid);
        const std::int64_t end = now() + patience;
        for (int i = 0; i < 1000 && now() < end; ++i) {
            send(life, SIGUSR1);
            spin_until(now() + window.chance().below(100) * us);
        }
        window.tally(board->count > 0 && board->stranger > 0 ? "by turns" : "not by turns");
        window.expect(board->stranger_got == 0,
                      "strangers got " + std::to_string(board->stranger_got.load()) +
                          " signals; there were " + std::to_string(board->stranger.load()));
        set(board->over, 1);
        waitpid(other, nullptr, 0);
        window.expect_status(window.finish(life), {exited(0)});
    }
}

}  // namespace races
