// SPDX-License-Identifier: MIT
#include "release_inherited.hpp"

#include <gtest/gtest.h>

#include "fake_kernel.hpp"

namespace usher {
namespace {

using namespace test;

class ReleaseInheritedTest : public testing::TestWithParam<bool> {
  protected:
    ReleaseInheritedTest() {
        new_kernel().no_close_range = GetParam();
        kernel().open_fds = {0, 1, 2, 3, 4, 7, 100, 1000000};
    }
};

TEST_P(ReleaseInheritedTest, leaves_the_working_directory) {
    cmd::release_inherited(-1);
    EXPECT_EQ(kernel().cwd, "/");
}

TEST_P(ReleaseInheritedTest, closes_everything_from_3_up) {
    cmd::release_inherited(-1);
    EXPECT_EQ(kernel().open_fds, (std::set<int>{0, 1, 2}));
}

TEST_P(ReleaseInheritedTest, keeps_a_terminal_wherever_it_is) {
    for (const int keep : {3, 4, 7, 1000000}) {
        kernel().open_fds = {0, 1, 2, 3, 4, 7, 100, 1000000};
        cmd::release_inherited(keep);
        EXPECT_EQ(kernel().open_fds, (std::set<int>{0, 1, 2, keep}));
    }
}

TEST_P(ReleaseInheritedTest, keeps_stdio_when_the_terminal_is_one_of_them) {
    cmd::release_inherited(2);
    EXPECT_EQ(kernel().open_fds, (std::set<int>{0, 1, 2}));
}

TEST_P(ReleaseInheritedTest, survives_without_proc) {
    kernel().proc_mounted = false;
    cmd::release_inherited(-1);
    EXPECT_EQ(kernel().open_fds.count(2), 1U);
}

INSTANTIATE_TEST_SUITE_P(sys, ReleaseInheritedTest, testing::Bool(),
                         [](const testing::TestParamInfo<bool>& info) {
                             return info.param ? "without_close_range" : "with_close_range";
                         });

}  // namespace
}  // namespace usher
