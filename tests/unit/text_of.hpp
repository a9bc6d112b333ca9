// SPDX-License-Identifier: MIT
#pragma once

#include <ostream>
#include <string>

#include "text.hpp"

namespace usher {

inline std::string text_of(Literal literal) { return std::string(literal.view()); }

// For GoogleTest's messages.
inline std::ostream& operator<<(std::ostream& out, Literal literal) {
    return out << literal.view();
}

}  // namespace usher
