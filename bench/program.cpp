// SPDX-License-Identifier: MIT
//
// program FD MODE: what runs in the container. FD is the memory that it shares with side_by_side.
//
//   pause     does nothing
//   signals   takes the signals that are sent, and tells when they came
//   orphans   makes as many orphans as it is told, and tells when all were reaped
//   tree      has 1,000 descendants, all in its group
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "shared.hpp"

namespace bench {
namespace {

Shared* shared;

[[noreturn]] void pause_for_ever() {
    while (true) pause();
}

void on_signal(int signal) {
    const std::int64_t now = now_ns();
    const auto at = static_cast<std::size_t>(signal);
    shared->when = now;
    shared->last[at] = now;
    shared->came[at].add(1);
    const bool queues = signal >= first_queued;
    const std::uint32_t queued = shared->queued.add(queues ? 1 : 0);
    const std::uint32_t wake_at = shared->wake_at.load();
    if (wake_at == 0) {
        post(shared->step);
    } else if (queues && queued >= wake_at) {
        wake(shared->queued);
    }
}

void take_signals() {
    struct sigaction action {};
    action.sa_handler = on_signal;
    sigfillset(&action.sa_mask);
    for (const int signal : sent_signals) sigaction(signal, &action, nullptr);
}

int end_at_once(void*) { return 0; }

// A child makes `count` children, waits until each has ended, does not reap them, and ends: then
// init has them all at once.
void make_orphans(std::uint32_t count) {
    static char stack[4096];
    const pid_t parent = fork();
    if (parent < 0) _exit(99);
    for (std::uint32_t i = 0; parent == 0 && i < count; ++i) {
        shared->orphans[i] =
            clone(end_at_once, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, nullptr);
        siginfo_t end{};
        if (shared->orphans[i] < 0 ||
            waitid(P_PID, static_cast<id_t>(shared->orphans[i]), &end, WEXITED | WNOWAIT) != 0) {
            _exit(99);
        }
    }
    if (parent == 0) {
        shared->begin = now_ns();
        _exit(0);
    }
    int status = 0;
    while (waitpid(parent, &status, 0) < 0 && errno == EINTR) {
    }
    if (status != 0) _exit(99);
}

void serve_order(std::uint32_t count) {
    shared->wall = 0;
    for (std::uint32_t done = 0; done < count; done += shared->wave) {
        make_orphans(shared->wave);
        for (std::uint32_t i = 0; i < shared->wave; ++i) {
            while (kill(shared->orphans[i], 0) == 0) sched_yield();  // not reaped yet
        }
        shared->wall += now_ns() - shared->begin;
    }
    shared->order.store(0);
    post(shared->step);
}

[[noreturn]] void serve_orphans() {
    while (true) {
        wait_while(shared->order, 0);
        const std::uint32_t count = shared->order.load();
        if (count > 0) serve_order(count);
    }
}

void grow_tree() {
    constexpr int branches = 10;
    constexpr int leaves = 99;
    int grown[2];
    if (pipe(grown) != 0) _exit(99);
    for (int i = 0; i < branches; ++i) {
        if (fork() != 0) continue;
        for (int k = 0; k < leaves; ++k) {
            if (fork() == 0) break;
        }
        if (write(grown[1], "x", 1) != 1) _exit(99);
        pause_for_ever();
    }
    char byte = 0;
    for (int i = 0; i < branches * (leaves + 1); ++i) {
        if (read(grown[0], &byte, 1) != 1) _exit(99);
    }
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
    using namespace bench;
    if (argc != 3) return 99;
    void* memory =
        mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, std::atoi(argv[1]), 0);
    if (memory == MAP_FAILED) return 99;
    shared = static_cast<Shared*>(memory);
    if (std::strcmp(argv[2], "signals") == 0) take_signals();
    if (std::strcmp(argv[2], "tree") == 0) grow_tree();
    post(shared->step);
    if (std::strcmp(argv[2], "orphans") == 0) serve_orphans();
    pause_for_ever();
}
