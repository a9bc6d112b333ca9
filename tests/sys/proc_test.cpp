// SPDX-License-Identifier: MIT
#include "proc.hpp"

#include <errno.h>
#include <gtest/gtest.h>

#include <string>

#include "fake_kernel.hpp"

namespace usher {
namespace {

using namespace test;

class ProcTest : public testing::Test {
  protected:
    ProcTest() { new_kernel(); }
    ~ProcTest() override {
        EXPECT_EQ(kernel().open_fds, (std::set<int>{0, 1, 2})) << "a descriptor leaked";
    }
    static Result<sys::ProcessStat> stat_of(const std::string& text) {
        kernel().files["/proc/5/stat"] = text;
        return sys::read_stat(5);
    }
};

TEST_F(ProcTest, is_ours_only_if_self_is_our_pid) {
    kernel().self = 50;
    EXPECT_TRUE(sys::proc_is_ours());
    for (const int other : {5, 500, 51, 150}) {
        kernel().proc_self = other;
        EXPECT_FALSE(sys::proc_is_ours()) << other;
    }
    kernel().proc_self = 0;
    kernel().proc_mounted = false;
    EXPECT_FALSE(sys::proc_is_ours());
}

TEST_F(ProcTest, reads_pid_name_state_parent_and_start_time) {
    kernel().start(
        {.pid = 5, .parent = 3, .name = "app", .state = 'R', .start_time = 18446744073709551615U});
    const auto stat = sys::read_stat(5);
    ASSERT_TRUE(stat);
    EXPECT_EQ(stat.value.pid, 5);
    EXPECT_STREQ(stat.value.name, "app");
    EXPECT_EQ(stat.value.state, 'R');
    EXPECT_EQ(stat.value.parent, 3);
    EXPECT_EQ(stat.value.start_time, 18446744073709551615U);
    EXPECT_FALSE(stat.value.is_dead());
}

TEST_F(ProcTest, is_not_fooled_by_a_name_that_looks_like_more_fields) {
    for (const char* name : {") Z 1 (", "a) R 9", "(((", ")))", "a b", "", "x\ny"}) {
        kernel().start({.pid = 5, .parent = 3, .name = name});
        const auto stat = sys::read_stat(5);
        ASSERT_TRUE(stat) << name;
        EXPECT_STREQ(stat.value.name, name);
        EXPECT_EQ(stat.value.state, 'S');
        EXPECT_EQ(stat.value.parent, 3);
        EXPECT_EQ(stat.value.start_time, 100U);
    }
}

TEST_F(ProcTest, cuts_the_long_names_of_kernel_threads) {
    kernel().start({.pid = 5, .name = "kworker/u65:3-events_unbound"});
    const auto stat = sys::read_stat(5);
    ASSERT_TRUE(stat);
    EXPECT_STREQ(stat.value.name, "kworker/u65:3-e");
}

TEST_F(ProcTest, knows_the_dead_by_their_state) {
    for (const char state : {'Z', 'X'}) {
        kernel().start({.pid = 5, .state = state});
        EXPECT_TRUE(sys::read_stat(5).value.is_dead());
    }
    for (const char state : {'R', 'S', 'D', 'T', 't', 'I'}) {
        kernel().start({.pid = 5, .state = state});
        EXPECT_FALSE(sys::read_stat(5).value.is_dead());
    }
}

TEST_F(ProcTest, refuses_a_stat_that_makes_no_sense) {
    for (const char* text :
         {"", "5", "5 (app", "5 app) S 1", "5 )app( S 1", "5 (app)", "5 (app) ", "5 (app) S"}) {
        const auto stat = stat_of(text);
        EXPECT_FALSE(stat) << text;
        EXPECT_EQ(stat.error.number, EINVAL) << text;
    }
}

TEST_F(ProcTest, says_enoent_of_a_process_that_is_gone) {
    EXPECT_EQ(sys::read_stat(5).error.number, ENOENT);
}

TEST_F(ProcTest, reads_a_file_in_parts_and_cuts_what_does_not_fit) {
    kernel().files["/x"] = std::string(70, 'a') + std::string(70, 'b');
    char room[100];
    const auto length = sys::read_file("/x", room);
    ASSERT_TRUE(length);
    EXPECT_EQ(std::string(room, length.value), std::string(70, 'a') + std::string(30, 'b'));
}

void collect(void* context, int number) {
    static_cast<std::vector<int>*>(context)->push_back(number);
}

TEST_F(ProcTest, visits_every_pid_once_and_nothing_else) {
    std::vector<int> expected;
    for (int pid = 2; pid < 500; pid += 3) {
        kernel().start({.pid = pid});
        expected.push_back(pid);
    }
    std::vector<int> visited;
    EXPECT_TRUE(sys::for_each_process(collect, &visited));
    EXPECT_EQ(visited, expected);
}

TEST_F(ProcTest, visits_nothing_without_proc_and_says_so) {
    kernel().proc_mounted = false;
    std::vector<int> visited;
    EXPECT_FALSE(sys::for_each_process(collect, &visited));
    EXPECT_TRUE(visited.empty());
}

TEST_F(ProcTest, knows_its_descendants_through_whatever_parents) {
    kernel().self = 50;
    kernel().start({.pid = 1, .parent = -1});
    kernel().start({.pid = 50, .parent = 1});
    kernel().start({.pid = 51, .parent = 50});
    kernel().start({.pid = 52, .parent = 51});
    kernel().start({.pid = 30, .parent = 52});
    kernel().start({.pid = 60, .parent = 1});
    kernel().start({.pid = 61, .parent = 60});
    sys::Descendants descendants;
    for (const int pid : {51, 52, 30}) EXPECT_TRUE(descendants.include(pid)) << pid;
    for (const int pid : {0, 1, 50, 60, 61, 999}) EXPECT_FALSE(descendants.include(pid)) << pid;
}

TEST_F(ProcTest, does_not_climb_past_a_descendant_that_it_knows) {
    kernel().self = 50;
    for (int pid = 51; pid < 1051; ++pid) kernel().start({.pid = pid, .parent = pid - 1});
    sys::Descendants descendants;
    for (int pid = 51; pid < 1051; ++pid) ASSERT_TRUE(descendants.include(pid)) << pid;
    EXPECT_LE(kernel().opens, 2 * 1000);
}

TEST_F(ProcTest, takes_nobody_for_a_descendant_that_had_its_pid_before) {
    kernel().self = 50;
    kernel().start({.pid = 51, .parent = 50, .start_time = 7});
    sys::Descendants descendants;
    ASSERT_TRUE(descendants.include(51));
    kernel().start({.pid = 51, .parent = 1, .start_time = 8});
    kernel().start({.pid = 52, .parent = 51});
    EXPECT_FALSE(descendants.include(52));
}

TEST_F(ProcTest, ends_its_search_in_a_loop_of_parents) {
    kernel().self = 50;
    kernel().start({.pid = 60, .parent = 61});
    kernel().start({.pid = 61, .parent = 60});
    EXPECT_FALSE(sys::Descendants().include(60));
}

TEST_F(ProcTest, ends_its_search_when_a_parent_stays_missing) {
    kernel().self = 50;
    kernel().start({.pid = 60, .parent = 999});
    EXPECT_FALSE(sys::Descendants().include(60));
}

TEST_F(ProcTest, makes_paths_that_fit) {
    char room[40];
    EXPECT_STREQ(sys::proc_path(room, 2147483647, "cgroup"), "/proc/2147483647/cgroup");
}

}  // namespace
}  // namespace usher
