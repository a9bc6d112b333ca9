// SPDX-License-Identifier: MIT
#pragma once

#include "signals.hpp"

namespace usher::cmd {

/// What ends `wait`, `sleep` and `probe`; to be blocked, and waited for.
inline constexpr SignalSet ending_signals =
    set_of(sig::hup) | set_of(sig::intr) | set_of(sig::quit) | set_of(sig::term);

/// Whether one of them that was received is to end the command: not one that was ignored when usher
/// was started, as nohup does it. PID 1 is ended by each of them.
[[gnu::cold]] bool ends_command(int signal);

}  // namespace usher::cmd
