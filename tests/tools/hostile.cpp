// SPDX-License-Identifier: MIT
//
// Programs that mean harm to the init that runs them. They take no signal but KILL and STOP.
//
//   hostile chain COUNT      COUNT chains: a process forks, its child goes on, it ends; for ever
//   hostile bomb             every process forks without end; wants a limit around it
//   hostile deep COUNT       COUNT processes, each the parent of the next; prints `ready`, stays
//   hostile trace            attaches to its parent with ptrace, stops it, lets it go, and ends
//   with
//                            7, or with the errno of the refusal
//   hostile hold             attaches to its parent, stops it, prints `ready` and ends with 7 at
//   once hostile flood SIG COUNT  queues SIG with a value at its parent, COUNT times and as often
//   as the
//                            queue takes it, from two processes; prints `ready`, then for ever
// chain and bomb print `ready`.
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

void ignore_all() {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, nullptr);
    std::signal(SIGCHLD, SIG_IGN);
}

void say_ready() {
    if (write(1, "ready\n", 6) != 6) _exit(98);
}

[[noreturn]] void live_as_chain() {
    while (true) {
        const pid_t child = fork();
        if (child > 0) _exit(0);
        if (child == 0) setsid();
    }
}

[[noreturn]] void start_chains(int count) {
    for (int i = 0; i < count; ++i) {
        if (fork() == 0) live_as_chain();
    }
    say_ready();
    while (true) pause();
}

[[noreturn]] void be_bomb() {
    say_ready();
    while (true) {
        if (fork() == 0) setsid();
    }
}

[[noreturn]] void be_deep(int count) {
    for (; count > 1; --count) {
        if (fork() > 0) break;
    }
    if (count == 1) say_ready();
    while (true) pause();
}

int trace_parent(bool wait_for_stop) {
    const pid_t parent = getppid();
    if (ptrace(PTRACE_SEIZE, parent, nullptr, nullptr) != 0) return errno;
    if (ptrace(PTRACE_INTERRUPT, parent, nullptr, nullptr) != 0) return errno;
    int status = 0;
    if (waitpid(parent, &status, __WALL) != parent) return errno;
    if (wait_for_stop) ptrace(PTRACE_DETACH, parent, nullptr, nullptr);
    say_ready();
    return 7;
}

[[noreturn]] void flood(int sig, long count) {
    const pid_t init = getppid();
    say_ready();
    fork();
    sigval value{};
    for (long i = 0; i < count || count < 0; ++i) sigqueue(init, sig, value);
    while (true) pause();
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view command = argc > 1 ? argv[1] : "";
    if (command == "trace" || command == "hold") return trace_parent(command == "trace");
    ignore_all();
    if (command == "chain" && argc > 2) start_chains(std::atoi(argv[2]));
    if (command == "bomb") be_bomb();
    if (command == "deep" && argc > 2) be_deep(std::atoi(argv[2]));
    if (command == "flood" && argc > 3) flood(std::atoi(argv[2]), std::atol(argv[3]));
    std::fputs("hostile: see the top of hostile.cpp\n", stderr);
    return 98;
}
