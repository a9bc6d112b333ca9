// SPDX-License-Identifier: MIT
// Starting the program: when spawn returns, it has exec'ed, or why not is known.
#pragma once

#include <array>

#include "kernel.hpp"
#include "run_settings.hpp"

namespace usher::sys {

struct SpawnFailure {
    Literal stage{};                   ///< the call that failed, such as "exec"; empty: none
    int number = 0;                    ///< errno
    bool interpreter_missing = false;  ///< the file is there, but its loader or #! line's is not

    [[nodiscard]] bool is_exec() const { return stage == "exec"; }
};

struct SpawnRequest {
    /// NULL at the end; argv[0] is the program, searched in PATH. A word must stand before it,
    /// which is the caller's own: a script without #! is run with one word more.
    char* const* argv = nullptr;
    char** envp = nullptr;  ///< NULL at the end
    /// Added to envp for the program; each may be null.
    std::array<const char*, 2> extra_variables{};
    SignalSet mask = 0;    ///< the program's signal mask
    int parent_death = 0;  ///< what the program gets when usher ends; 0: nothing
    Disposition sigchld = Disposition::other;  ///< the program's disposition of SIGCHLD
    Home home = Home::group;  ///< in a session of its own it gets the terminal on its stdin, if any
    int cwd = -1;             ///< the program's working directory, open; -1: the caller's
    int terminal = -1;        ///< its foreground goes to the program's group; -1: leave it alone
    /// Called in the child whose exec failed, if it has memory of its own after all, as where
    /// qemu-user makes a fork of the vfork; it exits with what this returns. May be null.
    int (*tell)(void* context, const SpawnFailure& failure) = nullptr;
    void* context = nullptr;
};

struct Spawned {
    int pid = 0;
    SpawnFailure failure{};
};

/// Starts the program in a process group of its own, or as `home` says. Signals must be blocked. Of
/// a failed exec the child is left as a zombie for the caller to reap. LISTEN_PID is rewritten in
/// envp if it names the caller (sd_listen_fds(3)).
Spawned spawn(const SpawnRequest& request);

/// Becomes the program, with the mask of the request; of the other fields argv, envp and
/// extra_variables count. Returns only if that failed.
SpawnFailure exec_in_place(const SpawnRequest& request);

/// A child on a copy of this memory, in which `run(context)` runs and whose exit code it returns.
/// Its end sends `exit_signal`, and only wait_clone sees it.
Result<int> fork(int (*run)(void* context), void* context, int exit_signal);

}  // namespace usher::sys
