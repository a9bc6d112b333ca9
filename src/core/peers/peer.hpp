// SPDX-License-Identifier: MIT
// In the place of tini, dumb-init, catatonit, gosu or su-exec: which of them usher was called as,
// and what its command line and environment mean in usher's own settings. One file a peer has its
// options, its words and its exit codes. What differs is in docs/compat.md.
#pragma once

#include "run_settings.hpp"

namespace usher {

enum class Peer : std::uint8_t { tini, dumb_init, catatonit, gosu, su_exec };

/// The program that the last part of argv[0] names, under any of its names.
std::optional<Peer> peer_called(std::string_view argv0);

struct PeerCall {
    std::string_view name;         ///< argv[0]
    std::span<char* const> words;  ///< those behind it
    char* const* environment;      ///< ends with null
    int pid = 0;                   ///< usher's own, which some complaints tell
};

/// What is to be done.
struct PeerTask {
    enum class Kind : std::uint8_t {
        run,
        pause,   ///< run no program, only reap
        become,  ///< become `user`, then PROGRAM: nothing is supervised
        answer,  ///< print what was written to `answer`, and end
    };
    Kind kind = Kind::run;
    std::string_view user{};  ///< become: USER[:GROUP]; an empty USER is who the process is
    std::size_t program = 0;  ///< run and become: the index of PROGRAM in the words
    bool on_stderr = false;   ///< answer
    int exit_code = 0;        ///< answer
};

/// The longest answer is a licence or a help, below 4 KiB.
PeerTask apply_peer(Peer peer, const PeerCall& call, RunSettings& settings, Writer& answer);

/// Why gosu or su-exec did not become the user, or PROGRAM.
enum class BecomeProblem : std::uint8_t {
    no_user,
    no_group,
    not_changed,
    not_in_path,
    not_there,
    forbidden,
    not_executed,
};
/// Their line for it, with its end. {name}: USER[:GROUP], or PROGRAM; {place}: the user or the
/// group that is not there; {stage}, {reason}: the call and why it failed.
Literal become_sentence(Peer peer, BecomeProblem problem);

}  // namespace usher
