// SPDX-License-Identifier: MIT
#include "supervisor.hpp"

#include "text_of.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include <string>
#include <vector>

namespace usher {

void PrintTo(const Action& action, std::ostream* out) {
    constexpr const char* names[] = {
        "to_main",        "to_group",           "to_all",         "resume",    "give_terminal",
        "take_terminal",  "stop_self",          "stop_group",     "halt_self", "tell_rest",
        "tell_unreached", "name_still_running", "name_survivors", "kill_rest", "leave"};
    *out << names[static_cast<int>(action.kind)] << '(' << +action.signal << ')';
}

namespace {

using enum EventKind;
using A = ActionKind;
using Done = std::vector<Action>;

constexpr int term = 15;
constexpr int intr = 2;
constexpr int hup = 1;
constexpr int usr1 = 10;
constexpr int cont = 18;
constexpr int tstp = 20;
constexpr int ttin = 21;
constexpr int ttou = 22;
constexpr Time s = second;

constexpr int exited(int code) { return code << 8; }
constexpr int killed_by(int signal) { return signal; }

// A supervisor with short calls; times are in seconds.
struct Story {
    RunSettings settings;
    Supervisor supervisor;

    explicit Story(RunSettings with, bool is_init = true)
        : settings(with), supervisor(settings, is_init) {
        on({.kind = started});
    }
    Story(const Story&) = delete;

