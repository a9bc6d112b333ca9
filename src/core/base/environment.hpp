// SPDX-License-Identifier: MIT
// Variables of the environment, which is an array of NAME=value that ends with null (environ(7)).
#pragma once

#include "bad_input.hpp"

namespace usher {

/// The value of a variable; data() == nullptr: not set.
std::string_view find_in_environment(char* const* environment, std::string_view name);

/// The same, and the variable is set no more for who gets this environment.
std::string_view take_from_environment(char** environment, std::string_view name);

/// Replaces `${NAME}` and `${NAME:-default}` in `text`, into `out`, as a shell would.
/// False: an unset name without default, a `${` that never closes or within another, or no room;
/// `bad` says which.
bool expand_variables(std::string_view text, char* const* environment, Writer& out, BadInput& bad);

}  // namespace usher
