// SPDX-License-Identifier: MIT
// A kernel in memory in place of src/sys/kernel.cpp: processes, signals, a clock that only moves
// when somebody waits, a terminal, /proc, and an stderr that can be full. What it is told to do
// wrong, it does wrong.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "kernel.hpp"

namespace usher::test {

struct Process {
    int pid = 0;
    int parent = 0;
    int group = 0;
    std::string name = "app";
    char state = 'S';              ///< 'T': stopped, 'Z': ended and not yet reaped
    std::map<int, int> ends_on{};  ///< signal -> the wait status that it ends with
    int status = 0;                ///< once it has ended
    std::deque<int> news{};        ///< wait statuses of stops and continues
    std::uint64_t start_time = 100;
    std::string cgroup = "0::/\n";
    SignalSet ignores = 0;  ///< as /proc/PID/status tells
    SignalSet blocks = 0;
    int threads = 1;
    int thread_of = 0;  ///< not 0: it is a thread of that process
};

struct Sent {
    int pid = 0;  ///< as kill(2) got it: -1, -group, pid
    int signal = 0;
    Time at = 0;
    bool operator==(const Sent& other) const { return pid == other.pid && signal == other.signal; }
};

enum class Stderr { file, socket, pipe, terminal, closed };

struct FakeKernel {
    // Who usher is.
    int self = 1;
    int parent = 0;
    int group = 1;
    Time now = 1000 * second;
    Duration cost_of_receiving = 1000;  ///< nothing takes no time at all
    Time wall = 0;                      ///< what wall_clock says, besides the passing of time

    // The others.
    std::map<int, Process> processes;
    Process& start(Process process);
    void end(int pid, int status);  ///< it becomes a zombie; its children are adopted
    void stop(int pid, int signal);
    void resume(int pid);

    // Signals to usher: standard ones merge, the lowest number is received first.
    SignalSet blocked = ~SignalSet{0};
    SignalSet ignored = 0;  ///< when usher was started
    std::vector<sys::Received> pending;
    void raise(int signal, int code = 0, int from = 99);

    // What happens when. `at` counts from the start of the test.
    std::multimap<Time, std::function<void()>> timeline;
    void at(Time from_start, std::function<void()> what);

    // What goes wrong. Errors are used up one by one; those of a pid stay.
    std::deque<int> sigtimedwait_errors;
    int sigtimedwait_always = 0;
    std::deque<int> wait_errors;
    std::map<int, int> kill_errors;  ///< by the pid that kill(2) gets
    bool no_subreaper = false;
    bool no_parent_death = false;
    bool no_close_range = false;
    int stop_again = 0;           ///< this process stops itself whenever it is continued
    bool orphaned_group = false;  ///< terminal stops of usher itself are ignored
    bool no_sigpending = false;
    bool proc_mounted = true;
    int proc_self = 0;  ///< what /proc/self says, if not usher's pid
    std::function<void(int signal)> on_signal_to_self;
    std::function<void(int signal)> before_kill;  ///< the last moment before a signal arrives
    std::function<void()> on_parent_death_set;
    std::function<void()> on_survivors_read;  ///< called when /proc is listed

    // The terminal: the foreground group per descriptor that is one.
    std::map<int, int> foreground;
    int controlling_terminal = -1;  ///< foreground group of /dev/tty; -1: there is none
    bool terminal_refuses = false;
    int next_open_fd = 3;  ///< lower it for a closed stdio

    // stderr.
    Stderr stderr_is = Stderr::file;
    bool stderr_full = false;
    bool no_nowait = false;  ///< pwritev2 does not know RWF_NOWAIT for this file
    bool no_reopening = false;
    bool seccomp_answers_eperm = false;
    std::size_t short_write = 0;  ///< if not 0: at most so many bytes are taken
    std::string log;
    std::string standard_output;
    std::vector<std::string> writes_by;  ///< the way of each write that was tried

    // What usher did.
    std::vector<Sent> sent;
    std::vector<std::string> comms;
    std::vector<std::pair<int, int>> foreground_given;  ///< fd, group
    std::vector<std::string> story;                     ///< comms and kills in order
    bool subreaper = false;
    int parent_death = 0;
    std::string cwd = "/work";
    std::set<int> open_fds{0, 1, 2};
    int waits = 0;   ///< calls of rt_sigtimedwait
    int sleeps = 0;  ///< calls of nanosleep
    int opens = 0;   ///< calls of open
    int wait4_calls = 0;
    int stops_of_self = 0;
    Duration longest_timeout = 0;
    bool hung = false;
    std::map<std::string, std::string> files;  ///< besides what /proc is made of

    [[nodiscard]] std::vector<Sent> sent_to(int pid) const;
    [[nodiscard]] bool was_sent(int pid, int signal) const;

    // For the functions of kernel.hpp.
    void advance(Duration by);
    bool run_next_event(Time until);
    void deliver(Process& process, int signal);
    void adopt_children_of(int pid);
    void rescue(const char* why);
    int new_fd();  ///< the lowest that is free, open now
    Time start_time = now;
};

/// The one kernel; a new one at the begin of each test.
FakeKernel& kernel();
FakeKernel& new_kernel();

constexpr int ended(int code) { return code << 8; }
constexpr int killed_by(int signal) { return signal; }

}  // namespace usher::test
