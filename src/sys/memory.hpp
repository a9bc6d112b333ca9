// SPDX-License-Identifier: MIT
// The memory of the release binary, as its program headers describe it (elf(5)). Elsewhere, where
// no linker has kept the parts of it apart, both do nothing.
#pragma once

namespace usher::sys {

/// Makes the relocated data of a static-pie read-only (PT_GNU_RELRO). A dynamic loader does that;
/// the start-up code of a static-pie does not. Failure changes nothing.
void protect_relocated_data();

/// Gives back the memory of the code that the loop of PID 1 does not need: every segment of code
/// but the loop's own (cmake/usher.ld). The kernel maps it again when it is called. Failure changes
/// nothing.
[[gnu::hot]] void release_start_up();

}  // namespace usher::sys
