// SPDX-License-Identifier: MIT
#include "duration.hpp"

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

TEST(after, stays_at_infinite) {
    EXPECT_EQ(after(5, 7), 12);
    EXPECT_EQ(after(5, infinite), infinite);
    EXPECT_EQ(after(5, infinite - 5), infinite);
    EXPECT_EQ(after(5, infinite - 6), infinite - 1);
    EXPECT_EQ(after(0, infinite - 1), infinite - 1);
}

TEST(duration, is_written_as_a_person_would) {
    const struct {
        Duration duration;
        const char* text;
    } cases[] = {{0, "0s"},
                 {1 * millisecond, "1ms"},
                 {250 * millisecond, "250ms"},
                 {999 * millisecond, "999ms"},
                 {second, "1s"},
                 {1500 * millisecond, "1.5s"},
                 {1050 * millisecond, "1.05s"},
                 {1005 * millisecond, "1.005s"},
                 {90 * second, "90s"},
                 {10 * second, "10s"},
                 {infinite, "inf"}};
    for (const auto& [duration, text] : cases) {
        char room[32];
        Writer line(room);
        add_duration(line, duration);
        EXPECT_EQ(line.view(), text);
    }
}

}  // namespace
}  // namespace usher
