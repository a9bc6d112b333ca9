// SPDX-License-Identifier: MIT
// What the commands print: help, version, licences on stdout, complaints on stderr.
#pragma once

#include "log.hpp"
#include "options.hpp"
#include "personality.hpp"
#include "spawn.hpp"

namespace usher::cmd {

[[gnu::cold, gnu::noinline]] int print_help(Command command);
[[gnu::cold, gnu::noinline]] int print_version();
[[gnu::cold, gnu::noinline]] int print_license();

/// "usher: ..." on stderr, one line, without ever blocking. Returns the exit code 125.
[[gnu::cold]] int complain(const BadInput& bad);

/// Why `program` could not be started, as one line of the log. Returns the exit code for it, as
/// `settings` has it.
[[gnu::cold]] int report_failed_start(const sys::SpawnFailure& failure, std::string_view program,
                                      const RunSettings& settings, sys::Log& log);

/// In the place of a peer: what apply_peer found, as that peer tells it. `name` is
/// argv[0]. Returns the exit code.
[[gnu::cold, gnu::noinline]] int print_for_peer(Command peer, PeerRequest request,
                                                std::string_view name, const BadInput& bad,
                                                sys::Log& log);

}  // namespace usher::cmd
