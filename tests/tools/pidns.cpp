// SPDX-License-Identifier: MIT
//
// pidns [OPTIONS] [--] PROGRAM [ARG...]: PROGRAM as the real PID 1 of a new PID namespace.
//
//   --report-fd N   write the pid of PID 1, as seen out here, and a newline to fd N, then close it
//   --no-proc       an empty directory in place of /proc
//   --host-proc     leave the outer /proc mounted
//   --user UID      run as this user and group, with no supplementary group
//   --net           a network namespace of its own, with only loopback
//   --setsid        PID 1 leads a session of its own, as under runc
//
// The namespace dies with this tool. It ends as PID 1 ended: the same status, the same signal.
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

struct Options {
    int report_fd = -1;
    bool no_proc = false;
    bool host_proc = false;
    bool net = false;
    bool new_session = false;
    long uid = -1;
    char** program = nullptr;
};

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "pidns: %s: %s\n", what, std::strerror(errno));
    _exit(99);
}

[[noreturn]] void usage() {
    std::fputs("pidns: see the top of pidns.cpp\n", stderr);
    _exit(99);
}

Options parse(char** argv) {
    Options o;
    char** arg = argv + 1;
    for (; *arg != nullptr; ++arg) {
        const std::string_view word = *arg;
        if (word == "--") {
            ++arg;
            break;
        }
        if (word == "--no-proc") {
            o.no_proc = true;
        } else if (word == "--host-proc") {
            o.host_proc = true;
        } else if (word == "--net") {
            o.net = true;
        } else if (word == "--setsid") {
            o.new_session = true;
        } else if (word == "--report-fd" && arg[1] != nullptr) {
            o.report_fd = std::atoi(*++arg);
        } else if (word == "--user" && arg[1] != nullptr) {
            o.uid = std::atol(*++arg);
        } else if (word.starts_with("-")) {
            usage();
        } else {
            break;
        }
    }
    if (*arg == nullptr) usage();
    o.program = arg;
    return o;
}

void bring_loopback_up() {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) fail("socket");
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP;
    if (ioctl(fd, SIOCSIFFLAGS, &request) != 0) fail("loopback");
    close(fd);
}

void mount_own_proc(const Options& o) {
    if (unshare(CLONE_NEWNS) != 0) fail("unshare mount namespace");
    if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) fail("make / private");
    if (o.host_proc) return;
    const char* type = o.no_proc ? "tmpfs" : "proc";
    if (mount(type, "/proc", type, MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
        fail("mount /proc");
    }
}

[[noreturn]] void become_program(const Options& o, int go_fd) {
    mount_own_proc(o);
    if (o.net) {
        if (unshare(CLONE_NEWNET) != 0) fail("unshare network");
        bring_loopback_up();
    }
    if (o.new_session) setsid();
    if (o.uid >= 0) {
        const auto id = static_cast<unsigned>(o.uid);
        if (setgroups(0, nullptr) != 0 || setresgid(id, id, id) != 0 ||
            setresuid(id, id, id) != 0) {
            fail("change user");
        }
    }
    // After the change of user, which clears it. The read below ends the race with the tool's
    // death.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) fail("prctl");
    char go = 0;
    if (read(go_fd, &go, 1) != 1) _exit(99);
    execvp(o.program[0], o.program);
    fail(o.program[0]);
}

void report(int fd, pid_t pid) {
    if (fd < 0) return;
    dprintf(fd, "%d\n", pid);
    close(fd);
}

[[noreturn]] void end_like(int status) {
    if (WIFSIGNALED(status)) {
        const rlimit none{0, 0};
        setrlimit(RLIMIT_CORE, &none);
        std::signal(WTERMSIG(status), SIG_DFL);
        kill(getpid(), WTERMSIG(status));
    }
    _exit(WEXITSTATUS(status));
}

}  // namespace

int main(int, char** argv) {
    const Options o = parse(argv);
    if (o.report_fd >= 0) fcntl(o.report_fd, F_SETFD, FD_CLOEXEC);
    int go[2];
    if (pipe2(go, O_CLOEXEC) != 0) fail("pipe");
    if (unshare(CLONE_NEWPID) != 0) fail("unshare pid namespace");
    const pid_t pid = fork();
    if (pid < 0) fail("fork");
    if (pid == 0) {
        close(go[1]);
        become_program(o, go[0]);
    }
    close(go[0]);
    report(o.report_fd, pid);
    if (write(go[1], "g", 1) != 1) fail("start");
    close(go[1]);
    // The streams belong to PID 1: whoever reads them sees their end when PID 1 closes them.
    close(0);
    close(1);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    end_like(status);
}
