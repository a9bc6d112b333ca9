// SPDX-License-Identifier: MIT
//
// The program that usher runs in the tests: it tells what it got and does as it is told.
//
//   witness report                 one JSON line: ids, signal state, fds, cwd, argv, environment
//   witness exit CODE | die SIG    end like that
//   witness forever                prints `ready`, dispositions as inherited, sleeps
//   witness catch [OPTIONS]        takes every signal: `ready`, then `got SIG CODE PID` for each
//       --exit SIG:CODE            end with CODE when SIG comes (repeatable)
//       --die SIG                  end by SIG itself when it comes (repeatable)
//       --delay SECONDS            pause before such an end
//       --exit-now CODE            end right after `ready`
//       --member SPEC              first start a member (repeatable); SPEC is a list of
//           setsid pgrp orphan     own session; own group; the init's child and not ours
//           ignore                 takes signals and stays
//           save=SECONDS           on TERM: works this long, prints `member I saved`, ends
//           name=TEXT              its comm
//           default                dispositions as inherited; does not print signals
//           closed                 closes its 0, 1 and 2: holds no pipe open
//         A member prints `member I pid PID`, then `member I got SIG`; it ends on TERM.
//   witness orphans COUNT [--live] COUNT orphans that end at once, or stay; `spawned COUNT`, then
//                                  as catch, ending with 0 on TERM
//   witness forks COUNT            forks COUNT times or until it fails; `forks N errno E`; ends
//   witness parent [--exit] CMD... runs CMD as a child, prints `child PID`; sleeps, or ends at once
//   witness with [OPTIONS] -- CMD  changes itself, then execs CMD
//       --block LIST --ignore LIST signal numbers, `all` for 1-64; all others: unblocked, default
//       --uid N --gid N --nproc N --nofile N --stack KIB --fsize BYTES --chdir DIR --close FD
//       --open FD:PATH
//       --name TEXT
//       --cgroup DIR               writes itself to DIR/cgroup.procs (repeatable)
//       --seccomp ERRNO:NR,NR...   those system calls fail with ERRNO
//       --argv0 NAME               argv[0] of CMD
//       --parent-group             leaves its process group for its parent's
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

extern char** environ;

namespace {

using Mask = std::uint64_t;

constexpr Mask bit(int sig) { return Mask{1} << (sig - 1); }

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "witness: %s: %s\n", what, std::strerror(errno));
    _exit(98);
}

void say(const std::string& line) {
    const std::string text = line + "\n";
    if (write(1, text.data(), text.size()) < 0) return;
}

// The C library hides signals 32 and 33, so the kernel is asked itself.
Mask change_mask(int how, Mask mask) {
    Mask old = 0;
    if (syscall(SYS_rt_sigprocmask, how, &mask, &old, sizeof mask) != 0) fail("rt_sigprocmask");
    return old;
}

struct KernelAction {
    std::uintptr_t handler;
    unsigned long rest[15];
};

std::uintptr_t disposition(int sig) {
    KernelAction action{};
    syscall(SYS_rt_sigaction, sig, nullptr, &action, sizeof(Mask));
    return action.handler;
}

void set_disposition(int sig, bool ignored) {
    KernelAction action{};
    action.handler = ignored ? 1 : 0;
    syscall(SYS_rt_sigaction, sig, &action, nullptr, sizeof(Mask));
}

void pause_seconds(double seconds) {
    timespec t{};
    t.tv_sec = static_cast<time_t>(seconds);
    t.tv_nsec = static_cast<long>((seconds - static_cast<double>(t.tv_sec)) * 1e9);
    while (nanosleep(&t, &t) != 0 && errno == EINTR) {
    }
}

[[noreturn]] void sleep_for_ever() {
    for (;;) pause();
}

[[noreturn]] void die_by(int sig) {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    set_disposition(sig, false);
    change_mask(SIG_UNBLOCK, bit(sig));
    kill(getpid(), sig);
    pause_seconds(0.2);
    _exit(97);
}

Mask parse_list(std::string_view text) {
    if (text == "all") return ~Mask{0};
    Mask mask = 0;
    for (const char* at = text.data(); *at != '\0';) {
        char* end = nullptr;
        const long sig = std::strtol(at, &end, 10);
        if (end == at || sig < 1 || sig > 64) break;
        mask |= bit(static_cast<int>(sig));
        at = *end == ',' ? end + 1 : end;
    }
    return mask;
}

// --- report ---------------------------------------------------------------------------------

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        char escaped[8];
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte > 0x7e) {
            std::snprintf(escaped, sizeof escaped, "\\u%04x", byte);
            out += escaped;
        } else {
            out += c;
        }
    }
    return out + "\"";
}

