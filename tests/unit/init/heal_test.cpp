// SPDX-License-Identifier: MIT
#include "heal.hpp"

#include <gtest/gtest.h>

#include "text_of.hpp"

namespace usher {
namespace {

constexpr Duration s = second;

// Rounds a second long, each when it is due; times are in seconds.
struct Watch {
    HealSettings settings;
    Rounds rounds;
    Time late = 0;

    explicit Watch(HealSettings with, bool has_passed = false)
        : settings(with), rounds(settings, 0, has_passed, 0) {}

    void round(bool passes, Duration length = 1 * s, bool is_made = true) {
        const Time began = rounds.due() + late;
        rounds.note(
            {.began = began, .ended = began + length, .has_passed = passes, .was_made = is_made});
    }
};

TEST(Rounds, count_nothing_before_the_first_success) {
    Watch watch({});
    for (int i = 0; i < 100; ++i) watch.round(false);
    EXPECT_EQ(watch.rounds.wellness(), Wellness::starting);
    EXPECT_FALSE(watch.rounds.is_unhealthy());
    watch.round(true);
    EXPECT_EQ(watch.rounds.wellness(), Wellness::healthy);
    watch.round(false);
    EXPECT_EQ(watch.rounds.failures(), 1);
}

TEST(Rounds, count_from_the_start_period_s_end_on) {
    Watch watch({.start_period = 5 * s});
    watch.round(false);  // at 0
    watch.round(false);  // at 2
    watch.round(false);  // at 4
    EXPECT_EQ(watch.rounds.failures(), 0);
    watch.round(false);  // at 6
    EXPECT_EQ(watch.rounds.failures(), 1);
    EXPECT_EQ(watch.rounds.wellness(), Wellness::failing);
}

TEST(Rounds, count_in_a_watcher_that_takes_another_s_place) {
    Watch watch({}, true);
    watch.round(false);
    EXPECT_EQ(watch.rounds.failures(), 1);
}

TEST(Rounds, must_fail_so_many_times_in_a_row) {
    Watch watch({});
    watch.round(true);
    watch.round(false);
    watch.round(false);
    watch.round(true);
    EXPECT_EQ(watch.rounds.failures(), 0);
    EXPECT_EQ(watch.rounds.wellness(), Wellness::healthy);
    watch.round(false);
    watch.round(false);
    EXPECT_FALSE(watch.rounds.is_unhealthy());
    watch.round(false);
    EXPECT_TRUE(watch.rounds.is_unhealthy());
}

TEST(Rounds, begin_an_interval_after_the_last_one_s_end) {
    Watch watch({.interval = 7 * s});
    EXPECT_EQ(watch.rounds.due(), 0);
    watch.round(true, 2 * s);
    EXPECT_EQ(watch.rounds.due(), 9 * s);
}

TEST(Rounds, follow_each_other_sooner_until_they_count) {
    Watch watch({.interval = 7 * s});
    watch.round(false, 2 * s);
    EXPECT_EQ(watch.rounds.due(), 3 * s);
    watch.round(true, 2 * s);
    EXPECT_EQ(watch.rounds.due(), 12 * s);
    watch.round(false, 2 * s);
    EXPECT_EQ(watch.rounds.due(), 21 * s);

    Watch quick({.interval = 300 * millisecond});
    quick.round(false, 0);
    EXPECT_EQ(quick.rounds.due(), 300 * millisecond);

    Watch late({.interval = 7 * s, .start_period = 2 * s});
    late.round(false, 2 * s);
    EXPECT_EQ(late.rounds.due(), 3 * s);
    late.round(false, 2 * s);
    EXPECT_EQ(late.rounds.due(), 12 * s);
}

TEST(Rounds, do_not_count_when_they_were_held_up) {
    Watch watch({});
    watch.round(true);
    watch.round(false, 4 * s + 1);  // the timeout is 3 s
    EXPECT_EQ(watch.rounds.failures(), 0);
    watch.round(false, 4 * s);
    EXPECT_EQ(watch.rounds.failures(), 1);
    watch.late = 10 * s + 1;
    watch.round(false);
    EXPECT_EQ(watch.rounds.failures(), 1);
    watch.late = 10 * s;
    watch.round(false);
    EXPECT_EQ(watch.rounds.failures(), 2);
}

TEST(Rounds, do_not_count_when_they_could_not_be_made) {
    Watch watch({.retries = 1});
    watch.round(true);
    watch.round(false, 0, false);
    EXPECT_EQ(watch.rounds.wellness(), Wellness::healthy);
    watch.round(false);
    EXPECT_TRUE(watch.rounds.is_unhealthy());
}

TEST(Wellness, is_read_from_the_watcher_s_name_alone) {
    for (const Wellness one : {Wellness::starting, Wellness::healthy, Wellness::failing}) {
        char room[16];
        Writer name(room);
        add_watcher_name(name, one);
        EXPECT_TRUE(name.fits() && name.size() < sizeof room);  // a comm: 15 bytes and a NUL
        EXPECT_EQ(wellness_in(name.view()), one);
    }
    for (const char* other : {"", "heal:", "heal:ended", "usher:running", "starting"}) {
        EXPECT_FALSE(wellness_in(other)) << other;
    }
}

}  // namespace
}  // namespace usher
