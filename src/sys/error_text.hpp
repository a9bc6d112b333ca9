// SPDX-License-Identifier: MIT
// What an errno means, in the words of the C library. Only of those that usher can meet: the whole
// list takes 2 KiB.
#pragma once

#include "text.hpp"

namespace usher::sys {

/// "Connection refused"; "error 123" for one that is not expected here.
void add_error(Line& line, int number);

}  // namespace usher::sys
