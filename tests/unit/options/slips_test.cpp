// SPDX-License-Identifier: MIT
#include "slips.hpp"

#include <gtest/gtest.h>

#include <string>

namespace usher {
namespace {

std::string program_slip(std::string_view program) {
    char room[256];
    Writer line(room);
    add_program_slip(line, program);
    return std::string(line.view());
}

TEST(program_slip, names_the_subcommand_that_was_meant) {
    EXPECT_EQ(program_slip("prob"), "; did you mean usher probe?");
    EXPECT_EQ(program_slip("probe"), "; did you mean usher probe?");
    EXPECT_EQ(program_slip("wiat"), "; did you mean usher wait?");
    EXPECT_EQ(program_slip("staus"), "; did you mean usher status?");
    EXPECT_EQ(program_slip("help"), "; did you mean usher --help?");
    EXPECT_EQ(program_slip("version"), "; did you mean usher --version?");
}

TEST(program_slip, says_nothing_of_a_program_that_is_like_none) {
    for (const char* program :
         {"", "cat", "sh", "node", "python3", "nginx", "/usr/bin/prob", "./help", "/bin/bash"})
        EXPECT_EQ(program_slip(program), "") << program;
}

TEST(program_slip, knows_one_word_with_blanks_and_the_shell_form) {
    EXPECT_EQ(program_slip("python3 /app.py"),
              ": one word with blanks; write each word as an element of its own");
    EXPECT_EQ(program_slip("/bin/sh"), ": the shell form needs a shell; write CMD as a list");
}

TEST(slip_of, knows_the_options_of_curl_where_there_are_checks) {
    for (const Command command : {Command::probe, Command::wait}) {
        EXPECT_EQ(slip_of(command, 'f').view(),
                  "curl's -f is the default here: statuses outside 200-399 fail");
        EXPECT_EQ(slip_of(command, "fail").view(), slip_of(command, 'f').view());
        EXPECT_TRUE(slip_of(command, "").empty());
        EXPECT_TRUE(slip_of(command, "nonsense").empty());
    }
    EXPECT_TRUE(slip_of(Command::run, 'f').empty());
    EXPECT_TRUE(slip_of(Command::status, "fail").empty());
}

// A row that usher learns itself one day would never be reached.
TEST(slip_of, knows_nothing_that_is_an_option) {
    for (const Option& option : option_table()) {
        for (const Command command : {Command::probe, Command::wait}) {
            if (!option.known_in(command)) continue;
            EXPECT_TRUE(slip_of(command, option.name().view()).empty());
            EXPECT_TRUE(option.letter == 0 || slip_of(command, option.letter).empty());
        }
    }
}

}  // namespace
}  // namespace usher
