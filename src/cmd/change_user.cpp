// SPDX-License-Identifier: MIT
#include "change_user.hpp"

#include <errno.h>

#include <algorithm>

namespace usher::cmd {

namespace {

sys::Ids all_three(AccountId id) { return {.real = id, .effective = id, .saved = id}; }

// The kernel sorts them. There are as many, and none that was not asked for.
bool has_groups(Account& account) {
    const auto count = sys::getgroups(account.seen);
    const auto wanted = account.supplementary();
    return count && count.value == wanted.size() &&
           std::ranges::all_of(std::span(account.seen).first(count.value), [&](AccountId id) {
               return std::ranges::find(wanted, id) != wanted.end();
           });
}

// Root could always come back.
bool can_be_undone(AccountId user) {
    return user != 0 && sys::setresuid({.real = no_id, .effective = 0, .saved = no_id});
}

}  // namespace

void add_advice(Writer& line, const ChangeFailure& failure) {
    if (failure.number == EINVAL) line.add("; this user namespace does not have that number");
    if (failure.number == EPERM) line.add("; that needs ").add(failure.capability);
}

bool is_already(const Account& account) {
    const auto users = sys::getresuid();
    const auto groups = sys::getresgid();
    return users && groups && users.value == all_three(account.user) &&
           groups.value == all_three(account.group);
}

ChangeFailure change_user(Account& account) {
    if (const auto set = sys::setgroups(account.supplementary()); !set) {
        return {"setgroups", set.error.number, "CAP_SETGID"};
    }
    if (const auto set = sys::setresgid(all_three(account.group)); !set) {
        return {"setgid", set.error.number, "CAP_SETGID"};
    }
    if (const auto set = sys::setresuid(all_three(account.user)); !set) {
        return {"setuid", set.error.number, "CAP_SETUID"};
    }
    if (!is_already(account) || !has_groups(account)) {
        return {"the kernel made it another user"};
    }
    if (can_be_undone(account.user)) return {"could become root again"};
    return {};
}

const char* set_home(char** environment, std::string_view home, std::span<char> room) {
    constexpr Literal name = "HOME=";
    Writer(room).add(name).add_raw(home).add('\0');
    const char* to_add = room.data();
    for (char** entry = environment; *entry != nullptr; ++entry) {
        if (!begins_with(*entry, name)) continue;
        *entry = room.data();
        to_add = nullptr;
    }
    return to_add;
}

}  // namespace usher::cmd
