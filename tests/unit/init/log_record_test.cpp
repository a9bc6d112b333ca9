// SPDX-License-Identifier: MIT
#include "log_record.hpp"

#include <gtest/gtest.h>
#include <time.h>

#include <string>

namespace usher {
namespace {

template <class... Arguments>
std::string written(void (*add)(Writer&, Arguments...),
                    std::common_type_t<Arguments>... arguments) {
    char room[1024];
    Writer line(room);
    add(line, arguments...);
    return std::string(line.view());
}

std::string timestamp(std::int64_t seconds, int milliseconds = 0) {
    return written(add_timestamp, seconds * second + milliseconds * millisecond);
}

struct DateCase {
    std::int64_t seconds;
    const char* text;
};

class Dates : public testing::TestWithParam<DateCase> {};

TEST_P(Dates, are_written_as_rfc_3339) {
    EXPECT_EQ(timestamp(GetParam().seconds), GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(log_record, Dates,
                         testing::Values(DateCase{0, "1970-01-01T00:00:00.000Z"},
                                         DateCase{86399, "1970-01-01T23:59:59.000Z"},
                                         DateCase{68169600, "1972-02-29T00:00:00.000Z"},
                                         DateCase{951782399, "2000-02-28T23:59:59.000Z"},
                                         DateCase{951782400, "2000-02-29T00:00:00.000Z"},
                                         DateCase{951868800, "2000-03-01T00:00:00.000Z"},
                                         DateCase{1709164800, "2024-02-29T00:00:00.000Z"},
                                         DateCase{1735689599, "2024-12-31T23:59:59.000Z"},
                                         DateCase{1735689600, "2025-01-01T00:00:00.000Z"},
                                         DateCase{2147483647, "2038-01-19T03:14:07.000Z"},
                                         DateCase{2147483648, "2038-01-19T03:14:08.000Z"},
                                         DateCase{4107542400, "2100-03-01T00:00:00.000Z"}));

TEST(timestamp, agrees_with_the_c_library_for_every_day_to_2200) {
    for (std::int64_t day = 0; day < 84000; ++day) {
        const time_t seconds = static_cast<time_t>(day * 86400 + day * 7919 % 86400);
        tm parts{};
        ASSERT_NE(gmtime_r(&seconds, &parts), nullptr);
        char expected[40];
        strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S.000Z", &parts);
        ASSERT_EQ(timestamp(seconds), expected);
    }
}

TEST(timestamp, has_three_digits_of_milliseconds_cut_not_rounded) {
    EXPECT_EQ(timestamp(0, 7), "1970-01-01T00:00:00.007Z");
    EXPECT_EQ(timestamp(0, 999), "1970-01-01T00:00:00.999Z");
    EXPECT_EQ(written(add_timestamp, Time{1'999'999'999}), "1970-01-01T00:00:01.999Z");
}

const LogStyle text_style{};
const LogStyle json_style{.format = LogFormat::json};

std::string record(const Record& what, const LogStyle& style, Time wall_clock = 0) {
    char room[1024];
    Writer line(room);
    add_record(line, what, style, wall_clock, 7);
    return std::string(line.view());
}

TEST(text_record, names_usher_and_a_warning_as_such) {
    EXPECT_EQ(record({.level = Level::info, .event = "e", .text = "hello"}, text_style),
              "usher: hello\n");
    EXPECT_EQ(record({.level = Level::warning, .event = "e", .text = "hm"}, text_style),
              "usher: warning: hm\n");
    EXPECT_EQ(record({.level = Level::error, .event = "e", .text = "no"}, text_style),
              "usher: no\n");
    EXPECT_EQ(record({.level = Level::debug, .event = "e", .text = "x"}, text_style), "usher: x\n");
}

std::string head(const std::string& time, const std::string& severity, const std::string& level) {
    return "{\"timestamp\":\"" + time + "\",\"time\":\"" + time + "\",\"severity\":\"" + severity +
           "\",\"level\":\"" + level + "\",\"logger\":\"usher\",";
}

TEST(json_record, has_only_the_fields_that_apply) {
    EXPECT_EQ(record({.level = Level::warning, .event = "lost", .text = "t"}, json_style),
              head("1970-01-01T00:00:00.000Z", "WARNING", "warning") +
                  "\"event\":\"lost\",\"message\":\"t\"}\n");
}

TEST(json_record, has_all_fields_in_order) {
    const Survivor survivors[] = {{.pid = 19, .process = "sh"}, {.pid = 20, .process = "a\"b"}};
    EXPECT_EQ(
        record({.level = Level::info,
                .event = "sent",
                .text = "t",
                .pid = 7,
                .pgid = 8,
                .signal = 15,
                .exit_code = 0,
                .process = "app",
                .state = "running",
                .check = "file:/x",
                .survivors = survivors},
               json_style, 86400 * second),
        head("1970-01-02T00:00:00.000Z", "INFO", "info") +
            "\"event\":\"sent\",\"message\":\"t\",\"pid\":7,\"pgid\":8,\"signal\":\"SIGTERM\","
            "\"exit_code\":0,\"process\":\"app\",\"state\":\"running\",\"check\":\"file:/x\","
            "\"survivors\":[{\"pid\":19,\"process\":\"sh\"},{\"pid\":20,\"process\":\"a\\\"b\"}]}"
            "\n");
}

TEST(json_record, names_all_four_levels) {
    const char* const names[] = {"error", "warning", "info", "debug"};
    for (int level = 0; level < 4; ++level) {
        const std::string line =
            record({.level = static_cast<Level>(level), .event = "e", .text = "t"}, json_style);
        EXPECT_NE(line.find(std::string("\"level\":\"") + names[level] + '"'), std::string::npos);
    }
}

TEST(json_record, escapes_what_a_process_chose) {
    const std::string line = record(
        {.event = "e", .text = "a\"b\\c\nd\x7f\xc3\xa9", .process = "\",\"pid\":1"}, json_style);
    EXPECT_NE(line.find(R"("process":"\",\"pid\":1")"), std::string::npos) << line;
    EXPECT_NE(line.find(R"("message":"a\"b\\c\u000ad\u007f??")"), std::string::npos) << line;
    EXPECT_EQ(line.find('\n'), line.size() - 1);
}

}  // namespace
}  // namespace usher
