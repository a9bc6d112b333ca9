// SPDX-License-Identifier: MIT
// Tries again and again: `usher wait` and --wait-for.
#pragma once

#include "log.hpp"
#include "prober.hpp"

namespace usher::cmd {

/// Until all checks pass, within the settings' timeout. Tells `log` of the first failure, of every
/// change of the reason and of how it ends; on a terminal also how long it has been. Returns 0,
/// 124, 125, or 128 + the signal that ended it.
int wait_until_healthy(Prober& prober, const ProbeSettings& settings, sys::Log& log);

/// Where stdout is the program's, misuse is told as any other is.
void tell_misuse(const Prober& prober, sys::Log& log);

}  // namespace usher::cmd
