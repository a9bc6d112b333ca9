// SPDX-License-Identifier: MIT
#include "signal_process.hpp"

#include <errno.h>

#include "file.hpp"

namespace usher::sys {

Error signal_descendant(int pid, int signal, Descendants& descendants) {
    // While its parents are looked up it may end, and its pid become a stranger's. A pidfd stays
    // with the process that was looked at.
    const auto process = pidfd_open(pid);
    Error error;
    if (descendants.include(pid)) {
        error = process ? pidfd_send_signal(process.value, signal).error : process.error;
        // Either call may be unknown to the kernel, or to a seccomp profile.
        if (error.number != 0 && error.number != ESRCH) error = kill(pid, signal).error;
        if (error.number == ESRCH) error = {};
    }
    if (process) close(process.value);
    return error;
}

}  // namespace usher::sys
