// SPDX-License-Identifier: MIT
#include "lab.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace lab {

Board* board = nullptr;
Options options;
int failures = 0;
std::vector<std::string> cgroup_folders;

namespace {

constexpr int most_failures = 3;
int log_fd = -1;  // the init's stderr: a file in memory, told when the round fails

[[noreturn]] void give_up(const char* what) {
    std::fprintf(stderr, "races: %s: %s\n", what, std::strerror(errno));
    _exit(99);
}

pid_t clone3(clone_args& args) {
    return static_cast<pid_t>(syscall(SYS_clone3, &args, sizeof args));
}

std::string join(const Words& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
    return text;
}

void make_board() {
    const int fd = memfd_create("board", 0);
    if (fd < 0 || ftruncate(fd, sizeof(Board)) != 0) give_up("memfd_create");
    void* const memory = mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) give_up("mmap");
    if (fd != board_fd) {
        if (dup2(fd, board_fd) < 0) give_up("dup2");
        close(fd);
    }
    board = static_cast<Board*>(memory);
    log_fd = memfd_create("stderr", MFD_CLOEXEC);
    if (log_fd < 0 || fcntl(log_fd, F_SETFL, O_APPEND) != 0) give_up("memfd_create");
}

void reset_board() { std::memset(static_cast<void*>(board), 0, sizeof(Board)); }

std::string log_text() {
    constexpr off_t most = 2000;
    char text[most];
    const off_t size = lseek(log_fd, 0, SEEK_END);
    const ssize_t n = pread(log_fd, text, sizeof text, std::max<off_t>(size - most, 0));
    return n > 0 ? std::string(text, static_cast<std::size_t>(n)) : "";
}

std::string self_path() {
    static const std::string path = [] {
        char text[PATH_MAX];
        const ssize_t n = readlink("/proc/self/exe", text, sizeof text);
        return std::string(text, n > 0 ? static_cast<std::size_t>(n) : 0);
    }();
    return path;
}

}  // namespace

// --- time and chance ------------------------------------------------------------------------

std::int64_t now() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * s + t.tv_nsec;
}

void spin_until(std::int64_t moment) {
    while (now() < moment) {
    }
}

void sleep_until(std::int64_t moment) {
    const timespec t{.tv_sec = moment / s, .tv_nsec = moment % s};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, nullptr) == EINTR) {
    }
}

std::uint64_t Chance::next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ * 0x2545f4914f6cdd1dU >> 16;
}

// --- words ----------------------------------------------------------------------------------

