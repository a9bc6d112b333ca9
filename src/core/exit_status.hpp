// SPDX-License-Identifier: MIT
// What usher's exit codes mean, and how a wait status becomes one.
#pragma once

#include <cstdint>

namespace usher {

enum class ExitCode : std::uint8_t {
    success = 0,
    unhealthy = 1,
    timed_out = 124,       ///< `wait` ran out of time
    usher_failed = 125,    ///< called wrongly, or failed itself
    not_executable = 126,  ///< found, but cannot be executed
    not_found = 127,
    killed = 137,  ///< 128 + SIGKILL
};
constexpr int to_int(ExitCode code) { return static_cast<int>(code); }

/// A wait status (wait(2)) as a shell reports it: the code, or 128 + the signal that ended it.
constexpr int shell_code(int wait_status) {
    const int signal = wait_status & 0x7f;
    return signal == 0 ? (wait_status >> 8) & 0xff : 128 + signal;
}

}  // namespace usher
