// SPDX-License-Identifier: MIT
#include "measure.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <numeric>
#include <random>
#include <sstream>

namespace bench {

void fail(const std::string& what) { give_up(what + ": " + std::strerror(errno)); }

void give_up(const std::string& why) {
    std::fprintf(stderr, "%s\n", why.c_str());
    std::exit(1);
}

namespace {

// `part` from 0 to 1 of the sorted values.
double quantile(const std::vector<double>& sorted, double part) {
    const double at = part * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<std::size_t>(at);
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    return sorted[below] + (sorted[above] - sorted[below]) * (at - static_cast<double>(below));
}

}  // namespace

std::vector<std::size_t> turns(std::size_t candidates, int round) {
    std::vector<std::size_t> order(candidates);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::shuffle(order.begin(), order.end(), std::mt19937(static_cast<unsigned>(round)));
    return order;
}

void report(const std::string& figure, const std::string& candidate, const char* unit,
            std::vector<double> rounds) {
    if (rounds.empty()) return;
    std::sort(rounds.begin(), rounds.end());
    std::printf(
        "{\"figure\":\"%s\",\"candidate\":\"%s\",\"unit\":\"%s\",\"rounds\":%zu,"
        "\"median\":%.6g,\"q1\":%.6g,\"q3\":%.6g,\"best\":%.6g,\"worst\":%.6g}\n",
        figure.c_str(), candidate.c_str(), unit, rounds.size(), quantile(rounds, 0.5),
        quantile(rounds, 0.25), quantile(rounds, 0.75), rounds.front(), rounds.back());
    std::fflush(stdout);
}

void report_failure(const std::string& figure, const std::string& candidate,
                    const std::string& why) {
    std::printf("{\"figure\":\"%s\",\"candidate\":\"%s\",\"failed\":\"%s\"}\n", figure.c_str(),
                candidate.c_str(), why.c_str());
    std::fflush(stdout);
}

void take_cpu(int cpu) {
    cpu_set_t set;
    if (cpu < 0) {  // the last that we may use: the first has more interrupts as a rule
        if (sched_getaffinity(0, sizeof set, &set) != 0) fail("sched_getaffinity");
        for (cpu = CPU_SETSIZE - 1; !CPU_ISSET(cpu, &set);) --cpu;
    }
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) fail("sched_setaffinity");
    setpriority(PRIO_PROCESS, 0, -20);  // if it may
}

