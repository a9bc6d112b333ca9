// SPDX-License-Identifier: MIT
// A reader of /etc/passwd and /etc/group (passwd(5), group(5)), in pieces of any size and in
// bounded memory.
#pragma once

#include <array>
#include <span>

#include "text.hpp"
#include "user_spec.hpp"

namespace usher {

enum class AccountProblem : std::uint8_t {
    none,
    no_user,
    no_group,
    needs_group,  ///< a number that /etc/passwd does not know, without a group
    too_many_groups,
    home_too_long,
    no_passwd_file,  ///< it cannot be read; one that is not there is an empty one
    no_group_file,
};

/// Who a process is to be.
struct Account {
    static constexpr std::size_t most_groups = 1024;
    static constexpr std::size_t longest_home = 250;

    AccountId user = no_id;
    AccountId group = no_id;
    std::size_t group_count = 0;
    std::array<AccountId, most_groups> groups;  ///< the supplementary ones
    std::array<AccountId, most_groups> seen;    ///< room for what the kernel says of them
    char name[256];                             ///< NUL-terminated; empty: nobody knows it
    char home[longest_home + 1];                ///< NUL-terminated

    Account() { name[0] = home[0] = 0; }
    [[nodiscard]] bool is_known() const { return name[0] != 0; }
    /// One that it is in already is not added. False: there are too many.
    bool add_group(AccountId id);
    [[nodiscard]] std::span<const AccountId> supplementary() const {
        return std::span(groups).first(group_count);
    }
};

/// Finds in one of the files what an account still lacks. A line that is no entry, such as one with
/// letters in a number, a NUL, without a name, or with NIS's + or - before it, is nobody. Of
/// several entries the first counts.
class AccountReader {
  public:
    enum class Purpose : std::uint8_t {
        user,     ///< in /etc/passwd: user, group, name and home
        group,    ///< in /etc/group: the group of that name
        members,  ///< in /etc/group: the supplementary groups of whom has that name
    };
    AccountReader(Purpose purpose, const AccountName& wanted, Account& account)
        : purpose_(purpose), wanted_(wanted), account_(account) {}

    void feed(std::string_view bytes);
    /// The last line may have no end.
    void finish() { end_line(); }
    [[nodiscard]] bool has_found() const { return has_found_; }
    [[nodiscard]] AccountProblem problem() const { return problem_; }

  private:
    void add(char c);
    void compare(char c);
    void end_word();
    void end_line();
    void found(AccountId first, AccountId second);
    [[nodiscard]] bool is_done() const { return has_found_ && purpose_ != Purpose::members; }

    // A number of the line.
    struct Number {
        std::uint64_t value = 0;
        bool is_empty = true;
        bool is_bad = false;
        [[nodiscard]] bool is_good() const { return !is_empty && !is_bad; }
    };

    Purpose purpose_;
    AccountName wanted_;
    Account& account_;
    bool has_found_ = false;
    AccountProblem problem_ = AccountProblem::none;

    // Of the line that is read.
    std::size_t field_ = 0;
    bool has_begun_ = false;
    bool is_bad_ = false;
    bool matches_ = false;  ///< one word of it is the wanted name
    bool differs_ = false;  ///< the word that is read is not
    std::size_t compared_ = 0;
    Number numbers_[2];  ///< of the fields 2 and 3
    Writer name_{std::span(account_.name)};
    Writer home_{std::span(account_.home)};
};

}  // namespace usher
