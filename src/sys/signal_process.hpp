// SPDX-License-Identifier: MIT
#pragma once

#include "file.hpp"
#include "kernel.hpp"
#include "proc.hpp"

namespace usher::sys {

/// By the pidfd, or, where a kernel or a seccomp profile knows none, by the pid. 0 is no error, and
/// neither is that the process has ended.
Error signal_process(const Result<int>& pidfd, int pid, int signal);

/// A signal to that process if `is_meant(pid)`. While that is looked up the process may end, and
/// its pid become a stranger's: a pidfd stays with the process that was looked at.
template <class Test>
Error signal_if(int pid, int signal, Test is_meant) {
    const auto process = pidfd_open(pid);
    const Error error = is_meant(pid) ? signal_process(process, pid, signal) : Error{};
    if (process) close(process.value);
    return error;
}

/// A signal to the descendant of usher that has this pid; anybody else gets none.
Error signal_descendant(int pid, int signal, Descendants& descendants);

}  // namespace usher::sys
