// SPDX-License-Identifier: MIT
#pragma once

namespace usher::cmd {

/// Lets go of what would pin mounts for as long as the container lives: the working directory and
/// every descriptor from 3 up except `keep` (-1: none). 0, 1 and 2 stay, for programs that write to
/// /proc/1/fd/1.
void release_inherited(int keep);

}  // namespace usher::cmd
