// SPDX-License-Identifier: MIT
#include "number.hpp"

#include <gtest/gtest.h>

namespace usher {
namespace {

TEST(parse_number, takes_digits_up_to_its_bound) {
    EXPECT_EQ(parse_number("0", 255), 0U);
    EXPECT_EQ(parse_number("255", 255), 255U);
    EXPECT_EQ(parse_number("000000000000000000000255", 255), 255U);
    EXPECT_EQ(parse_number("5", 5), 5U);
    EXPECT_EQ(parse_number("0", 0), 0U);
    EXPECT_EQ(parse_number("18446744073709551615", UINT64_MAX), UINT64_MAX);
}

TEST(parse_number, refuses_everything_else) {
    for (const char* text : {"", "-1", "+1", " 1", "1 ", "256", "1000", "99999999999999999999",
                             "18446744073709551617", "0x1", "1a", "a", "1.0", "٣"}) {
        EXPECT_EQ(parse_number(text, 255), std::nullopt) << text;
    }
    EXPECT_EQ(parse_number("6", 5), std::nullopt);
    EXPECT_EQ(parse_number("1", 0), std::nullopt);
    EXPECT_EQ(parse_number("18446744073709551616", UINT64_MAX), std::nullopt);
}

TEST(parse_number, agrees_with_arithmetic_at_every_small_bound) {
    for (std::uint64_t most = 0; most < 130; ++most) {
        for (std::uint64_t number = 0; number < 300; ++number) {
            const auto got = parse_number(std::to_string(number), most);
            EXPECT_EQ(got.has_value(), number <= most) << number << " of " << most;
            EXPECT_EQ(got.value_or(number), number);
        }
    }
}

TEST(parse_boolean, knows_four_words) {
    EXPECT_EQ(parse_boolean("1"), true);
    EXPECT_EQ(parse_boolean("true"), true);
    EXPECT_EQ(parse_boolean("TRUE"), true);
    EXPECT_EQ(parse_boolean("0"), false);
    EXPECT_EQ(parse_boolean("false"), false);
    for (const char* text : {"", "2", "yes", "no", "on", "off", "t", "01", "true ", "-1"}) {
        EXPECT_EQ(parse_boolean(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace usher
