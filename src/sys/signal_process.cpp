// SPDX-License-Identifier: MIT
#include "signal_process.hpp"

#include <errno.h>

namespace usher::sys {

Error signal_process(const Result<int>& pidfd, int pid, int signal) {
    Error error = pidfd ? pidfd_send_signal(pidfd.value, signal).error : pidfd.error;
    if (error.number != 0 && error.number != ESRCH) error = kill(pid, signal).error;
    return error.number == ESRCH ? Error{} : error;
}

Error signal_descendant(int pid, int signal, Descendants& descendants) {
    return signal_if(pid, signal, [&](int one) { return descendants.include(one); });
}

}  // namespace usher::sys