void set(Word& word, int value) {
    word = value;
    syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

void wait_while(const Word& word, int value) {
    while (word == value) syscall(SYS_futex, &word, FUTEX_WAIT, value, nullptr, nullptr, 0);
}

void wait_for_word(const Word& word) { wait_while(word, 0); }

// --- the kernel's calls ---------------------------------------------------------------------

// The C library hides signals 32 and 33, so the kernel is asked itself.
Mask change_mask(int how, Mask mask) {
    Mask old = 0;
    if (syscall(SYS_rt_sigprocmask, how, &mask, &old, sizeof mask) != 0) give_up("rt_sigprocmask");
    return old;
}

int next_signal(Mask set, std::int64_t timeout, siginfo_t* info) {
    const timespec t{.tv_sec = timeout / s, .tv_nsec = timeout % s};
    while (true) {
        const long sig =
            syscall(SYS_rt_sigtimedwait, &set, info, timeout < 0 ? nullptr : &t, sizeof set);
        if (sig > 0) return static_cast<int>(sig);
        if (errno != EINTR) return -1;
    }
}

pid_t fork_as(pid_t pid) {
    clone_args args{};
    args.exit_signal = SIGCHLD;
    args.set_tid = reinterpret_cast<std::uint64_t>(&pid);
    args.set_tid_size = 1;
    return clone3(args);
}

int open_pidfd(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }

void take_turns(pid_t pid, int others, void (*life)()) {
    while (board->over == 0) {
        wait_while(board->turn, others);
        const pid_t child = fork_as(pid);
        if (child == 0) {
            life();
            _exit(0);
        }
        if (child > 0) waitpid(child, nullptr, 0);
        set(board->turn, others);
    }
    set(board->turn, others);
}

std::string read_file(const std::string& path) {
    std::string text;
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return text;
    char room[4096];
    for (ssize_t n = 0; (n = read(fd, room, sizeof room)) > 0;) {
        text.append(room, static_cast<std::size_t>(n));
    }
    close(fd);
    return text;
}

long field(const std::string& text, std::string_view name) {
    const std::size_t at = ("\n" + text).find("\n" + std::string(name) + ":");
    if (at == std::string::npos) return -1;
    return std::strtol(text.c_str() + at + name.size() + 1, nullptr, 10);
}

bool blocks_everything(pid_t pid) {
    constexpr Mask full = all_signals & ~bit(SIGKILL) & ~bit(SIGSTOP);
    const std::string text = read_file("/proc/" + std::to_string(pid) + "/status");
    // While usher waits for signals the kernel shows none of them as blocked; its name tells, then.
    if (text.starts_with("Name:\tusher:")) return true;
    const std::size_t at = text.find("SigBlk:");
    return at != std::string::npos && std::strtoull(text.c_str() + at + 7, nullptr, 16) == full;
}

std::vector<pid_t> children_of(pid_t pid) {
    const std::string name = std::to_string(pid);
    const std::string text = read_file("/proc/" + name + "/task/" + name + "/children");
    std::vector<pid_t> children;
    for (const char* at = text.c_str(); *at != '\0';) {
        char* end = nullptr;
        const long child = std::strtol(at, &end, 10);
        if (end == at) break;
        children.push_back(static_cast<pid_t>(child));
        at = *end == ' ' ? end + 1 : end;
    }
    return children;
}

bool is_zombie(pid_t pid) {
    const std::string text = read_file("/proc/" + std::to_string(pid) + "/stat");
    const std::size_t at = text.rfind(')');
    return at != std::string::npos && at + 2 < text.size() && text[at + 2] == 'Z';
}

// --- the init of one round ------------------------------------------------------------------

Words role(std::initializer_list<std::string> words) {
    Words command{self_path(), "act"};
    command.insert(command.end(), words);
    return command;
}

Words command_of(const Setting& setting) {
    Words command{options.usher};
    if (!options.plain) command.insert(command.end(), setting.init.begin(), setting.init.end());
    command.emplace_back("--");
    command.insert(command.end(), setting.program.begin(), setting.program.end());
    return command;
}

void become_init(const Setting& setting) {
    Words command = command_of(setting);
    std::vector<char*> argv;
    for (std::string& word : command) argv.push_back(word.data());
    argv.push_back(nullptr);
    if (!setting.cgroup.empty()) {
        const int fd = open((setting.cgroup + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, "0", 1) != 1) give_up("enter the cgroup");
        close(fd);
    }
    if (setting.proc) {
        if (unshare(CLONE_NEWNS) != 0 || mount("proc", "/proc", "proc", 0, nullptr) != 0) {
            give_up("mount /proc");
        }
    }
    if (setting.terminal >= 0) {
        setsid();
        ioctl(setting.terminal, TIOCSCTTY, 0);
        for (int fd = 0; fd < 3; ++fd) dup2(setting.terminal, fd);
        close(setting.terminal);
    }
    dup2(log_fd, 2);
    change_mask(SIG_SETMASK, setting.blocked ? all_signals : 0);
    char* const environment[] = {nullptr};
    execve(argv[0], argv.data(), environment);
    _exit(99);
}

Life launch(const Setting& setting) {
    Life life;
    clone_args args{};
    args.flags = CLONE_PIDFD | (setting.pid1 ? CLONE_NEWPID : 0);
    args.pidfd = reinterpret_cast<std::uint64_t>(&life.pidfd);
    args.exit_signal = SIGCHLD;
    // From its first moment: whatever is sent to it stays with it.
    if (setting.blocked) change_mask(SIG_SETMASK, all_signals);
    life.begin = now();
    life.pid = clone3(args);
    if (life.pid == 0) become_init(setting);
    change_mask(SIG_SETMASK, 0);
    if (life.pid < 0) give_up("clone3");
    return life;
}

int wait_for_end(const Life& life) {
    pollfd fd{.fd = life.pidfd, .events = POLLIN, .revents = 0};
    const std::int64_t end = now() + patience;
    while (poll(&fd, 1, 1000) <= 0) {
        if (now() > end) return -1;
    }
    int status = 0;
    if (waitpid(life.pid, &status, __WALL) != life.pid) give_up("waitpid");
    return status;
}

bool has_ended(const Life& life) {
    pollfd fd{.fd = life.pidfd, .events = POLLIN, .revents = 0};
    return poll(&fd, 1, 0) > 0;
}

std::string tell_status(int status) {
    if (status < 0) return "hangs";
    if (WIFSIGNALED(status)) return "ended by signal " + std::to_string(WTERMSIG(status));
    return "exit code " + std::to_string(WEXITSTATUS(status));
}

// --- the account ----------------------------------------------------------------------------

Window::Window(std::string name) : name_(std::move(name)), begin_(now()) {
    if (board == nullptr) make_board();
}

Window::~Window() {
    std::string text;
    for (const auto& [what, count] : tallies_) {
        text += (text.empty() ? ": " : ", ") + what + " " + std::to_string(count);
    }
    std::printf("%s: %d rounds, %d failed, %.1f s%s\n", name_.c_str(), std::max(round_, 0),
                failures_, static_cast<double>(now() - begin_) / 1e9, text.c_str());
    std::fflush(stdout);
    failures += failures_;
}

bool Window::next(int short_form) {
    return next_of(options.rounds > 0 ? options.rounds : short_form);
}

bool Window::next_of(int rounds) {
    if (failed_) ++failures_;
    failed_ = false;
    ++round_;
    if (round_ >= rounds) return false;
    if (failures_ >= most_failures) {
        std::printf("%s: given up after %d failures\n", name_.c_str(), failures_);
        return false;
    }
    begin_round();
    return true;
}

void Window::begin_round() {
    chance_ = Chance(options.seed * 1000003 + static_cast<std::uint64_t>(round_));
    chance_.next();
    reset_board();
    if (ftruncate(log_fd, 0) != 0) give_up("ftruncate");
    about_.clear();
    command_.clear();
}

std::int64_t Window::offset(std::int64_t from, std::int64_t to) const {
    const std::int64_t width = std::max<std::int64_t>((to - from) / us, 1);
    // The golden section spreads a few rounds over the whole window, and many over each
    // microsecond.
    std::int64_t step = static_cast<std::int64_t>(static_cast<double>(width) * 0.6180339887) | 1;
    while (std::__gcd(step, width) != 1) step += 2;
    const auto first = static_cast<std::int64_t>(options.seed * 7919);
    return from + (first + round_ * step) % width * us;
}

void Window::about(const Setting& setting, std::string text) {
    command_ = join(command_of(setting));
    about_ = std::move(text);
}

void Window::tally(const std::string& what) {
    for (auto& [name, count] : tallies_) {
        if (name == what) {
            ++count;
            return;
        }
    }
    tallies_.emplace_back(what, 1);
}

void Window::fail(const std::string& what) {
    if (!failed_) {
        std::printf("FAILED %s: round %d of seed %llu: %s\n    %s\n    %s\n", name_.c_str(), round_,
                    static_cast<unsigned long long>(options.seed), what.c_str(), command_.c_str(),
                    about_.c_str());
        const std::string text = log_text();
        if (!text.empty()) std::printf("    stderr: %s\n", text.c_str());
        std::fflush(stdout);
    }
    failed_ = true;
}

void Window::tell_processes() {
    DIR* const folder = opendir("/proc");
    if (folder == nullptr) return;
    while (const dirent* entry = readdir(folder)) {
        const int pid = std::atoi(entry->d_name);
        if (pid <= 1) continue;
        const std::string path = "/proc/" + std::string(entry->d_name);
        const std::string text = read_file(path + "/status");
        std::string line;
        for (const char* name : {"Name", "State", "NSpid", "PPid", "SigPnd", "ShdPnd", "SigBlk"}) {
            const std::size_t at = ("\n" + text).find("\n" + std::string(name) + ":");
            if (at != std::string::npos) line += " " + text.substr(at, text.find('\n', at) - at);
        }
        for (char& c : line) c = c == '\t' ? ' ' : c;
        std::printf("    %d%s wchan %s\n", pid, line.c_str(), read_file(path + "/wchan").c_str());
    }
    closedir(folder);
}

int Window::finish(Life& life) {
    const int status = wait_for_end(life);
    if (status < 0) {
        fail("hangs");
        tell_processes();
    } else if (waitpid(-1, nullptr, WNOHANG | __WALL) >= 0 || errno != ECHILD) {
        fail("a process is left");
        tell_processes();
    }
    if (failed_) {
        ::kill(-1, SIGKILL);  // the whole sandbox but us
        while (waitpid(-1, nullptr, __WALL) > 0) {
        }
    }
    close(life.pidfd);
    life = {};
    return status;
}

bool Window::expect_status(int status, std::initializer_list<int> allowed) {
    if (status < 0) return false;
    if (std::find(allowed.begin(), allowed.end(), status) != allowed.end()) return true;
    std::string text;
    for (const int one : allowed) text += (text.empty() ? "" : " or ") + tell_status(one);
    fail(tell_status(status) + ", want " + text);
    return false;
}

// --- the sandbox ----------------------------------------------------------------------------

int in_sandbox(int (*body)()) {
    for (const char* top : {"/memory", "/pids", ""}) {
        cgroup_folders.push_back("/sys/fs/cgroup" + std::string(top) + "/usher-races-" +
                                 std::to_string(getpid()));
    }
    const Mask ends = bit(SIGINT) | bit(SIGTERM) | bit(SIGHUP);
    change_mask(SIG_SETMASK, ends | bit(SIGCHLD));
    if (unshare(CLONE_NEWPID | CLONE_NEWNS) != 0) give_up("a namespace cannot be made: be root");
    const pid_t pid = fork();
    if (pid < 0) give_up("fork");
    if (pid == 0) {
        change_mask(SIG_SETMASK, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        const rlimit none{0, 0};
        setrlimit(RLIMIT_CORE, &none);
        if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            mount("proc", "/proc", "proc", 0, nullptr) != 0) {
            give_up("mount /proc");
        }
        std::exit(body());
    }
    const int sig = next_signal(ends | bit(SIGCHLD), -1);
    if (sig != SIGCHLD) ::kill(pid, SIGKILL);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    for (const std::string& folder : cgroup_folders) rmdir(folder.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace lab
