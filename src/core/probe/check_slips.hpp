// SPDX-License-Identifier: MIT
// Frequent slips in writing a CHECK, and what to write instead: see also slips.hpp.
#pragma once

#include "bad_input.hpp"

namespace usher {

/// What a word that is no check was probably meant to be, as BadInput::hint with the word itself;
/// empty: nothing is known.
Literal slip_of_check(std::string_view text);

/// NAME of "$NAME", which a shell would have replaced; empty: it is none.
std::string_view shell_variable(std::string_view text);

}  // namespace usher