std::string field(const char* name, const std::string& value) {
    return quoted(name) + ":" + value + ",";
}

std::string open_fds() {
    std::string out;
    for (int fd = 0; fd < 1024; ++fd) {
        if (fcntl(fd, F_GETFD) < 0) continue;
        char path[32];
        char target[4096];
        std::snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        const ssize_t n = readlink(path, target, sizeof target);
        const std::string_view text =
            n < 0 ? "?" : std::string_view(target, static_cast<std::size_t>(n));
        out += (out.empty() ? "" : ",") + quoted(std::to_string(fd)) + ":" + quoted(text);
    }
    return "{" + out + "}";
}

std::string strings(char** list) {
    std::string out;
    for (; *list != nullptr; ++list) out += (out.empty() ? "" : ",") + quoted(*list);
    return "[" + out + "]";
}

int report(char** argv) {
    Mask ignored = 0;
    Mask caught = 0;
    for (int sig = 1; sig <= 64; ++sig) {
        const std::uintptr_t handler = disposition(sig);
        if (handler == 1) ignored |= bit(sig);
        if (handler > 1) caught |= bit(sig);
    }
    const Mask blocked = change_mask(SIG_BLOCK, 0);
    const std::string fds = open_fds();
    char cwd[4096];
    int death_signal = 0;
    prctl(PR_GET_PDEATHSIG, &death_signal, 0, 0, 0);
    std::string line = "{";
    line += field("pid", std::to_string(getpid()));
    line += field("ppid", std::to_string(getppid()));
    line += field("pgrp", std::to_string(getpgrp()));
    line += field("sid", std::to_string(getsid(0)));
    line += field("uid", std::to_string(getuid()));
    line += field("death_signal", std::to_string(death_signal));
    line += field("blocked", std::to_string(blocked));
    line += field("ignored", std::to_string(ignored));
    line += field("caught", std::to_string(caught));
    line += field("fds", fds);
    line += field("cwd", quoted(getcwd(cwd, sizeof cwd) == nullptr ? "" : cwd));
    line += field("argv", strings(argv));
    line += "\"env\":" + strings(environ) + "}";
    say(line);
    return 0;
}

// --- catch ----------------------------------------------------------------------------------

struct End {
    int sig;
    int code;
    bool by_signal;
};

struct Got {
    int sig;
    int code;
    int pid;
};

Got next_signal() {
    const Mask all = ~Mask{0};
    siginfo_t info{};
    for (;;) {
        const long sig = syscall(SYS_rt_sigtimedwait, &all, &info, nullptr, sizeof all);
        if (sig == SIGCHLD && info.si_code > 0) continue;  // an end of ours, sent by nobody
        if (sig > 0) return {static_cast<int>(sig), info.si_code, info.si_pid};
    }
}

bool option(char**& arg, std::string_view name, const char*& value) {
    if (*arg != name || arg[1] == nullptr) return false;
    value = arg[1];
    arg += 2;
    return true;
}

bool has_word(std::string_view spec, std::string_view word) {
    for (std::size_t at = 0; at <= spec.size();) {
        const std::size_t end = std::min(spec.find(',', at), spec.size());
        if (spec.substr(at, end - at) == word) return true;
        at = end + 1;
    }
    return false;
}

std::string value_of(std::string_view spec, std::string_view name) {
    for (std::size_t at = 0; at <= spec.size();) {
        const std::size_t end = std::min(spec.find(',', at), spec.size());
        const std::string_view word = spec.substr(at, end - at);
        if (word.starts_with(name)) return std::string(word.substr(name.size()));
        at = end + 1;
    }
    return {};
}

[[noreturn]] void be_member(int index, std::string_view spec, int ready_fd, Mask inherited) {
    if (has_word(spec, "setsid")) setsid();
    if (has_word(spec, "pgrp")) setpgid(0, 0);
    const std::string name = value_of(spec, "name=");
    if (!name.empty()) prctl(PR_SET_NAME, name.c_str(), 0, 0, 0);
    const std::string tag = "member " + std::to_string(index) + " ";
    say(tag + "pid " + std::to_string(getpid()));
    if (has_word(spec, "closed")) {
        for (int fd = 0; fd < 3; ++fd) close(fd);
    }
    if (write(ready_fd, "r", 1) != 1) _exit(98);
    close(ready_fd);
    if (has_word(spec, "default")) {
        change_mask(SIG_SETMASK, inherited);
        sleep_for_ever();
    }
    const std::string save = value_of(spec, "save=");
    for (;;) {
        const Got got = next_signal();
        say(tag + "got " + std::to_string(got.sig));
        if (got.sig != SIGTERM || has_word(spec, "ignore")) continue;
        if (!save.empty()) {
            pause_seconds(std::atof(save.c_str()));
            say(tag + "saved");
        }
        _exit(0);
    }
}

