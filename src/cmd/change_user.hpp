// SPDX-License-Identifier: MIT
// Becoming another user for good.
#pragma once

#include "accounts.hpp"
#include "file.hpp"
#include "kernel.hpp"

namespace usher::cmd {

/// What it takes to become an account. Not on the stack, whose pages would stay.
struct ChangeRoom {
    Account account;
    char text[4096];
};

/// A step that failed on the way to another user.
struct ChangeFailure {
    Literal stage{};       ///< the call, or what is wrong; empty: nothing
    int number = 0;        ///< errno; 0: the stage says all
    Literal capability{};  ///< that the call needs
};
/// What may help against it; empty: nothing to say.
void add_advice(Writer& line, const ChangeFailure& failure);

/// Whether this process is the account's user and group in every way, whatever its other groups.
bool is_already(const Account& account);

/// Groups, group, user, in this order; then looks whether that is so and cannot be undone. On
/// failure some of it may be done: whoever gets one must end.
[[gnu::cold, gnu::noinline]] ChangeFailure change_user(Account& account);

/// Puts HOME into `environment` wherever it stands there. `room` holds it and must live as long.
/// Returns what has to be added, as it was not there; null: nothing.
[[gnu::cold, gnu::noinline]] const char* set_home(char** environment, std::string_view home,
                                                  std::span<char> room);
inline constexpr std::size_t home_room = Account::longest_home + sizeof "HOME=";

}  // namespace usher::cmd
