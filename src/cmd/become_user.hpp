// SPDX-License-Identifier: MIT
// --user and --own: before anything is started, usher becomes who the program is to be.
#pragma once

#include "commands.hpp"
#include "log.hpp"
#include "run_settings.hpp"

namespace usher::cmd {

struct Became {
    int code = 0;                          ///< the exit code with which usher is to end; 0: go on
    const char* extra_variable = nullptr;  ///< for the program's environment; null: none
};

/// Does what is asked for, or says why not. HOME is set in the environment of the invocation.
[[gnu::cold, gnu::noinline]] Became become_user(const RunSettings& settings,
                                                const Invocation& invocation, sys::Log& log);

}  // namespace usher::cmd
