// SPDX-License-Identifier: MIT
// --wait-for: what must be healthy before the program is started.
#pragma once

#include "commands.hpp"
#include "narrator.hpp"

namespace usher::cmd {

/// Waits for the checks in a child, whose memory is gone when it ends, and reaps whatever else
/// ends. A stop signal ends it, signals of job control act on usher itself, and the others are
/// dropped: the program does not get what came before it. Returns 0 once all are healthy; else the
/// exit code: 124, 125, or 128 + the signal. All signals must be blocked, and are again.
int wait_for_checks(const RunSettings& settings, const Invocation& invocation, Narrator& narrator);

}  // namespace usher::cmd
