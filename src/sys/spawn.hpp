// SPDX-License-Identifier: MIT
// Starting the program: when spawn returns, it has exec'ed, or why not is known.
#pragma once

#include "kernel.hpp"
#include "run_settings.hpp"

namespace usher::sys {

struct SpawnRequest {
    char* const* argv = nullptr;  ///< NULL at the end; argv[0] is the program, searched in PATH
    char** envp = nullptr;        ///< NULL at the end
    const char* extra_variable = nullptr;  ///< added to envp for the program; may be null
    SignalSet mask = 0;                    ///< the program's signal mask
    int parent_death = 0;                  ///< what the program gets when usher ends; 0: nothing
    Disposition sigchld = Disposition::other;  ///< the program's disposition of SIGCHLD
    Home home = Home::group;  ///< in a session of its own it gets the terminal on its stdin, if any
    int terminal = -1;        ///< its foreground goes to the program's group; -1: leave it alone
};

struct SpawnFailure {
    Literal stage{};                   ///< the call that failed, such as "exec"; empty: none
    int number = 0;                    ///< errno
    bool interpreter_missing = false;  ///< the file is there, but its loader or #! line's is not

    [[nodiscard]] bool is_exec() const { return stage == "exec"; }
};

struct Spawned {
    int pid = 0;
    SpawnFailure failure{};
};

/// Starts the program in a process group of its own, or as `home` says. Signals must be blocked. Of
/// a failed exec the child is left as a zombie for the caller to reap. LISTEN_PID is rewritten in
/// envp if it names the caller (sd_listen_fds(3)).
Spawned spawn(const SpawnRequest& request);

/// Becomes the program, with the mask of the request; the other fields but argv and envp count for
/// nothing. Returns only if that failed.
SpawnFailure exec_in_place(const SpawnRequest& request);

}  // namespace usher::sys
