// SPDX-License-Identifier: MIT
#include "terminal.hpp"

#include <gtest/gtest.h>

#include "fake_kernel.hpp"

namespace usher {
namespace {

using namespace test;
using sys::Terminal;

constexpr int own = 50;
constexpr int program = 10;

class TerminalTest : public testing::Test {
  protected:
    TerminalTest() {
        new_kernel().group = own;
        kernel().self = own;
    }
};

TEST_F(TerminalTest, is_the_first_of_stdin_stdout_and_stderr) {
    for (int fd = 2; fd >= 0; --fd) {
        kernel().foreground[fd] = own;
        EXPECT_EQ(Terminal::find(false).fd(), fd);
    }
}

TEST_F(TerminalTest, is_dev_tty_when_none_of_them_is_one) {
    kernel().controlling_terminal = own;
    const Terminal terminal = Terminal::find(false);
    EXPECT_EQ(terminal.fd(), 3);
    EXPECT_TRUE(terminal.is_ours());
}

TEST_F(TerminalTest, does_not_take_the_number_of_a_closed_stdio) {
    kernel().controlling_terminal = own;
    kernel().open_fds = {1, 2};
    kernel().next_open_fd = 0;
    const Terminal terminal = Terminal::find(false);
    EXPECT_GE(terminal.fd(), 3);
    EXPECT_EQ(kernel().open_fds.count(0), 0U);
    EXPECT_TRUE(terminal.is_ours());
}

TEST_F(TerminalTest, may_be_missing_and_then_nothing_happens) {
    const Terminal terminal = Terminal::find(true);
    EXPECT_EQ(terminal.fd(), -1);
    EXPECT_FALSE(terminal.is_ours());
    EXPECT_EQ(terminal.foreground(program), Foreground::unknown);
    EXPECT_FALSE(terminal.give_to(program));
    terminal.take_back();
    EXPECT_TRUE(kernel().foreground_given.empty());
}

TEST_F(TerminalTest, tells_whose_foreground_it_is) {
    kernel().foreground[0] = own;
    const Terminal terminal = Terminal::find(false);
    EXPECT_EQ(terminal.foreground(program), Foreground::usher);
    kernel().foreground[0] = program;
    EXPECT_EQ(terminal.foreground(program), Foreground::program);
    EXPECT_FALSE(terminal.is_ours());
    kernel().foreground[0] = 40;
    EXPECT_EQ(terminal.foreground(program), Foreground::other);
    kernel().foreground.clear();
    EXPECT_EQ(terminal.foreground(program), Foreground::unknown);
    EXPECT_FALSE(terminal.is_ours());
}

TEST_F(TerminalTest, takes_two_zeros_for_its_own_only_as_pid_1) {
    kernel().group = 0;
    kernel().foreground[0] = 0;
    EXPECT_TRUE(Terminal::find(true).is_ours());
    EXPECT_FALSE(Terminal::find(false).is_ours());
    EXPECT_EQ(Terminal::find(true).foreground(program), Foreground::usher);
    EXPECT_EQ(Terminal::find(false).foreground(program), Foreground::other);
}

TEST_F(TerminalTest, is_handed_over_and_taken_back) {
    kernel().foreground[0] = own;
    const Terminal terminal = Terminal::find(false);
    EXPECT_TRUE(terminal.give_to(program));
    EXPECT_EQ(kernel().foreground[0], program);
    terminal.take_back();
    EXPECT_EQ(kernel().foreground[0], own);
}

TEST_F(TerminalTest, that_refuses_is_no_more_than_a_false) {
    kernel().foreground[0] = own;
    kernel().terminal_refuses = true;
    const Terminal terminal = Terminal::find(false);
    EXPECT_FALSE(terminal.give_to(program));
    terminal.take_back();
}

}  // namespace
}  // namespace usher
