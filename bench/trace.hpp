// SPDX-License-Identifier: MIT
// Counts the system calls of a process.
#pragma once

#include <sys/types.h>

namespace bench {

class Tracer {
  public:
    // `pid` waits before its exec (Running::How::traced), which is not counted itself.
    // `follow`: also what it starts.
    Tracer(pid_t pid, bool follow);
    // Lets it run. Returns when it has made no call for this long, or has ended.
    void run_until_quiet(int quiet_ms);
    void run_to_end();
    [[nodiscard]] bool ended() const { return ended_; }
    [[nodiscard]] long calls() const { return calls_; }
    // Of them, those that could get memory for a heap: brk, and mmap without a file.
    [[nodiscard]] long heap_calls() const { return heap_calls_; }
    // The most memory that was resident, in KiB; of the largest process.
    [[nodiscard]] long peak_kib() const { return peak_kib_; }

  private:
    bool take_stop(int options);
    void stopped(pid_t pid, int status);
    void at_call(pid_t pid);

    pid_t pid_;
    bool follow_;
    bool counting_ = false;
    bool ended_ = false;
    long calls_ = 0;
    long heap_calls_ = 0;
    long peak_kib_ = 0;
};

}  // namespace bench
