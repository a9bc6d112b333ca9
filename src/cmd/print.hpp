// SPDX-License-Identifier: MIT
// What the commands print: help, version, licences on stdout, complaints on stderr.
#pragma once

#include "check.hpp"
#include "log.hpp"
#include "options.hpp"

namespace usher::cmd {

// Not in line, here and wherever else a large buffer is only for what is said: the frames of main
// and run would have it for as long as the container lives.

[[gnu::cold, gnu::noinline]] int print_help(Command command);
[[gnu::cold, gnu::noinline]] int print_version();
[[gnu::cold, gnu::noinline]] int print_license();

/// A warning for each USHER_* variable that nobody knows: it is probably misspelt.
[[gnu::cold, gnu::noinline]] void warn_of_unknown_variables(char* const* environment,
                                                            sys::Log& log);
/// That the check shows its password to whoever may look at the command line or the image.
[[gnu::cold, gnu::noinline]] void warn_of_password(const Check& check, sys::Log& log);

/// USHER_LOG_FORMAT; nothing, and `bad` says why, when it is none.
[[gnu::cold, gnu::noinline]] std::optional<LogFormat> read_log_format(char* const* environment,
                                                                      BadInput& bad);

/// One line on stderr, without ever blocking. Returns the exit code 125.
[[gnu::cold, gnu::noinline]] int complain(const BadInput& bad, LogFormat format);

}  // namespace usher::cmd