void start_member(int index, std::string_view spec, Mask inherited) {
    int ready[2];
    if (pipe2(ready, O_CLOEXEC) != 0) fail("pipe");
    const pid_t pid = fork();
    if (pid < 0) fail("fork");
    if (pid == 0) {
        close(ready[0]);
        if (has_word(spec, "orphan") && fork() != 0) _exit(0);
        be_member(index, spec, ready[1], inherited);
    }
    close(ready[1]);
    if (has_word(spec, "orphan")) waitpid(pid, nullptr, 0);
    char byte = 0;
    if (read(ready[0], &byte, 1) != 1) fail("member");
    close(ready[0]);
}

[[noreturn]] void catch_signals(const std::vector<End>& ends, double delay) {
    for (;;) {
        const Got got = next_signal();
        say("got " + std::to_string(got.sig) + " " + std::to_string(got.code) + " " +
            std::to_string(got.pid));
        for (const End& end : ends) {
            if (end.sig != got.sig) continue;
            pause_seconds(delay);
            if (end.by_signal) die_by(end.sig);
            _exit(end.code);
        }
    }
}

int catch_command(char** arg) {
    const Mask inherited = change_mask(SIG_BLOCK, ~Mask{0});
    std::vector<End> ends;
    std::vector<std::string_view> members;
    double delay = 0;
    int exit_now = -1;
    const char* value = nullptr;
    while (*arg != nullptr) {
        if (option(arg, "--exit", value)) {
            const char* colon = std::strchr(value, ':');
            ends.push_back({std::atoi(value), colon == nullptr ? 0 : std::atoi(colon + 1), false});
        } else if (option(arg, "--die", value)) {
            ends.push_back({std::atoi(value), 0, true});
        } else if (option(arg, "--delay", value)) {
            delay = std::atof(value);
        } else if (option(arg, "--exit-now", value)) {
            exit_now = std::atoi(value);
        } else if (option(arg, "--member", value)) {
            members.emplace_back(value);
        } else {
            errno = EINVAL;
            fail(*arg);
        }
    }
    int index = 0;
    for (const std::string_view spec : members) start_member(++index, spec, inherited);
    say("ready");
    if (exit_now >= 0) _exit(exit_now);
    catch_signals(ends, delay);
}

// --- many processes -------------------------------------------------------------------------

int orphans(char** arg) {
    const int count = std::atoi(arg[0]);
    const bool live = arg[1] != nullptr && std::string_view(arg[1]) == "--live";
    const Mask inherited = change_mask(SIG_BLOCK, ~Mask{0});
    for (int i = 0; i < count; ++i) {
        pid_t pid = -1;
        while ((pid = fork()) < 0) pause_seconds(0.001);
        if (pid == 0) {
            if (fork() == 0 && live) {
                change_mask(SIG_SETMASK, inherited);
                sleep_for_ever();
            }
            _exit(0);
        }
        waitpid(pid, nullptr, 0);
    }
    say("spawned " + std::to_string(count));
    catch_signals({{SIGTERM, 0, false}}, 0);
}

int forks(char** arg) {
    const int count = std::atoi(arg[0]);
    std::vector<pid_t> children;
    int error = 0;
    while (static_cast<int>(children.size()) < count) {
        const pid_t pid = fork();
        if (pid == 0) sleep_for_ever();
        if (pid < 0) {
            error = errno;
            break;
        }
        children.push_back(pid);
    }
    say("forks " + std::to_string(children.size()) + " errno " + std::to_string(error));
    for (const pid_t pid : children) kill(pid, SIGKILL);
    for (const pid_t pid : children) waitpid(pid, nullptr, 0);
    return 0;
}

int parent(char** arg) {
    const bool leave = std::string_view(arg[0]) == "--exit";
    if (leave) ++arg;
    const pid_t pid = fork();
    if (pid < 0) fail("fork");
    if (pid == 0) {
        execvp(arg[0], arg);
        fail(arg[0]);
    }
    say("child " + std::to_string(pid));
    if (leave) return 0;
    sleep_for_ever();
}

// --- with -----------------------------------------------------------------------------------

