// SPDX-License-Identifier: MIT
// Finding the init of this container, and what it says it is doing.
#pragma once

#include <optional>

#include "heal.hpp"
#include "kernel.hpp"
#include "supervisor.hpp"

namespace usher::sys {

struct FoundUsher {
    int pid = 0;
    State state = State::starting;
};

/// PID 1 if it is an usher of the caller's own cgroup; else the oldest usher of that cgroup (a
/// shared PID namespace, `docker --init`); else PID 1 whatever its cgroup. The state is what stands
/// in its comm, which every uid may read. ENOENT: there is no /proc of ours. ESRCH: no usher.
Result<FoundUsher> find_usher();
/// What the watcher of that usher says of the program (--heal); nothing: it has none.
std::optional<Wellness> find_wellness(int usher);
/// The sentence for the user.
Literal why_not_found(Error error);

}  // namespace usher::sys
