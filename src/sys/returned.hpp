// SPDX-License-Identifier: MIT
// For the files of wrappers alone: what a system call returned becomes a Result. errno is read here
// and nowhere else.
#pragma once

#include <errno.h>

#include <cstddef>

#include "result.hpp"

namespace usher::sys {

[[gnu::hot]] inline Error last_error() { return {.number = errno}; }

[[gnu::hot]] inline Result<Done> done(long returned) {
    if (returned < 0) return last_error();
    return Done{};
}

inline Result<std::size_t> count(long returned) {
    if (returned < 0) return last_error();
    return static_cast<std::size_t>(returned);
}

inline Result<int> descriptor(long returned) {
    if (returned < 0) return last_error();
    return static_cast<int>(returned);
}

}  // namespace usher::sys
