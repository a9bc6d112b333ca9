// SPDX-License-Identifier: MIT
#include "signals.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <set>
#include <string>

namespace usher {
namespace {

std::string name_of(int signal) {
    char room[16];
    Writer line(room);
    add_signal_name(line, signal);
    return std::string(line.view());
}

struct SignalCase {
    const char* text;
    int signal;
};

class GoodSignals : public testing::TestWithParam<SignalCase> {};

TEST_P(GoodSignals, are_known) { EXPECT_EQ(parse_signal(GetParam().text), GetParam().signal); }

INSTANTIATE_TEST_SUITE_P(
    signals, GoodSignals,
    testing::Values(SignalCase{"TERM", 15}, SignalCase{"SIGTERM", 15}, SignalCase{"term", 15},
                    SignalCase{"sigterm", 15}, SignalCase{"SigTerm", 15}, SignalCase{"15", 15},
                    SignalCase{"1", 1}, SignalCase{"64", 64}, SignalCase{"32", 32},
                    SignalCase{"33", 33}, SignalCase{"015", 15}, SignalCase{"RTMIN", 34},
                    SignalCase{"SIGRTMIN", 34}, SignalCase{"rtmin+3", 37},
                    SignalCase{"RTMIN+0", 34}, SignalCase{"RTMIN+30", 64},
                    SignalCase{"SIGRTMIN+15", 49}, SignalCase{"RTMAX", 64},
                    SignalCase{"SIGRTMAX-1", 63}, SignalCase{"RTMAX-0", 64},
                    SignalCase{"RTMAX-30", 34}, SignalCase{"IOT", 6}, SignalCase{"CLD", 17},
                    SignalCase{"POLL", 29}, SignalCase{"SIGUNUSED", 31}, SignalCase{"STKFLT", 16},
                    SignalCase{"PWR", 30}));

class BadSignals : public testing::TestWithParam<const char*> {};

TEST_P(BadSignals, are_unknown) { EXPECT_EQ(parse_signal(GetParam()), std::nullopt); }

INSTANTIATE_TEST_SUITE_P(signals, BadSignals,
                         testing::Values("", "0", "00", "65", "-1", "+1", "100",
                                         "99999999999999999999", "18446744073709551631", "SIG",
                                         "SIGSIG", "SIGSIGTERM", "SIG15", "TERMM", "TER", "T",
                                         " TERM", "TERM ", "TERM+1", "TERM-1", "RTMIN-1", "RTMAX+1",
                                         "RTMIN+31", "SIGRTMIN+31", "RTMAX-31", "RTMIN+", "RTMAX-",
                                         "RTMIN3", "RTMIN++1", "RTMIN+-1", "RTMIN+1x", "RTMIN+ 1",
                                         "RT", "RTMI", "SIGRT", "EXIT", "ERR", "DEBUG", "NULL",
                                         "1.5", "0xf", "15x", "TERM,INT"));

TEST(signal_names, agree_with_the_c_library_for_the_standard_signals) {
    for (int signal = 1; signal <= 31; ++signal) {
        if (signal == SIGIO) continue;  // the C library prefers its other name, POLL
        const char* const abbreviation = sigabbrev_np(signal);
        ASSERT_NE(abbreviation, nullptr) << signal;
        EXPECT_EQ(name_of(signal), std::string("SIG") + abbreviation);
    }
}

TEST(signal_names, can_be_read_back_for_all_64_and_are_different) {
    std::set<std::string> names;
    for (int signal = 1; signal <= signal_count; ++signal) {
        EXPECT_EQ(parse_signal(name_of(signal)), signal) << name_of(signal);
        names.insert(name_of(signal));
    }
    EXPECT_EQ(names.size(), 64U);
}

TEST(signal_names, of_real_time_signals_count_from_the_nearer_end) {
    EXPECT_EQ(name_of(32), "32");
    EXPECT_EQ(name_of(33), "33");
    EXPECT_EQ(name_of(34), "SIGRTMIN");
    EXPECT_EQ(name_of(37), "SIGRTMIN+3");
    EXPECT_EQ(name_of(49), "SIGRTMIN+15");
    EXPECT_EQ(name_of(50), "SIGRTMAX-14");
    EXPECT_EQ(name_of(63), "SIGRTMAX-1");
    EXPECT_EQ(name_of(64), "SIGRTMAX");
}

TEST(signal_names, of_numbers_that_are_none_are_the_numbers) {
    EXPECT_EQ(name_of(0), "0");
    EXPECT_EQ(name_of(65), "65");
    EXPECT_EQ(name_of(127), "127");
}

TEST(signal_sets, have_one_bit_a_signal) {
    for (int signal = 1; signal <= signal_count; ++signal) {
        for (int other = 1; other <= signal_count; ++other) {
            EXPECT_EQ(contains(set_of(signal), other), signal == other);
        }
    }
    EXPECT_EQ(set_of(64), SignalSet{1} << 63);
}

constexpr int user = 0;           // SI_USER
constexpr int queue = -1;         // SI_QUEUE
constexpr int from_kernel = 128;  // SI_KERNEL
constexpr int segv_maperr = 1;

TEST(concerns_program, whatever_a_process_sent_except_sigchld) {
    for (int signal = 1; signal <= signal_count; ++signal) {
        EXPECT_EQ(concerns_program(signal, {.code = user}), signal != SIGCHLD) << signal;
        EXPECT_EQ(concerns_program(signal, {.code = queue}), signal != SIGCHLD) << signal;
    }
}

TEST(concerns_program, not_a_fault_or_a_terminal_stop_of_the_kernel) {
    const std::set<int> kept{SIGILL,  SIGTRAP, SIGABRT, SIGBUS,  SIGFPE,
                             SIGSEGV, SIGSYS,  SIGTTIN, SIGTTOU, SIGCHLD};
    for (int signal = 1; signal <= signal_count; ++signal) {
        EXPECT_EQ(concerns_program(signal, {.code = from_kernel}), kept.count(signal) == 0)
            << signal;
        EXPECT_EQ(concerns_program(signal, {.code = segv_maperr}), kept.count(signal) == 0)
            << signal;
    }
}

TEST(concerns_program, a_sigpipe_or_sigxfsz_of_others_but_not_its_own) {
    for (const int signal : {SIGPIPE, SIGXFSZ}) {
        EXPECT_TRUE(concerns_program(signal, {.code = user, .itself = false}));
        EXPECT_FALSE(concerns_program(signal, {.code = user, .itself = true}));
    }
    EXPECT_TRUE(concerns_program(SIGTERM, {.code = user, .itself = true}));
}

}  // namespace
}  // namespace usher
