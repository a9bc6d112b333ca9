// SPDX-License-Identifier: MIT
#include "parse.hpp"

#include <gtest/gtest.h>

#include <string>

namespace usher {
namespace {

constexpr Duration minute = 60 * second;
constexpr Duration hour = 60 * minute;
constexpr Duration day = 24 * hour;

struct DurationCase {
    const char* text;
    std::optional<Duration> expected;
};

class GoodDurations : public testing::TestWithParam<DurationCase> {};

TEST_P(GoodDurations, are_read_with_or_without_a_limit) {
    EXPECT_EQ(parse_duration(GetParam().text, false), GetParam().expected);
    EXPECT_EQ(parse_duration(GetParam().text, true), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    parse, GoodDurations,
    testing::Values(
        DurationCase{"0", 0}, DurationCase{"5", 5 * second}, DurationCase{"007", 7 * second},
        DurationCase{"250ms", 250 * millisecond}, DurationCase{"5s", 5 * second},
        DurationCase{"1m", minute}, DurationCase{"2h", 2 * hour}, DurationCase{"1d", day},
        DurationCase{"1m30s", 90 * second},
        DurationCase{"1d2h3m4s5ms", day + 2 * hour + 3 * minute + 4 * second + 5 * millisecond},
        DurationCase{"0.5", second / 2}, DurationCase{".5", second / 2}, DurationCase{"1.", second},
        DurationCase{"1.25s", 1250 * millisecond}, DurationCase{"1.5h", 90 * minute},
        DurationCase{"0.5ms", millisecond / 2}, DurationCase{"0.000000001", 1},
        DurationCase{"0.0000000001", 0}, DurationCase{"0.12345678999999", 123456789},
        DurationCase{"106000d", 106000 * day}));

class BadDurations : public testing::TestWithParam<const char*> {};

TEST_P(BadDurations, are_refused_with_or_without_a_limit) {
    EXPECT_EQ(parse_duration(GetParam(), false), std::nullopt);
    EXPECT_EQ(parse_duration(GetParam(), true), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(parse, BadDurations,
                         testing::Values("", " ", "5 s", " 5", "5 ", "-1", "+1", "--1", "-0",
                                         "1m30", "5x", "s", "ms", ".", ".s", "1.2.3", "1..2", "1e3",
                                         "0x10", "5S", "5sec", "5us", "5ns", "400y", "1w", "1,5",
                                         "5s,", "5s;", "NaN", "nan", "in", "inff", "inf5", "5inf",
                                         "-inf", "1m-5s", "106752d", "293000000000",
                                         "9223372036854775807", "18446744073709551616",
                                         "99999999999999999999999", "99999999999999999999d",
                                         "106000d106000d"));

TEST(parse_duration, knows_inf_only_where_there_may_be_no_limit) {
    EXPECT_EQ(parse_duration("inf", true), infinite);
    EXPECT_EQ(parse_duration("INF", true), infinite);
    EXPECT_EQ(parse_duration("inf", false), std::nullopt);
}

TEST(parse_duration, never_gives_infinite_or_less_than_nothing_for_a_number) {
    for (int days = 106700; days < 106800; ++days) {
        for (const char* rest : {"", "23h", "23h47m16s", "23h47m17s", "0.9d"}) {
            const auto got = parse_duration(std::to_string(days) + "d" + rest, true);
            EXPECT_TRUE(!got || (*got >= 0 && *got < infinite)) << days << rest;
        }
    }
}

TEST(parse_sleep_time, takes_what_gnu_sleep_takes) {
    const DurationCase cases[] = {{"5", 5 * second},       {"1e3", 1000 * second},
                                  {"1.5e1m", 15 * minute}, {"25E-1", 2500 * millisecond},
                                  {"1e-3", millisecond},   {"1e0s", second},
                                  {".5e1", 5 * second},    {"1e+2", 100 * second},
                                  {"1m30s", 90 * second},  {"infinity", infinite}};
    for (const auto& [text, expected] : cases) EXPECT_EQ(parse_sleep_time(text), expected) << text;
}

TEST(parse_sleep_time, refuses_what_is_no_time) {
    for (const char* text : {"", "e", "e3", ".e3", "1e", "1e+", "1e1.5", "1e19", "1e21", "-1e1",
                             "1e1x", "1e1e1", "5x", "1e1ms5", "1 e1"}) {
        EXPECT_EQ(parse_sleep_time(text), std::nullopt) << text;
    }
}

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

TEST(equal_ignoring_case, compares_letters_only_of_equal_length) {
    EXPECT_TRUE(equal_ignoring_case("SigTerm", "sIGtERM"));
    EXPECT_TRUE(equal_ignoring_case("", ""));
    EXPECT_FALSE(equal_ignoring_case("TERM", "TER"));
    EXPECT_FALSE(equal_ignoring_case("[", "{"));
    EXPECT_FALSE(equal_ignoring_case("@", "`"));
}

TEST(after, stays_at_infinite) {
    EXPECT_EQ(after(5, 7), 12);
    EXPECT_EQ(after(5, infinite), infinite);
    EXPECT_EQ(after(5, infinite - 5), infinite);
    EXPECT_EQ(after(5, infinite - 6), infinite - 1);
    EXPECT_EQ(after(0, infinite - 1), infinite - 1);
}

struct DistanceCase {
    const char* a;
    const char* b;
    int distance;
};

class EditDistance : public testing::TestWithParam<DistanceCase> {};

TEST_P(EditDistance, counts_insertions_deletions_changes_and_swaps_both_ways) {
    const auto& [a, b, distance] = GetParam();
    EXPECT_EQ(edit_distance(a, b), distance);
    EXPECT_EQ(edit_distance(b, a), distance);
}

INSTANTIATE_TEST_SUITE_P(
    parse, EditDistance,
    testing::Values(DistanceCase{"", "", 0}, DistanceCase{"", "abc", 3},
                    DistanceCase{"grace", "grace", 0}, DistanceCase{"grace", "grce", 1},
                    DistanceCase{"grace", "graace", 1}, DistanceCase{"grace", "grade", 1},
                    DistanceCase{"grace", "garce", 1}, DistanceCase{"grace", "grcae", 1},
                    DistanceCase{"linger", "lniegr", 2}, DistanceCase{"kitten", "sitting", 3},
                    DistanceCase{"ab", "ba", 1}, DistanceCase{"abcd", "dcba", 3},
                    DistanceCase{"ca", "abc", 3}, DistanceCase{"stop-signal", "stop-sginal", 1},
                    DistanceCase{"12345678901234567890123XXX", "12345678901234567890123", 0},
                    DistanceCase{"X2345678901234567890123", "Y2345678901234567890123ZZZ", 1}));

}  // namespace
}  // namespace usher
