// SPDX-License-Identifier: MIT
// Frequent slips of the command line, and what to write instead: see also check_slips.hpp.
#pragma once

#include "options.hpp"

namespace usher {

/// What to do in place of an option of curl that usher lacks; empty: nothing is known of
/// it.
Literal slip_of(Command command, char letter);
Literal slip_of(Command command, std::string_view name);

/// What may help whoever called a program that is not there, `program` as it was called: "; did you
/// mean usher probe?". Or nothing.
void add_program_slip(Writer& line, std::string_view program);

}  // namespace usher
