// SPDX-License-Identifier: MIT
// The checks of the run form, --wait-for and --heal, and its options that concern them.
#pragma once

#include "given_check.hpp"
#include "log.hpp"
#include "prober.hpp"
#include "run_settings.hpp"

namespace usher::cmd {

/// Reads those options from the environment and the command line, which must be right in all else.
/// False: `bad` says what was wrong.
bool read_check_options(ProbeSettings& checks, const Invocation& invocation, Arena& arena,
                        BadInput& bad);

/// Before anything is started: whether the checks are such that usher may wait for them, and judge
/// this container by them, and the options of use. Warns of a password. False: `bad` says what was
/// wrong.
bool accept_checks(const RunSettings& settings, const Invocation& invocation, sys::Log& log,
                   BadInput& bad);

/// Gives accepted checks to a prober. False: `bad` says why not.
bool add_checks(Prober& prober, const CheckList& checks, const Invocation& invocation, Arena& arena,
                BadInput& bad);

}  // namespace usher::cmd
