// SPDX-License-Identifier: MIT
// Memory: that of the release binary, as its program headers describe it (elf(5)), and pages.
#pragma once

#include <span>

#include "result.hpp"

namespace usher::sys {

/// Makes the relocated data of a static-pie read-only (PT_GNU_RELRO). A dynamic loader does that;
/// the start-up code of a static-pie does not. Failure changes nothing.
void protect_relocated_data();

/// Gives back the memory of the code that the loop of PID 1 does not need: every segment of code
/// but the loop's own (cmake/usher.ld). The kernel maps it again when it is called. Failure changes
/// nothing, also where no linker has kept the loop apart.
[[gnu::hot]] void release_start_up();

/// Gives back what was used of the stack below the caller's own page, up to 64 KiB. Failure changes
/// nothing.
void release_stack();

/// Zeroed pages with room for `size` bytes (mmap(2)).
Result<std::span<char>> allocate_pages(std::size_t size);
void free_pages(std::span<char> pages);

}  // namespace usher::sys
