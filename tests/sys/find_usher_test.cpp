// SPDX-License-Identifier: MIT
#include "find_usher.hpp"

#include <errno.h>
#include <gtest/gtest.h>

#include <cstring>

#include "fake_kernel.hpp"

namespace usher {
namespace {

using namespace test;

class FindUsherTest : public testing::Test {
  protected:
    FindUsherTest() {
        new_kernel().self = 99;
        kernel().start({.pid = 99, .parent = 1, .name = "usher", .cgroup = "0::/mine\n"});
    }
    static void start(int pid, const char* name, const char* cgroup = "0::/mine\n",
                      std::uint64_t start_time = 100) {
        kernel().start(
            {.pid = pid, .parent = 1, .name = name, .start_time = start_time, .cgroup = cgroup});
    }
};

TEST_F(FindUsherTest, reads_every_state_of_pid_1) {
    for (int state = 0; state < static_cast<int>(State::ended); ++state) {
        const std::string name =
            "usher:" + std::string(state_name(static_cast<State>(state)).view());
        start(1, name.c_str());
        const auto found = sys::find_usher();
        ASSERT_TRUE(found) << name;
        EXPECT_EQ(found.value.pid, 1);
        EXPECT_EQ(static_cast<int>(found.value.state), state);
    }
}

TEST_F(FindUsherTest, takes_no_other_name_for_a_state) {
    for (const char* name : {"usher:", "usher", "usher:ended", "usher:runnin", "usher:runningx",
                             "Usher:running", "tini", ""}) {
        start(1, name);
        EXPECT_FALSE(sys::find_usher()) << name;
    }
}

TEST_F(FindUsherTest, finds_the_oldest_of_its_own_cgroup_when_pid_1_is_another) {
    start(1, "pause", "0::/pause\n");
    start(20, "usher:running", "0::/mine\n", 300);
    start(30, "usher:draining", "0::/mine\n", 200);
    start(40, "usher:stopping", "0::/other\n", 100);
    const auto found = sys::find_usher();
    ASSERT_TRUE(found);
    EXPECT_EQ(found.value.pid, 30);
    EXPECT_EQ(found.value.state, State::draining);
}

TEST_F(FindUsherTest, prefers_its_own_cgroup_to_pid_1_of_another) {
    start(1, "usher:running", "0::/host\n");
    start(20, "usher:draining");
    EXPECT_EQ(sys::find_usher().value.pid, 20);
}

TEST_F(FindUsherTest, prefers_pid_1_to_an_older_process_of_the_same_cgroup) {
    start(1, "usher:running", "0::/mine\n", 500);
    start(20, "usher:draining", "0::/mine\n", 100);
    EXPECT_EQ(sys::find_usher().value.pid, 1);
}

TEST_F(FindUsherTest, takes_pid_1_of_another_cgroup_when_there_is_nothing_else) {
    start(1, "usher:running", "0::/host\n");
    EXPECT_EQ(sys::find_usher().value.pid, 1);
}

TEST_F(FindUsherTest, ignores_the_dead) {
    start(1, "pause");
    start(20, "usher:running");
    kernel().processes.at(20).state = 'Z';
    EXPECT_FALSE(sys::find_usher());
}

TEST_F(FindUsherTest, says_why_when_there_is_none) {
    start(1, "tini");
    const auto found = sys::find_usher();
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error.number, ESRCH);
    EXPECT_EQ(sys::why_not_found(found.error).view(), "no usher is the init of this container");
}

TEST_F(FindUsherTest, says_why_when_proc_is_missing_or_another_s) {
    start(1, "usher:running");
    kernel().proc_self = 4;
    const auto foreign = sys::find_usher();
    ASSERT_FALSE(foreign);
    EXPECT_EQ(foreign.error.number, ENOENT);
    EXPECT_TRUE(has(sys::why_not_found(foreign.error).view(), "/proc"));
    kernel().proc_mounted = false;
    EXPECT_FALSE(sys::find_usher());
}

}  // namespace
}  // namespace usher
