// SPDX-License-Identifier: MIT
// The commands. Each returns the exit code; main.cpp is the only place that exits with it.
#pragma once

#include <span>

#include "peer.hpp"

namespace usher::cmd {

/// What the process was started with, before anything was changed.
struct Invocation {
    std::span<char*> words;  ///< argv
    char** environment = nullptr;
    SignalSet mask = 0;                      ///< the inherited signal mask
    LogFormat log_format = LogFormat::text;  ///< USHER_LOG_FORMAT; the run form has its own
};

/// The run form. Returns when the program and what it left behind have ended.
[[gnu::noinline]] int run(const Invocation& invocation);

/// In the place of another init, whose name usher was called by.
[[gnu::noinline]] int imitate(Peer peer, const Invocation& invocation);

/// `usher probe`: one try. `usher wait`: tries until it works, then becomes PROGRAM, if there is
/// one.
[[gnu::cold, gnu::noinline]] int probe(const Invocation& invocation);
[[gnu::cold, gnu::noinline]] int wait(const Invocation& invocation);

/// `usher sleep`.
[[gnu::cold, gnu::noinline]] int sleep(const Invocation& invocation);

/// `usher status`.
[[gnu::cold, gnu::noinline]] int status(const Invocation& invocation);

/// `usher install`.
[[gnu::cold, gnu::noinline]] int install(const Invocation& invocation);

}  // namespace usher::cmd
