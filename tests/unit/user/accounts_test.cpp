// SPDX-License-Identifier: MIT
#include "accounts.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace usher {
namespace {

using Purpose = AccountReader::Purpose;

struct Read {
    std::shared_ptr<Account> account = std::make_shared<Account>();
    bool found = false;
    AccountProblem problem = AccountProblem::none;
};

Read read(Purpose purpose, const AccountName& wanted, std::string_view file,
          std::size_t piece = std::string_view::npos) {
    Read got;
    AccountReader reader(purpose, wanted, *got.account);
    while (!file.empty()) {
        reader.feed(file.substr(0, piece));
        file.remove_prefix(std::min(piece, file.size()));
    }
    reader.finish();
    got.found = reader.has_found();
    got.problem = reader.problem();
    return got;
}
Read user(std::string_view name, std::string_view file) {
    return read(Purpose::user, split_user_spec(name).user, file);
}
Read group(std::string_view name, std::string_view file) {
    return read(Purpose::group, {.text = name}, file);
}
std::vector<AccountId> groups_of(std::string_view member, std::string_view file) {
    const Read got = read(Purpose::members, {.text = member}, file);
    EXPECT_EQ(got.problem, AccountProblem::none);
    const auto groups = got.account->supplementary();
    return {groups.begin(), groups.end()};
}

constexpr char passwd[] =
    "root:x:0:0:root:/root:/bin/sh\n"
    "app:x:1000:1001:An App,,,:/home/app:/bin/sh\n"
    "app:x:7:7::/second:\n"
    "again:x:1000:9::/again:\n"
    "1234:x:5:5::/number:\n";

void expect_app(const Read& got) {
    EXPECT_TRUE(got.found);
    EXPECT_EQ(got.account->user, 1000U);
    EXPECT_EQ(got.account->group, 1001U);
    EXPECT_STREQ(got.account->name, "app");
    EXPECT_STREQ(got.account->home, "/home/app");
}

TEST(passwd, finds_a_user_by_name_or_number_and_takes_the_first) {
    expect_app(user("app", passwd));
    expect_app(user("1000", passwd));
}

TEST(passwd, reads_pieces_of_any_size) {
    for (std::size_t piece = 1; piece < sizeof passwd; ++piece) {
        expect_app(read(Purpose::user, {.text = "app"}, passwd, piece));
    }
}

TEST(passwd, takes_digits_for_a_number_though_a_name_is_the_same) {
    EXPECT_FALSE(user("1234", passwd).found);
    EXPECT_STREQ(user("5", passwd).account->home, "/number");
}

TEST(passwd, needs_no_end_of_the_last_line_and_no_field_behind_the_last_number) {
    EXPECT_EQ(user("a", "a:x:1:2").account->group, 2U);
    EXPECT_EQ(user("a", "a:x:1:2:gecos:/h").account->home, std::string("/h"));
    EXPECT_EQ(user("a", "a:x:1:2:::").account->home, std::string());
    EXPECT_TRUE(user("a", " \t a:x:1:2\n").found);
    EXPECT_TRUE(user("a", "\n\n#a comment\na:x:1:2\n").found);
}

// gosu would have made root of the first five.
TEST(passwd, a_line_that_is_no_entry_is_nobody) {
    for (const char* line : {"a:x::",
                             "a:x:1a:2",
                             "a:x:1:2b",
                             "a:x:",
                             "a",
                             "a:x:1:",
                             "a:x:-1:2",
                             "a:x:4294967295:2",
                             "a:x:1:4294967295",
                             "a:x:99999999999999999999:2",
                             "a:x: 1:2",
                             "a:x:+1:2",
                             "a:1:2",
                             "a :x:1:2",
                             "A:x:1:2",
                             "aa:x:1:2",
                             ":x:1:2",
                             "::1:2",
                             "x\na:x",
                             ""}) {
        EXPECT_FALSE(user("a", line).found) << line;
        EXPECT_FALSE(user("a", std::string(line) + "\n").found) << line;
    }
    EXPECT_FALSE(user("a", std::string_view("a\0:x:1:2", 8)).found);
    EXPECT_FALSE(user("a", std::string_view("a:x:1:2::/h\0/x:", 15)).found);
    for (const char* name : {"+", "-", "+a", "-a", "+@net", "#a"}) {
        EXPECT_FALSE(user(name, std::string(name) + ":x:1:2::/:\n").found) << name;
    }
    EXPECT_FALSE(user("1", "+a:x:1:2\n-:x:1:2\n#a:x:1:2\n:x:1:2\n").found);
}

TEST(passwd, what_is_wrong_with_a_line_does_not_spoil_the_next) {
    const std::string long_name(5000, 'n');
    for (const std::string& line : {std::string("a:x:9x:9"), long_name + ":x:1:1", std::string("+"),
                                    std::string(100000, ':'), std::string(1, '\0')}) {
        const Read got = user("a", line + "\na:x:1:2::/h:\n");
        EXPECT_EQ(got.account->user, 1U) << line.substr(0, 40);
        EXPECT_STREQ(got.account->home, "/h");
    }
    const Read got = user("1", long_name + ":x:1:1\na:x:1:2\n");
    EXPECT_STREQ(got.account->name, "a");
}

TEST(passwd, a_home_that_does_not_fit_is_told_and_not_cut) {
    const std::string longest(Account::longest_home, 'h');
    EXPECT_EQ(user("a", "a:x:1:2::" + longest + ":").account->home, longest);
    const Read got = user("a", "a:x:1:2::" + longest + "h:");
    EXPECT_EQ(got.problem, AccountProblem::home_too_long);
    EXPECT_EQ(user("b", "a:x:1:2::" + longest + "h:\nb:x:1:2").problem, AccountProblem::none);
}

TEST(passwd, a_name_longer_than_any_is_nobodys) {
    const std::string name(256, 'n');
    EXPECT_FALSE(user(name, name + ":x:1:2").found);
    EXPECT_TRUE(user(name.substr(1), name.substr(1) + ":x:1:2").found);
}

TEST(group_file, finds_a_group_by_its_name_and_takes_the_first) {
    constexpr char file[] = "root:x:0:\nwww:x:33:app,b\nwww:x:34:\nlast:x:9";
    EXPECT_EQ(group("www", file).account->group, 33U);
    EXPECT_EQ(group("last", file).account->group, 9U);
    for (const char* name : {"ww", "wwww", "app", "x", "33", "WWW", "+"}) {
        EXPECT_FALSE(group(name, file).found) << name;
    }
}

TEST(group_file, finds_the_groups_that_a_user_is_a_member_of) {
    constexpr char file[] =
        "root:x:0:\na:x:1:app\nb:x:2:x,app\nc:x:3:app,x\nd:x:4:apple,ap,xapp\napp:x:5:\n"
        "again:x:1:app\nf:x:6:app,app\ng:x:7:,app,\nh:app:8:\ni:x:9: app\nbad:x:1x:app\n"
        "bad:x::app\n+:x:10:app\n:x:11:app\nmore:x:12:x:app\nlast:x:13:app";
    EXPECT_EQ(groups_of("app", file), (std::vector<AccountId>{1, 2, 3, 6, 7, 13}));
}

TEST(group_file, reads_a_line_of_any_length_in_pieces_of_any_size) {
    std::string file = "g:x:1:";
    for (int i = 0; i < 2000; ++i) file += "member" + std::to_string(i) + ",";
    file += "app\nh:x:2:app\n";
    for (const std::size_t piece : {1, 2, 7, 1024, 100000}) {
        const Read got = read(Purpose::members, {.text = "app"}, file, piece);
        EXPECT_EQ(got.account->group_count, 2U) << piece;
    }
}

TEST(group_file, more_groups_than_an_account_can_have_are_told) {
    std::string file;
    for (std::size_t i = 1; i <= Account::most_groups; ++i) {
        file += "g:x:" + std::to_string(i) + ":app\n";
    }
    EXPECT_EQ(groups_of("app", file + "g:x:1:app\n").size(), Account::most_groups);
    EXPECT_EQ(read(Purpose::members, {.text = "app"}, file + "g:x:5000:app\n").problem,
              AccountProblem::too_many_groups);
}

// The same by the simplest means: whole lines, split.
std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    std::stringstream stream(text + separator);
    for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
    return parts;
}

