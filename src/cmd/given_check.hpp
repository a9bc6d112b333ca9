// SPDX-License-Identifier: MIT
// A CHECK as it was given, made ready to be parsed: its variables expanded, its path completed,
// user and password taken out of it.
#pragma once

#include "check.hpp"
#include "commands.hpp"
#include "probe_settings.hpp"
#include "prober.hpp"

namespace usher::cmd {

/// Where expanded texts live: as long as what is made of them.
struct Arena {
    char room[4096];
    std::size_t used = 0;
};

/// Parses a CHECK. What the results call it, and all else that the check points to, lives in the
/// arena or in `text`. False: `bad` says why not.
bool read_check(std::string_view text, const Invocation& invocation, Arena& arena, Check& check,
                BadInput& bad);

/// The same, for a prober, which the arena must outlive.
bool add_check(Prober& prober, std::string_view text, const Invocation& invocation, Arena& arena,
               BadInput& bad);

/// Expands what --host and --header say.
bool expand_options(ProbeSettings& settings, const Invocation& invocation, Arena& arena,
                    BadInput& bad);

}  // namespace usher::cmd
