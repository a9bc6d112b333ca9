// SPDX-License-Identifier: MIT
// What the commands print: help, version, licences on stdout, complaints on stderr.
#pragma once

#include "options.hpp"

namespace usher::cmd {

int print_help(Command command);
int print_version();
int print_license();

/// "usher: ..." on stderr, one line, without ever blocking. Returns the exit code 125.
int complain(const BadInput& bad);

}  // namespace usher::cmd
