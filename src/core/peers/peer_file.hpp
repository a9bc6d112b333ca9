// SPDX-License-Identifier: MIT
// What the files of the peers share among themselves.
#pragma once

#include "peer.hpp"

namespace usher::peers {

inline constexpr int last_standard_signal = 31;

PeerTask apply_tini(const PeerCall& call, RunSettings& settings, Writer& answer);
PeerTask apply_dumb_init(const PeerCall& call, RunSettings& settings, Writer& answer);
PeerTask apply_catatonit(const PeerCall& call, RunSettings& settings, Writer& answer);
PeerTask apply_gosu(const PeerCall& call, Writer& answer);
PeerTask apply_su_exec(const PeerCall& call, Writer& answer);

/// A row of a peer's table of options.
constexpr std::uint8_t every_command = 0xff;

inline PeerTask answered() { return {.kind = PeerTask::Kind::answer}; }
inline PeerTask answered_on_stderr(int exit_code) {
    return {.kind = PeerTask::Kind::answer, .on_stderr = true, .exit_code = exit_code};
}

/// A whole number at the head of `rest` as the C library reads one: blanks and a sign may come
/// first; more than 99999 counts as that.
std::optional<int> take_number(std::string_view& rest);

bool is_set(char* const* environment, std::string_view name);

/// What was wrong with an option: a letter that is none is told as getopt(3) tells it.
void add_bad_option(Writer& line, const PeerCall& call, const BadInput& bad);

/// What usher is here, and a line for each option.
void add_purpose_and_options(Writer& line, Literal purpose, std::span<const Option> table);

}  // namespace usher::peers
