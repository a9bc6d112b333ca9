// SPDX-License-Identifier: MIT
#pragma once

#include "kernel.hpp"
#include "proc.hpp"

namespace usher::sys {

/// A signal to the descendant of usher that has this pid; anybody else gets none. 0 is no error,
/// and neither is that it has ended.
Error signal_descendant(int pid, int signal, Descendants& descendants);

}  // namespace usher::sys
