// SPDX-License-Identifier: MIT
// What the measurements share: starting a command in a container of its own, reading what it costs,
// and telling a figure.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "shared.hpp"

namespace bench {

[[noreturn]] void fail(const std::string& what);  // a system call, as errno tells
[[noreturn]] void give_up(const std::string& why);

// One JSON line a figure of a candidate: median, quartiles, extremes of its rounds.
void report(const std::string& figure, const std::string& candidate, const char* unit,
            std::vector<double> rounds);
// The candidate could not do it.
void report_failure(const std::string& figure, const std::string& candidate,
                    const std::string& why);

// In which order the candidates take their turns in this round: a shuffled one, the same in every
// run. What one leaves in the caches its successor pays for, so nobody shall always follow the same
// one.
std::vector<std::size_t> turns(std::size_t candidates, int round);

// Keeps this process and all that it starts on one CPU, with precedence over what else runs there.
void take_cpu(int cpu);

// A whole file; empty if it cannot be read.
std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& text);
// The number behind `key` in a file of "key value" lines; -1: not there.
long field(const std::string& text, const std::string& key);

// A memory control group of its own, under this process's; version 1 or 2.
class MemoryGroup {
  public:
    MemoryGroup();  // usable() tells whether it worked
    ~MemoryGroup();
    MemoryGroup(const MemoryGroup&) = delete;
    MemoryGroup& operator=(const MemoryGroup&) = delete;
    [[nodiscard]] bool usable() const { return !path_.empty(); }
    [[nodiscard]] std::string members() const { return path_ + "/cgroup.procs"; }
    [[nodiscard]] double usage_kib() const;
    [[nodiscard]] double peak_kib() const;

  private:
    std::string path_;
    bool second_ = false;  // version 2
};

// Memory that is shared with the program in the container, as its fd 3.
class SharedMemory {
  public:
    SharedMemory();
    ~SharedMemory();
    SharedMemory(const SharedMemory&) = delete;
    SharedMemory& operator=(const SharedMemory&) = delete;
    Shared* operator->() const { return shared_; }
    // False: `word` did not get past `old` within the time.
    static bool passes(Counter& word, std::uint32_t old, double seconds = 20);
    [[nodiscard]] int fd() const { return fd_; }

  private:
    int fd_;
    Shared* shared_;
};

// A command that runs, by default as PID 1 of a PID namespace of its own, with an empty environment
// and nothing but /dev/null and the shared memory. It dies with this object, and with this process.
class Running {
  public:
    struct How {
        bool pid_namespace = true;
        bool traced = false;      // stops before its exec, until release()
        int shared_fd = -1;       // becomes fd 3
        std::string cgroup = {};  // its file of members
        std::vector<std::string> environment = {};
    };
    Running(std::vector<std::string> command, const How& how);
    ~Running();
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }
    // ns: just before its exec.
    [[nodiscard]] std::int64_t began() const { return began_; }
    void release() const;
    // Waits for its end and returns the moment, in ns. Its wait status and cost are known then.
    std::int64_t wait();
    [[nodiscard]] bool ended();
    void forget() { pid_ = -1; }  // somebody else has seen its end
    [[nodiscard]] int status() const { return status_; }
    [[nodiscard]] double cpu_us() const;
    // ns of CPU so far; it must not have ended.
    [[nodiscard]] std::int64_t cpu_ns() const;
    // Waits until it sleeps.
    void settle() const;
    [[nodiscard]] std::string proc(const char* name) const;

  private:
    static int enter(void* self);

    std::vector<std::string> words_;
    std::vector<std::string> variables_;
    std::vector<char*> argv_;
    std::vector<char*> envp_;
    How how_;
    int cgroup_fd_ = -1;
    int gate_[2] = {-1, -1};
    pid_t pid_ = -1;
    std::int64_t began_ = 0;
    int status_ = -1;
    rusage usage_{};
};

}  // namespace bench
