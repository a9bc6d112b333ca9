// SPDX-License-Identifier: MIT
// In the place of tini, dumb-init or catatonit: which of them usher was called as, and what its
// command line and environment mean in usher's own settings. What differs is in docs/compat.md.
#pragma once

#include <span>
#include <string_view>

#include "run_settings.hpp"

namespace usher {

enum class PeerRequest : std::uint8_t {
    run,
    pause,  ///< run no program, only reap
    help,
    version,
    license,
    no_program,
    bad_option,   ///< `bad` has the option, as OptionReader tells it
    bad_value,    ///< `bad.word` is the value, `bad.where` the option
    bad_rewrite,  ///< dumb-init's -r
    reserved,     ///< catatonit's CATATONIT_LOG is set
};

struct PeerCommandLine {
    PeerRequest request = PeerRequest::run;
    std::size_t program = 0;  ///< index in `words` of PROGRAM
};

/// `words` are those after argv[0].
PeerCommandLine apply_peer(Command peer, RunSettings& settings, std::span<char* const> words,
                           char* const* environment, BadInput& bad);

}  // namespace usher
