// SPDX-License-Identifier: MIT
//
// inject [OPTIONS] -- PROGRAM [ARG...]: runs PROGRAM and makes one of its system calls fail.
//
//   --fail CALL:ERRNO:N    the N-th CALL (from 1) is not made; it returns ERRNO, a number; 0:
//   success
//   --fail CALL:ERRNO:N+   that one and all later ones
//   --child                count and fail the calls of PROGRAM's first child, up to its exec
//   --copy                 count and fail those of a child that is a copy of PROGRAM and stays one
//   --pid1                 PROGRAM is PID 1 of a new PID namespace, with a /proc and a session
//   --job                  PROGRAM is a shell's job: a process group of its own, in the foreground
//   --most N               after so many calls PROGRAM is killed: it spins
//   --report FD            `pid PID` when PROGRAM runs; `stopped SIGNAL` when it stops; at its end
//                          it), `calls N`, `cpu MICROSECONDS` (both PROGRAM's alone),
//                          `injected N`, and `call NAME N` for each call that was counted
//
// Only PROGRAM is traced (ptrace(2)), not what it starts: its children run as ever, and signals
// that PROGRAM blocks reach it as ever. NAME is the system call's, with the operation for prctl and
// ioctl (prctl.SET_NAME); #NUMBER when this tool does not know the name.
#include <elf.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>

namespace {

struct Options {
    std::string call;
    int number = 0;  // the errno
    long first = 0;  // the N
    bool and_later = false;
    bool child = false;
    bool copy = false;
    bool pid1 = false;
    bool job = false;
    long most = 1000000;
    int report_fd = -1;
    char** program = nullptr;
};

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "inject: %s: %s\n", what, std::strerror(errno));
    _exit(99);
}

Options parse(char** argv) {
    Options o;
    char** arg = argv + 1;
    errno = EINVAL;
    for (; *arg != nullptr; ++arg) {
        const std::string_view word = *arg;
        if (word == "--") {
            ++arg;
            break;
        }
        if (word == "--child") {
            o.child = true;
        } else if (word == "--copy") {
            o.copy = true;
        } else if (word == "--pid1") {
            o.pid1 = true;
        } else if (word == "--job") {
            o.job = true;
        } else if (arg[1] == nullptr) {
            fail(*arg);
        } else if (word == "--most") {
            o.most = std::atol(*++arg);
        } else if (word == "--report") {
            o.report_fd = std::atoi(*++arg);
        } else if (word == "--fail") {
            const std::string text = *++arg;
            const std::size_t colon = text.find(':');
            char* end = nullptr;
            o.call = text.substr(0, colon);
            o.number = static_cast<int>(std::strtol(text.c_str() + colon + 1, &end, 10));
            o.first = *end == ':' ? std::strtol(end + 1, &end, 10) : 0;
            o.and_later = *end == '+';
            if (colon == std::string::npos || o.number < 0 || o.first < 1) fail(*arg);
        } else {
            fail(*arg);
        }
    }
    if (*arg == nullptr) fail("no program");
    o.program = arg;
    return o;
}

// --- names ------------------------------------------------------------------------------------

struct Named {
    unsigned long number;
    const char* name;
};

