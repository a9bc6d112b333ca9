// SPDX-License-Identifier: MIT
#include "environment.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace usher {
namespace {

// The line that a user would read, or "" when there was nothing wrong.
std::string said(const BadInput& bad) {
    if (bad.problem.empty()) return "";
    char room[512];
    Writer line(room);
    add_bad_input(line, bad);
    return std::string(line.view());
}

class Environment : public testing::Test {
  protected:
    // The text expanded into `room` bytes, or what was wrong with it.
    std::string expand(std::string_view text, std::size_t room = 4096) {
        std::string buffer(room, '\0');
        Writer line{std::span<char>(buffer)};
        BadInput bad;
        if (!expand_variables(text, environment_.data(), line, bad)) {
            EXPECT_NE(said(bad), "") << text;
            return said(bad);
        }
        EXPECT_EQ(said(bad), "") << text;
        return std::string(line.view());
    }

  private:
    std::string port_ = "PORT=8080";
    std::string empty_ = "EMPTY=";
    std::string odd_ = "ODD=${PORT}=x";
    std::array<char*, 4> environment_ = {port_.data(), empty_.data(), odd_.data(), nullptr};
};

TEST_F(Environment, leaves_a_text_without_variables_as_it_is) {
    for (const std::string text : {"", "http://a/b", "$PORT", "$", "a$", "{PORT}", "$ {PORT}", "}"})
        EXPECT_EQ(expand(text), text);
}

TEST_F(Environment, puts_values_in_everywhere) {
    EXPECT_EQ(expand("${PORT}"), "8080");
    EXPECT_EQ(expand(":${PORT}/x"), ":8080/x");
    EXPECT_EQ(expand("${PORT}${PORT}-${PORT}"), "80808080-8080");
    EXPECT_EQ(expand("$${PORT}"), "$8080");
}

TEST_F(Environment, does_not_expand_a_value_again) { EXPECT_EQ(expand("${ODD}"), "${PORT}=x"); }

TEST_F(Environment, takes_the_default_for_an_unset_or_empty_variable) {
    EXPECT_EQ(expand("${PORT:-80}"), "8080");
    EXPECT_EQ(expand("${NONE:-80}"), "80");
    EXPECT_EQ(expand("${EMPTY:-80}"), "80");
    EXPECT_EQ(expand("a${NONE:-}b"), "ab");
    EXPECT_EQ(expand("${NONE:-a:-b}"), "a:-b");
    EXPECT_EQ(expand("${NONE:-$PORT}"), "$PORT");
}

TEST_F(Environment, takes_an_empty_variable_without_default_as_it_is) {
    EXPECT_EQ(expand("a${EMPTY}b"), "ab");
}

TEST_F(Environment, refuses_an_unset_variable) {
    EXPECT_EQ(expand("${NONE}"), "variable is not set: 'NONE'; accepted: ${NAME:-default}");
    EXPECT_EQ(expand("${POR}"), "variable is not set: 'POR'; accepted: ${NAME:-default}");
    EXPECT_EQ(expand("${PORTS}"), "variable is not set: 'PORTS'; accepted: ${NAME:-default}");
    EXPECT_EQ(expand("${PORT-80}"), "variable is not set: 'PORT-80'; accepted: ${NAME:-default}");
    EXPECT_EQ(expand("${}").rfind("variable is not set:", 0), 0U);
}

TEST_F(Environment, refuses_a_brace_that_never_closes) {
    const std::string forms = "'; accepted: ${NAME}, ${NAME:-default}";
    EXPECT_EQ(expand("a${PORT"), "no closing brace in '${PORT" + forms);
    EXPECT_EQ(expand("${PORT}${"), "no closing brace in '${" + forms);
    EXPECT_EQ(expand("${PORT:-80"), "no closing brace in '${PORT:-80" + forms);
}

TEST_F(Environment, refuses_a_variable_within_another) {
    for (const std::string text :
         {"${NONE:-${PORT}}", "${PORT:-${NONE:-80}}", "${${PORT}}", "${A${B}"})
        EXPECT_EQ(expand("x" + text + "y"), "no variable within another: '" + text +
                                                "y'; accepted: "
                                                "${NAME:-default}");
}

TEST_F(Environment, refuses_what_does_not_fit) {
    EXPECT_EQ(expand("ab${PORT}c", 7), "ab8080c");
    EXPECT_EQ(expand("ab${PORT}cd", 7).rfind("too long when expanded:", 0), 0U);
    EXPECT_EQ(expand("ab${PORT}cde", 8).rfind("too long when expanded:", 0), 0U);
    EXPECT_EQ(expand("", 0), "");
    EXPECT_EQ(expand("a", 0).rfind("too long when expanded:", 0), 0U);
}

TEST(take_from_environment, leaves_the_others_in_their_order) {
    std::string a = "A=1", taken = "TAKE=it", b = "B=2", again = "TAKE=that";
    std::array<char*, 5> environment = {a.data(), taken.data(), b.data(), again.data(), nullptr};
    EXPECT_EQ(take_from_environment(environment.data(), "TAKE"), "it");
    EXPECT_EQ(environment[0], a.data());
    EXPECT_EQ(environment[1], b.data());
    EXPECT_EQ(environment[2], nullptr);
    EXPECT_EQ(take_from_environment(environment.data(), "TAKE").data(), nullptr);
}

}  // namespace
}  // namespace usher
