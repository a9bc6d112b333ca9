// SPDX-License-Identifier: MIT
// USER[:GROUP], each a name or a number.
#pragma once

#include <cstdint>

#include "bad_input.hpp"

namespace usher {

/// The number of a user or a group.
using AccountId = std::uint32_t;
inline constexpr AccountId last_id = 4294967294;
/// No user and no group: to the kernel, "leave it as it is" (setresuid(2)).
inline constexpr AccountId no_id = last_id + 1;

struct AccountName {
    std::string_view text{};  ///< as it is written; empty: not given
    AccountId id = no_id;     ///< if it is a number
};

struct UserSpec {
    std::string_view text{};  ///< all of it; empty: not given
    AccountName user;
    AccountName group;
};

/// Digits alone are a number, whatever the files say: so do gosu and Docker. Takes whatever is
/// there; a number out of range is a name, which nobody has.
UserSpec split_user_spec(std::string_view text);

/// The same, for what must be right. False: `bad` says what was wrong.
bool parse_user_spec(UserSpec& spec, std::string_view text, BadInput& bad);

}  // namespace usher