#define CALL(name) \
    { SYS_##name, #name }
constexpr Named calls[] = {
#ifdef SYS_arch_prctl
    CALL(arch_prctl),
#endif
#ifdef SYS_stat
    CALL(stat),
#endif
    CALL(bind),
    CALL(chdir),
    CALL(clock_gettime),
    CALL(clone),
    CALL(close),
    CALL(close_range),
    CALL(connect),
    CALL(execve),
    CALL(exit),
    CALL(exit_group),
    CALL(faccessat),
    CALL(fchmod),
    CALL(fchownat),
    CALL(fcntl),
    CALL(fsync),
    CALL(renameat2),
    CALL(unlinkat),
    CALL(getdents64),
    CALL(getgroups),
    CALL(getpgid),
    CALL(getpid),
    CALL(getppid),
    CALL(getrandom),
    CALL(getsockname),
    CALL(getpeername),
    CALL(getresgid),
    CALL(getresuid),
    CALL(getsockopt),
    CALL(kill),
    CALL(lseek),
    CALL(madvise),
    CALL(mmap),
    CALL(mprotect),
    CALL(munmap),
#ifdef SYS_newfstatat
    CALL(newfstatat),
#endif
    CALL(nanosleep),
    CALL(openat),
    CALL(pidfd_open),
    CALL(pidfd_send_signal),
    CALL(ppoll),
    CALL(pwritev2),
    CALL(read),
    CALL(readlinkat),
    CALL(recvfrom),
    CALL(rt_sigaction),
    CALL(rt_sigpending),
    CALL(rt_sigprocmask),
    CALL(rt_sigtimedwait),
    CALL(sendto),
    CALL(set_tid_address),
    CALL(setgroups),
    CALL(setpgid),
    CALL(setresgid),
    CALL(setresuid),
    CALL(setsid),
    CALL(setsockopt),
    CALL(signalfd4),
    CALL(socket),
    CALL(statx),
    CALL(vmsplice),
    CALL(wait4),
    CALL(write),
};
#undef CALL
constexpr Named operations[] = {
    {PR_SET_NAME, "prctl.SET_NAME"},         {PR_SET_CHILD_SUBREAPER, "prctl.SET_CHILD_SUBREAPER"},
    {PR_SET_DUMPABLE, "prctl.SET_DUMPABLE"}, {PR_SET_PDEATHSIG, "prctl.SET_PDEATHSIG"},
    {TIOCGPGRP, "ioctl.TIOCGPGRP"},          {TIOCGWINSZ, "ioctl.TIOCGWINSZ"},
    {TIOCSPGRP, "ioctl.TIOCSPGRP"},          {TIOCSCTTY, "ioctl.TIOCSCTTY"},
    {TIOCNOTTY, "ioctl.TIOCNOTTY"},
};

std::string name_of(unsigned long number, const __uint64_t* args) {
    if (number == SYS_prctl || number == SYS_ioctl) {
        const __uint64_t operation = number == SYS_prctl ? args[0] : args[1];
        for (const Named& known : operations) {
            if (known.number == operation) return known.name;
        }
    }
    for (const Named& known : calls) {
        if (known.number == number) return known.name;
    }
    return "#" + std::to_string(number);
}

// --- registers: all that differs between architectures ------------------------------------------

void registers(int request, int pid, user_regs_struct& regs) {
    iovec vector{&regs, sizeof regs};
    ptrace(static_cast<__ptrace_request>(request), pid, NT_PRSTATUS, &vector);
}

void skip_call(int pid) {
#if defined(__x86_64__)
    user_regs_struct regs{};
    registers(PTRACE_GETREGSET, pid, regs);
    regs.orig_rax = ~0ULL;
    registers(PTRACE_SETREGSET, pid, regs);
#elif defined(__aarch64__)
    constexpr int system_call = 0x404;  // NT_ARM_SYSTEM_CALL
    int none = -1;
    iovec vector{&none, sizeof none};
    ptrace(PTRACE_SETREGSET, pid, system_call, &vector);
#else
    (void)pid;
    errno = ENOSYS;
    fail("not on this architecture");
#endif
}

void set_result(int pid, long result) {
    user_regs_struct regs{};
    registers(PTRACE_GETREGSET, pid, regs);
#if defined(__x86_64__)
    regs.rax = static_cast<unsigned long long>(result);
#elif defined(__aarch64__)
    regs.regs[0] = static_cast<unsigned long long>(result);
#else
    (void)result;
#endif
    registers(PTRACE_SETREGSET, pid, regs);
}

// --- starting ---------------------------------------------------------------------------------

[[noreturn]] void become_program(const Options& o, int go_fd) {
    if (o.pid1) {
        if (unshare(CLONE_NEWNS) != 0) fail("unshare mount namespace");
        if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) fail("/ private");
        if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
            fail("mount /proc");
        }
        if (isatty(0)) {  // a container's terminal is its own
            setsid();
            ioctl(0, TIOCSCTTY, 1);
        } else {
            setsid();
        }
    }
    if (o.job) {
        setpgid(0, 0);
        std::signal(SIGTTOU, SIG_IGN);
        tcsetpgrp(0, getpid());
        std::signal(SIGTTOU, SIG_DFL);
    }
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) fail("prctl");
    char go = 0;
    if (read(go_fd, &go, 1) != 1) _exit(99);
    if (prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) != 0) fail("prctl");
    execv(o.program[0], o.program);
    fail(o.program[0]);
}

long cpu_microseconds(int pid) {
    char path[40];
    std::snprintf(path, sizeof path, "/proc/%d/schedstat", pid);
    FILE* const file = std::fopen(path, "re");
    long long nanoseconds = -1000;
    if (file == nullptr || std::fscanf(file, "%lld", &nanoseconds) != 1) nanoseconds = -1000;
    if (file != nullptr) std::fclose(file);
    return static_cast<long>(nanoseconds / 1000);
}

// --- tracing ----------------------------------------------------------------------------------

class Tracer {
  public:
    Tracer(const Options& o, int pid) : o_(o), pid_(pid) {}

    void seize() const {
        const long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC |
                             PTRACE_O_TRACEEXIT | (o_.child ? PTRACE_O_TRACEVFORK : 0) |
                             (o_.copy ? PTRACE_O_TRACECLONE : 0);
        if (ptrace(PTRACE_SEIZE, pid_, nullptr, options) != 0) fail("seize");
    }

