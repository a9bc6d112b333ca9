// SPDX-License-Identifier: MIT
// What a packed text says (see packed_text.hpp).
#pragma once

#include <string>

#include "text.hpp"

inline std::string unpacked(const char* text) {
    char room[8192];
    usher::Line line(room);
    return std::string(line.add(text).view());
}