    Done on(const Event& event) {
        const Actions actions = supervisor.on(event);
        return {actions.begin(), actions.end()};
    }
    Done stop(Time at, int signal = term) {
        return on({.kind = stop_signal, .now = at, .signal = signal});
    }
    Done other(Time at, int signal) {
        return on({.kind = other_signal, .now = at, .signal = signal});
    }
    Done stopped(int signal, Foreground foreground, Time at = 0) {
        return on({.kind = program_stopped, .now = at, .signal = signal, .foreground = foreground});
    }
    Done main_end(Time at, int status = exited(0)) {
        return on({.kind = main_ended, .now = at, .status = status});
    }
    Done all_end(Time at, std::optional<int> status = std::nullopt) {
        return on({.kind = nobody_left, .now = at, .status = status});
    }
    Done gone(Time at, int status) {
        return on({.kind = somebody_ended, .now = at, .last_status = status});
    }
    Done due(Time at) { return on({.kind = deadline, .now = at}); }
    State state() const { return supervisor.state(); }
    Time until() const { return supervisor.deadline(); }
    int code() const { return supervisor.exit_code(); }
};

RunSettings times(Duration pre_stop, Duration grace, Duration linger) {
    RunSettings settings;
    settings.pre_stop = pre_stop;
    settings.grace = grace;
    settings.linger = linger;
    settings.linger_is_given = true;
    settings.advises = false;
    return settings;
}

// --- every cell of the table -------------------------------------------------------------------

struct Cell {
    State state;
    EventKind event;
    State next;
    Time deadline;  ///< after the event
    Done actions;
};

constexpr Time t_running = 50 * s;
constexpr Time t_draining = 105 * s;         // since 100, to 110
constexpr Time t_stopping = 115 * s;         // since 110, to 130
constexpr Time t_lingering = 114 * s;        // since 112, to 117
constexpr Time t_killing = 130 * s + s / 2;  // since 130, to 131

using S = State;
const Done none{};
const Cell cells[] = {
    {S::starting, started, S::running, infinite, none},
    {S::starting, stop_signal, S::starting, infinite, none},
    {S::starting, other_signal, S::starting, infinite, none},
    {S::starting, program_stopped, S::starting, infinite, none},
    {S::starting, program_continued, S::starting, infinite, none},
    {S::starting, resumed, S::starting, infinite, none},
    {S::starting, main_ended, S::starting, infinite, none},
    {S::starting, nobody_left, S::starting, infinite, none},
    {S::starting, somebody_ended, S::starting, infinite, none},
    {S::starting, unhealthy, S::starting, infinite, none},
    {S::starting, deadline, S::starting, infinite, none},

    {S::waiting, started, S::running, infinite, none},
    {S::waiting, stop_signal, S::waiting, infinite, none},
    {S::waiting, other_signal, S::waiting, infinite, none},
    {S::waiting, program_stopped, S::waiting, infinite, none},
    {S::waiting, program_continued, S::waiting, infinite, none},
    {S::waiting, resumed, S::waiting, infinite, none},
    {S::waiting, main_ended, S::waiting, infinite, none},
    {S::waiting, nobody_left, S::waiting, infinite, none},
    {S::waiting, somebody_ended, S::waiting, infinite, none},
    {S::waiting, unhealthy, S::waiting, infinite, none},
    {S::waiting, deadline, S::waiting, infinite, none},

    {S::running, started, S::running, infinite, none},
    {S::running, stop_signal, S::draining, t_running + 10 * s, none},
    {S::running, other_signal, S::running, infinite, {{A::to_main, usr1}}},
    {S::running,
     program_stopped,
     S::running,
     infinite,
     {{A::take_terminal}, {A::stop_group, tstp}}},
    {S::running, program_continued, S::running, infinite, none},
    {S::running, resumed, S::running, infinite, none},
    {S::running,
     main_ended,
     S::lingering,
     t_running + 5 * s,
     {{A::take_terminal}, {A::tell_unreached, term}}},
    {S::running, nobody_left, S::ended, infinite, {{A::take_terminal}, {A::leave}}},
    {S::running, somebody_ended, S::running, infinite, none},
    {S::running, unhealthy, S::stopping, t_running + 10 * s, {{A::to_group, term}}},
    {S::running, deadline, S::running, infinite, none},

    {S::draining, started, S::draining, 110 * s, none},
    {S::draining, stop_signal, S::stopping, t_draining + 20 * s, {{A::to_group, intr}}},
    {S::draining, other_signal, S::draining, 110 * s, {{A::to_main, usr1}}},
    {S::draining,
     program_stopped,
     S::draining,
     110 * s,
     {{A::take_terminal}, {A::stop_group, tstp}}},
    {S::draining, program_continued, S::draining, 110 * s, none},
    {S::draining, resumed, S::draining, 110 * s, none},
    {S::draining,
     main_ended,
     S::lingering,
     t_draining + 5 * s,
     {{A::take_terminal}, {A::tell_unreached, term}}},
    {S::draining, nobody_left, S::ended, infinite, {{A::take_terminal}, {A::leave}}},
    {S::draining, somebody_ended, S::draining, 110 * s, none},
    {S::draining, unhealthy, S::draining, 110 * s, none},
    {S::draining, deadline, S::stopping, t_draining + 20 * s, {{A::to_group, term}}},

    {S::stopping, started, S::stopping, 130 * s, none},
    {S::stopping, stop_signal, S::stopping, 130 * s, {{A::to_group, intr}}},
    {S::stopping, other_signal, S::stopping, 130 * s, {{A::to_main, usr1}}},
    {S::stopping, program_stopped, S::stopping, 130 * s, {{A::resume}}},
    {S::stopping, program_continued, S::stopping, 130 * s, none},
    {S::stopping, resumed, S::stopping, 130 * s, none},
    {S::stopping,
     main_ended,
     S::lingering,
     t_stopping + 5 * s,
     {{A::take_terminal}, {A::tell_unreached, term}}},
    {S::stopping, nobody_left, S::ended, infinite, {{A::take_terminal}, {A::leave}}},
    {S::stopping, somebody_ended, S::stopping, 130 * s, none},
    {S::stopping, unhealthy, S::stopping, 130 * s, none},
    {S::stopping, deadline, S::killing, t_stopping + s, {{A::name_survivors}, {A::kill_rest}}},

    {S::lingering, started, S::lingering, 117 * s, none},
    {S::lingering, stop_signal, S::lingering, 117 * s, {{A::tell_rest, intr}}},
    {S::lingering, other_signal, S::lingering, 117 * s, {{A::to_all, usr1}}},
    {S::lingering, program_stopped, S::lingering, 117 * s, none},
    {S::lingering, program_continued, S::lingering, 117 * s, none},
    {S::lingering, resumed, S::lingering, 117 * s, none},
    {S::lingering, main_ended, S::lingering, 117 * s, none},
    {S::lingering, nobody_left, S::ended, infinite, {{A::leave}}},
    {S::lingering, somebody_ended, S::lingering, 117 * s, none},
    {S::lingering, unhealthy, S::lingering, 117 * s, none},
    {S::lingering, deadline, S::killing, t_lingering + s, {{A::name_survivors}, {A::kill_rest}}},

    {S::killing, started, S::killing, 131 * s, none},
    {S::killing, stop_signal, S::killing, 131 * s, none},
    {S::killing, other_signal, S::killing, 131 * s, none},
    {S::killing, program_stopped, S::killing, 131 * s, none},
    {S::killing, program_continued, S::killing, 131 * s, none},
    {S::killing, resumed, S::killing, 131 * s, none},
    {S::killing, main_ended, S::killing, 131 * s, {{A::take_terminal}, {A::kill_rest}}},
    {S::killing, nobody_left, S::ended, infinite, {{A::take_terminal}, {A::leave}}},
    {S::killing, somebody_ended, S::killing, 131 * s, {{A::kill_rest}}},
    {S::killing, unhealthy, S::killing, 131 * s, none},
    {S::killing, deadline, S::ended, infinite, {{A::leave}}},

    {S::ended, started, S::ended, infinite, none},
    {S::ended, stop_signal, S::ended, infinite, none},
    {S::ended, other_signal, S::ended, infinite, none},
    {S::ended, program_stopped, S::ended, infinite, none},
    {S::ended, program_continued, S::ended, infinite, none},
    {S::ended, resumed, S::ended, infinite, none},
    {S::ended, main_ended, S::ended, infinite, none},
    {S::ended, nobody_left, S::ended, infinite, none},
    {S::ended, somebody_ended, S::ended, infinite, none},
    {S::ended, unhealthy, S::ended, infinite, none},
    {S::ended, deadline, S::ended, infinite, none},
};
static_assert(sizeof cells / sizeof cells[0] == state_count * event_count);

// Brings a new supervisor into the state; returns the time that it then is.
Time bring_into(State state, Supervisor& supervisor) {
    if (state == S::starting || state == S::waiting) return t_running;
    supervisor.on({.kind = started, .now = 0});
    if (state == S::running) return t_running;
    if (state == S::ended) {
        supervisor.on({.kind = nobody_left, .now = 10 * s, .status = exited(7)});
        return t_running;
    }
    supervisor.on({.kind = stop_signal, .now = 100 * s, .signal = term});
    if (state == S::draining) return t_draining;
    supervisor.on({.kind = deadline, .now = 110 * s});
    if (state == S::stopping) return t_stopping;
    if (state == S::lingering) {
        supervisor.on({.kind = main_ended, .now = 112 * s, .status = exited(7)});
        return t_lingering;
    }
    supervisor.on({.kind = deadline, .now = 130 * s});
    return t_killing;
}

class EveryCell : public testing::TestWithParam<Cell> {};

TEST_P(EveryCell, gives_the_state_the_deadline_and_the_actions) {
    const Cell& cell = GetParam();
    RunSettings settings = times(10 * s, 20 * s, 5 * s);
    if (cell.state == S::waiting) settings.wait.checks.count = 1;
    Supervisor supervisor(settings, false);
    Event event{.kind = cell.event, .now = bring_into(cell.state, supervisor)};
    ASSERT_EQ(supervisor.state(), cell.state);
    event.foreground = Foreground::program;
    if (cell.event == stop_signal) event.signal = intr;
    if (cell.event == other_signal) event.signal = usr1;
    if (cell.event == program_stopped) event.signal = tstp;
    if (cell.event == main_ended || cell.event == nobody_left) event.status = exited(3);
    const Actions actions = supervisor.on(event);
    EXPECT_EQ(supervisor.state(), cell.next);
    EXPECT_EQ(supervisor.deadline(), cell.deadline);
    EXPECT_EQ(Done(actions.begin(), actions.end()), cell.actions);
}

std::string cell_name(const testing::TestParamInfo<Cell>& info) {
    constexpr const char* events[] = {"started",         "stop_signal",       "other_signal",
                                      "program_stopped", "program_continued", "resumed",
                                      "main_ended",      "nobody_left",       "somebody_ended",
                                      "unhealthy",       "deadline"};
    return text_of(state_name(info.param.state)) + "_" + events[static_cast<int>(info.param.event)];
}

INSTANTIATE_TEST_SUITE_P(supervisor, EveryCell, testing::ValuesIn(cells), cell_name);

TEST(supervisor_table, has_a_cell_for_each_state_and_event_once) {
    std::size_t at = 0;
    for (int state = 0; state < state_count; ++state) {
        for (int event = 0; event < event_count; ++event, ++at) {
            EXPECT_EQ(static_cast<int>(cells[at].state), state);
            EXPECT_EQ(static_cast<int>(cells[at].event), event);
        }
    }
}

TEST(supervisor_states, are_named_as_in_comm) {
    const char* const names[] = {"starting", "waiting",   "running", "draining",
                                 "stopping", "lingering", "killing", "ended"};
    for (int i = 0; i < state_count; ++i) {
        EXPECT_EQ(state_name(static_cast<State>(i)), names[i]);
        EXPECT_LE(std::string("usher:").size() + state_name(static_cast<State>(i)).view().size(),
                  15U);
    }
}

// --- stopping ------------------------------------------------------------------------------------

TEST(stop, without_a_drain_delay_is_forwarded_at_once) {
    Story story(times(0, 8 * s, 3 * s));
    EXPECT_EQ(story.stop(10 * s), (Done{{A::to_group, term}}));
    EXPECT_EQ(story.state(), State::stopping);
    EXPECT_EQ(story.until(), 18 * s);
}

TEST(stop, with_infinite_grace_has_no_deadline) {
    Story story(times(0, infinite, 3 * s));
    story.stop(10 * s);
    EXPECT_EQ(story.until(), infinite);
    EXPECT_TRUE(story.supervisor.program_alive());
}

TEST(stop, with_no_grace_kills_at_once) {
    Story story(times(0, 0, 3 * s));
    EXPECT_EQ(story.stop(10 * s), (Done{{A::to_group, term}}));
    EXPECT_EQ(story.until(), 10 * s);
    EXPECT_EQ(story.due(10 * s), (Done{{A::name_survivors}, {A::kill_rest}}));
}

TEST(drain, holds_the_stop_signal_back_until_it_is_over) {
    Story story(times(5 * s, infinite, 3 * s));
    EXPECT_EQ(story.stop(10 * s), Done{});
    EXPECT_EQ(story.state(), State::draining);
    EXPECT_EQ(story.until(), 15 * s);
    EXPECT_EQ(story.due(15 * s), (Done{{A::to_group, term}}));
    EXPECT_EQ(story.state(), State::stopping);
}

TEST(drain, forwards_other_signals_at_once) {
    Story story(times(5 * s, infinite, 3 * s));
    story.stop(10 * s);
    EXPECT_EQ(story.other(11 * s, hup), (Done{{A::to_main, hup}}));
    EXPECT_EQ(story.state(), State::draining);
    EXPECT_EQ(story.until(), 15 * s);
}

TEST(drain, ends_at_the_second_stop_signal_and_only_the_latest_is_forwarded_once) {
    Story story(times(5 * s, 8 * s, 3 * s));
    story.stop(10 * s, term);
    EXPECT_EQ(story.stop(12 * s, intr), (Done{{A::to_group, intr}}));
    EXPECT_EQ(story.until(), 20 * s);
}

TEST(drain, of_the_same_signal_twice_forwards_it_once) {
    Story story(times(5 * s, 8 * s, 3 * s));
    story.stop(10 * s, term);
    EXPECT_EQ(story.stop(12 * s, term), (Done{{A::to_group, term}}));
}

TEST(drain, does_not_count_against_grace) {
    Story story(times(5 * s, 8 * s, 3 * s));
    story.stop(10 * s);
    story.due(15 * s);
    EXPECT_EQ(story.until(), 23 * s);
}

TEST(drain, happens_only_once) {
    Story story(times(5 * s, 8 * s, 3 * s));
    story.stop(10 * s);
    story.due(15 * s);
    EXPECT_EQ(story.stop(16 * s), (Done{{A::to_group, term}}));
    EXPECT_EQ(story.state(), State::stopping);
}

TEST(drain, ends_when_the_program_ends_by_itself) {
    Story story(times(60 * s, 8 * s, 3 * s));
    story.stop(10 * s);
    story.main_end(11 * s);
    EXPECT_EQ(story.state(), State::lingering);
    EXPECT_EQ(story.until(), 14 * s);
}

TEST(grace, never_restarts_at_further_stop_signals) {
    Story story(times(0, 8 * s, 3 * s));
    story.stop(10 * s);
    EXPECT_EQ(story.stop(14 * s, intr), (Done{{A::to_group, intr}}));
    EXPECT_EQ(story.stop(17 * s, term), (Done{{A::to_group, term}}));
    EXPECT_EQ(story.until(), 18 * s);
}

TEST(grace, when_over_names_who_is_left_before_it_kills) {
    Story story(times(0, 8 * s, 3 * s));
    story.stop(10 * s);
    EXPECT_EQ(story.due(18 * s), (Done{{A::name_survivors}, {A::kill_rest}}));
    EXPECT_EQ(story.state(), State::killing);
    EXPECT_EQ(story.until(), 18 * s + kill_patience);
}

TEST(killing, waits_a_second_at_most_and_then_leaves) {
    EXPECT_EQ(kill_patience, 1 * s);
    Story story(times(0, 8 * s, 3 * s));
    story.stop(10 * s);
    story.due(18 * s);
    EXPECT_EQ(story.due(19 * s), (Done{{A::leave}}));
    EXPECT_EQ(story.code(), 137);
}

TEST(killing, kills_again_when_somebody_ended_who_may_have_left_children) {
    Story story(times(0, 8 * s, 3 * s));
    story.stop(10 * s);
    story.due(18 * s);
    EXPECT_EQ(story.on({.kind = somebody_ended, .now = 18 * s}), (Done{{A::kill_rest}}));
    EXPECT_EQ(story.until(), 19 * s);
}

TEST(killing, does_not_wait_longer_for_the_main_process) {
    Story story(times(0, 8 * s, 3 * s));
    story.stop(10 * s);
    story.due(18 * s);
    story.main_end(18 * s + s / 2, killed_by(9));
    EXPECT_EQ(story.until(), 19 * s);
    EXPECT_EQ(story.state(), State::killing);
}

// --- who is told what ----------------------------------------------------------------------------

TEST(rewrite, changes_what_is_forwarded) {
    RunSettings settings = times(0, 8 * s, 3 * s);
    settings.rewrite[term] = 3;
    settings.rewrite[hup] = usr1;
    Story story(settings);
    EXPECT_EQ(story.other(1 * s, hup), (Done{{A::to_main, usr1}}));
    EXPECT_EQ(story.stop(2 * s), (Done{{A::to_group, 3}}));
    EXPECT_EQ(story.state(), State::stopping);
}

TEST(rewrite, to_0_of_a_stop_signal_still_shuts_down) {
    RunSettings settings = times(0, 8 * s, 3 * s);
    settings.rewrite[term] = 0;
    Story story(settings);
    EXPECT_EQ(story.stop(10 * s), Done{});
    EXPECT_EQ(story.state(), State::stopping);
    EXPECT_EQ(story.until(), 18 * s);
    EXPECT_EQ(story.due(18 * s), (Done{{A::name_survivors}, {A::kill_rest}}));
}

TEST(rewrite, to_0_of_another_signal_drops_it) {
    RunSettings settings;
    settings.rewrite[hup] = 0;
    Story story(settings);
    EXPECT_EQ(story.other(1 * s, hup), Done{});
    EXPECT_EQ(story.state(), State::running);
}

TEST(rewrite, to_a_stop_signal_does_not_ask_for_shutdown) {
    RunSettings settings;
    settings.rewrite[hup] = term;
    Story story(settings);
    EXPECT_EQ(story.other(1 * s, hup), (Done{{A::to_main, term}}));
    EXPECT_EQ(story.state(), State::running);
}

TEST(rewrite, counts_for_stop_signals_that_come_while_lingering) {
    RunSettings settings = times(0, 8 * s, 3 * s);
    settings.rewrite[term] = 3;
    settings.rewrite[intr] = 0;
    Story story(settings);
    story.main_end(1 * s);
    EXPECT_EQ(story.stop(2 * s, term), (Done{{A::tell_rest, 3}}));
    EXPECT_EQ(story.stop(2 * s, intr), Done{});
}

TEST(forwarding, passes_all_64_signals_on_unchanged) {
    Story story(RunSettings{});
    for (int signal = 1; signal <= signal_count; ++signal) {
        const bool of_a_job = signal == tstp || signal == ttin || signal == ttou || signal == cont;
        EXPECT_EQ(story.other(1 * s, signal),
                  (Done{{of_a_job ? A::to_group : A::to_main, signal}}));
    }
}

// --- a stopped program ---------------------------------------------------------------------------

TEST(stopped_program, gets_cont_after_a_forwarded_stop_signal) {
    Story story(times(0, 8 * s, 3 * s));
    story.stopped(19, Foreground::unknown);
    EXPECT_EQ(story.stop(10 * s), (Done{{A::to_group, term}, {A::resume}}));
}

TEST(stopped_program, gets_cont_after_a_forwarded_hup) {
    Story story(times(0, 8 * s, 3 * s));
    story.stopped(19, Foreground::unknown);
    EXPECT_EQ(story.other(10 * s, hup), (Done{{A::to_main, hup}, {A::resume}}));
}

TEST(stopped_program, gets_no_cont_after_other_signals) {
    Story story(times(0, 8 * s, 3 * s));
    story.stopped(19, Foreground::unknown);
    EXPECT_EQ(story.other(10 * s, usr1), (Done{{A::to_main, usr1}}));
    EXPECT_TRUE(story.supervisor.program_stopped());
}

TEST(stopped_program, gets_cont_when_the_drain_is_over) {
    Story story(times(5 * s, 8 * s, 3 * s));
    story.stopped(19, Foreground::unknown);
    EXPECT_EQ(story.stop(10 * s), Done{});
    EXPECT_EQ(story.due(15 * s), (Done{{A::to_group, term}, {A::resume}}));
}

TEST(stopped_program, that_was_continued_gets_none) {
    Story story(times(0, 8 * s, 3 * s));
    story.stopped(19, Foreground::unknown);
    story.on({.kind = program_continued});
    EXPECT_FALSE(story.supervisor.program_stopped());
    EXPECT_EQ(story.stop(10 * s), (Done{{A::to_group, term}}));
}

// Without the terminal it stops again at its next read, and usher continues it again: a busy loop
// for as long as grace lasts.
TEST(stopped_program, that_wants_the_terminal_while_stopping_gets_it) {
    for (const int signal : {ttin, ttou}) {
        Story story(times(0, 8 * s, 3 * s), false);
        story.stop(10 * s);
        EXPECT_EQ(story.stopped(signal, Foreground::usher, 11 * s),
                  (Done{{A::give_terminal}, {A::resume}}));
    }
}

TEST(stopped_program, is_continued_while_stopping_whatever_stopped_it_where_no_terminal_is) {
    for (const int signal : {ttin, ttou, tstp}) {
        Story story(times(0, 8 * s, 3 * s), false);
        story.stop(10 * s);
        EXPECT_EQ(story.stopped(signal, Foreground::unknown, 11 * s), (Done{{A::resume}}));
        EXPECT_EQ(story.stopped(signal, Foreground::other, 12 * s),
                  signal == tstp ? (Done{{A::resume}}) : Done{});
    }
}

TEST(stopped_program, is_continued_at_once_while_stopping) {
    for (const bool is_init : {false, true}) {
        Story story(times(0, 8 * s, 3 * s), is_init);
        story.stop(10 * s);
        EXPECT_EQ(story.stopped(19, Foreground::program, 11 * s), (Done{{A::resume}}));
        EXPECT_EQ(story.until(), 18 * s);
    }
}

// --- the terminal --------------------------------------------------------------------------------

TEST(pid_1, continues_a_program_that_was_stopped_by_tstp) {
    for (const Foreground foreground :
         {Foreground::unknown, Foreground::usher, Foreground::program, Foreground::other}) {
        Story story(RunSettings{}, true);
        EXPECT_EQ(story.stopped(tstp, foreground), (Done{{A::resume}}));
    }
}

TEST(pid_1, leaves_a_program_stopped_that_was_stopped_by_stop) {
    for (const Foreground foreground :
         {Foreground::unknown, Foreground::usher, Foreground::program, Foreground::other}) {
        Story story(RunSettings{}, true);
        EXPECT_EQ(story.stopped(19, foreground), Done{});
    }
}

TEST(any_usher, hands_the_terminal_over_to_a_program_that_waits_for_it) {
    for (const bool is_init : {false, true}) {
        for (const int signal : {ttin, ttou}) {
            Story story(RunSettings{}, is_init);
            EXPECT_EQ(story.stopped(signal, Foreground::usher),
                      (Done{{A::give_terminal}, {A::resume}}));
        }
    }
}

TEST(not_pid_1, takes_the_terminal_back_and_stops_its_whole_group_as_the_terminal_would) {
    Story story(RunSettings{}, false);
    EXPECT_EQ(story.stopped(tstp, Foreground::program),
              (Done{{A::take_terminal}, {A::stop_group, tstp}}));
}

TEST(not_pid_1, stops_its_group_by_the_signal_of_a_background_job) {
    for (const int signal : {ttin, ttou}) {
        Story story(RunSettings{}, false);
        EXPECT_EQ(story.stopped(signal, Foreground::other), (Done{{A::stop_group, signal}}));
    }
}

TEST(not_pid_1, stops_only_itself_when_not_the_terminal_stopped_the_program) {
    Story story(RunSettings{}, false);
    EXPECT_EQ(story.stopped(tstp, Foreground::other), (Done{{A::stop_self, tstp}}));
}

TEST(not_pid_1, stops_itself_without_a_known_foreground_only_after_a_stop_by_the_terminal) {
    Story story(RunSettings{}, false);
    EXPECT_EQ(story.on({.kind = other_signal, .signal = tstp, .by_kernel = true}),
              (Done{{A::to_group, tstp}}));
    EXPECT_EQ(story.stopped(tstp, Foreground::unknown), (Done{{A::stop_self, tstp}}));
    story.on({.kind = other_signal, .signal = tstp});
    EXPECT_EQ(story.stopped(tstp, Foreground::unknown), Done{});
}

TEST(not_pid_1, takes_the_terminal_back_and_stops_itself_when_the_program_was_stopped_by_stop) {
    Story story(RunSettings{}, false);
    EXPECT_EQ(story.stopped(19, Foreground::program),
              (Done{{A::take_terminal}, {A::stop_self, 19}}));
}

TEST(not_pid_1, does_no_job_control_without_a_terminal) {
    for (const int signal : {ttin, ttou, tstp, 19}) {
        Story story(RunSettings{}, false);
        EXPECT_EQ(story.stopped(signal, Foreground::unknown), Done{});
        EXPECT_TRUE(story.supervisor.program_stopped());
    }
}

TEST(cont, hands_the_terminal_over_again_when_usher_has_the_foreground) {
    Story story(RunSettings{}, false);
    story.stopped(tstp, Foreground::program);
    EXPECT_EQ(story.on({.kind = other_signal, .signal = cont, .foreground = Foreground::usher}),
              (Done{{A::give_terminal}, {A::resume}}));
}

TEST(cont, is_only_forwarded_when_usher_is_in_the_background) {
    for (const Foreground foreground :
         {Foreground::unknown, Foreground::program, Foreground::other}) {
        Story story(RunSettings{}, false);
        EXPECT_EQ(story.on({.kind = other_signal, .signal = cont, .foreground = foreground}),
                  (Done{{A::to_group, cont}}));
    }
}

TEST(other_signals, do_not_move_the_terminal) {
    Story story(RunSettings{}, false);
    EXPECT_EQ(story.on({.kind = other_signal, .signal = usr1, .foreground = Foreground::usher}),
              (Done{{A::to_main, usr1}}));
}

TEST(orphaned_usher, whose_stop_did_not_happen_hands_over_again_and_continues) {
    Story story(RunSettings{}, false);
    story.stopped(tstp, Foreground::program);
    EXPECT_EQ(story.on({.kind = resumed, .foreground = Foreground::usher}),
              (Done{{A::give_terminal}, {A::resume}}));
}

TEST(orphaned_usher, in_the_background_leaves_the_program_stopped) {
    Story story(RunSettings{}, false);
    story.stopped(tstp, Foreground::other);
    EXPECT_EQ(story.on({.kind = resumed, .foreground = Foreground::other}), Done{});
}

TEST(end_of_the_program, gives_the_terminal_back_only_if_the_program_has_it) {
    for (const Foreground foreground :
         {Foreground::unknown, Foreground::usher, Foreground::other}) {
        Story story(RunSettings{}, false);
        EXPECT_EQ(story.on({.kind = nobody_left, .status = 0, .foreground = foreground}),
                  (Done{{A::leave}}));
    }
    Story story(RunSettings{}, false);
    EXPECT_EQ(story.on({.kind = nobody_left, .status = 0, .foreground = Foreground::program}),
              (Done{{A::take_terminal}, {A::leave}}));
}

// --- lingering -----------------------------------------------------------------------------------

TEST(linger, tells_what_is_left_and_waits) {
    Story story(times(0, infinite, 3 * s));
    EXPECT_EQ(story.main_end(10 * s), (Done{{A::tell_unreached, term}}));
    EXPECT_EQ(story.state(), State::lingering);
    EXPECT_EQ(story.until(), 13 * s);
}

TEST(linger, of_0_leaves_at_once) {
    Story story(times(0, infinite, 0));
    EXPECT_EQ(story.main_end(10 * s, exited(4)), (Done{{A::leave}}));
    EXPECT_EQ(story.state(), State::ended);
    EXPECT_EQ(story.code(), 4);
}

TEST(linger, with_signal_0_tells_nothing_and_just_waits) {
    RunSettings settings = times(0, infinite, 3 * s);
    settings.linger_signal = 0;
    Story story(settings);
    EXPECT_EQ(story.main_end(10 * s), Done{});
    EXPECT_EQ(story.until(), 13 * s);
}

TEST(linger, tells_the_signal_that_was_asked_for_not_rewritten) {
    RunSettings settings = times(0, infinite, 3 * s);
    settings.linger_signal = hup;
    settings.rewrite[hup] = 0;
    Story story(settings);
    EXPECT_EQ(story.main_end(10 * s), (Done{{A::tell_unreached, hup}}));
}

TEST(linger, is_over_when_nobody_is_left) {
    Story story(times(0, infinite, 3 * s));
    story.main_end(10 * s, exited(4));
    EXPECT_EQ(story.all_end(11 * s), (Done{{A::leave}}));
    EXPECT_EQ(story.code(), 4);
}

TEST(linger, is_over_at_its_deadline_with_a_kill) {
    Story story(times(0, infinite, 3 * s));
    story.main_end(10 * s);
    EXPECT_EQ(story.due(13 * s), (Done{{A::name_survivors}, {A::kill_rest}}));
}

TEST(linger, never_goes_past_the_grace_deadline) {
    Story story(times(0, 8 * s, 5 * s));
    story.stop(10 * s);
    story.main_end(16 * s);
    EXPECT_EQ(story.until(), 18 * s);
}

TEST(linger, may_be_shorter_than_what_is_left_of_grace) {
    Story story(times(0, 60 * s, 5 * s));
    story.stop(10 * s);
    story.main_end(16 * s);
    EXPECT_EQ(story.until(), 21 * s);
}

TEST(linger, without_limit_lasts_to_the_grace_deadline) {
    Story story(times(0, 8 * s, infinite));
    story.stop(10 * s);
    story.main_end(12 * s);
    EXPECT_EQ(story.until(), 18 * s);
}

TEST(linger, is_bounded_by_a_grace_that_a_later_stop_signal_begins) {
    Story story(times(0, 8 * s, infinite));
    story.main_end(10 * s);
    EXPECT_EQ(story.until(), infinite);
    EXPECT_EQ(story.stop(20 * s), (Done{{A::tell_rest, term}}));
    EXPECT_EQ(story.until(), 28 * s);
    EXPECT_EQ(story.stop(25 * s), (Done{{A::tell_rest, term}}));
    EXPECT_EQ(story.until(), 28 * s);
}

TEST(linger, is_not_prolonged_by_a_stop_signal) {
    Story story(times(0, 60 * s, 3 * s));
    story.main_end(10 * s);
    story.stop(12 * s);
    EXPECT_EQ(story.until(), 13 * s);
}

TEST(linger, after_a_drained_end_is_bounded_by_a_grace_that_begins_then) {
    Story story(times(5 * s, 1 * s, infinite));
    story.stop(10 * s);
    story.main_end(12 * s);
    EXPECT_EQ(story.until(), 13 * s);
    EXPECT_EQ(story.due(13 * s), (Done{{A::name_survivors}, {A::kill_rest}}));
}

TEST(linger, that_was_not_asked_for_is_what_is_left_of_a_finite_grace) {
    RunSettings settings = times(0, 20 * s, 3 * s);
    settings.linger_is_given = false;
    Story story(settings);
    story.stop(10 * s);
    story.main_end(12 * s);
    EXPECT_EQ(story.until(), 30 * s);
    EXPECT_EQ(story.supervisor.time_left(12 * s), 18 * s);
}

TEST(linger, that_was_not_asked_for_is_3_s_without_a_shutdown_or_without_a_limit_of_grace) {
    for (const Duration grace : {20 * s, infinite}) {
        RunSettings settings = times(0, grace, 3 * s);
        settings.linger_is_given = false;
        Story by_itself(settings);
        by_itself.main_end(12 * s);
        EXPECT_EQ(by_itself.until(), 15 * s);
        Story stopped(settings);
        stopped.stop(10 * s);
        stopped.main_end(12 * s);
        EXPECT_EQ(stopped.until(), grace == infinite ? 15 * s : 30 * s);
    }
}

TEST(linger, that_was_not_asked_for_lasts_to_the_end_of_a_grace_that_begins_meanwhile) {
    RunSettings settings = times(0, 20 * s, 3 * s);
    settings.linger_is_given = false;
    Story story(settings);
    story.main_end(10 * s);
    story.stop(12 * s);
    EXPECT_EQ(story.until(), 32 * s);
}

TEST(linger, passes_other_signals_on_to_those_who_are_left) {
    RunSettings settings = times(0, 8 * s, 3 * s);
    settings.rewrite[usr1] = hup;
    settings.rewrite[ttin] = 0;
    Story story(settings);
    story.main_end(10 * s);
    EXPECT_EQ(story.other(11 * s, hup), (Done{{A::to_all, hup}}));
    EXPECT_EQ(story.other(11 * s, usr1), (Done{{A::to_all, hup}}));
    EXPECT_EQ(story.other(11 * s, ttin), Done{});
    EXPECT_EQ(story.until(), 13 * s);
}

// --- to whom -------------------------------------------------------------------------------------

TEST(forwarding, goes_to_whom_it_is_asked_to_go) {
    const struct {
        Forward forward;
        A stop;
        A other;
        A job;
    } cases[] = {{Forward::main, A::to_main, A::to_main, A::to_main},
                 {Forward::split, A::to_group, A::to_main, A::to_group},
                 {Forward::group, A::to_group, A::to_group, A::to_group},
                 {Forward::all, A::to_all, A::to_all, A::to_all}};
    for (const auto& [forward, stop, other, job] : cases) {
        RunSettings settings = times(0, 8 * s, 3 * s);
        settings.forward = forward;
        Story story(settings);
        EXPECT_EQ(story.other(1 * s, usr1), (Done{{other, usr1}}));
        EXPECT_EQ(story.other(1 * s, tstp), (Done{{job, tstp}}));
        EXPECT_EQ(story.stop(2 * s), (Done{{stop, term}}));
    }
}

TEST(reached_by, is_each_stop_signal_that_went_to_more_than_the_main_process) {
    for (const Forward forward : {Forward::main, Forward::split, Forward::group, Forward::all}) {
        RunSettings settings = times(0, 8 * s, 3 * s);
        settings.forward = forward;
        settings.rewrite[intr] = 3;
        Story story(settings);
        story.other(1 * s, hup);
        EXPECT_EQ(story.supervisor.reached_by(), 0U);
        story.stop(2 * s, term);
        story.stop(3 * s, intr);
        EXPECT_EQ(story.supervisor.reached_by(),
                  forward == Forward::main ? 0U : set_of(term) | set_of(3));
    }
}

TEST(reached_by, is_nothing_of_a_signal_that_is_dropped_or_held_back) {
    RunSettings settings = times(5 * s, 8 * s, 3 * s);
    settings.rewrite[term] = 0;
    Story story(settings);
    story.stop(1 * s, term);
    EXPECT_EQ(story.supervisor.reached_by(), 0U);
    story.due(6 * s);
    EXPECT_EQ(story.state(), State::stopping);
    EXPECT_EQ(story.supervisor.reached_by(), 0U);
}

// --- escalations and the warning -----------------------------------------------------------------

RunSettings escalating(Duration grace = 20 * s) {
    RunSettings settings = times(0, grace, 3 * s);
    settings.escalations = {{{.delay = 4 * s, .signal = 3}, {.delay = 8 * s, .signal = usr1}}};
    settings.escalation_count = 2;
    settings.rewrite[3] = hup;
    return settings;
}

TEST(escalation, is_sent_as_it_is_to_whom_the_stop_went_each_at_its_time) {
    Story story(escalating());
    EXPECT_EQ(story.until(), infinite);
    story.stop(10 * s);
    EXPECT_EQ(story.until(), 14 * s);
    EXPECT_EQ(story.due(14 * s), (Done{{A::to_group, 3}}));
    EXPECT_EQ(story.until(), 18 * s);
    EXPECT_EQ(story.due(18 * s), (Done{{A::to_group, usr1}}));
    EXPECT_EQ(story.until(), 30 * s);
    EXPECT_EQ(story.state(), State::stopping);
}

TEST(escalation, counts_from_the_first_forwarded_stop_signal) {
    RunSettings settings = escalating();
    settings.pre_stop = 5 * s;
    Story story(settings);
    story.stop(10 * s);
    story.due(15 * s);
    story.stop(17 * s);
    EXPECT_EQ(story.until(), 19 * s);
}

TEST(escalation, that_is_due_with_the_end_of_the_grace_comes_first) {
    Story story(escalating());
    story.stop(10 * s);
    EXPECT_EQ(story.due(40 * s), (Done{{A::to_group, 3}}));
    EXPECT_EQ(story.due(40 * s), (Done{{A::to_group, usr1}}));
    EXPECT_EQ(story.due(40 * s), (Done{{A::name_survivors}, {A::kill_rest}}));
    EXPECT_EQ(story.until(), 41 * s);
}

TEST(escalation, continues_a_stopped_program) {
    Story story(escalating());
    story.stopped(19, Foreground::unknown);
    story.stop(10 * s);
    EXPECT_EQ(story.due(14 * s), (Done{{A::to_group, 3}, {A::resume}}));
}

TEST(escalation, while_lingering_goes_to_those_who_are_left) {
    RunSettings settings = escalating();
    settings.linger = infinite;
    Story story(settings);
    story.stop(10 * s);
    story.main_end(11 * s);
    EXPECT_EQ(story.until(), 14 * s);
    EXPECT_EQ(story.due(14 * s), (Done{{A::tell_rest, 3}}));
}

TEST(escalation, does_not_come_without_a_shutdown_nor_after_its_end) {
    Story by_itself(escalating());
    by_itself.main_end(11 * s);
    EXPECT_EQ(by_itself.until(), 14 * s);
    EXPECT_EQ(by_itself.due(14 * s), (Done{{A::name_survivors}, {A::kill_rest}}));
    EXPECT_EQ(by_itself.until(), 15 * s);
    Story stopped(escalating());
    stopped.stop(10 * s);
    stopped.all_end(11 * s, exited(0));
    EXPECT_EQ(stopped.until(), infinite);
}

TEST(still_running, are_named_once_5_s_after_the_forwarded_stop_signal) {
    for (const Duration grace : {20 * s, infinite}) {
        RunSettings settings = times(3 * s, grace, 3 * s);
        settings.advises = true;
        settings.rewrite[term] = 3;
        Story story(settings);
        story.stop(10 * s);
        EXPECT_EQ(story.until(), 13 * s);
        story.due(13 * s);
        EXPECT_EQ(story.until(), 18 * s);
        EXPECT_EQ(story.due(18 * s), (Done{{A::name_still_running, 3}}));
        EXPECT_EQ(story.until(), grace == infinite ? infinite : 33 * s);
        EXPECT_EQ(story.state(), State::stopping);
    }
}

TEST(still_running, are_those_of_the_first_forwarded_stop_signal) {
    RunSettings settings = times(0, 20 * s, 3 * s);
    settings.advises = true;
    Story story(settings);
    story.stop(10 * s);
    story.stop(14 * s, intr);
    EXPECT_EQ(story.due(15 * s), (Done{{A::name_still_running, term}}));
}

TEST(still_running, are_not_named_when_the_program_has_ended_or_was_told_nothing) {
    RunSettings settings = times(0, 20 * s, 3 * s);
    settings.advises = true;
    settings.rewrite[intr] = 0;
    Story ended(settings);
    ended.stop(10 * s);
    ended.main_end(11 * s);
    EXPECT_EQ(ended.until(), 14 * s);
    Story untold(settings);
    untold.stop(10 * s, intr);
    EXPECT_EQ(untold.due(15 * s), Done{});
    EXPECT_EQ(untold.state(), State::stopping);
}

// --- --until all ---------------------------------------------------------------------------------

RunSettings until_all(Duration pre_stop = 0) {
    RunSettings settings = times(pre_stop, 8 * s, 3 * s);
    settings.until = Until::all;
    return settings;
}

TEST(until_all, stays_running_when_the_main_process_ended_with_0) {
    Story story(until_all());
    EXPECT_EQ(story.main_end(1 * s), Done{});
    EXPECT_EQ(story.state(), State::running);
    EXPECT_EQ(story.until(), infinite);
    EXPECT_FALSE(story.supervisor.program_alive());
}

TEST(until_all, reports_who_was_reaped_last_also_when_that_was_together_with_the_main_process) {
    Story daemon(until_all());
    daemon.on({.kind = nobody_left, .status = exited(0), .last_status = exited(3)});
    EXPECT_EQ(daemon.supervisor.exit_code(), 3);
    Story failed(until_all());
    failed.on({.kind = nobody_left, .status = exited(1), .last_status = exited(3)});
    EXPECT_EQ(failed.supervisor.exit_code(), 1);
}

TEST(until_all, is_as_ever_when_the_main_process_failed_or_ended_by_the_stop) {
    Story failed(until_all());
    EXPECT_EQ(failed.main_end(1 * s, exited(1)), (Done{{A::tell_unreached, term}}));
    EXPECT_EQ(failed.state(), State::lingering);
    Story stopped(until_all());
    stopped.stop(1 * s);
    stopped.main_end(2 * s);
    EXPECT_EQ(stopped.state(), State::lingering);
}

TEST(until_all, sends_everything_to_all_who_are_left) {
    Story story(until_all(2 * s));
    story.main_end(1 * s);
    EXPECT_EQ(story.other(2 * s, usr1), (Done{{A::to_all, usr1}}));
    EXPECT_EQ(story.other(2 * s, hup), (Done{{A::tell_rest, hup}}));
    EXPECT_EQ(story.on({.kind = other_signal, .signal = cont, .foreground = Foreground::usher}),
              (Done{{A::to_all, cont}}));
    EXPECT_EQ(story.stop(3 * s), Done{});
    EXPECT_EQ(story.state(), State::draining);
    EXPECT_EQ(story.due(5 * s), (Done{{A::tell_rest, term}}));
    EXPECT_EQ(story.state(), State::stopping);
    EXPECT_EQ(story.due(13 * s), (Done{{A::name_survivors}, {A::kill_rest}}));
}

TEST(until_all, goes_on_draining_when_the_main_process_ends_with_0) {
    Story story(until_all(5 * s));
    story.stop(1 * s);
    EXPECT_EQ(story.main_end(2 * s), Done{});
    EXPECT_EQ(story.state(), State::draining);
    EXPECT_EQ(story.until(), 6 * s);
}

TEST(until_all, reports_the_child_that_was_reaped_last) {
    Story story(until_all());
    story.main_end(1 * s);
    story.gone(2 * s, exited(4));
    story.gone(3 * s, exited(5));
    EXPECT_EQ(story.all_end(4 * s), (Done{{A::leave}}));
    EXPECT_EQ(story.code(), 5);
    Story at_once(until_all());
    at_once.main_end(1 * s);
    at_once.on({.kind = nobody_left, .now = 2 * s, .last_status = killed_by(15)});
    EXPECT_EQ(at_once.code(), 143);
    Story alone(until_all());
    alone.main_end(1 * s);
    alone.all_end(4 * s);
    EXPECT_EQ(alone.code(), 0);
}

// --- what is reported ----------------------------------------------------------------------------

TEST(exit_code, is_the_program_s_own_for_all_256) {
    for (int code = 0; code < 256; ++code) {
        Story story(RunSettings{});
        story.all_end(1 * s, exited(code));
        EXPECT_EQ(story.code(), code);
    }
}

TEST(exit_code, is_128_and_the_signal) {
    for (int signal = 1; signal <= signal_count; ++signal) {
        Story story(RunSettings{});
        story.all_end(1 * s, killed_by(signal));
        EXPECT_EQ(story.code(), 128 + signal);
    }
}

TEST(exit_code, is_137_when_the_main_process_had_to_be_killed) {
    Story story(times(0, 8 * s, 3 * s));
    story.stop(10 * s);
    story.due(18 * s);
    story.all_end(18 * s, killed_by(9));
    EXPECT_EQ(story.code(), 137);
}

TEST(exit_code, is_the_main_process_s_own_when_only_others_had_to_be_killed) {
    Story story(times(0, 8 * s, 3 * s));
    story.stop(10 * s);
    story.main_end(11 * s, exited(0));
    story.due(14 * s);
    EXPECT_EQ(story.state(), State::killing);
    story.all_end(14 * s);
    EXPECT_EQ(story.code(), 0);
}

TEST(exit_code, is_the_main_process_s_own_when_it_ended_just_before_it_was_killed) {
    Story story(times(0, 8 * s, 3 * s));
    story.stop(10 * s);
    story.due(18 * s);
    story.main_end(18 * s, exited(3));
    story.all_end(18 * s);
    EXPECT_EQ(story.code(), 3);
}

TEST(exit_code, of_the_main_process_is_not_replaced_by_a_later_one) {
    Story story(times(0, infinite, 3 * s));
    story.main_end(10 * s, exited(3));
    story.main_end(11 * s, exited(4));
    story.all_end(11 * s, exited(5));
    EXPECT_EQ(story.code(), 3);
}

TEST(exit_code, is_remapped) {
    RunSettings settings = times(0, 8 * s, 3 * s);
    settings.exit_code[143] = 0;
    settings.exit_code[1] = 42;
    settings.exit_code[137] = 9;
    Story terminated(settings);
    terminated.all_end(1 * s, killed_by(term));
    EXPECT_EQ(terminated.code(), 0);
    Story failed(settings);
    failed.all_end(1 * s, exited(1));
    EXPECT_EQ(failed.code(), 42);
    Story hung(settings);
    hung.stop(1 * s);
    hung.due(9 * s);
    hung.due(10 * s);
    EXPECT_EQ(hung.code(), 9);
}

// A stop by --heal.

RunSettings with_heal() {
    RunSettings settings;
    settings.heal.checks.count = 1;
    settings.pre_stop = 30 * s;
    return settings;
}

TEST(Heal, stops_without_a_drain_and_within_its_own_grace) {
    Story story(with_heal());
    EXPECT_EQ(story.on({.kind = unhealthy, .now = 100 * s}), Done({{A::to_group, term}}));
    EXPECT_EQ(story.supervisor.state(), State::stopping);
    EXPECT_EQ(story.supervisor.deadline(), 105 * s);  // who runs on is named first
    story.due(105 * s);
    EXPECT_EQ(story.supervisor.deadline(), 110 * s);
    EXPECT_EQ(story.due(110 * s), Done({{A::name_survivors}, {A::kill_rest}}));
}

TEST(Heal, sends_its_signal_as_it_is_written) {
    RunSettings settings = with_heal();
    settings.heal.signal = sig::quit;
    settings.rewrite[sig::quit] = sig::hup;
    Story story(settings);
    EXPECT_EQ(story.on({.kind = unhealthy, .now = 0}), Done({{A::to_group, sig::quit}}));
    EXPECT_EQ(story.supervisor.reached_by(), set_of(sig::quit));
}

TEST(Heal, ends_with_69_whatever_the_program_returns_and_is_remapped) {
    for (const int status : {exited(0), exited(3), killed_by(term)}) {
        RunSettings settings = with_heal();
        settings.exit_code[69] = 0;
        Story story(settings);
        story.on({.kind = unhealthy, .now = 0});
        EXPECT_EQ(story.all_end(1 * s, status), Done({{A::leave}}));
        EXPECT_EQ(story.supervisor.exit_code(), 69);
    }
}

TEST(Heal, comes_too_late_once_a_stop_has_begun) {
    Story story(with_heal());
    story.stop(10 * s);
    EXPECT_EQ(story.on({.kind = unhealthy, .now = 11 * s}), Done());
    EXPECT_EQ(story.supervisor.state(), State::draining);
    story.all_end(12 * s, exited(3));
    EXPECT_EQ(story.supervisor.exit_code(), 3);
}

TEST(Heal, goes_to_all_that_a_daemon_left_to_run) {
    RunSettings settings = with_heal();
    settings.until = Until::all;
    Story story(settings);
    story.main_end(1 * s);
    EXPECT_EQ(story.on({.kind = unhealthy, .now = 2 * s}), Done({{A::tell_rest, term}}));
}

TEST(Heal, has_no_escalation_behind_its_grace) {
    RunSettings settings = with_heal();
    settings.advises = false;
    settings.heal.grace = 2 * s;
    settings.escalations[0] = {.delay = 1 * s, .signal = sig::quit};
    settings.escalations[1] = {.delay = 5 * s, .signal = sig::abrt};
    settings.escalation_count = 2;
    Story story(settings);
    story.on({.kind = unhealthy, .now = 0});
    EXPECT_EQ(story.due(1 * s), Done({{A::to_group, sig::quit}}));
    EXPECT_EQ(story.due(2 * s), Done({{A::name_survivors}, {A::kill_rest}}));
    EXPECT_EQ(story.supervisor.deadline(), 3 * s);
}

}  // namespace
}  // namespace usher
