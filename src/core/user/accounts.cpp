// SPDX-License-Identifier: MIT
#include "accounts.hpp"

#include <algorithm>

#include "number.hpp"

namespace usher {

namespace {

// Of both files: the name, and two with a number (uid and gid; gid and members). As to Docker and
// gosu, an entry needs no field behind its last number.
constexpr std::size_t name_field = 0;
constexpr std::size_t number_field = 2;
constexpr std::size_t gid_or_members_field = 3;
constexpr std::size_t home_field = 5;

}  // namespace

bool Account::add_group(AccountId id) {
    if (std::ranges::find(supplementary(), id) != supplementary().end()) return true;
    if (group_count == most_groups) return false;
    groups[group_count++] = id;
    return true;
}

void AccountReader::feed(std::string_view bytes) {
    for (const char c : bytes) {
        if (is_done()) return;
        if (c == '\n') {
            end_line();
        } else {
            add(c);
        }
    }
}

void AccountReader::add(char c) {
    if (c == ':') {
        end_word();
        is_bad_ = is_bad_ || !has_begun_;
        ++field_;
        return;
    }
    if (!has_begun_) {
        if (is_space(c)) return;
        is_bad_ = is_bad_ || c == '+' || c == '-' || c == '#';
        has_begun_ = true;
    }
    is_bad_ = is_bad_ || c == 0;
    const bool lists_members = field_ == gid_or_members_field && purpose_ != Purpose::user;
    if (field_ == name_field) {
        if (purpose_ == Purpose::user) name_.add(c);
        if (purpose_ != Purpose::members) compare(c);
    } else if (lists_members) {
        if (purpose_ == Purpose::members) compare(c);
    } else if (field_ == number_field || field_ == gid_or_members_field) {
        Number& number = numbers_[field_ - number_field];
        number.is_empty = false;
        number.is_bad = number.is_bad || !append_digit(number.value, c, last_id);
    } else if (field_ == home_field && purpose_ == Purpose::user) {
        home_.add(c);
    }
}

void AccountReader::compare(char c) {
    if (c == ',' && purpose_ == Purpose::members) return end_word();
    const std::string_view wanted = wanted_.text;
    differs_ = differs_ || compared_ == wanted.size() || wanted[compared_] != c;
    ++compared_;
}

void AccountReader::end_word() {
    if (compared_ > 0 && compared_ == wanted_.text.size() && !differs_) matches_ = true;
    compared_ = 0;
    differs_ = false;
}

void AccountReader::end_line() {
    if (is_done()) return;
    end_word();
    const auto& [first, second] = numbers_;
    const bool is_user = purpose_ == Purpose::user;
    const bool is_entry = !is_bad_ && first.is_good() && (!is_user || second.is_good());
    const bool is_number = is_user && wanted_.id != no_id;
    if (is_entry && (is_number ? first.value == wanted_.id : matches_)) {
        found(static_cast<AccountId>(first.value), static_cast<AccountId>(second.value));
        if (is_done()) return;
    }
    field_ = 0;
    has_begun_ = is_bad_ = matches_ = false;
    numbers_[0] = numbers_[1] = {};
    name_ = Writer(account_.name);
    home_ = Writer(account_.home);
}

void AccountReader::found(AccountId first, AccountId second) {
    if (purpose_ == Purpose::user) {
        // A name that does not fit is nobody's.
        name_.add('\0');
        if (!name_.fits()) return;
        account_.user = first;
        account_.group = second;
        home_.add('\0');
        if (!home_.fits()) problem_ = AccountProblem::home_too_long;
    } else if (purpose_ == Purpose::group) {
        account_.group = first;
    } else if (!account_.add_group(first)) {
        problem_ = AccountProblem::too_many_groups;
    }
    has_found_ = true;
}

}  // namespace usher