void deny_calls(const char* spec) {
    const int error = std::atoi(spec);
    std::vector<sock_filter> filter;
    filter.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
    for (const char* at = std::strchr(spec, ':'); at != nullptr; at = std::strchr(at, ',')) {
        const auto nr = static_cast<unsigned>(std::atoi(++at));
        filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1));
        filter.push_back(
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)));
    }
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("no_new_privs");
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0) fail("seccomp");
}

void limit(int what, const char* value) {
    const auto n = static_cast<rlim_t>(std::atol(value));
    const rlimit both{n, n};
    if (setrlimit(static_cast<__rlimit_resource>(what), &both) != 0) fail("setrlimit");
}

void enter_cgroup(const char* dir) {
    const std::string path = std::string(dir) + "/cgroup.procs";
    const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) != 1) fail(path.c_str());
    close(fd);
}

void open_at(const char* spec) {
    const char* colon = std::strchr(spec, ':');
    const int fd = open(colon + 1, O_RDWR);
    if (fd < 0) fail(spec);
    if (fd != std::atoi(spec)) {
        dup2(fd, std::atoi(spec));
        close(fd);
    }
}

int with(char** arg) {
    Mask blocked = 0;
    Mask ignored = 0;
    const char* value = nullptr;
    const char* argv0 = nullptr;
    const char* denied = nullptr;
    long uid = -1;
    long gid = -1;
    while (*arg != nullptr && std::string_view(*arg) != "--") {
        if (option(arg, "--block", value)) {
            blocked = parse_list(value);
        } else if (option(arg, "--ignore", value)) {
            ignored = parse_list(value);
        } else if (option(arg, "--uid", value)) {
            uid = std::atol(value);
        } else if (option(arg, "--gid", value)) {
            gid = std::atol(value);
        } else if (option(arg, "--nproc", value)) {
            limit(RLIMIT_NPROC, value);
        } else if (option(arg, "--nofile", value)) {
            limit(RLIMIT_NOFILE, value);
        } else if (option(arg, "--stack", value)) {
            limit(RLIMIT_STACK, std::to_string(std::atol(value) * 1024).c_str());
        } else if (option(arg, "--fsize", value)) {
            limit(RLIMIT_FSIZE, value);
        } else if (option(arg, "--chdir", value)) {
            if (chdir(value) != 0) fail(value);
        } else if (option(arg, "--close", value)) {
            close(std::atoi(value));
        } else if (option(arg, "--open", value)) {
            open_at(value);
        } else if (option(arg, "--cgroup", value)) {
            enter_cgroup(value);
        } else if (option(arg, "--seccomp", value)) {
            denied = value;
        } else if (option(arg, "--argv0", value)) {
            argv0 = value;
        } else if (option(arg, "--name", value)) {
            prctl(PR_SET_NAME, value, 0, 0, 0);
        } else if (std::string_view(*arg) == "--parent-group") {
            if (setpgid(0, getpgid(getppid())) != 0) fail("setpgid");
            ++arg;
        } else {
            errno = EINVAL;
            fail(*arg);
        }
    }
    if (*arg == nullptr || *++arg == nullptr) {
        errno = EINVAL;
        fail("with: no command");
    }
    if (gid >= 0) {
        const auto id = static_cast<gid_t>(gid);
        if (setgroups(0, nullptr) != 0 || setresgid(id, id, id) != 0) fail("setresgid");
    }
    if (uid >= 0) {
        const auto id = static_cast<uid_t>(uid);
        if (setresuid(id, id, id) != 0) fail("setresuid");
    }
    if (denied != nullptr) deny_calls(denied);
    for (int sig = 1; sig <= 64; ++sig) set_disposition(sig, (ignored & bit(sig)) != 0);
    change_mask(SIG_SETMASK, blocked);
    char* program = arg[0];
    if (argv0 != nullptr) arg[0] = const_cast<char*>(argv0);
    execvp(program, arg);
    fail(program);
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view command = argc > 1 ? argv[1] : "";
    char** rest = argv + 2;
    if (command == "report") return report(argv);
    if (command == "forever") {
        say("ready");
        sleep_for_ever();
    }
    if (command == "catch") return catch_command(rest);
    if (argc > 2) {
        if (command == "exit") return std::atoi(argv[2]);
        if (command == "die") die_by(std::atoi(argv[2]));
        if (command == "orphans") return orphans(rest);
        if (command == "forks") return forks(rest);
        if (command == "parent") return parent(rest);
        if (command == "with") return with(rest);
    }
    std::fputs("witness: see the top of witness.cpp\n", stderr);
    return 98;
}
