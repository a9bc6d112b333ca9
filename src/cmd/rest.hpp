// SPDX-License-Identifier: MIT
// The rest: whoever is left beside usher, one by one. They are found by walking over /proc.
#pragma once

#include <optional>

#include "kernel.hpp"
#include "proc.hpp"
#include "watcher.hpp"

namespace usher::cmd {

/// As PID 1 everybody is the rest, else everybody who descends from usher.
class Rest {
  public:
    /// The watcher, which must outlive it, is never one of the rest.
    Rest(bool is_init, int self, const Watcher& watcher)
        : is_init_(is_init), self_(self), watcher_(watcher) {}

    /// usher itself, or its watcher.
    [[nodiscard]] bool is_own(int pid) const { return pid == self_ || pid == watcher_.pid(); }
    [[nodiscard]] bool includes(int pid, sys::Descendants& descendants) const {
        return !is_own(pid) && (is_init_ || descendants.include(pid));
    }

    /// The last refusal, 0 if there was none; that a process has ended is none. Nothing at all:
    /// /proc cannot be walked, or belongs to another PID namespace.
    using Walked = std::optional<Error>;

    [[nodiscard]] Walked send(int signal) const;
    /// CONT to who is stopped: what it was told it would hear of only then.
    void continue_stopped() const;
    /// To those whom no forwarded stop signal has reached: the ones outside `group` (0: nobody is
    /// outside), and who has not heard any of `reached_by`.
    [[nodiscard]] Walked tell_unreached(int signal, int group, SignalSet reached_by) const;
    /// KILL, so that a program that forks for ever does not outrun it. After `deadline` it begins
    /// nothing anew.
    [[nodiscard]] Walked kill(Time deadline) const;

    /// Who runs on, and whether they ignore or block `signal`. False: as above.
    [[nodiscard]] bool name_still_running(int signal, Narrator::ProcessList& list) const;
    /// Who is left; as PID 1 with those that an engine brought into the container.
    void name_survivors(Narrator::ProcessList& list) const;

  private:
    [[nodiscard]] bool stop_all(bool& found_any) const;

    bool is_init_;
    int self_;
    const Watcher& watcher_;
};

}  // namespace usher::cmd
