// SPDX-License-Identifier: MIT
#include "ending_signals.hpp"

#include "kernel.hpp"

namespace usher::cmd {

bool ends_command(int signal) {
    if (sys::getpid() == 1) return true;
    // The kernel keeps a blocked signal although it is ignored. Who asks for a disposition sets
    // one; while the signal is blocked nothing comes of it.
    const auto before = sys::sigaction(signal, sys::Disposition::other);
    const bool was_ignored = before && before.value == sys::Disposition::ignored;
    if (was_ignored) (void)sys::sigaction(signal, sys::Disposition::ignored);
    return !was_ignored;
}

}  // namespace usher::cmd