std::string read_file(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

void write_file(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

long field(const std::string& text, const std::string& key) {
    const std::size_t at = ("\n" + text).find("\n" + key);
    if (at == std::string::npos) return -1;
    return std::strtol(text.c_str() + at + key.size(), nullptr, 10);
}

// --- memory control group ----------------------------------------------------------------------

namespace {

struct Mount {
    std::string path;
    bool second;
};

// Where this process's memory control group is.
Mount own_group() {
    std::istringstream mounts(read_file("/proc/self/mounts"));
    std::string device, where, type, options, rest;
    Mount found;
    while (mounts >> device >> where >> type >> options && std::getline(mounts, rest)) {
        const bool first =
            type == "cgroup" && ("," + options + ",").find(",memory,") < options.size();
        const bool second =
            type == "cgroup2" && found.path.empty() &&
            read_file(where + "/cgroup.controllers").find("memory") != std::string::npos;
        if (first || second) found = {where, second};
    }
    if (found.path.empty()) return found;
    std::istringstream groups(read_file("/proc/self/cgroup"));
    for (std::string line; std::getline(groups, line);) {
        const std::size_t colon = line.rfind(':');
        const bool is_ours =
            found.second ? line.starts_with("0::") : line.find(":memory:") != std::string::npos;
        if (is_ours && line.substr(colon + 1) != "/") found.path += line.substr(colon + 1);
    }
    return found;
}

}  // namespace

MemoryGroup::MemoryGroup() {
    const Mount own = own_group();
    if (own.path.empty()) return;
    second_ = own.second;
    // In version 2 a group that has processes has no groups with memory control in it: beside us.
    const std::string parent = second_ ? own.path.substr(0, own.path.rfind('/')) : own.path;
    const std::string path = parent + "/usher-bench-" + std::to_string(getpid());
    if (mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return;
    path_ = path;
    if (usage_kib() < 0) {
        rmdir(path_.c_str());
        path_.clear();
    }
}

MemoryGroup::~MemoryGroup() {
    // Its last member may still be on its way out.
    for (int i = 0; usable() && i < 1000 && rmdir(path_.c_str()) != 0 && errno == EBUSY; ++i) {
        usleep(1000);
    }
}

double MemoryGroup::usage_kib() const {
    const std::string text =
        read_file(path_ + (second_ ? "/memory.current" : "/memory.usage_in_bytes"));
    return text.empty() ? -1 : std::atof(text.c_str()) / 1024;
}

double MemoryGroup::peak_kib() const {
    const std::string text =
        read_file(path_ + (second_ ? "/memory.peak" : "/memory.max_usage_in_bytes"));
    return text.empty() ? -1 : std::atof(text.c_str()) / 1024;
}

// --- shared memory -----------------------------------------------------------------------------

SharedMemory::SharedMemory() {
    const int fd = memfd_create("bench", MFD_CLOEXEC);
    fd_ = fcntl(fd, F_DUPFD_CLOEXEC, 16);  // not 3, which it becomes in the container
    close(fd);
    if (fd_ < 0 || ftruncate(fd_, sizeof(Shared)) != 0) fail("memfd");
    void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
    if (memory == MAP_FAILED) fail("mmap");
    shared_ = new (memory) Shared;
}

SharedMemory::~SharedMemory() {
    munmap(shared_, sizeof(Shared));
    close(fd_);
}

bool SharedMemory::passes(Counter& word, std::uint32_t old, double seconds) {
    const std::int64_t end = now_ns() + static_cast<std::int64_t>(seconds * 1e9);
    for (std::uint32_t now = word.load(); now <= old; now = word.load()) {
        if (now_ns() > end) return false;
        wait_while(word, now);
    }
    return true;
}

// --- a command that runs -----------------------------------------------------------------------

int Running::enter(void* argument) {
    Running& self = *static_cast<Running*>(argument);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    setsid();
    if (self.cgroup_fd_ >= 0 && write(self.cgroup_fd_, "0", 1) != 1) _exit(99);
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < 3; ++fd) dup2(null, fd);
    char go = 0;
    if (self.how_.traced && read(self.gate_[0], &go, 1) != 1) _exit(99);
    if (self.how_.shared_fd >= 0) dup2(self.how_.shared_fd, 3);
    self.began_ = now_ns();
    execvpe(self.argv_[0], self.argv_.data(), self.envp_.data());
    _exit(98);
}

namespace {

std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> list;
    for (std::string& word : words) list.push_back(word.data());
    list.push_back(nullptr);
    return list;
}

}  // namespace

Running::Running(std::vector<std::string> command, const How& how)
    : words_(std::move(command)),
      variables_(how.environment),
      argv_(pointers(words_)),
      envp_(pointers(variables_)),
      how_(how) {
    alignas(16) static char stack[65536];
    if (!how_.cgroup.empty()) {
        cgroup_fd_ = open(how_.cgroup.c_str(), O_WRONLY | O_CLOEXEC);
        if (cgroup_fd_ < 0) fail(how_.cgroup);
    }
    if (how_.traced && pipe2(gate_, O_CLOEXEC) != 0) fail("pipe");
    // A child that is traced must be able to wait; any other shares our memory until its exec, so
    // that it can tell the moment.
    const int flags = SIGCHLD | (how_.traced ? 0 : CLONE_VM | CLONE_VFORK) |
                      (how_.pid_namespace ? CLONE_NEWPID : 0);
    pid_ = clone(enter, stack + sizeof stack, flags, this);
    if (pid_ < 0) fail("clone");
    if (cgroup_fd_ >= 0) close(cgroup_fd_);
}

Running::~Running() {
    if (pid_ > 0) {
        kill(pid_, SIGKILL);
        int status = 0;  // one that is traced stops once more
        while (waitpid(pid_, &status, __WALL) == pid_ && WIFSTOPPED(status)) {
            ptrace(PTRACE_CONT, pid_, nullptr, nullptr);
        }
    }
    for (const int fd : gate_) {
        if (fd >= 0) close(fd);
    }
}

void Running::release() const {
    if (write(gate_[1], "g", 1) != 1) fail("release");
}

std::int64_t Running::wait() {
    while (wait4(pid_, &status_, 0, &usage_) < 0) {
        if (errno != EINTR) fail("wait4");
    }
    const std::int64_t now = now_ns();
    pid_ = -1;
    return now;
}

bool Running::ended() {
    if (pid_ > 0 && wait4(pid_, &status_, WNOHANG, &usage_) == pid_) pid_ = -1;
    return pid_ < 0;
}

double Running::cpu_us() const {
    const auto us = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_usec);
    };
    return us(usage_.ru_utime) + us(usage_.ru_stime);
}

std::int64_t Running::cpu_ns() const {
    clockid_t clock = 0;
    timespec t{};
    if (clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &t) != 0) return 0;
    return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

void Running::settle() const {
    const std::int64_t end = now_ns() + 10'000'000'000;
    while (now_ns() < end) {
        const std::string stat = proc("stat");
        const std::size_t at = stat.rfind(") ");
        if (at == std::string::npos || stat[at + 2] == 'S') return;
        usleep(200);
    }
}

std::string Running::proc(const char* name) const {
    return read_file("/proc/" + std::to_string(pid_) + "/" + name);
}

}  // namespace bench