bool is_number(const std::string& text, AccountId& number) {
    if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos) return false;
    if (text.size() > 10 || std::stoull(text) > last_id) return false;
    number = static_cast<AccountId>(std::stoull(text));
    return true;
}

bool is_entry(const std::vector<std::string>& fields, std::size_t numbers) {
    AccountId number = 0;
    if (fields.size() < 2 + numbers || fields[0].empty() || fields[0].size() > 255) return false;
    if (std::string("+-#").find(fields[0][0]) != std::string::npos) return false;
    for (std::size_t i = 0; i < numbers; ++i) {
        if (!is_number(fields[2 + i], number)) return false;
    }
    return true;
}

TEST(accounts, whoever_is_found_in_random_files_is_exactly_who_was_asked_for) {
    std::mt19937 random(20260101);
    const std::vector<std::string> names{"a", "b", "ab", "0", "1", "7", "+a", "", "root"};
    const std::vector<std::string> numbers{"0",          "1", "7", "4294967294",
                                           "4294967295", "x", "",  "01"};
    const auto pick = [&](const auto& list) { return list[random() % list.size()]; };
    int hits = 0;
    for (int round = 0; round < 20000; ++round) {
        std::string file;
        for (unsigned lines = random() % 6; lines > 0; --lines) {
            file += pick(names) + ":x:" + pick(numbers);
            if (random() % 8 != 0) file += ":" + pick(numbers) + "::/h" + std::to_string(lines);
            if (lines > 1 || random() % 2 == 0) file += "\n";
        }
        const std::string wanted = pick(names);
        if (wanted.empty()) continue;
        const AccountName name = split_user_spec(wanted).user;
        const Read got = read(Purpose::user, name, file, 1 + random() % 9);
        std::vector<std::string> first;
        for (const std::string& line : split(file, '\n')) {
            const auto fields = split(line, ':');
            AccountId uid = 0;
            if (!is_entry(fields, 2) || !is_number(fields[2], uid)) continue;
            if (name.id != no_id ? uid != name.id : fields[0] != wanted) continue;
            first = fields;
            break;
        }
        ASSERT_EQ(got.found, !first.empty()) << file << wanted;
        if (!got.found) continue;
        ++hits;
        ASSERT_EQ(got.account->user, std::stoull(first[2])) << file;
        ASSERT_EQ(got.account->group, std::stoull(first[3])) << file;
        ASSERT_EQ(got.account->name, first[0]) << file;
        ASSERT_EQ(got.account->home, first.size() > 5 ? first[5] : "") << file;
    }
    EXPECT_GT(hits, 1500);
}

}  // namespace
}  // namespace usher
