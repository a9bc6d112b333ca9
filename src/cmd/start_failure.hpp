// SPDX-License-Identifier: MIT
// A program that could not be started: what is said, and the exit code.
#pragma once

#include "log.hpp"
#include "run_settings.hpp"
#include "spawn.hpp"

namespace usher::cmd {

/// Tells why `program` could not be started, in one line of the log. Returns the exit code for it,
/// as `settings` has it.
[[gnu::cold, gnu::noinline]] int report_failed_start(const sys::SpawnFailure& failure,
                                                     std::string_view program,
                                                     const RunSettings& settings, sys::Log& log);

}  // namespace usher::cmd
