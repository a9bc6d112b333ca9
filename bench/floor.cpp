// SPDX-License-Identifier: MIT
// The floor: the least that could work as an init. Blocks signals, starts the program, waits for
// signals, forwards them, reaps. No option, no terminal, no shutdown, no error handling. What usher
// costs is measured against it. Built twice, with FLOOR_SPAWN fork and vfork.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char** argv) {
    if (argc < 2) return 125;
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    const pid_t program = FLOOR_SPAWN();
    if (program == 0) {
        sigprocmask(SIG_SETMASK, &before, nullptr);
        execvp(argv[1], argv + 1);
        _exit(127);
    }
    while (true) {
        int signal = 0;
        sigwait(&all, &signal);
        if (signal != SIGCHLD) {
            kill(program, signal);
            continue;
        }
        int status = 0;
        for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
            if (pid != program) continue;
            _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
        }
    }
}
