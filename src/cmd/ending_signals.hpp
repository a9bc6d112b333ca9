// SPDX-License-Identifier: MIT
#pragma once

#include "kernel.hpp"
#include "run_settings.hpp"

namespace usher::cmd {

/// What ends `wait`, `sleep` and `probe`; to be blocked, and waited for.
inline constexpr SignalSet ending_signals =
    set_of(sig::hup) | set_of(sig::intr) | set_of(sig::quit) | set_of(sig::term);

/// Whether one of them that was received is to end the command: not one that was ignored when usher
/// was started, as nohup does it. PID 1 is ended by each of them.
[[gnu::cold]] bool ends_command(int signal);

/// Whether what was received asks the run form for a shutdown.
[[gnu::hot]] bool asks_for_shutdown(const RunSettings& settings, const sys::Received& received);

/// Whether it ends the run form while there is no program yet.
bool ends_waiting(const RunSettings& settings, const sys::Received& received);

}  // namespace usher::cmd
