// SPDX-License-Identifier: MIT
// What usher's exit codes mean, and how a wait status becomes one.
#pragma once

#include <cstdint>

namespace usher {

enum class ExitCode : std::uint8_t {
    success = 0,
    unhealthy = 1,
    healed = 69,           ///< usher stopped an unhealthy program
    timed_out = 124,       ///< `wait` ran out of time
    usher_failed = 125,    ///< a usage error, or a failure of usher itself
    not_executable = 126,  ///< found, but cannot be executed
    not_found = 127,
    killed = 137,  ///< 128 + SIGKILL
};
constexpr int to_int(ExitCode code) { return static_cast<int>(code); }

/// What a wait status (wait(2)) tells when it tells of no end.
constexpr bool has_stopped(int wait_status) { return (wait_status & 0xff) == 0x7f; }
constexpr bool has_continued(int wait_status) { return wait_status == 0xffff; }
constexpr int stop_signal_of(int wait_status) { return wait_status >> 8 & 0xff; }

/// What a shell reports of who was ended by a signal.
constexpr int code_of_signal(int signal) { return 128 + signal; }

/// A wait status as a shell reports it: the code, or 128 + the signal that ended it.
[[gnu::hot]] constexpr int shell_code(int wait_status) {
    const int signal = wait_status & 0x7f;
    return signal == 0 ? (wait_status >> 8) & 0xff : code_of_signal(signal);
}

}  // namespace usher
