// SPDX-License-Identifier: MIT
#include "find_account.hpp"

#include <errno.h>

#include "file.hpp"

namespace usher::sys {

namespace {

// Whoever wrote a longer one meant no good, and nobody could stop a usher that reads for ever.
constexpr std::size_t longest_file = std::size_t{64} << 20;

// Returns an errno. A file that is not there is an empty one.
int read_accounts(const char* path, AccountReader& reader, std::span<char> room) {
    const auto fd = open(path, OpenMode::read);
    if (!fd) return fd.error.number == ENOENT ? 0 : fd.error.number;
    std::size_t left = longest_file;
    while (true) {
        const auto got = read(fd.value, room);
        if (got && got.value > 0 && left > room.size()) {
            reader.feed({room.data(), got.value});
            left -= got.value;
            continue;
        }
        close(fd.value);
        reader.finish();
        if (!got) return got.error.number;
        return got.value == 0 ? 0 : EFBIG;
    }
}

}  // namespace

AccountFailure find_account(const UserSpec& spec, AccountId otherwise, Account& account,
                            std::span<char> room) {
    using Purpose = AccountReader::Purpose;
    AccountReader users(Purpose::user, spec.user, account);
    if (const int error = read_accounts("/etc/passwd", users, room); error != 0) {
        return {.problem = AccountProblem::no_passwd_file, .number = error};
    }
    if (users.problem() != AccountProblem::none) return {.problem = users.problem()};
    if (!users.has_found()) {
        if (spec.user.id == no_id) return {.problem = AccountProblem::no_user};
        account.user = spec.user.id;
        account.group = otherwise;
        account.name[0] = account.home[0] = 0;
    }
    if (account.home[0] == 0) Writer(account.home).add('/').add('\0');
    const bool is_alone = spec.group.text.empty();
    if (spec.group.id != no_id) {
        account.group = spec.group.id;
    } else if (!is_alone || account.is_known()) {
        AccountReader groups(is_alone ? Purpose::members : Purpose::group,
                             is_alone ? AccountName{.text = account.name} : spec.group, account);
        if (const int error = read_accounts("/etc/group", groups, room); error != 0) {
            return {.problem = AccountProblem::no_group_file, .number = error};
        }
        if (groups.problem() != AccountProblem::none) return {.problem = groups.problem()};
        if (!is_alone && !groups.has_found()) return {.problem = AccountProblem::no_group};
    }
    return {.problem = account.group == no_id ? AccountProblem::needs_group : AccountProblem::none};
}

}  // namespace usher::sys
