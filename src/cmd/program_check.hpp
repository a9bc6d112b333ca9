// SPDX-License-Identifier: MIT
// The check that is a program: exit code 0 within the time, else its process group is killed.
#pragma once

#include "commands.hpp"
#include "outcome.hpp"

namespace usher::cmd {

class ProgramCheck {
  public:
    /// `argv` ends with null. SIGCHLD must be blocked.
    void start(char* const* argv, const Invocation& invocation, Outcome& outcome);
    /// After SIGCHLD.
    /// Whether no child is left at all.
    bool reap();
    /// The time is up: SIGKILL to its process group and to its descendants in other groups, and
    /// waits for them, at most 40 ms. Does nothing when the program has ended.
    void kill_all(Literal reason);

  private:
    int pid_ = 0;  ///< 0: not running
    Outcome* outcome_ = nullptr;
};

}  // namespace usher::cmd
