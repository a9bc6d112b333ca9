// SPDX-License-Identifier: MIT
// The programs that the init of a round runs: `races act ROLE ARG...`. They tell what they see on
// the board.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "lab.hpp"

namespace lab {

namespace {

[[noreturn]] void sleep_for_ever() {
    for (;;) pause();
}

// Dies by whatever comes, also by what came before it.
[[noreturn]] void die(char**) {
    set(board->ready, 1);
    change_mask(SIG_SETMASK, 0);
    sleep_for_ever();
}

// Counts signals and ends with the number of the one that it is to end on.
[[noreturn]] void take_signals(Mask set = all_signals) {
    while (true) {
        siginfo_t info{};
        const int sig = next_signal(set, -1, &info);
        if (sig == SIGCHLD && info.si_code > 0) {
            while (waitpid(-1, nullptr, WNOHANG) > 0) {
            }
            continue;
        }
        ++board->got[sig];
        ++board->count;
        if ((board->exit_on & bit(sig)) != 0) _exit(sig);
    }
}

[[noreturn]] void take(char**) {
    change_mask(SIG_SETMASK, all_signals);
    set(board->ready, 1);
    take_signals();
}

// end CODE: ends at the driver's word, or by a signal.
[[noreturn]] void end(char** words) {
    change_mask(SIG_SETMASK, 0);
    set(board->ready, 1);
    wait_for_word(board->go);
    _exit(std::atoi(words[0]));
}

// end-after SIG NANOSECONDS CODE: that long after SIG; other signals only count.
[[noreturn]] void end_after(char** words) {
    change_mask(SIG_SETMASK, all_signals);
    set(board->ready, 1);
    const int sig = std::atoi(words[0]);
    while (next_signal(all_signals, -1) != sig) {
    }
    sleep_until(now() + std::atol(words[1]));
    _exit(std::atoi(words[2]));
}

// leave COUNT NANOSECONDS CODE: ends at once, and leaves COUNT orphans that end that much later.
// The first of them says when it is one.
[[noreturn]] void leave(char** words) {
    change_mask(SIG_SETMASK, all_signals);
    const pid_t parent = getpid();
    const std::int64_t moment = now() + std::atol(words[1]);
    const int count = std::atoi(words[0]);
    for (int left = count; left > 0; --left) {
        if (fork() != 0) continue;
        if (left == count) {
            while (getppid() == parent) sched_yield();
            set(board->ready, 1);
        }
        sleep_until(moment);
        _exit(77);
    }
    _exit(std::atoi(words[2]));
}

// leave-deaf COUNT CODE: ends at once, and leaves orphans that no signal but KILL ends.
[[noreturn]] void leave_deaf(char** words) {
    change_mask(SIG_SETMASK, all_signals);
    for (int left = std::atoi(words[0]); left > 0; --left) {
        if (fork() == 0) sleep_for_ever();
    }
    set(board->ready, 1);
    _exit(std::atoi(words[1]));
}

// stop-self SIG TIMES: at the driver's word stops itself, again and again.
[[noreturn]] void stop_self(char** words) {
    change_mask(SIG_SETMASK, 0);
    set(board->ready, 1);
    wait_for_word(board->go);
    for (int left = std::atoi(words[1]); left > 0; --left) {
        ++board->count;
        ::kill(getpid(), std::atoi(words[0]));
    }
    set(board->over, 1);
    sleep_for_ever();
}

// --- strangers ------------------------------------------------------------------------------

// reused CODE: ends at the driver's word or by a signal, and leaves an orphan in a session of its
// own, deaf, so that usher lingers. Its pid is free then.
[[noreturn]] void reused(char** words) {
    const pid_t pid = getpid();
    change_mask(SIG_SETMASK, all_signals);
    if (fork() == 0) {
        setsid();
        set(board->ready, pid);
        wait_for_word(board->over);
        _exit(0);
    }
    change_mask(SIG_SETMASK, 0);
    wait_for_word(board->go);
    _exit(std::atoi(words[0]));
}

// nursery PID DEPTH: so many generations further down, children have this pid in turn, when nobody
// else has it.
[[noreturn]] void nursery(char** words) {
    const pid_t pid = std::atoi(words[0]);
    change_mask(SIG_SETMASK, all_signals);
    for (int depth = std::atoi(words[1]); depth > 0; --depth) {
        if (fork() == 0) continue;
        wait(nullptr);
        _exit(0);
    }
    set(board->ready, 1);
    take_turns(pid, outsider, [] {
        ++board->count;
        sleep_until(now() + turn);
    });
    _exit(0);
}

// --- storm ----------------------------------------------------------------------------------

[[noreturn]] void torment(pid_t victim, int rounds, std::uint64_t seed) {
    setsid();
    Chance chance(seed);
    constexpr int what[] = {SIGSTOP, SIGCONT, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN};
    for (; rounds > 0; --rounds) {
        ::kill(chance.below(2) == 0 ? victim : -victim, chance.one_of(what));
        if (chance.below(4) != 0) continue;
        if (fork() == 0) {  // a child that leaves an orphan, which ends as soon
            if (fork() == 0) _exit(0);
            _exit(0);
        }
        if (chance.below(2) == 0) waitpid(-1, nullptr, 0);
    }
    set(board->over, 1);
    _exit(0);
}

// storm MEMBERS ROUNDS SEED: takes signals, while another process stops and continues it and its
// group, and ends and orphans come all the time.
[[noreturn]] void storm(char** words) {
    change_mask(SIG_SETMASK, all_signals);
    const pid_t pid = getpid();
    for (int left = std::atoi(words[0]); left > 0; --left) {
        if (fork() == 0) sleep_for_ever();
    }
    if (fork() == 0) {
        if (fork() != 0) _exit(0);
        wait_for_word(board->go);
        torment(pid, std::atoi(words[1]), std::strtoull(words[2], nullptr, 10));
    }
    const Mask taken = all_signals & ~bit(SIGTSTP) & ~bit(SIGTTIN);
    change_mask(SIG_SETMASK, taken);
    set(board->ready, 1);
    take_signals(taken);
}

// --- soak -----------------------------------------------------------------------------------

void bear(int count) {
    constexpr int brood = 100;
    for (int left = count; left > 0;) {
        const pid_t mother = fork();
        if (mother == 0) {
            for (int born = 0; born < brood;) {
                const pid_t child = vfork();
                if (child == 0) _exit(0);
                if (child > 0) ++born;
            }
            _exit(0);
        }
        if (mother < 0) continue;
        waitpid(mother, nullptr, 0);
        board->count += brood;
        left -= brood;
    }
}

// orphans FIRST COUNT: FIRST orphans, and at the driver's word COUNT more, a hundred at a time;
// then as take.
[[noreturn]] void orphans(char** words) {
    change_mask(SIG_SETMASK, all_signals);
    bear(std::atoi(words[0]));
    set(board->ready, 1);
    wait_for_word(board->go);
    bear(std::atoi(words[1]));
    set(board->over, 1);
    take_signals();
}

// eat: memory, until it is ended.
[[noreturn]] void eat(char**) {
    change_mask(SIG_SETMASK, 0);
    set(board->ready, 1);
    constexpr std::size_t bite = 1 << 20;
    while (true) {
        void* const memory = mmap(nullptr, bite, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (memory == MAP_FAILED) _exit(1);
    }
}

// no-fork: counts the forks that work, and takes signals.
[[noreturn]] void no_fork(char**) {
    change_mask(SIG_SETMASK, all_signals);
    for (int tries = 0; tries < 3; ++tries) {
        const pid_t child = fork();
        if (child == 0) _exit(0);
        if (child > 0) ++board->count;
    }
    set(board->ready, 1);
    take_signals();
}

struct Role {
    std::string_view name;
    void (*act)(char** words);
    int words;
};
constexpr Role roles[] = {
    {"die", die, 0},
    {"take", take, 0},
    {"end", end, 1},
    {"end-after", end_after, 3},
    {"leave", leave, 3},
    {"leave-deaf", leave_deaf, 2},
    {"stop-self", stop_self, 2},
    {"reused", reused, 1},
    {"nursery", nursery, 2},
    {"storm", storm, 3},
    {"orphans", orphans, 2},
    {"eat", eat, 0},
    {"no-fork", no_fork, 0},
};

}  // namespace

int act(char** words) {
    void* const memory =
        mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED, board_fd, 0);
    if (memory == MAP_FAILED || words[0] == nullptr) return 98;
    board = static_cast<Board*>(memory);
    int count = 0;
    while (words[count + 1] != nullptr) ++count;
    for (const Role& role : roles) {
        if (role.name == words[0] && role.words == count) role.act(words + 1);
    }
    return 98;
}

}  // namespace lab
