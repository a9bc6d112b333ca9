// SPDX-License-Identifier: MIT
#include "log.hpp"

#include <gtest/gtest.h>

#include "fake_kernel.hpp"
#include "release_inherited.hpp"

namespace usher {
namespace {

using namespace test;
using Strings = std::vector<std::string>;

class LogTest : public testing::Test {
  protected:
    LogTest() { new_kernel(); }
    void warn(std::string_view text) {
        log.write({.level = Level::warning, .event = "test", .text = text});
    }
    sys::Log log;
};

TEST_F(LogTest, lets_pass_what_the_verbosity_allows) {
    const struct {
        int verbosity;
        int passing;
    } cases[] = {{-2, 0}, {-1, 1}, {0, 2}, {1, 3}, {2, 4}};
    for (const auto& [verbosity, passing] : cases) {
        log.set({}, verbosity);
        for (int level = 0; level < 4; ++level) {
            EXPECT_EQ(log.enabled(static_cast<Level>(level)), level < passing) << verbosity;
        }
    }
}

TEST_F(LogTest, writes_nothing_that_is_not_enabled) {
    log.write({.level = Level::info, .event = "e", .text = "t"});
    EXPECT_EQ(kernel().log, "");
    EXPECT_TRUE(kernel().writes_by.empty());
}

TEST_F(LogTest, writes_to_a_file_a_socket_a_pipe_and_a_terminal_each_in_its_way) {
    const struct {
        Stderr what;
        const char* way;
    } cases[] = {{Stderr::file, "write"},
                 {Stderr::socket, "send"},
                 {Stderr::pipe, "nowait"},
                 {Stderr::terminal, "reopened"}};
    for (const auto& [what, way] : cases) {
        new_kernel().stderr_is = what;
        sys::Log fresh;
        fresh.write({.level = Level::warning, .event = "e", .text = "one"});
        fresh.write({.level = Level::warning, .event = "e", .text = "two"});
        EXPECT_EQ(kernel().log, "usher: warning: one\nusher: warning: two\n");
        EXPECT_EQ(kernel().writes_by, (Strings{way, way}));
        EXPECT_EQ(fresh.lost(), 0);
    }
}

TEST_F(LogTest, reopens_a_pipe_that_knows_no_nowait) {
    kernel().stderr_is = Stderr::pipe;
    kernel().no_nowait = true;
    warn("one");
    EXPECT_EQ(kernel().writes_by, Strings{"reopened"});
}

TEST_F(LogTest, splices_into_a_pipe_that_cannot_be_reopened) {
    kernel().stderr_is = Stderr::pipe;
    kernel().no_nowait = true;
    kernel().no_reopening = true;
    warn("one");
    EXPECT_EQ(kernel().writes_by, Strings{"splice"});
    EXPECT_EQ(kernel().log, "usher: warning: one\n");
}

TEST_F(LogTest, finds_a_way_when_seccomp_answers_eperm) {
    kernel().stderr_is = Stderr::pipe;
    kernel().seccomp_answers_eperm = true;
    warn("one");
    EXPECT_EQ(kernel().log, "usher: warning: one\n");
}

TEST_F(LogTest, loses_lines_but_nothing_else_when_there_is_no_way) {
    kernel().stderr_is = Stderr::terminal;
    kernel().no_reopening = true;
    warn("one");
    warn("two");
    EXPECT_EQ(log.lost(), 2);
}

TEST_F(LogTest, loses_lines_on_a_closed_stderr) {
    kernel().stderr_is = Stderr::closed;
    warn("one");
    warn("two");
    EXPECT_EQ(log.lost(), 2);
}

TEST_F(LogTest, tells_how_many_lines_were_lost_with_the_next_that_fits) {
    kernel().stderr_is = Stderr::pipe;
    kernel().stderr_full = true;
    warn("one");
    warn("two");
    warn("three");
    EXPECT_EQ(log.lost(), 3);
    kernel().stderr_full = false;
    warn("four");
    EXPECT_EQ(kernel().log,
              "usher: warning: 3 log lines were lost: stderr was full\nusher: warning: four\n");
    EXPECT_EQ(log.lost(), 0);
    warn("five");
    EXPECT_NE(kernel().log.find("four\nusher: warning: five\n"), std::string::npos);
}

TEST_F(LogTest, counts_a_line_that_was_cut_short_as_lost) {
    kernel().stderr_is = Stderr::socket;
    kernel().short_write = 5;
    warn("one");
    EXPECT_EQ(log.lost(), 1);
}

TEST_F(LogTest, ends_a_line_that_is_too_long_with_a_newline) {
    warn(std::string(5000, 'x'));
    EXPECT_EQ(kernel().log.size(), 2560U);
    EXPECT_EQ(kernel().log.back(), '\n');
    EXPECT_EQ(kernel().log.find('\n'), kernel().log.size() - 1);
}

TEST_F(LogTest, writes_each_record_whole_and_below_pipe_buf) {
    warn(std::string(100000, 'x'));
    EXPECT_EQ(kernel().writes_by.size(), 1U);
    EXPECT_LE(kernel().log.size(), 4096U);
}

TEST_F(LogTest, writes_json_with_the_wall_clock_when_asked_to) {
    log.set({.format = LogFormat::json}, 0);
    kernel().wall = 86400 * second;
    warn("one");
    EXPECT_EQ(kernel().log,
              "{\"timestamp\":\"1970-01-02T00:00:00.000Z\",\"time\":\"1970-01-02T00:00:00.000Z\","
              "\"severity\":"
              "\"WARNING\",\"level\":\"warning\",\"logger\":\"usher\",\"event\":\"test\","
              "\"message\":\"one\"}\n");
}

// A warning before the program's start reopens a terminal as fd 3; then everything from 3 up is
// closed, and the log goes on writing to the number that it had.
TEST_F(LogTest, still_works_after_the_inherited_descriptors_were_closed) {
    kernel().stderr_is = Stderr::terminal;
    warn("unknown variable");
    cmd::release_inherited(-1);
    log.reopen();
    warn("killing what did not stop");
    EXPECT_EQ(kernel().log,
              "usher: warning: unknown variable\nusher: warning: killing what did not stop\n");
    EXPECT_EQ(log.lost(), 0);
}

// After su or gosu the terminal is another user's and cannot be reopened.
TEST_F(LogTest, writes_to_another_users_terminal_only_when_it_has_room) {
    kernel().stderr_is = Stderr::terminal;
    kernel().foreground[2] = 7;
    kernel().no_reopening = true;
    kernel().stderr_full = true;
    warn("one");
    EXPECT_EQ(log.lost(), 1);
    EXPECT_EQ(kernel().log, "");
    kernel().stderr_full = false;
    warn("two");
    EXPECT_EQ(kernel().log,
              "usher: warning: 1 log lines were lost: stderr was full\nusher: warning: two\n");
}

}  // namespace
}  // namespace usher
