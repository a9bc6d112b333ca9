// SPDX-License-Identifier: MIT
#include "run_settings.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "text_of.hpp"
#include "words.hpp"

namespace usher {
namespace {

using test::Words;

struct Outcome {
    std::shared_ptr<const Words> words;  // which the settings may point to
    RunSettings settings;
    std::optional<RunCommandLine> line;
    std::string complaint;
};

std::string text_of(const BadInput& bad) {
    char room[512];
    Writer line(room);
    if (!bad.problem.empty()) add_bad_input(line, bad);
    return std::string(line.view());
}

// The environment first, then the command line, as the run form does.
Outcome given(std::initializer_list<const char*> variables,
              std::initializer_list<const char*> words) {
    Outcome outcome;
    BadInput bad;
    for (const char* variable : variables) {
        if (!apply_variable(outcome.settings, variable, bad)) {
            outcome.complaint = text_of(bad);
            return outcome;
        }
    }
    outcome.words = std::make_shared<const Words>(words);
    outcome.line = apply_command_line(outcome.settings, *outcome.words, bad);
    if (!outcome.line) outcome.complaint = text_of(bad);
    return outcome;
}

RunSettings settings_of(std::initializer_list<const char*> words) {
    const Outcome outcome = given({}, words);
    EXPECT_TRUE(outcome.line) << outcome.complaint;
    return outcome.settings;
}

RunSettings settings_from(std::initializer_list<const char*> variables) {
    const Outcome outcome = given(variables, {"app"});
    EXPECT_TRUE(outcome.line) << outcome.complaint;
    return outcome.settings;
}

constexpr SignalSet term_and_int = set_of(15) | set_of(2);

TEST(run_settings, begin_with_the_defaults_of_the_contract) {
    const RunSettings settings;
    EXPECT_EQ(settings.forward, Forward::split);
    EXPECT_EQ(settings.wording.style.format, LogFormat::text);
    EXPECT_EQ(settings.stop_signals, term_and_int);
    EXPECT_EQ(settings.pre_stop, 0);
    EXPECT_EQ(settings.grace, infinite);
    EXPECT_EQ(settings.linger, 3 * second);
    EXPECT_EQ(settings.linger_signal, 15);
    EXPECT_EQ(settings.parent_death, 0);
    EXPECT_TRUE(settings.use_terminal);
    EXPECT_EQ(settings.verbosity, 0);
    EXPECT_FALSE(settings.nested);
    EXPECT_FALSE(settings.mark_nested);
    for (std::size_t i = 0; i <= signal_count; ++i) EXPECT_EQ(settings.rewrite[i], i);
    for (std::size_t i = 0; i < 256; ++i) EXPECT_EQ(settings.exit_code[i], i);
}

TEST(run_settings, defaults_are_those_that_help_shows) {
    RunSettings shown;
    BadInput bad;
    for (const Option& option : option_table()) {
        if (option.fallback().empty() || (option.commands & 1) == 0) continue;
        const std::string entry = "--" + text_of(option.name()) + "=" + text_of(option.fallback());
        const Words words{entry.c_str(), "app"};
        ASSERT_TRUE(apply_command_line(shown, words, bad)) << entry;
    }
    const RunSettings settings;
    EXPECT_EQ(shown.forward, settings.forward);
    EXPECT_EQ(shown.wording.style.format, settings.wording.style.format);
    EXPECT_EQ(shown.stop_signals, settings.stop_signals);
    EXPECT_EQ(shown.pre_stop, settings.pre_stop);
    EXPECT_EQ(shown.grace, settings.grace);
    EXPECT_EQ(shown.linger, settings.linger);
    EXPECT_EQ(shown.linger_signal, settings.linger_signal);
}

TEST(command_line, sets_each_option) {
    EXPECT_EQ(settings_of({"-f", "main", "app"}).forward, Forward::main);
    EXPECT_EQ(settings_of({"--forward=all", "app"}).forward, Forward::all);
    EXPECT_EQ(settings_of({"-fall", "-g", "app"}).forward, Forward::group);
    EXPECT_EQ(settings_of({"-c", "app"}).forward, Forward::main);
    EXPECT_EQ(settings_of({"-d", "5s", "app"}).pre_stop, 5 * second);
    EXPECT_EQ(settings_of({"-t", "8", "app"}).grace, 8 * second);
    EXPECT_EQ(settings_of({"--grace", "0", "app"}).grace, 0);
    EXPECT_EQ(settings_of({"--linger", "inf", "app"}).linger, infinite);
    EXPECT_EQ(settings_of({"--linger", "0", "app"}).linger, 0);
    EXPECT_EQ(settings_of({"--linger-signal", "HUP", "app"}).linger_signal, 1);
    EXPECT_EQ(settings_of({"--linger-signal", "0", "app"}).linger_signal, 0);
    EXPECT_EQ(settings_of({"-p", "KILL", "app"}).parent_death, 9);
    EXPECT_FALSE(settings_of({"--no-tty", "app"}).use_terminal);
    EXPECT_EQ(settings_of({"--log-format", "json", "app"}).wording.style.format, LogFormat::json);
    EXPECT_EQ(settings_of({"-vv", "app"}).verbosity, 2);
    EXPECT_EQ(settings_of({"-q", "app"}).verbosity, -1);
    EXPECT_EQ(settings_of({"-vvq", "app"}).verbosity, 1);
}

TEST(command_line, accepts_the_subreaper_flag_without_effect) {
    const Outcome outcome = given({}, {"-s", "--subreaper", "app"});
    ASSERT_TRUE(outcome.line) << outcome.complaint;
    EXPECT_EQ(outcome.line->program, 2U);
}

TEST(command_line, tells_where_the_program_is) {
    EXPECT_EQ(given({}, {"app", "-v"}).line->program, 0U);
    EXPECT_EQ(given({}, {"-t", "5", "app"}).line->program, 2U);
    EXPECT_EQ(given({}, {"-v", "--", "-v"}).line->program, 2U);
    EXPECT_EQ(given({}, {"--", "--"}).line->program, 1U);
    EXPECT_EQ(given({}, {"app"}).line->request, RunRequest::run);
}

TEST(command_line, needs_a_program) {
    for (const auto& words : {std::initializer_list<const char*>{}, {"--"}, {"-v"}, {"-v", "--"}}) {
        const Outcome outcome = given({}, words);
        EXPECT_FALSE(outcome.line);
        EXPECT_NE(outcome.complaint.find("no program given"), std::string::npos);
    }
}

TEST(command_line, asks_for_help_version_and_license_without_a_program) {
    EXPECT_EQ(given({}, {"--help"}).line->request, RunRequest::help);
    EXPECT_EQ(given({}, {"-h", "--nonsense"}).line->request, RunRequest::help);
    EXPECT_EQ(given({}, {"-vV"}).line->request, RunRequest::version);
    EXPECT_EQ(given({}, {"--version"}).line->request, RunRequest::version);
    EXPECT_EQ(given({}, {"--license"}).line->request, RunRequest::license);
    EXPECT_EQ(given({}, {"--", "--help"}).line->request, RunRequest::run);
}

TEST(rewrite, replaces_one_signal_by_another_or_drops_it) {
    const RunSettings settings =
        settings_of({"-r", "TERM:QUIT", "--rewrite=HUP:0,USR1:RTMIN+3", "app"});
    EXPECT_EQ(settings.rewrite[15], 3);
    EXPECT_EQ(settings.rewrite[1], 0);
    EXPECT_EQ(settings.rewrite[10], 37);
    EXPECT_EQ(settings.rewrite[2], 2);
    EXPECT_EQ(settings.stop_signals, term_and_int);
}

TEST(rewrite, is_only_from_what_can_arrive) {
    for (int signal = 1; signal <= signal_count; ++signal) {
        const std::string text = std::to_string(signal) + ":TERM";
        const bool refused = signal == 9 || signal == 19 || signal == 17;
        EXPECT_EQ(!given({}, {"-r", text.c_str(), "app"}).line, refused) << signal;
    }
}

TEST(lists, end_with_no_comma) {
    EXPECT_FALSE(given({}, {"-r", "TERM:QUIT,", "app"}).line);
    EXPECT_FALSE(given({}, {"--stop-signal", "TERM,", "app"}).line);
    EXPECT_FALSE(given({}, {"-e", "1,", "app"}).line);
}

TEST(rewrite, of_the_same_signal_is_decided_by_the_last) {
    EXPECT_EQ(settings_of({"-r", "15:3", "-r", "15:1", "app"}).rewrite[15], 1);
}

TEST(stop_signals, of_the_command_line_replace_the_default) {
    EXPECT_EQ(settings_of({"--stop-signal", "QUIT", "app"}).stop_signals, set_of(3));
    EXPECT_EQ(settings_of({"--stop-signal", "QUIT,WINCH", "app"}).stop_signals,
              set_of(3) | set_of(28));
    EXPECT_EQ(settings_of({"--stop-signal", "USR1", "--stop-signal", "64", "app"}).stop_signals,
              set_of(10) | set_of(64));
}

TEST(stop_signals, cannot_be_kill_stop_or_chld_but_any_other) {
    for (int signal = 1; signal <= signal_count; ++signal) {
        const std::string number = std::to_string(signal);
        const Outcome outcome = given({}, {"--stop-signal", number.c_str(), "app"});
        const bool refused = signal == 9 || signal == 19 || signal == 17;
        EXPECT_EQ(!outcome.line, refused) << signal;
        EXPECT_TRUE(refused || outcome.settings.stop_signals == set_of(signal)) << signal;
    }
}

TEST(exit_codes, are_reported_as_another_or_as_success) {
    const RunSettings settings = settings_of({"-e", "143", "--remap-exit=1:2,255:0", "app"});
    EXPECT_EQ(settings.exit_code[143], 0);
    EXPECT_EQ(settings.exit_code[1], 2);
    EXPECT_EQ(settings.exit_code[255], 0);
    EXPECT_EQ(settings.exit_code[2], 2);
    EXPECT_EQ(settings.exit_code[0], 0);
}

TEST(exit_codes, are_remapped_once_not_in_a_chain) {
    const RunSettings settings = settings_of({"-e", "1:2", "-e", "2:3", "app"});
    EXPECT_EQ(settings.exit_code[1], 2);
    EXPECT_EQ(settings.exit_code[2], 3);
}

struct BadValue {
    const char* option;
    const char* value;
    const char* problem;
};

class BadValues : public testing::TestWithParam<BadValue> {};

TEST_P(BadValues, are_refused_naming_option_word_and_what_is_accepted) {
    const auto& [option, value, problem] = GetParam();
    const std::string word = std::string("--") + option + "=" + value;
    const Outcome outcome = given({}, {word.c_str(), "app"});
    EXPECT_FALSE(outcome.line);
    EXPECT_EQ(outcome.complaint.rfind(std::string("--") + option + ": " + problem, 0), 0U)
        << outcome.complaint;
    EXPECT_NE(outcome.complaint.find("; accepted: "), std::string::npos) << outcome.complaint;
}

TEST_P(BadValues, are_refused_in_the_variable_as_well) {
    const auto& [option, value, problem] = GetParam();
    if (value[0] == 0) return;  // an empty variable is an unset one
    char room[64];
    Writer name(room);
    add_variable_name(name, *find_option(Command::run, option));
    const std::string variable(name.view());
    const Outcome outcome = given({(variable + "=" + value).c_str()}, {"app"});
    EXPECT_EQ(outcome.complaint.rfind(variable + ": " + problem, 0), 0U) << outcome.complaint;
}

INSTANTIATE_TEST_SUITE_P(
    run_settings, BadValues,
    testing::Values(BadValue{"grace", "", "not a duration ''"},
                    BadValue{"grace", "1m30", "not a duration '1m30'"},
                    BadValue{"grace", "5x", "not a duration '5x'"},
                    BadValue{"grace", "-1", "not a duration '-1'"},
                    BadValue{"grace", "400y", "not a duration '400y'"},
                    BadValue{"linger", "never", "not a duration 'never'"},
                    BadValue{"pre-stop", "inf", "not a duration 'inf'"},
                    BadValue{"pre-stop", "99999999999d", "not a duration '99999999999d'"},
                    BadValue{"linger-signal", "", "not a signal ''"},
                    BadValue{"linger-signal", "65", "not a signal '65'"},
                    BadValue{"linger-signal", "00", "not a signal '00'"},
                    BadValue{"parent-death", "0", "not a signal '0'"},
                    BadValue{"parent-death", "SIGSIG", "not a signal 'SIGSIG'"},
                    BadValue{"stop-signal", "", "not a signal ''"},
                    BadValue{"stop-signal", "0", "not a signal '0'"},
                    BadValue{"stop-signal", "TERM,,INT", "not a signal ''"},
                    BadValue{"stop-signal", ",TERM", "not a signal ''"},
                    BadValue{"stop-signal", "TERM INT", "not a signal 'TERM INT'"},
                    BadValue{"stop-signal", "KILL", "cannot ask for shutdown: 'KILL'"},
                    BadValue{"stop-signal", "SIGSTOP", "cannot ask for shutdown: 'SIGSTOP'"},
                    BadValue{"stop-signal", "TERM,17", "cannot ask for shutdown: '17'"},
                    BadValue{"rewrite", "", "not a rewrite ''"},
                    BadValue{"rewrite", "TERM", "not a rewrite 'TERM'"},
                    BadValue{"rewrite", "TERM:", "not a rewrite 'TERM:'"},
                    BadValue{"rewrite", ":TERM", "not a rewrite ':TERM'"},
                    BadValue{"rewrite", "0:TERM", "not a rewrite '0:TERM'"},
                    BadValue{"rewrite", "TERM:65", "not a rewrite 'TERM:65'"},
                    BadValue{"rewrite", "TERM:INT:HUP", "not a rewrite 'TERM:INT:HUP'"},
                    BadValue{"rewrite", "TERM=INT", "not a rewrite 'TERM=INT'"},
                    BadValue{"rewrite", "TERM:INT,x", "not a rewrite 'x'"},
                    BadValue{"remap-exit", "", "not an exit status ''"},
                    BadValue{"remap-exit", "256", "not an exit status '256'"},
                    BadValue{"remap-exit", "-1", "not an exit status '-1'"},
                    BadValue{"remap-exit", "1:256", "not an exit status '1:256'"},
                    BadValue{"remap-exit", "1:", "not an exit status '1:'"},
                    BadValue{"remap-exit", ":1", "not an exit status ':1'"},
                    BadValue{"remap-exit", "1:2:3", "not an exit status '1:2:3'"},
                    BadValue{"remap-exit", "TERM", "not an exit status 'TERM'"},
                    BadValue{"remap-exit", "1,,2", "not an exit status ''"},
                    BadValue{"forward", "", "cannot forward to ''"},
                    BadValue{"forward", "Group", "cannot forward to 'Group'"},
                    BadValue{"forward", "children", "cannot forward to 'children'"},
                    BadValue{"log-format", "", "no log format ''"},
                    BadValue{"log-format", "JSON", "no log format 'JSON'"},
                    BadValue{"log-format", "xml", "no log format 'xml'"}));

TEST(command_line, names_a_letter_as_it_was_written) {
    EXPECT_EQ(given({}, {"-vt5x", "app"}).complaint.rfind("-vt5x: not a duration '5x'", 0), 0U);
}

TEST(variables, set_what_their_options_set) {
    EXPECT_EQ(settings_from({"USHER_GRACE=8s"}).grace, 8 * second);
    EXPECT_EQ(settings_from({"USHER_PRE_STOP=5"}).pre_stop, 5 * second);
    EXPECT_EQ(settings_from({"USHER_FORWARD=all"}).forward, Forward::all);
    EXPECT_EQ(settings_from({"USHER_STOP_SIGNAL=QUIT,WINCH"}).stop_signals, set_of(3) | set_of(28));
    EXPECT_EQ(settings_from({"USHER_REWRITE=TERM:QUIT,HUP:0"}).rewrite[15], 3);
    EXPECT_EQ(settings_from({"USHER_REWRITE=TERM:QUIT,HUP:0"}).rewrite[1], 0);
    EXPECT_EQ(settings_from({"USHER_REMAP_EXIT=143,1:2"}).exit_code[1], 2);
    EXPECT_EQ(settings_from({"USHER_LINGER=1s"}).linger, second);
    EXPECT_EQ(settings_from({"USHER_LINGER_SIGNAL=0"}).linger_signal, 0);
    EXPECT_EQ(settings_from({"USHER_PARENT_DEATH=TERM"}).parent_death, 15);
    EXPECT_EQ(settings_from({"USHER_LOG_FORMAT=json"}).wording.style.format, LogFormat::json);
}

TEST(variables, that_switch_are_1_true_0_or_false) {
    for (const char* on : {"USHER_NO_TTY=1", "USHER_NO_TTY=true", "USHER_NO_TTY=True"}) {
        EXPECT_FALSE(settings_from({on}).use_terminal) << on;
    }
    for (const char* off : {"USHER_NO_TTY=0", "USHER_NO_TTY=false", "USHER_NO_TTY="}) {
        EXPECT_TRUE(settings_from({off}).use_terminal) << off;
    }
    for (const char* bad : {"USHER_NO_TTY=2", "USHER_NO_TTY=yes", "USHER_SUBREAPER=on"}) {
        EXPECT_NE(given({bad}, {"app"}).complaint.find(": not a switch '"), std::string::npos)
            << bad;
    }
}

TEST(variables, of_verbosity_may_count) {
    EXPECT_EQ(settings_from({"USHER_VERBOSE=1"}).verbosity, 1);
    EXPECT_EQ(settings_from({"USHER_VERBOSE=true"}).verbosity, 1);
    EXPECT_EQ(settings_from({"USHER_VERBOSE=2"}).verbosity, 2);
    EXPECT_EQ(settings_from({"USHER_VERBOSE=0"}).verbosity, 0);
    EXPECT_EQ(settings_from({"USHER_QUIET=2"}).verbosity, -2);
    EXPECT_NE(given({"USHER_VERBOSE=4"}, {"app"}).complaint, "");
    EXPECT_NE(given({"USHER_VERBOSE=-1"}, {"app"}).complaint, "");
}

TEST(variables, that_are_empty_are_unset) {
    const RunSettings settings =
        settings_from({"USHER_GRACE=", "USHER_STOP_SIGNAL=", "USHER_REWRITE=", "USHER_FORWARD=",
                       "USHER_PRE_STOP=", "USHER_GRACE"});
    EXPECT_EQ(settings.grace, infinite);
    EXPECT_EQ(settings.stop_signals, term_and_int);
    EXPECT_FALSE(settings.mark_nested);
}

TEST(variables, of_other_names_do_nothing) {
    for (const char* entry : {"PATH=/bin", "USHER_GRCE=x", "GRACE=x", "=", "", "USHER_HELP=1",
                              "USHER_SERVICE_PORT=80", "usher_grace=x"}) {
        EXPECT_TRUE(given({entry}, {"app"}).line) << entry;
    }
}

TEST(command_line, wins_over_the_environment) {
    EXPECT_EQ(given({"USHER_GRACE=8s"}, {"-t", "2s", "app"}).settings.grace, 2 * second);
    EXPECT_EQ(given({"USHER_FORWARD=all"}, {"-c", "app"}).settings.forward, Forward::main);
    EXPECT_EQ(
        given({"USHER_LINGER_SIGNAL=0"}, {"--linger-signal=INT", "app"}).settings.linger_signal, 2);
}

TEST(command_line, replaces_whole_lists_of_the_environment) {
    EXPECT_EQ(
        given({"USHER_STOP_SIGNAL=QUIT,HUP"}, {"--stop-signal=USR1", "app"}).settings.stop_signals,
        set_of(10));
    const RunSettings rewritten =
        given({"USHER_REWRITE=TERM:QUIT"}, {"-r", "HUP:0", "app"}).settings;
    EXPECT_EQ(rewritten.rewrite[15], 15);
    EXPECT_EQ(rewritten.rewrite[1], 0);
    const RunSettings remapped =
        given({"USHER_REMAP_EXIT=143"}, {"-e", "1", "-e", "2", "app"}).settings;
    EXPECT_EQ(remapped.exit_code[143], 143);
    EXPECT_EQ(remapped.exit_code[1], 0);
    EXPECT_EQ(remapped.exit_code[2], 0);
}

TEST(command_line, replaces_the_verbosity_of_the_environment) {
    EXPECT_EQ(given({"USHER_VERBOSE=2"}, {"-q", "app"}).settings.verbosity, -1);
    EXPECT_EQ(given({"USHER_QUIET=1"}, {"-vq", "-v", "app"}).settings.verbosity, 1);
    EXPECT_EQ(given({"USHER_VERBOSE=2"}, {"app"}).settings.verbosity, 2);
}

TEST(nested_usher, leaves_the_drain_delay_of_the_environment_to_the_outermost) {
    const Outcome outer = given({"USHER_PRE_STOP=5s"}, {"app"});
    EXPECT_EQ(outer.settings.pre_stop, 5 * second);
    EXPECT_TRUE(outer.settings.mark_nested);
    const Outcome inner = given({"USHER_PRE_STOP=5s", "USHER_NESTED=1"}, {"app"});
    EXPECT_EQ(inner.settings.pre_stop, 0);
    const Outcome other_order = given({"USHER_NESTED=1", "USHER_PRE_STOP=5s"}, {"app"});
    EXPECT_EQ(other_order.settings.pre_stop, 0);
    EXPECT_TRUE(inner.settings.nested && other_order.settings.nested);
}

TEST(heal, is_off_until_a_check_is_given) {
    EXPECT_FALSE(settings_of({"--heal-grace", "1s", "app"}).heal.is_on());
    const HealSettings heal = settings_of({"--heal", ":8080/", "--heal", "file:/a,b", "app"}).heal;
    ASSERT_EQ(heal.checks.count, 2U);
    EXPECT_EQ(heal.interval, 10 * second);
    EXPECT_EQ(heal.timeout, 3 * second);
    EXPECT_EQ(heal.retries, 3);
    EXPECT_EQ(heal.start_period, infinite);
    EXPECT_EQ(heal.grace, 10 * second);
    EXPECT_EQ(heal.signal, 15);
}

TEST(heal, takes_a_list_with_blanks_from_the_environment) {
    const HealSettings heal =
        settings_from({"USHER_HEAL= file:/a \t\n:80/ ", "USHER_HEAL_RETRIES=7",
                       "USHER_HEAL_SIGNAL=QUIT", "USHER_HEAL_GRACE=2s"})
            .heal;
    ASSERT_EQ(heal.checks.count, 2U);
    EXPECT_EQ(heal.checks.items[0], "file:/a");
    EXPECT_EQ(heal.checks.items[1], ":80/");
    EXPECT_EQ(heal.retries, 7);
    EXPECT_EQ(heal.signal, 3);
    EXPECT_EQ(heal.grace, 2 * second);
    const Outcome both = given({"USHER_HEAL=file:/a"}, {"--heal", "file:/b", "app"});
    EXPECT_EQ(both.settings.heal.checks.count, 1U);  // the command line's
}

TEST(heal, of_the_environment_is_the_outermost_usher_s) {
    const Outcome outer = given({"USHER_HEAL=file:/a"}, {"app"});
    EXPECT_TRUE(outer.settings.heal.is_on() && outer.settings.mark_nested);
    const char* mark = nested_mark;
    EXPECT_FALSE(given({"USHER_HEAL=file:/a", mark}, {"app"}).settings.heal.is_on());
    EXPECT_TRUE(given({mark}, {"--heal", "file:/a", "app"}).settings.heal.is_on());
}

TEST(heal, takes_16_checks) {
    std::string list = "USHER_HEAL=";
    for (int i = 0; i < 16; ++i) list += "file:/ ";
    EXPECT_EQ(settings_from({list.c_str()}).heal.checks.count, 16U);
    list += "file:/x";
    EXPECT_EQ(given({list.c_str()}, {"app"}).complaint,
              "USHER_HEAL: one check too many; accepted: up to 16");
}

TEST(wait_for, lasts_a_minute_unless_another_time_is_given) {
    EXPECT_EQ(settings_of({"app"}).wait.checks.count, 0U);
    const WaitSettings wait = settings_of({"--wait-for", "tcp://db:1,2", "app"}).wait;
    EXPECT_EQ(wait.checks.count, 1U);  // its comma is no end
    EXPECT_EQ(wait.timeout, 60 * second);
    EXPECT_EQ(settings_of({"--wait-timeout", "5", "app"}).wait.timeout, 5 * second);
    EXPECT_EQ(settings_of({"--wait-timeout", "0", "app"}).wait.timeout, infinite);
    EXPECT_EQ(settings_of({"--wait-timeout", "inf", "app"}).wait.timeout, infinite);
    EXPECT_EQ(given({}, {"--wait-timeout", "soon", "app"}).complaint.substr(0, 15),
              "--wait-timeout:");
}

TEST(wait_for, takes_a_list_with_blanks_from_the_environment) {
    const WaitSettings wait =
        settings_from({"USHER_WAIT_FOR=tcp://db:5432\thttp://auth:8080/ \n file:/a",
                       "USHER_WAIT_TIMEOUT=0.5"})
            .wait;
    ASSERT_EQ(wait.checks.count, 3U);
    EXPECT_EQ(wait.checks.items[1], "http://auth:8080/");
    EXPECT_EQ(wait.timeout, 500 * millisecond);
    const Outcome both =
        given({"USHER_WAIT_FOR=file:/a file:/b"}, {"--wait-for", "file:/c", "app"});
    EXPECT_EQ(both.settings.wait.checks.count, 1U);  // the command line's
}

TEST(wait_for, of_the_environment_is_the_outermost_usher_s) {
    EXPECT_TRUE(given({"USHER_WAIT_FOR=file:/a"}, {"app"}).settings.mark_nested);
    EXPECT_EQ(given({"USHER_WAIT_FOR=file:/a", nested_mark}, {"app"}).settings.wait.checks.count,
              0U);
}

TEST(nested_usher, keeps_a_drain_delay_of_its_own_command_line) {
    EXPECT_EQ(given({"USHER_PRE_STOP=5s", "USHER_NESTED=1"}, {"-d", "2s", "app"}).settings.pre_stop,
              2 * second);
}

TEST(nested_usher, is_known_by_the_exact_mark_only) {
    EXPECT_FALSE(settings_from({"USHER_NESTED=0"}).nested);
    EXPECT_FALSE(settings_from({"USHER_NESTED="}).nested);
    EXPECT_FALSE(settings_from({"USHER_NESTED=10"}).nested);
    EXPECT_TRUE(settings_from({std::string(nested_mark).c_str()}).nested);
}

TEST(nested_usher, is_not_marked_for_a_delay_of_the_command_line) {
    EXPECT_FALSE(given({}, {"-d", "5s", "app"}).settings.mark_nested);
}

TEST(user, is_given_as_an_option_or_a_variable_and_the_option_wins) {
    const Outcome given_here = given({}, {"-u", "app:www", "app"});
    const UserSettings& option = given_here.settings.user;
    EXPECT_EQ(option.spec.user.text, "app");
    EXPECT_EQ(option.spec.group.text, "www");
    EXPECT_FALSE(option.is_variable);
    const UserSettings variable = settings_from({"USHER_USER=1000:1000"}).user;
    EXPECT_EQ(variable.spec.user.id, 1000U);
    EXPECT_TRUE(variable.is_variable);
    const Outcome both = given({"USHER_USER=app"}, {"--user=5:6", "app"});
    EXPECT_EQ(both.settings.user.spec.text, "5:6");
    EXPECT_FALSE(both.settings.user.is_variable);
    EXPECT_TRUE(settings_from({"USHER_USER="}).user.spec.text.empty());
}

TEST(user, must_be_one) {
    EXPECT_NE(given({}, {"-u", "app:", "app"}).complaint.find("-u: not a user 'app:'; accepted: "),
              std::string::npos);
    EXPECT_NE(given({"USHER_USER=4294967295"}, {"app"})
                  .complaint.find("USHER_USER: a number out of range: '4294967295'"),
              std::string::npos);
}

TEST(owned, paths_are_listed_and_the_command_line_replaces_the_list) {
    const auto paths = [](const UserSettings& user) {
        return std::vector<std::string>(
            user.owned.begin(), user.owned.begin() + static_cast<std::ptrdiff_t>(user.owned_count));
    };
    const Outcome listed = given({"USHER_USER=a", "USHER_OWN=/a,b c"}, {"app"});
    EXPECT_EQ(paths(listed.settings.user), (std::vector<std::string>{"/a", "b c"}));
    const Outcome given_here =
        given({"USHER_USER=a", "USHER_OWN=/a"}, {"--own", "/b,c", "--own=/d", "app"});
    EXPECT_EQ(paths(given_here.settings.user), (std::vector<std::string>{"/b,c", "/d"}));
}

TEST(owned, paths_are_paths_of_somebody_and_no_more_than_eight) {
    EXPECT_NE(given({}, {"--own", "/a", "app"})
                  .complaint.find("--own: there is no user to give it to: '/a'"),
              std::string::npos);
    EXPECT_NE(given({"USHER_USER=a", "USHER_OWN=/a,"}, {"app"}).complaint.find("no path"),
              std::string::npos);
    const Outcome full = given({"USHER_USER=a", "USHER_OWN=1,2,3,4,5,6,7,8"}, {"app"});
    EXPECT_EQ(full.settings.user.owned_count, 8U);
    EXPECT_NE(given({"USHER_USER=a", "USHER_OWN=1,2,3,4,5,6,7,8,9"}, {"app"})
                  .complaint.find("one path too many: '9'; accepted: up to 8"),
              std::string::npos);
}

TEST(nested_usher, leaves_user_and_own_of_the_environment_to_the_outermost) {
    EXPECT_TRUE(given({"USHER_USER=a"}, {"app"}).settings.mark_nested);
    EXPECT_FALSE(given({}, {"-u", "a", "app"}).settings.mark_nested);
    const Outcome inner = given({"USHER_USER=a", "USHER_OWN=/a", nested_mark}, {"app"});
    EXPECT_TRUE(inner.settings.user.spec.text.empty());
    EXPECT_EQ(inner.settings.user.owned_count, 0U);
    EXPECT_EQ(given({"USHER_USER=a", nested_mark}, {"-u", "b", "app"}).settings.user.spec.text,
              "b");
}

}  // namespace
}  // namespace usher
