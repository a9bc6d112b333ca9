// SPDX-License-Identifier: MIT
// The first process of a pod: it keeps the pod's namespaces, reaps what becomes its child where the
// process namespace is shared, and ends on TERM or INT.
#include <signal.h>
#include <sys/wait.h>

int main() {
    sigset_t awaited;
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGTERM);
    sigaddset(&awaited, SIGINT);
    sigaddset(&awaited, SIGCHLD);
    sigprocmask(SIG_BLOCK, &awaited, nullptr);
    for (int number = 0; number != SIGTERM && number != SIGINT;) {
        if (sigwait(&awaited, &number) != 0) return 1;
        while (waitpid(-1, nullptr, WNOHANG) > 0) {
        }
    }
}
