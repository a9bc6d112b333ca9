// SPDX-License-Identifier: MIT
// The loop of PID 1 against the faked kernel.
#include "init.hpp"

#include <errno.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "fake_kernel.hpp"

namespace usher {
namespace {

using namespace test;

constexpr int app = 10;
constexpr int hup = 1;
constexpr int kill_signal = 9;
constexpr int usr1 = 10;
constexpr int term = 15;
constexpr int cont = 18;
constexpr int stop = 19;
constexpr int tstp = 20;
constexpr Duration s = second;

class InitTest : public testing::Test {
  protected:
    InitTest() {
        new_kernel();
        settings.use_terminal = false;
    }

    static void be_a_subreaper() {
        kernel().self = 50;
        kernel().parent = 40;
        kernel().group = 50;
        kernel().start({.pid = 1, .parent = -1, .group = 1, .name = "systemd"});
        kernel().start({.pid = 40, .parent = 1, .group = 40, .name = "sh"});
        kernel().start({.pid = 50, .parent = 40, .group = 50, .name = "usher:running"});
    }
    static Process& start_app(std::map<int, int> ends_on = {{term, killed_by(term)}}) {
        return kernel().start({.pid = app, .ends_on = std::move(ends_on)});
    }
    static void raise_at(Time at, int signal) {
        kernel().at(at, [signal] { kernel().raise(signal); });
    }
    static void end_at(Time at, int pid, int status) {
        kernel().at(at, [pid, status] { kernel().end(pid, status); });
    }

    int run() {
        log.set(settings.wording.style, settings.verbosity);
        cmd::Init init(settings, invocation, log);
        init.prepare();
        init.follow_parent();
        const int code = init.supervise(app, "app");
        EXPECT_FALSE(kernel().hung);
        return code;
    }
    static Duration elapsed() { return kernel().now - kernel().start_time; }
    static bool is_about(Duration got, Duration want) {
        return got >= want && got < want + 100 * millisecond;
    }

