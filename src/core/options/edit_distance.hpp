// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace usher {

/// How many letters must be put in, taken out, changed or swapped with their neighbour to turn one
/// word into the other; both count up to 23 letters.
int edit_distance(std::string_view a, std::string_view b);

}  // namespace usher
