// SPDX-License-Identifier: MIT
// Reading /proc without allocation (proc(5)).
#pragma once

#include <cstdint>

#include "kernel.hpp"
#include "reach.hpp"

namespace usher::sys {

/// Whether /proc is there and belongs to usher's own PID namespace. If not, its pids are not ours.
bool proc_is_ours();

struct ProcessStat {
    int pid = 0;
    int parent = 0;
    int group = 0;
    char state = '?';
    std::uint64_t threads = 0;
    std::uint64_t start_time = 0;  ///< clock ticks since boot
    char name[16] = {};            ///< comm, NUL-terminated; any bytes
    /// The state is the first thread's, which may end before the others.
    [[nodiscard]] bool is_dead() const { return (state == 'Z' || state == 'X') && threads <= 1; }
};
Result<ProcessStat> read_stat(int pid);

/// What it does about signals: /proc/PID/status.
Result<SignalFacts> read_signal_facts(int pid);

struct ThreadStatus {
    int process = 0;  ///< that it is a thread of: itself for the first one
    char state = '?';
};
/// /proc/ID is there for every thread, though only the first ones are listed.
Result<ThreadStatus> read_thread_status(int id);

/// One entry of what getdents64(2) gave: its name, and how far behind it the next begins.
const char* entry_name(const std::byte* entry);
std::size_t entry_length(const std::byte* entry);

/// Calls `visit(context, N)` for every name in an open directory that is a number.
using Visit = void (*)(void* context, int number);
Result<Done> for_each_number(int directory, Visit visit, void* context);

/// The same for every pid in /proc. A process that starts or ends meanwhile may be missed or be
/// gone already.
Result<Done> for_each_process(Visit visit, void* context);

/// Who descends from usher, through whatever parents. It remembers some of those that it found: who
/// walks over /proc meets a parent before its children, mostly, so a deep tree costs no more for
/// each process than a flat one.
class Descendants {
  public:
    [[nodiscard]] bool include(int pid);

  private:
    // A pid is used again; with the time of its start it is one process.
    struct Known {
        int pid;
        std::uint64_t start_time;
    };
    [[nodiscard]] bool know(const ProcessStat& stat) const;

    Known known_[64] = {};
    unsigned next_ = 0;
};

/// Reads a small file into `room`; what does not fit is cut.
Result<std::size_t> read_file(const char* path, std::span<char> room);

/// "/proc/PID/NAME" with a NUL, in `room`.
const char* proc_path(std::span<char> room, int pid, std::string_view name);

}  // namespace usher::sys
