// SPDX-License-Identifier: MIT
// The checks of --heal, and the run form's options that concern them.
#pragma once

#include "given_check.hpp"
#include "run_settings.hpp"

namespace usher::cmd {

/// Reads those options from the environment and the command line, which must be right in all else.
/// False: `bad` says what was wrong.
bool read_check_options(ProbeSettings& checks, const Invocation& invocation, Arena& arena,
                        BadInput& bad);

/// Before the program is started: whether the checks are such that usher may judge this container
/// by. False: `bad` says what was wrong.
bool accept_heal_checks(const RunSettings& settings, const Invocation& invocation, BadInput& bad);

}  // namespace usher::cmd
