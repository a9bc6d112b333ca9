// SPDX-License-Identifier: MIT
#include "trace.hpp"

#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string>

#include "measure.hpp"

namespace bench {

Tracer::Tracer(pid_t pid, bool follow) : pid_(pid), follow_(follow) {
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT;
    if (follow) options |= PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
    if (ptrace(PTRACE_SEIZE, pid, nullptr, options) != 0) fail("ptrace");
    // Its calls are seen from the first stop on.
    if (ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr) != 0) fail("ptrace");
    take_stop(0);
}

void Tracer::at_call(pid_t pid) {
    __ptrace_syscall_info info{};
    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) <= 0 ||
        info.op != PTRACE_SYSCALL_INFO_ENTRY || !counting_) {
        return;
    }
    ++calls_;
    const bool anonymous = info.entry.nr == SYS_mmap && (info.entry.args[3] & MAP_ANONYMOUS) != 0;
    if (info.entry.nr == SYS_brk || anonymous) ++heap_calls_;
}

void Tracer::stopped(pid_t pid, int status) {
    const int signal = WSTOPSIG(status);
    const int event = status >> 16;
    long deliver = 0;
    if (signal == (SIGTRAP | 0x80)) {
        at_call(pid);
    } else if (event == PTRACE_EVENT_EXEC) {
        counting_ = true;
    } else if (event == PTRACE_EVENT_EXIT) {
        const std::string folder = "/proc/" + std::to_string(pid);
        // The first is exact; the second knows what was given back, too.
        const long now = field(read_file(folder + "/smaps_rollup"), "Rss:");
        const long most = field(read_file(folder + "/status"), "VmHWM:");
        peak_kib_ = std::max({peak_kib_, now, most});
    } else if (event == 0) {
        deliver = signal;
    }
    ptrace(PTRACE_SYSCALL, pid, nullptr, deliver);
}

bool Tracer::take_stop(int options) {
    int status = 0;
    const pid_t pid = waitpid(follow_ ? -1 : pid_, &status, options | __WALL);
    if (pid < 0 && errno == ECHILD) ended_ = true;
    if (pid <= 0) return false;
    if (WIFSTOPPED(status)) {
        stopped(pid, status);
    } else if (pid == pid_) {
        ended_ = true;
    }
    return true;
}

void Tracer::run_until_quiet(int quiet_ms) {
    const std::int64_t quiet = std::int64_t{quiet_ms} * 1'000'000;
    for (std::int64_t last = now_ns(); !ended_ && now_ns() - last < quiet;) {
        if (take_stop(WNOHANG)) {
            last = now_ns();
        } else {
            usleep(100);
        }
    }
}

void Tracer::run_to_end() {
    while (!ended_) take_stop(0);
}

}  // namespace bench
