// SPDX-License-Identifier: MIT
// What the run form and usher in a peer's place share, once they know what is asked of them.
#pragma once

#include "commands.hpp"
#include "log.hpp"
#include "run_settings.hpp"

namespace usher::cmd {

/// Starts `program`, a part of the invocation's words, and supervises it. Returns the exit code.
int run_program(const RunSettings& settings, const Invocation& invocation,
                std::span<char* const> program, sys::Log& log);

}  // namespace usher::cmd
