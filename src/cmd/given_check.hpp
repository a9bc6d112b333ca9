// SPDX-License-Identifier: MIT
// A CHECK as it was given, made ready to be parsed: its variables expanded, its path completed.
#pragma once

#include "commands.hpp"
#include "environment.hpp"
#include "probe_settings.hpp"

namespace usher::cmd {

/// Where expanded texts live: as long as what is made of them.
struct Arena {
    char room[4096];
    std::size_t used = 0;
};

/// Replaces `${NAME}` in `text`; the result lives in the arena. False: `bad` says why not.
bool expand(std::string_view& text, const Invocation& invocation, Arena& arena, BadInput& bad);

/// Expands `text`, which is what the results then call the check; returns what is to be parsed.
/// Nothing: `bad` says why.
std::optional<std::string_view> prepare_check(std::string_view& text, const Invocation& invocation,
                                              Arena& arena, BadInput& bad);

/// The same for what --host and --header say.
bool expand_options(ProbeSettings& settings, const Invocation& invocation, Arena& arena,
                    BadInput& bad);

}  // namespace usher::cmd