    RunSettings settings;
    cmd::Invocation invocation;
    sys::Log log;
};

TEST_F(InitTest, reports_the_program_s_exit_code) {
    start_app();
    end_at(1 * s, app, ended(7));
    EXPECT_EQ(run(), 7);
    EXPECT_TRUE(kernel().sent.empty());
}

TEST_F(InitTest, waits_without_a_deadline_and_without_waking_up_while_idle) {
    start_app();
    end_at(3600 * s, app, ended(0));
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(kernel().waits, 1);
    EXPECT_EQ(kernel().longest_timeout, 0);
}

TEST_F(InitTest, waits_exactly_until_the_deadline_of_the_drain) {
    settings.pre_stop = 30 * s;
    start_app();
    raise_at(1 * s, term);
    EXPECT_EQ(run(), 128 + term);
    ASSERT_EQ(kernel().sent_to(-app).size(), 1U);
    EXPECT_TRUE(is_about(kernel().sent[0].at - kernel().start_time, 31 * s));
    EXPECT_LE(kernel().waits, 4);
}

TEST_F(InitTest, forwards_stop_signals_to_the_group_and_others_to_the_main_process_by_default) {
    start_app();
    raise_at(1 * s, usr1);
    raise_at(2 * s, term);
    EXPECT_EQ(run(), 128 + term);
    EXPECT_EQ(kernel().sent, (std::vector<Sent>{{app, usr1}, {-app, term}}));
}

TEST_F(InitTest, forwards_to_the_main_process_only_if_asked_to) {
    settings.forward = Forward::main;
    start_app();
    raise_at(1 * s, term);
    EXPECT_EQ(run(), 128 + term);
    EXPECT_EQ(kernel().sent, (std::vector<Sent>{{app, term}}));
}

TEST_F(InitTest, forwards_to_everybody_as_pid_1) {
    settings.forward = Forward::all;
    start_app();
    raise_at(1 * s, term);
    EXPECT_EQ(run(), 128 + term);
    EXPECT_EQ(kernel().sent, (std::vector<Sent>{{-1, term}}));
}

TEST_F(InitTest, forwards_to_its_descendants_only_when_not_pid_1) {
    be_a_subreaper();
    settings.forward = Forward::all;
    start_app();
    kernel().start({.pid = 11, .parent = app, .group = 11, .ends_on = {{term, ended(0)}}});
    kernel().start({.pid = 60, .parent = 1, .name = "stranger", .ends_on = {{term, ended(0)}}});
    raise_at(1 * s, term);
    EXPECT_EQ(run(), 128 + term);
    EXPECT_EQ(kernel().sent, (std::vector<Sent>{{app, term}, {11, term}}));
    EXPECT_EQ(kernel().processes.at(60).state, 'S');
}

TEST_F(InitTest, never_says_everybody_when_not_pid_1_also_without_proc) {
    be_a_subreaper();
    kernel().proc_mounted = false;
    settings.grace = 1 * s;
    start_app({{kill_signal, killed_by(kill_signal)}});
    raise_at(1 * s, term);
    EXPECT_EQ(run(), 137);
    EXPECT_TRUE(kernel().sent_to(-1).empty());
    EXPECT_TRUE(kernel().was_sent(-app, kill_signal));
}

TEST_F(InitTest, does_not_trust_a_proc_of_another_pid_namespace) {
    be_a_subreaper();
    kernel().proc_self = 4711;
    settings.forward = Forward::all;
    start_app();
    raise_at(1 * s, term);
    EXPECT_EQ(run(), 128 + term);
    EXPECT_EQ(kernel().sent, (std::vector<Sent>{{-app, term}}));
}

TEST_F(InitTest, falls_back_to_the_main_process_when_the_group_is_gone) {
    start_app().group = 77;  // it went into another group
    raise_at(1 * s, term);
    EXPECT_EQ(run(), 128 + term);
    EXPECT_EQ(kernel().sent, (std::vector<Sent>{{-app, term}, {app, term}}));
}

TEST_F(InitTest, survives_eperm_of_kill_and_says_so) {
    start_app({});
    kernel().kill_errors[-app] = EPERM;
    raise_at(1 * s, term);
    end_at(2 * s, app, ended(3));
    EXPECT_EQ(run(), 3);
    EXPECT_NE(kernel().log.find("usher: warning: cannot send SIGTERM to process group 10: "),
              std::string::npos)
        << kernel().log;
    EXPECT_TRUE(kernel().sent_to(app).empty());
}

TEST_F(InitTest, survives_esrch_of_every_kill_and_says_that_the_main_process_was_not_told) {
    start_app({});
    kernel().kill_errors[-app] = ESRCH;
    kernel().kill_errors[app] = ESRCH;
    raise_at(1 * s, term);
    end_at(2 * s, app, ended(3));
    EXPECT_EQ(run(), 3);
    EXPECT_EQ(kernel().log, "usher: warning: cannot send SIGTERM to process 10: No such process\n");
}

TEST_F(InitTest, forwards_every_signal_a_process_can_send) {
    for (int signal = 1; signal <= signal_count; ++signal) {
        if (signal == sig::chld || signal == sig::kill || signal == sig::stop) continue;
        new_kernel();
        start_app({{signal, ended(4)}});
        settings.forward = Forward::group;
        settings.linger = 0;
        raise_at(1 * s, signal);
        EXPECT_EQ(run(), 4) << signal;
        EXPECT_EQ(kernel().sent[0], (Sent{-app, signal}));
    }
}

TEST_F(InitTest, forwards_each_of_many_queued_real_time_signals) {
    start_app({});
    for (int i = 0; i < 20; ++i) raise_at(1 * s, 40);
    end_at(2 * s, app, ended(0));
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(kernel().sent_to(app).size(), 20U);
}

TEST_F(InitTest, keeps_a_fault_of_the_kernel_and_its_own_sigpipe_to_itself) {
    start_app({});
    kernel().at(1 * s, [] { kernel().raise(sig::segv, 128, 0); });
    kernel().at(1 * s, [] { kernel().raise(sig::pipe, 0, kernel().self); });
    kernel().at(1 * s, [] { kernel().raise(sig::ttou, 128, 0); });
    kernel().at(2 * s, [] { kernel().raise(sig::pipe, 0, 99); });
    end_at(3 * s, app, ended(0));
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(kernel().sent, (std::vector<Sent>{{app, sig::pipe}}));
}

TEST_F(InitTest, reaps_everything_that_one_sigchld_stands_for) {
    start_app();
    for (int pid = 100; pid < 200; ++pid) kernel().start({.pid = pid});
    kernel().at(1 * s, [] {
        for (int pid = 100; pid < 200; ++pid) kernel().end(pid, ended(0));
    });
    kernel().at(2 * s, [] {
        EXPECT_EQ(kernel().processes.size(), 1U) << "zombies are left";
        kernel().end(app, ended(0));
    });
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(kernel().waits, 2);
}

TEST_F(InitTest, does_not_take_a_stop_for_an_end) {
    start_app();
    kernel().at(1 * s, [] { kernel().stop(app, stop); });
    kernel().at(2 * s, [] { kernel().resume(app); });
    end_at(3 * s, app, ended(5));
    EXPECT_EQ(run(), 5);
    EXPECT_TRUE(is_about(elapsed(), 3 * s));
}

TEST_F(InitTest, ignores_stops_and_ends_of_unknown_pids) {
    start_app();
    kernel().start({.pid = 20, .parent = app});
    kernel().at(1 * s, [] { kernel().processes.at(20).parent = 1; });
    kernel().at(2 * s, [] { kernel().stop(20, tstp); });
    end_at(3 * s, 20, killed_by(11));
    end_at(4 * s, app, ended(0));
    EXPECT_EQ(run(), 0);
    EXPECT_TRUE(kernel().sent.empty());
}

TEST_F(InitTest, shows_each_state_in_its_name_before_the_program_hears_of_it) {
    settings.pre_stop = 1 * s;
    settings.grace = 2 * s;
    start_app({});
    raise_at(1 * s, term);
    EXPECT_EQ(run(), 137);
    const std::vector<std::string> story{"usher:starting", "usher:running", "usher:draining",
                                         "usher:stopping", "kill -10 15",   "usher:killing",
                                         "kill -1 9"};
    EXPECT_EQ(kernel().story, story);
}

TEST_F(InitTest, names_who_did_not_stop_before_it_kills) {
    settings.grace = 2 * s;
    kernel().start({.pid = 1, .parent = -1, .name = "usher:stopping"});
    start_app({}).name = "sl\eep)";
    kernel().start({.pid = 11, .parent = app, .name = "worker"});
    kernel().start({.pid = 12, .parent = app, .name = "dead"}).state = 'Z';
    raise_at(1 * s, term);
    EXPECT_EQ(run(), 137);
    EXPECT_EQ(kernel().log,
              "usher: warning: killing what did not stop: 10 (sl?ep)), 11 (worker)\n");
}

TEST_F(InitTest, names_sixteen_of_them_and_counts_the_rest) {
    settings.grace = 2 * s;
    start_app({});
    for (int pid = 1000001; pid < 1000020; ++pid) {
        kernel().start({.pid = pid, .parent = app, .name = "fifteen-letters"});
    }
    raise_at(1 * s, term);
    EXPECT_EQ(run(), 137);
    EXPECT_NE(kernel().log.find("1000015 (fifteen-letters) and 4 more\n"), std::string::npos)
        << kernel().log;
    EXPECT_EQ(std::count(kernel().log.begin(), kernel().log.end(), '('), 16);
}

TEST_F(InitTest, names_only_its_own_descendants_when_not_pid_1) {
    be_a_subreaper();
    settings.grace = 2 * s;
    start_app({});
    kernel().start({.pid = 60, .parent = 1, .name = "stranger"});
    raise_at(1 * s, term);
    EXPECT_EQ(run(), 137);
    EXPECT_EQ(kernel().log, "usher: warning: killing what did not stop: 10 (app)\n");
    EXPECT_EQ(kernel().processes.at(60).state, 'S');
}

TEST_F(InitTest, says_that_it_cannot_name_them_without_proc) {
    kernel().proc_mounted = false;
    settings.grace = 2 * s;
    start_app({});
    raise_at(1 * s, term);
    EXPECT_EQ(run(), 137);
    EXPECT_NE(kernel().log.find("killing what did not stop: processes that /proc does not show"),
              std::string::npos);
}

TEST_F(InitTest, leaves_a_second_after_the_kill_even_if_nobody_dies) {
    settings.grace = 2 * s;
    start_app({});
    kernel().kill_errors[-1] = EPERM;
    raise_at(1 * s, term);
    EXPECT_EQ(run(), 137);
    EXPECT_TRUE(is_about(elapsed(), 4 * s));
}

TEST_F(InitTest, tells_what_outlives_the_main_process_and_waits_for_it) {
    start_app();
    kernel().start({.pid = 11, .parent = app, .group = 11, .name = "saver"});
    end_at(1 * s, app, ended(3));
    end_at(2 * s, 11, ended(0));
    EXPECT_EQ(run(), 3);
    EXPECT_EQ(kernel().sent, (std::vector<Sent>{{-1, term}}));
    EXPECT_TRUE(is_about(elapsed(), 2 * s));
}

TEST_F(InitTest, kills_what_outlives_the_linger_time_and_reports_the_program_s_own_status) {
    start_app();
    kernel().start({.pid = 11, .parent = app, .group = 11});
    end_at(1 * s, app, ended(3));
    EXPECT_EQ(run(), 3);
    EXPECT_EQ(kernel().sent, (std::vector<Sent>{{-1, term}, {-1, kill_signal}}));
    EXPECT_TRUE(is_about(elapsed(), 4 * s));
}

TEST_F(InitTest, kills_also_what_its_victims_left_behind_when_not_pid_1) {
    be_a_subreaper();
    settings.grace = 1 * s;
    start_app({});
    kernel().on_survivors_read = [] {
        // Between the look at /proc and the kill, a child is born.
        if (kernel().processes.count(77) == 0 && kernel().sent.size() > 1) {
            kernel().start({.pid = 77, .parent = kernel().self, .group = 77});
        }
    };
    raise_at(1 * s, term);
    EXPECT_EQ(run(), 137);
    EXPECT_LT(elapsed(), 3 * s);
}

// --- a kernel that says what no kernel should
// --------------------------------------------------------

TEST_F(InitTest, asks_again_when_the_wait_is_interrupted) {
    start_app();
    kernel().sigtimedwait_errors = {EINTR, EINTR, EINTR};
    end_at(1 * s, app, ended(7));
    EXPECT_EQ(run(), 7);
    EXPECT_EQ(kernel().sleeps, 0);
}

TEST_F(InitTest, goes_on_after_unexpected_errors_of_the_wait) {
    for (const int error : {EINVAL, ENOSYS, EPERM, EFAULT, ENOMEM}) {
        new_kernel();
        start_app();
        kernel().sigtimedwait_errors = {error, error};
        end_at(1 * s, app, ended(7));
        EXPECT_EQ(run(), 7);
        EXPECT_EQ(kernel().sleeps, 2) << "it must not spin";
    }
}

TEST_F(InitTest, notices_the_end_without_spinning_when_the_wait_always_fails) {
    for (const int error : {EINVAL, ENOSYS, EPERM}) {
        new_kernel();
        start_app();
        kernel().sigtimedwait_always = error;
        end_at(10 * s, app, ended(7));
        EXPECT_EQ(run(), 7);
        EXPECT_LE(kernel().waits, 110);
        EXPECT_TRUE(is_about(elapsed(), 10 * s)) << elapsed();
    }
}

TEST_F(InitTest, keeps_a_deadline_when_the_wait_always_fails) {
    settings.pre_stop = 1 * s;
    settings.grace = 2 * s;
    start_app({});
    raise_at(1 * s, term);
    kernel().at(1 * s + 500 * millisecond, [] { kernel().sigtimedwait_always = EINVAL; });
    kernel().sigtimedwait_errors = {};
    EXPECT_EQ(run(), 137);
    EXPECT_LT(elapsed(), 6 * s);
}

TEST_F(InitTest, goes_on_after_unexpected_errors_of_wait4) {
    for (const int error : {EINTR, EINVAL, ENOSYS, EPERM}) {
        new_kernel();
        start_app();
        end_at(1 * s, app, ended(7));
        kernel().at(1 * s, [error] { kernel().wait_errors = {error, error, error}; });
        EXPECT_EQ(run(), 7);
        EXPECT_LE(kernel().waits, 10) << "it must not spin";
        EXPECT_LT(elapsed(), 2 * s) << "it must look again";
    }
}

TEST_F(InitTest, does_not_believe_echild_while_the_program_lives) {
    start_app();
    kernel().start({.pid = 20});
    end_at(1 * s, 20, ended(0));
    kernel().at(1 * s, [] { kernel().wait_errors = {ECHILD, ECHILD}; });
    end_at(9 * s, app, ended(7));
    EXPECT_EQ(run(), 7);
    EXPECT_TRUE(is_about(elapsed(), 9 * s)) << elapsed();
    EXPECT_LE(kernel().waits, 10) << "it must not spin";
}

TEST_F(InitTest, leaves_when_the_program_is_gone_and_its_status_with_it) {
    start_app();
    kernel().at(1 * s, [] {
        kernel().processes.clear();
        kernel().raise(sig::chld);
    });
    EXPECT_EQ(run(), 137);
}

TEST_F(InitTest, does_not_lose_a_stop_signal_that_comes_while_wait4_fails) {
    start_app();
    kernel().at(1 * s, [] { kernel().wait_errors.assign(50, EINVAL); });
    raise_at(1 * s, term);
    EXPECT_EQ(run(), 128 + term);
    EXPECT_TRUE(kernel().was_sent(-app, term));
}

TEST_F(InitTest, keeps_the_deadline_in_a_flood_of_signals) {
    settings.grace = 2 * s;
    start_app({});
    raise_at(1 * s, term);
    // Each signal that is received is followed by the next one at once.
    for (int i = 0; i < 6000; ++i) raise_at(1 * s + i * millisecond, usr1);
    EXPECT_EQ(run(), 137);
    const auto kills = kernel().sent_to(-1);
    ASSERT_FALSE(kills.empty());
    EXPECT_TRUE(is_about(kills[0].at - kernel().start_time, 3 * s));
}

TEST_F(InitTest, keeps_the_deadline_when_a_signal_is_always_pending) {
    settings.grace = 1 * s;
    start_app({});
    kernel().cost_of_receiving = millisecond;
    kernel().raise(term);
    for (int i = 0; i < 5000; ++i) kernel().raise(40);
    EXPECT_EQ(run(), 137);
    const auto kills = kernel().sent_to(-1);
    ASSERT_FALSE(kills.empty());
    EXPECT_TRUE(is_about(kills[0].at - kernel().start_time, 1 * s));
}

TEST_F(InitTest, keeps_the_pre_stop_deadline_also_when_signals_interrupt_the_wait) {
    settings.pre_stop = 5 * s;
    start_app();
    raise_at(1 * s, term);
    for (int i = 2; i < 6; ++i) raise_at(i * s, usr1);
    EXPECT_EQ(run(), 128 + term);
    EXPECT_TRUE(is_about(elapsed(), 6 * s));
}

// --- being stopped
// -----------------------------------------------------------------------------------

TEST_F(InitTest, continues_a_stopped_program_after_a_stop_signal) {
    start_app();
    kernel().at(1 * s, [] { kernel().stop(app, stop); });
    raise_at(2 * s, term);
    // In a real kernel the pending TERM then ends it.
    end_at(3 * s, app, killed_by(term));
    EXPECT_EQ(run(), 128 + term);
    EXPECT_EQ(kernel().sent, (std::vector<Sent>{{-app, term}, {-app, cont}}));
}

TEST_F(InitTest, hears_of_the_stop_before_a_stop_signal_that_came_with_it) {
    start_app();
    kernel().at(1 * s, [] {
        kernel().stop(app, stop);
        kernel().raise(term);  // 15 is received before SIGCHLD, 17
    });
    end_at(3 * s, app, killed_by(term));
    EXPECT_EQ(run(), 128 + term);
    EXPECT_EQ(kernel().sent, (std::vector<Sent>{{-app, term}, {-app, cont}}));
}

TEST_F(InitTest, hears_of_the_stop_that_came_just_before_the_hup) {
    start_app();
    raise_at(1 * s, hup);
    kernel().before_kill = [](int signal) {
        if (signal == hup) kernel().stop(app, stop);
    };
    end_at(3 * s, app, killed_by(hup));
    EXPECT_EQ(run(), 128 + hup);
    EXPECT_EQ(kernel().sent, (std::vector<Sent>{{app, hup}, {-app, cont}}));
}

TEST_F(InitTest, hears_of_the_stop_before_a_hup_that_came_with_it) {
    start_app();
    kernel().at(1 * s, [] {
        kernel().stop(app, stop);
        kernel().raise(hup);
    });
    end_at(3 * s, app, killed_by(hup));
    EXPECT_EQ(run(), 128 + hup);
    EXPECT_EQ(kernel().sent, (std::vector<Sent>{{app, hup}, {-app, cont}}));
}

TEST_F(InitTest, forwards_nothing_to_a_program_whose_end_came_with_the_stop_signal) {
    start_app();
    kernel().at(1 * s, [] {
        kernel().end(app, ended(4));
        kernel().raise(term);
    });
    EXPECT_EQ(run(), 4);
    EXPECT_TRUE(kernel().sent.empty());
}

class TerminalLoopTest : public InitTest {
  protected:
    void be_a_job(int foreground_group) {
        be_a_subreaper();
        settings.use_terminal = true;
        kernel().foreground[0] = foreground_group;
        start_app();
    }
};

TEST_F(TerminalLoopTest, stops_itself_after_the_program_and_hands_over_again_on_cont) {
    be_a_job(app);
    kernel().at(1 * s, [] { kernel().stop(app, tstp); });
    raise_at(2 * s, cont);
    end_at(3 * s, app, ended(0));
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(kernel().stops_of_self, 1);
    EXPECT_EQ(kernel().sent, (std::vector<Sent>{{0, tstp}, {-app, cont}}));
    EXPECT_EQ(kernel().foreground_given,
              (std::vector<std::pair<int, int>>{{0, 50}, {0, app}, {0, 50}}));
    EXPECT_EQ(kernel().blocked, ~SignalSet{0}) << "all signals are blocked again";
}

TEST_F(TerminalLoopTest, stays_in_the_background_when_bg_continues_it) {
    be_a_job(app);
    kernel().at(1 * s, [] { kernel().stop(app, tstp); });
    kernel().at(2 * s, [] {
        kernel().foreground[0] = 40;  // the shell outside
        kernel().raise(cont);
    });
    end_at(3 * s, app, ended(0));
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(kernel().sent, (std::vector<Sent>{{0, tstp}, {-app, cont}}));
    EXPECT_EQ(kernel().foreground[0], 40);
}

TEST_F(TerminalLoopTest, resumes_the_program_when_the_orphaned_group_cannot_be_stopped) {
    be_a_job(app);
    kernel().orphaned_group = true;
    kernel().at(1 * s, [] { kernel().stop(app, tstp); });
    end_at(3 * s, app, ended(0));
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(kernel().stops_of_self, 0);
    EXPECT_EQ(kernel().sent, (std::vector<Sent>{{0, tstp}, {-app, cont}}));
    EXPECT_EQ(kernel().processes.count(app), 0U);
}

TEST_F(TerminalLoopTest, resumes_the_program_also_when_it_cannot_ask_what_is_pending) {
    be_a_job(app);
    kernel().orphaned_group = true;
    kernel().no_sigpending = true;
    kernel().at(1 * s, [] { kernel().stop(app, tstp); });
    end_at(3 * s, app, ended(0));
    EXPECT_EQ(run(), 0);
    EXPECT_TRUE(kernel().was_sent(-app, cont));
}

TEST_F(TerminalLoopTest, takes_the_terminal_back_when_the_program_ends) {
    be_a_job(app);
    end_at(1 * s, app, ended(0));
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(kernel().foreground[0], 50);
}

TEST_F(TerminalLoopTest, leaves_the_terminal_alone_when_the_program_ends_in_the_background) {
    be_a_job(40);
    end_at(1 * s, app, ended(0));
    EXPECT_EQ(run(), 0);
    EXPECT_TRUE(kernel().foreground_given.empty());
}

TEST_F(TerminalLoopTest, survives_a_terminal_that_refuses_everything) {
    be_a_job(app);
    kernel().terminal_refuses = true;
    kernel().at(1 * s, [] { kernel().stop(app, tstp); });
    raise_at(2 * s, cont);
    end_at(3 * s, app, ended(6));
    EXPECT_EQ(run(), 6);
}

TEST_F(TerminalLoopTest, survives_a_terminal_that_hangs_up) {
    be_a_job(app);
    kernel().at(1 * s, [] { kernel().foreground.clear(); });
    kernel().at(2 * s, [] { kernel().stop(app, tstp); });
    end_at(3 * s, app, ended(6));
    EXPECT_EQ(run(), 6);
    EXPECT_EQ(kernel().stops_of_self, 0);
}

TEST_F(TerminalLoopTest, continues_the_program_at_once_as_pid_1) {
    settings.use_terminal = true;
    kernel().foreground[0] = app;
    start_app();
    kernel().at(1 * s, [] { kernel().stop(app, tstp); });
    end_at(3 * s, app, ended(0));
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(kernel().sent, (std::vector<Sent>{{-app, cont}}));
}

// --- before the start
// --------------------------------------------------------------------------------

TEST_F(InitTest, becomes_a_subreaper_only_when_not_pid_1_and_says_nothing) {
    start_app();
    end_at(1 * s, app, ended(0));
    run();
    EXPECT_FALSE(kernel().subreaper);
    new_kernel();
    be_a_subreaper();
    start_app();
    end_at(1 * s, app, ended(0));
    run();
    EXPECT_TRUE(kernel().subreaper);
    EXPECT_EQ(kernel().log, "");
}

TEST_F(InitTest, warns_when_it_cannot_adopt_orphans) {
    be_a_subreaper();
    kernel().no_subreaper = true;
    start_app();
    end_at(1 * s, app, ended(0));
    EXPECT_EQ(run(), 0);
    EXPECT_NE(kernel().log.find("usher: warning: not PID 1 and no child subreaper"),
              std::string::npos);
}

TEST_F(InitTest, asks_for_a_signal_at_the_parent_s_death) {
    be_a_subreaper();
    settings.parent_death = term;
    start_app();
    end_at(1 * s, app, ended(0));
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(kernel().parent_death, term);
    EXPECT_TRUE(kernel().sent.empty());
}

TEST_F(InitTest, acts_at_once_when_the_parent_died_meanwhile) {
    be_a_subreaper();
    settings.parent_death = term;
    kernel().on_parent_death_set = [] { kernel().parent = 1; };
    start_app();
    EXPECT_EQ(run(), 128 + term);
    EXPECT_TRUE(kernel().was_sent(-app, term));
    EXPECT_LT(elapsed(), 1 * s);
}

TEST_F(InitTest, goes_on_when_its_parent_is_outside_of_the_namespace) {
    settings.parent_death = term;
    kernel().parent = 0;
    start_app();
    end_at(1 * s, app, ended(0));
    EXPECT_EQ(run(), 0);
    EXPECT_TRUE(kernel().sent.empty());
}

TEST_F(InitTest, tells_the_whole_shutdown_when_asked_to_say_more) {
    settings.verbosity = 2;
    settings.pre_stop = 1 * s;
    settings.grace = 8 * s;
    start_app({{term, ended(0)}});
    kernel().start({.pid = 11, .parent = app, .ends_on = {{term, killed_by(term)}}});
    raise_at(1 * s, term);
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(kernel().log,
              "usher: started app as pid 10\n"
              "usher: running\n"
              "usher: received SIGTERM from pid 99\n"
              "usher: draining: serving on for 1s before the stop signal is forwarded\n"
              "usher: stopping: grace 8s\n"
              "usher: sent SIGTERM to process group 10\n"
              "usher: main process 10: exit code 0\n"
              "usher: lingering: waiting up to 7.999s for what the main process left behind\n"
              "usher: sent SIGTERM to every process\n"
              "usher: reaped 11: ended by SIGTERM\n"
              "usher: ended: exit code 0\n");
}

TEST_F(InitTest, loses_no_signal_and_no_zombie_when_stderr_is_full) {
    settings.verbosity = 2;
    kernel().stderr_is = Stderr::pipe;
    kernel().stderr_full = true;
    start_app();
    kernel().start({.pid = 11, .parent = kernel().self});
    end_at(1 * s, 11, ended(0));
    raise_at(2 * s, term);
    EXPECT_EQ(run(), 128 + term);
    EXPECT_EQ(kernel().log, "");
    EXPECT_GT(log.lost(), 0);
}

// --- nobody hears of a stop twice ----------------------------------------------------------------

// Two of the program's group, one that left it, and one outside whom an engine has put here.
class TellingTest : public InitTest {
  protected:
    static constexpr int catches = 11, ignores = 12, elsewhere = 13;
    void start_all() {
        start_app();
        kernel().start({.pid = catches, .parent = app, .group = app});
        kernel().start({.pid = ignores, .parent = app, .group = app, .ignores = set_of(term)});
        kernel().start({.pid = elsewhere, .parent = app, .group = elsewhere});
        settings.linger = 1 * s;
        settings.linger_is_given = true;
    }
    // How often each has heard of a signal, whatever it was sent by.
    static long told(int pid, int signal) {
        const auto& sent = kernel().sent;
        const int group = pid == elsewhere ? pid : app;
        return std::count_if(sent.begin(), sent.end(), [&](const Sent& one) {
            return one.signal == signal && (one.pid == pid || one.pid == -group || one.pid == -1);
        });
    }
};

TEST_F(TellingTest, who_is_in_the_group_and_heard_is_not_told_again_the_others_are) {
    for (const bool as_init : {true, false}) {
        new_kernel();
        if (!as_init) be_a_subreaper();
        start_all();
        raise_at(1 * s, term);
        (void)run();
        EXPECT_EQ(told(catches, term), 1) << as_init;
        EXPECT_EQ(told(ignores, term), 2) << as_init;  // it has not heard of the first
        EXPECT_EQ(told(elsewhere, term), 1) << as_init;
    }
}

TEST_F(TellingTest, all_are_told_once_when_nothing_was_forwarded_or_only_to_the_main_process) {
    for (const Forward forward : {Forward::main, Forward::split}) {
        new_kernel();
        start_all();
        settings.forward = forward;
        if (forward == Forward::main) raise_at(1 * s, term);
        if (forward == Forward::split) end_at(1 * s, app, ended(0));
        (void)run();
        for (const int pid : {catches, ignores, elsewhere}) EXPECT_EQ(told(pid, term), 1);
    }
}

TEST_F(TellingTest, all_are_told_once_when_the_main_process_ended_together_with_the_stop_signal) {
    for (const int signal : {term, usr1}) {
        new_kernel();
        start_all();
        settings.stop_signals = set_of(signal);
        kernel().at(1 * s, [signal] {
            kernel().end(app, ended(0));
            kernel().raise(signal);
        });
        (void)run();
        for (const int pid : {catches, ignores, elsewhere}) {
            EXPECT_EQ(told(pid, term), 1);  // the linger's
            EXPECT_EQ(told(pid, usr1), signal == usr1 ? 1 : 0);
        }
    }
}

TEST_F(TellingTest, nobody_is_told_again_when_everybody_was) {
    start_all();
    settings.forward = Forward::all;
    raise_at(1 * s, term);
    (void)run();
    EXPECT_EQ(told(catches, term), 1);
    EXPECT_EQ(told(elsewhere, term), 1);
}

TEST_F(TellingTest, without_proc_nobody_is_told_and_a_warning_says_so) {
    start_all();
    kernel().proc_mounted = false;
    raise_at(1 * s, term);
    (void)run();
    EXPECT_EQ(told(elsewhere, term), 0);
    EXPECT_NE(kernel().log.find("nobody is sent SIGTERM: without /proc"), std::string::npos);
}

TEST_F(TellingTest, without_proc_everybody_is_told_when_the_group_is_gone) {
    start_app();
    kernel().start({.pid = elsewhere, .parent = app, .group = elsewhere, .ends_on = {{term, 0}}});
    kernel().proc_mounted = false;
    raise_at(1 * s, term);
    (void)run();
    EXPECT_EQ(told(elsewhere, term), 1);
    EXPECT_EQ(kernel().log, "");
}

TEST_F(InitTest, passes_signals_on_to_who_is_left_while_lingering) {
    start_app();
    kernel().start({.pid = 11, .parent = app, .group = 11, .ends_on = {{usr1, ended(0)}}});
    end_at(1 * s, app, ended(3));
    raise_at(2 * s, usr1);
    EXPECT_EQ(run(), 3);
    EXPECT_TRUE(kernel().was_sent(-1, usr1));
    EXPECT_TRUE(is_about(elapsed(), 2 * s));
}

TEST_F(InitTest, names_who_runs_on_5_s_after_a_stop_signal_and_what_it_does_about_it) {
    start_app({});
    kernel().processes.at(app).ignores = set_of(term);
    kernel().start({.pid = 11, .parent = app, .name = "worker", .blocks = set_of(term)});
    kernel().start({.pid = 12, .parent = app, .name = "other"});
    raise_at(1 * s, term);
    end_at(9 * s, app, ended(0));
    settings.linger = 0;
    (void)run();
    EXPECT_EQ(kernel().log,
              "usher: warning: still running 5s after SIGTERM: 10 (app) ignores it, 11 (worker) "
              "blocks it, 12 (other)\n");
}

TEST_F(InitTest, continues_who_is_stopped_when_it_names_who_runs_on) {
    start_app({});
    kernel().start({.pid = 11, .parent = app, .name = "worker"});
    kernel().at(1 * s - 1, [] { kernel().stop(11, stop); });
    raise_at(1 * s, term);
    end_at(9 * s, app, ended(0));
    settings.linger = 0;
    (void)run();
    EXPECT_EQ(kernel().sent_to(11), (std::vector<Sent>{{11, cont}}));
    EXPECT_TRUE(kernel().sent_to(app).empty());
}

TEST_F(InitTest, tells_apart_who_was_put_here_from_outside_when_it_names_survivors) {
    settings.grace = 1 * s;
    start_app({});
    kernel().start({.pid = 30, .parent = -1, .name = "probe"});
    raise_at(1 * s, term);
    EXPECT_EQ(run(), 137);
    EXPECT_NE(kernel().log.find("killing what did not stop: 10 (app), 30 (probe) from outside"),
              std::string::npos)
        << kernel().log;
}

TEST_F(InitTest, does_not_spin_with_a_program_that_stops_itself_again_and_again) {
    settings.grace = 4 * s;
    start_app({});
    kernel().stop_again = app;
    raise_at(1 * s, term);
    kernel().at(1 * s + 1, [] { kernel().stop(app, stop); });
    EXPECT_EQ(run(), 137);
    EXPECT_LT(kernel().sent_to(-app).size(), 50U);
    EXPECT_GT(kernel().sent_to(-app).size(), 16U);
}

TEST_F(InitTest, continues_nobody_for_a_program_that_has_ended) {
    start_app({});
    kernel().start({.pid = 11, .parent = app, .name = "worker"});
    kernel().stop_again = app;
    raise_at(1 * s, term);
    kernel().at(1 * s + 1, [] { kernel().stop(app, stop); });
    end_at(1500 * millisecond, app, ended(0));
    (void)run();
    EXPECT_EQ(std::ranges::count(kernel().sent, Sent{-app, cont}), ResumeLimit::most_a_second);
}

TEST_F(InitTest, takes_a_stop_signal_that_was_inherited_ignored_for_any_other) {
    be_a_subreaper();
    kernel().ignored = set_of(term);
    start_app({{term, ended(5)}});
    settings.grace = 1 * s;
    raise_at(1 * s, term);
    end_at(20 * s, app, ended(0));
    kernel().processes.at(app).ends_on = {};
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(kernel().sent, (std::vector<Sent>{{app, term}}));
}

TEST_F(InitTest, stops_by_an_ignored_signal_as_pid_1_and_when_it_is_named) {
    for (const bool as_init : {true, false}) {
        new_kernel();
        if (!as_init) be_a_subreaper();
        settings.stops_by_ignored = !as_init;
        kernel().ignored = set_of(term);
        start_app({});
        settings.grace = 1 * s;
        raise_at(1 * s, term);
        EXPECT_EQ(run(), 137) << as_init;
    }
}

TEST_F(InitTest, takes_a_new_window_size_for_no_stop_signal) {
    settings.stop_signals = set_of(sig::winch);
    start_app({{sig::winch, ended(4)}});
    settings.grace = 1 * s;
    kernel().processes.at(app).ends_on = {};
    kernel().at(1 * s, [] { kernel().raise(sig::winch, 128); });
    end_at(5 * s, app, ended(0));
    EXPECT_EQ(run(), 0);
    new_kernel();
    start_app({});
    raise_at(1 * s, sig::winch);
    EXPECT_EQ(run(), 137);
}

}  // namespace
}  // namespace usher
