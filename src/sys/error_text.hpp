// SPDX-License-Identifier: MIT
// What an errno means, in the words of the C library; of those that usher can meet.
#pragma once

#include "text.hpp"

namespace usher::sys {

/// "Connection refused"; "error 123" for one that is not expected here.
void add_error(Writer& line, int number);

/// Whether usher lacks the descriptor or the memory for the call; who it talks to is not to blame.
bool is_shortage(int number);

}  // namespace usher::sys