    // Until PROGRAM is gone; how it ended.
    int follow() {
        while (true) {
            int status = 0;
            const int pid = waitpid(-1, &status, __WALL);
            if (pid < 0 && errno == EINTR) continue;
            if (pid < 0) fail("wait");
            if (!WIFSTOPPED(status)) {
                if (pid == pid_)
                    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
                continue;
            }
            stopped(pid, status);
        }
    }

    void report(int status) const {
        dprintf(o_.report_fd, "exit %d\ncalls %ld\ncpu %ld\ninjected %ld\n", status, calls_, cpu_,
                injected_);
        for (const auto& [name, count] : counts_) {
            dprintf(o_.report_fd, "call %s %ld\n", name.c_str(), count);
        }
    }

  private:
    void stopped(int pid, int status) {
        const int signal = WSTOPSIG(status);
        const int event = status >> 16;
        if (event == PTRACE_EVENT_STOP) {
            if (pid != pid_) child_ = pid;
            const bool group_stop = signal != SIGTRAP;
            if (group_stop && pid == pid_) dprintf(o_.report_fd, "stopped %d\n", signal);
            ptrace(group_stop ? PTRACE_LISTEN : way(), pid, nullptr, nullptr);
        } else if (event == PTRACE_EVENT_EXEC && pid == pid_) {
            is_over_ = started_;  // what PROGRAM becomes is another
            started_ = true;
            resume(pid, 0);
        } else if (event == PTRACE_EVENT_EXEC) {
            ptrace(PTRACE_DETACH, pid, nullptr, nullptr);
        } else if (event == PTRACE_EVENT_EXIT) {
            if (pid == pid_) cpu_ = cpu_microseconds(pid);
            resume(pid, 0);
        } else if (event != 0) {
            resume(pid, 0);
        } else if (signal == (SIGTRAP | 0x80)) {
            at_call(pid);
            resume(pid, 0);
        } else if (signal == SIGSEGV) {
            // A crash ends a PID 1 only while nobody traces it.
            ptrace(PTRACE_DETACH, pid, nullptr, nullptr);
        } else {
            resume(pid, signal);
        }
    }

    [[nodiscard]] __ptrace_request way() const {
        return started_ && !is_over_ ? PTRACE_SYSCALL : PTRACE_CONT;
    }
    void resume(int pid, int signal) const { ptrace(way(), pid, nullptr, signal); }

    void at_call(int pid) {
        __ptrace_syscall_info info{};
        ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info);
        if (info.op == PTRACE_SYSCALL_INFO_EXIT && failing_ == pid) {
            set_result(pid, -o_.number);
            failing_ = 0;
        }
        if (info.op != PTRACE_SYSCALL_INFO_ENTRY) return;
        if (pid == pid_ && ++calls_ > o_.most) {
            kill(pid, SIGKILL);
            return;
        }
        const bool counts = o_.child || o_.copy ? pid == child_ : pid == pid_;
        if (!counts) return;
        const std::string name = name_of(info.entry.nr, info.entry.args);
        const long count = ++counts_[name];
        if (name != o_.call || count < o_.first || (count > o_.first && !o_.and_later)) return;
        skip_call(pid);
        failing_ = pid;
        ++injected_;
    }

    const Options& o_;
    int pid_;
    int child_ = 0;
    bool started_ = false;
    bool is_over_ = false;
    int failing_ = 0;
    long calls_ = 0;
    long cpu_ = 0;
    long injected_ = 0;
    std::map<std::string, long> counts_;
};

}  // namespace

int main(int, char** argv) {
    const Options o = parse(argv);
    if (o.report_fd >= 0) fcntl(o.report_fd, F_SETFD, FD_CLOEXEC);
    int go[2];
    if (pipe2(go, O_CLOEXEC) != 0) fail("pipe");
    if (o.pid1 && unshare(CLONE_NEWPID) != 0) fail("unshare pid namespace");
    const pid_t pid = fork();
    if (pid < 0) fail("fork");
    if (pid == 0) {
        close(go[1]);
        become_program(o, go[0]);
    }
    close(go[0]);
    Tracer tracer(o, pid);
    tracer.seize();
    dprintf(o.report_fd, "pid %d\n", pid);
    // What the terminal sends to the group of a job is for the job.
    std::signal(SIGTSTP, SIG_IGN);
    std::signal(SIGTTOU, SIG_IGN);
    if (write(go[1], "g", 1) != 1) fail("start");
    close(go[1]);
    // The streams belong to PROGRAM: whoever reads them sees their end when PROGRAM closes them.
    close(0);
    close(1);
    close(2);
    tracer.report(tracer.follow());
}
