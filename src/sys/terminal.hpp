// SPDX-License-Identifier: MIT
// The controlling terminal's foreground process group: found, handed over, taken back.
#pragma once

#include "supervisor.hpp"

namespace usher::sys {

class Terminal {
  public:
    /// The first of fds 0, 1, 2 for which tcgetpgrp works, else /dev/tty. None is no error.
    static Terminal find(bool is_init);

    [[nodiscard]] int fd() const { return fd_; }
    /// Whether usher's own group has the foreground.
    [[nodiscard]] bool is_ours() const;
    [[nodiscard, gnu::hot]] Foreground foreground(int program_group) const;
    /// No failure matters: the terminal may be gone, or another session's.
    bool give_to(int group) const;
    void take_back() const;

  private:
    [[nodiscard]] bool is_own(int group) const;

    int fd_ = -1;
    int own_group_ = 0;
    bool is_init_ = false;
};

}  // namespace usher::sys
