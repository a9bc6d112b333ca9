// SPDX-License-Identifier: MIT
#include "user_spec.hpp"

#include <gtest/gtest.h>

namespace usher {
namespace {

UserSpec parsed(std::string_view text) {
    UserSpec spec;
    BadInput bad;
    EXPECT_TRUE(parse_user_spec(spec, text, bad)) << text;
    EXPECT_EQ(spec.text, text);
    return spec;
}

void expect_refused(std::string_view text, Literal problem) {
    UserSpec spec;
    BadInput bad;
    EXPECT_FALSE(parse_user_spec(spec, text, bad)) << text;
    EXPECT_EQ(bad.problem, problem) << text;
    EXPECT_EQ(bad.word, text);
    EXPECT_FALSE(bad.accepted.empty());
}

TEST(user_spec, takes_a_user_alone_or_with_a_group) {
    EXPECT_EQ(parsed("app").user.text, "app");
    EXPECT_TRUE(parsed("app").group.text.empty());
    EXPECT_EQ(parsed("app:www").user.text, "app");
    EXPECT_EQ(parsed("app:www").group.text, "www");
}

TEST(user_spec, takes_digits_alone_for_a_number) {
    EXPECT_EQ(parsed("1000:0").user.id, 1000U);
    EXPECT_EQ(parsed("1000:0").group.id, 0U);
    EXPECT_EQ(parsed("4294967294").user.id, last_id);
    for (const char* name : {"a1", "1a", "+1", "-1", "0x1", "1 ", "1.0"}) {
        EXPECT_EQ(parsed(name).user.id, no_id) << name;
    }
}

TEST(user_spec, refuses_numbers_that_the_kernel_takes_for_nobody_or_cuts) {
    for (const char* text : {"4294967295", "4294967296", "99999999999999999999", "1:4294967295",
                             "app:18446744073709551616"}) {
        expect_refused(text, "a number out of range:");
    }
}

TEST(user_spec, refuses_what_lacks_a_part_or_has_one_too_many) {
    for (const char* text : {"", ":", ":1", "app:", "1000:", "a:b:c", "a::b", "::"}) {
        expect_refused(text, "not a user");
    }
}

TEST(user_spec, is_split_without_a_complaint_for_the_peers) {
    EXPECT_TRUE(split_user_spec("").user.text.empty());
    EXPECT_EQ(split_user_spec(":5").group.id, 5U);
    EXPECT_EQ(split_user_spec("5:").user.id, 5U);
    EXPECT_EQ(split_user_spec("4294967295").user.id, no_id);
    EXPECT_EQ(split_user_spec("a:b:c").group.text, "b");
}

}  // namespace
}  // namespace usher
