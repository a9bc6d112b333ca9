// SPDX-License-Identifier: MIT
#include "exit_status.hpp"

#include <gtest/gtest.h>

namespace usher {
namespace {

constexpr int core_dumped = 0x80;

TEST(shell_code, is_the_exit_code_for_all_256) {
    for (int code = 0; code < 256; ++code) EXPECT_EQ(shell_code(code << 8), code);
}

TEST(shell_code, is_128_and_the_signal_with_or_without_a_core_dump) {
    for (int signal = 1; signal <= 64; ++signal) {
        EXPECT_EQ(shell_code(signal), 128 + signal);
        EXPECT_EQ(shell_code(signal | core_dumped), 128 + signal);
    }
}

TEST(exit_codes, are_what_the_manual_says) {
    EXPECT_EQ(to_int(ExitCode::success), 0);
    EXPECT_EQ(to_int(ExitCode::unhealthy), 1);
    EXPECT_EQ(to_int(ExitCode::timed_out), 124);
    EXPECT_EQ(to_int(ExitCode::usher_failed), 125);
    EXPECT_EQ(to_int(ExitCode::not_executable), 126);
    EXPECT_EQ(to_int(ExitCode::not_found), 127);
    EXPECT_EQ(to_int(ExitCode::killed), 137);
}

}  // namespace
}  // namespace usher
