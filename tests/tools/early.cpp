// SPDX-License-Identifier: MIT
//
// early [OPTIONS] -- INIT [ARG...]: are signals lost that come in an init's first milliseconds?
//
// INIT must run a program that dies by the signal. Each try starts it and sends the signal a little
// later than the try before: 0 to --window-us after the exec, or, with --pid1, after the moment
// from which it has every signal blocked (before it the kernel itself drops a PID 1's signals).
//
//   --tries N (300)  --window-us N (3000)  --signal N (15)  --patience-ms N (5000)
//   --pid1         INIT is PID 1 of a new PID namespace
//   --until-lost   stop at the first signal that is lost
//
// Prints `delivered N direct N lost N other N`: the program died by it; the init itself died by it
// (it came before main); the program ran on as if nothing had come; any other end.
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string_view>

namespace {

struct Options {
    long tries = 300;
    long window_us = 3000;
    long patience_ms = 5000;
    int sig = SIGTERM;
    bool pid1 = false;
    bool until_lost = false;
    char** command = nullptr;
};

struct Counts {
    int delivered = 0;
    int direct = 0;
    int lost = 0;
    int other = 0;
};

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "early: %s: %s\n", what, std::strerror(errno));
    _exit(99);
}

Options parse(char** argv) {
    Options o;
    for (char** arg = argv + 1; *arg != nullptr; ++arg) {
        const std::string_view word = *arg;
        if (word == "--") {
            o.command = arg + 1;
            break;
        }
        if (word == "--pid1") {
            o.pid1 = true;
        } else if (word == "--until-lost") {
            o.until_lost = true;
        } else if (arg[1] == nullptr) {
            break;
        } else if (word == "--tries") {
            o.tries = std::atol(*++arg);
        } else if (word == "--window-us") {
            o.window_us = std::atol(*++arg);
        } else if (word == "--patience-ms") {
            o.patience_ms = std::atol(*++arg);
        } else if (word == "--signal") {
            o.sig = std::atoi(*++arg);
        } else {
            break;
        }
    }
    if (o.command == nullptr || *o.command == nullptr) {
        std::fputs("early: see the top of early.cpp\n", stderr);
        _exit(99);
    }
    return o;
}

std::int64_t now_us() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return std::int64_t{t.tv_sec} * 1000000 + t.tv_nsec / 1000;
}

int run_command(void* argument) {
    char** command = static_cast<char**>(argument);
    setsid();
    const int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; ++fd) dup2(null, fd);
    if (null > 2) close(null);
    execvp(command[0], command);
    _exit(99);
}

// Returns once INIT has been exec'ed.
pid_t launch(const Options& o) {
    alignas(16) static char stack[65536];
    const int flags = CLONE_VFORK | SIGCHLD | (o.pid1 ? CLONE_NEWPID : 0);
    const pid_t pid = clone(run_command, stack + sizeof stack, flags, o.command);
    if (pid < 0) fail("clone");
    return pid;
}

bool blocks_everything(pid_t pid) {
    constexpr std::uint64_t full =
        ~(std::uint64_t{1} << (SIGKILL - 1)) & ~(std::uint64_t{1} << (SIGSTOP - 1));
    char path[64];
    char text[4096];
    std::snprintf(path, sizeof path, "/proc/%d/status", pid);
    const int fd = open(path, O_RDONLY);
    if (fd < 0) fail(path);
    const ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0) return false;
    text[n] = '\0';
    // While usher waits for signals the kernel shows none of them as blocked; its name tells, then.
    if (std::strstr(text, "Name:\tusher:") == text) return true;
    const char* line = std::strstr(text, "SigBlk:");
    return line != nullptr && std::strtoull(line + 7, nullptr, 16) == full;
}

bool wait_for_end(pid_t pid, long patience_ms, int& status) {
    const std::int64_t end = now_us() + patience_ms * 1000;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (now_us() > end) return false;
        usleep(100);
    }
    return true;
}

// A program that outlives its init becomes our child: this tool is a subreaper.
void end_all(pid_t init) {
    kill(init, SIGKILL);
    waitpid(init, nullptr, 0);
    char path[64];
    std::snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
    int child = 0;
    if (std::FILE* file = std::fopen(path, "r"); file != nullptr) {
        while (std::fscanf(file, "%d", &child) == 1) kill(child, SIGKILL);
        std::fclose(file);
    }
    while (waitpid(-1, nullptr, 0) > 0) {
    }
}

void attempt(const Options& o, std::int64_t offset_us, Counts& counts) {
    const pid_t pid = launch(o);
    if (o.pid1) {
        while (!blocks_everything(pid)) {
        }
    }
    const std::int64_t moment = now_us() + offset_us;
    while (now_us() < moment) {
    }
    kill(pid, o.sig);
    int status = 0;
    if (!wait_for_end(pid, o.patience_ms, status)) {
        ++counts.lost;
        end_all(pid);
    } else if (WIFEXITED(status) && WEXITSTATUS(status) == 128 + o.sig) {
        ++counts.delivered;
    } else if (WIFSIGNALED(status) && WTERMSIG(status) == o.sig) {
        ++counts.direct;
    } else {
        ++counts.other;
        std::fprintf(stderr, "early: after %ld us: wait status %#x\n", static_cast<long>(offset_us),
                     static_cast<unsigned>(status));
    }
}

}  // namespace

int main(int, char** argv) {
    const Options o = parse(argv);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    Counts counts;
    for (long i = 0; i < o.tries; ++i) {
        attempt(o, o.window_us * i / o.tries, counts);
        if (o.until_lost && counts.lost > 0) break;
    }
    std::printf("delivered %d direct %d lost %d other %d\n", counts.delivered, counts.direct,
                counts.lost, counts.other);
}
