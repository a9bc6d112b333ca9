// SPDX-License-Identifier: MIT
// Who a USER[:GROUP] is, by /etc/passwd and /etc/group.
#pragma once

#include "accounts.hpp"
#include "result.hpp"

namespace usher::sys {

struct AccountFailure {
    AccountProblem problem = AccountProblem::none;
    int number = 0;  ///< errno, of a file that cannot be read
};

/// Fills in `account`, as gosu and Docker do it: of a user alone all its groups; of GROUP that one
/// alone. A number that /etc/passwd does not know is in the group `otherwise`; no_id: in none.
/// `room` is for reading.
AccountFailure find_account(const UserSpec& spec, AccountId otherwise, Account& account,
                            std::span<char> room);

}  // namespace usher::sys
