// SPDX-License-Identifier: MIT
#include "options.hpp"

#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string>

#include "text_of.hpp"

#include "words.hpp"

namespace usher {
namespace {

using test::Words;

struct Read {
    std::vector<std::string> options;  ///< "grace=5s"
    std::size_t used = 0;
    BadInput bad;
    std::string complaint;
};

Read read(Command command, std::span<char* const> words) {
    Read result;
    OptionReader reader(command, words);
    while (const Option* option = reader.next()) {
        std::string text =
            !option->name().empty() ? text_of(option->name()) : std::string(1, option->letter);
        if (option->takes_value()) text += "=" + std::string(reader.value());
        result.options.push_back(text);
    }
    result.used = reader.used();
    result.bad = reader.bad();
    char room[512];
    Writer line(room);
    if (!result.bad.problem.empty()) add_bad_input(line, result.bad);
    result.complaint = line.view();
    return result;
}

Read read_run(std::initializer_list<const char*> words) { return read(Command::run, Words(words)); }

using Strings = std::vector<std::string>;

bool known_in(const Option& option, Command command) {
    return (option.commands >> static_cast<int>(command) & 1) != 0;
}

std::vector<Command> all_commands() {
    std::vector<Command> commands;
    for (int i = 0; i < command_count; ++i) commands.push_back(static_cast<Command>(i));
    return commands;
}

TEST(option_table, knows_every_option_in_some_command) {
    EXPECT_FALSE(option_table().empty());
    for (const Option& option : option_table()) {
        EXPECT_NE(option.commands, 0) << option.name();
    }
}

TEST(option_table, gives_no_name_and_no_letter_twice_within_a_command) {
    for (const Command command : all_commands()) {
        std::set<std::string> seen;
        for (const Option& option : option_table()) {
            if (!known_in(option, command)) continue;
            if (!option.name().empty()) {
                EXPECT_TRUE(seen.insert(text_of(option.name())).second) << option.name();
            }
            if (option.letter != 0) {
                EXPECT_TRUE(seen.insert({option.letter}).second) << option.name();
            }
            EXPECT_TRUE(!option.name().empty() || option.letter != 0);
        }
    }
}

TEST(option_table, explains_every_option_in_one_line) {
    for (const Option& option : option_table()) {
        const std::string help = text_of(option.help());
        EXPECT_FALSE(help.empty()) << option.name();
        EXPECT_EQ(help.find_first_of("\n\t"), std::string::npos) << help;
    }
}

TEST(option_table, is_that_of_the_contract) {
    const struct {
        const char* name;
        char letter;
        bool takes_value;
        bool repeatable;
        const char* fallback;
    } contract[] = {{"forward", 'f', true, false, "split"},
                    {"rewrite", 'r', true, true, ""},
                    {"stop-signal", 0, true, true, "TERM,INT"},
                    {"pre-stop", 'd', true, false, "0"},
                    {"grace", 't', true, false, "inf"},
                    {"escalate", 0, true, true, ""},
                    {"linger", 0, true, false, "3s"},
                    {"linger-signal", 0, true, false, "TERM"},
                    {"until", 0, true, false, "main"},
                    {"remap-exit", 'e', true, true, ""},
                    {"subreaper", 's', false, false, ""},
                    {"parent-death", 'p', true, false, ""},
                    {"no-tty", 0, false, false, ""},
                    {"verbose", 'v', false, true, ""},
                    {"quiet", 'q', false, true, ""},
                    {"log-format", 0, true, false, "text"},
                    {"help", 'h', false, false, ""},
                    {"version", 'V', false, false, ""},
                    {"license", 0, false, false, ""}};
    for (const auto& row : contract) {
        const Option* const option = find_option(Command::run, row.name);
        ASSERT_NE(option, nullptr) << row.name;
        EXPECT_EQ(option->letter, row.letter) << row.name;
        EXPECT_EQ(option->takes_value(), row.takes_value) << row.name;
        EXPECT_EQ(option->is_repeatable(), row.repeatable) << row.name;
        EXPECT_EQ(text_of(option->fallback()), row.fallback) << row.name;
    }
    EXPECT_EQ(find_option(Command::run, 'g')->id, OptionId::forward_group);
    EXPECT_EQ(find_option(Command::run, 'c')->id, OptionId::forward_main);
}

TEST(find_command, knows_subcommands_by_their_whole_name) {
    EXPECT_EQ(find_command("status"), Command::status);
    EXPECT_EQ(find_command("probe"), Command::probe);
    EXPECT_EQ(find_command("wait"), Command::wait);
    EXPECT_EQ(find_command("sleep"), Command::sleep);
    for (const char* word : {"", "run", "stat", "statuss", "Status", "-h", "--", "bash"}) {
        EXPECT_EQ(find_command(word), std::nullopt) << word;
    }
}

TEST(find_option, knows_whole_names_of_its_command_only) {
    EXPECT_EQ(find_option(Command::run, "grace")->id, OptionId::grace);
    EXPECT_EQ(find_option(Command::run, 't')->id, OptionId::grace);
    EXPECT_EQ(find_option(Command::run, 'V')->id, OptionId::version);
    EXPECT_EQ(find_option(Command::status, "json")->id, OptionId::json);
    EXPECT_EQ(find_option(Command::run, "json"), nullptr);
    EXPECT_EQ(find_option(Command::status, "grace"), nullptr);
    EXPECT_EQ(find_option(Command::status, 't'), nullptr);
    EXPECT_EQ(find_option(Command::run, ""), nullptr);
    EXPECT_EQ(find_option(Command::run, "grac"), nullptr);
    EXPECT_EQ(find_option(Command::run, "GRACE"), nullptr);
    EXPECT_EQ(find_option(Command::run, '\0'), nullptr);
    EXPECT_EQ(find_option(Command::run, 'T'), nullptr);
}

TEST(nearest_option, finds_what_a_misspelt_word_was_meant_to_be) {
    const struct {
        const char* word;
        const char* meant;
    } cases[] = {{"grce", "grace"},
                 {"garce", "grace"},
                 {"gracee", "grace"},
                 {"stop-sginal", "stop-signal"},
                 {"stopsignal", "stop-signal"},
                 {"prestop", "pre-stop"},
                 {"remap_exit", "remap-exit"},
                 {"quite", "quiet"},
                 {"verbos", "verbose"},
                 {"no_tty", "no-tty"},
                 {"log_format", "log-format"},
                 {"lingersignal", "linger-signal"},
                 {"hlep", "help"},
                 {"licence", "license"},
                 {"log", "log-format"},
                 {"pre-stop-delay", "pre-stop"},
                 {"grace-period", "grace"},
                 {"stop", "stop-signal"}};
    for (const auto& [word, meant] : cases) {
        const Option* const nearest = nearest_option(Command::run, word);
        ASSERT_NE(nearest, nullptr) << word;
        EXPECT_EQ(nearest->name(), meant) << word;
    }
}

TEST(nearest_option, finds_nothing_for_a_word_that_is_like_none) {
    for (const char* word :
         {"", "x", "speed", "timeout", "completely-else", "zzzzzzzzzzzzzzzzzzzzzzzz"}) {
        EXPECT_EQ(nearest_option(Command::run, word), nullptr) << word;
    }
    EXPECT_EQ(nearest_option(Command::status, "grace"), nullptr);
}

TEST(option_reader, takes_values_attached_or_as_the_next_word) {
    const Read got = read_run({"--grace", "5s", "--linger=1s", "-d", "2s", "-t3s", "app"});
    EXPECT_TRUE(got.bad.problem.empty());
    EXPECT_EQ(got.options, (Strings{"grace=5s", "linger=1s", "pre-stop=2s", "grace=3s"}));
    EXPECT_EQ(got.used, 6U);
}

TEST(option_reader, takes_a_value_that_looks_like_an_option) {
    EXPECT_EQ(read_run({"--grace", "--linger"}).options, Strings{"grace=--linger"});
    EXPECT_EQ(read_run({"-t", "--"}).options, Strings{"grace=--"});
}

TEST(option_reader, reads_letters_that_share_a_word) {
    EXPECT_EQ(read_run({"-sv", "app"}).options, (Strings{"subreaper", "verbose"}));
    EXPECT_EQ(read_run({"-vvt5s", "app"}).options, (Strings{"verbose", "verbose", "grace=5s"}));
    EXPECT_EQ(read_run({"-gvt", "5s", "app"}).options, (Strings{"g", "verbose", "grace=5s"}));
    EXPECT_EQ(read_run({"-tv", "app"}).options, Strings{"grace=v"});
}

TEST(option_reader, keeps_an_empty_value_after_an_equals_sign) {
    const Read got = read_run({"--grace=", "app"});
    EXPECT_TRUE(got.bad.problem.empty());
    EXPECT_EQ(got.options, Strings{"grace="});
    EXPECT_EQ(got.used, 1U);
}

TEST(option_reader, keeps_equals_signs_within_a_value) {
    EXPECT_EQ(read_run({"--grace=a=b"}).options, Strings{"grace=a=b"});
    EXPECT_EQ(read_run({"-t=5s"}).options, Strings{"grace==5s"});
}

TEST(option_reader, stops_at_the_first_word_that_is_no_option) {
    const Read got = read_run({"-v", "app", "-q", "--grace=1"});
    EXPECT_EQ(got.options, Strings{"verbose"});
    EXPECT_EQ(got.used, 1U);
}

TEST(option_reader, takes_a_single_dash_and_an_empty_word_for_the_program) {
    EXPECT_EQ(read_run({"-", "x"}).used, 0U);
    EXPECT_EQ(read_run({"", "x"}).used, 0U);
}

TEST(option_reader, ends_at_two_dashes_and_uses_them_up) {
    const Read got = read_run({"-v", "--", "-q", "--"});
    EXPECT_EQ(got.options, Strings{"verbose"});
    EXPECT_EQ(got.used, 2U);
    EXPECT_TRUE(got.bad.problem.empty());
}

TEST(option_reader, reads_nothing_from_nothing) {
    const Read got = read_run({});
    EXPECT_TRUE(got.options.empty());
    EXPECT_EQ(got.used, 0U);
    EXPECT_TRUE(got.bad.problem.empty());
}

struct BadLine {
    std::vector<const char*> words;
    const char* complaint;
};

class BadCommandLines : public testing::TestWithParam<BadLine> {};

TEST_P(BadCommandLines, are_refused_with_the_reason_and_what_is_accepted) {
    std::vector<std::string> text(GetParam().words.begin(), GetParam().words.end());
    std::vector<char*> words;
    for (std::string& word : text) words.push_back(word.data());
    const Read got = read(Command::run, words);
    EXPECT_FALSE(got.bad.problem.empty());
    EXPECT_EQ(got.complaint, GetParam().complaint);
}

INSTANTIATE_TEST_SUITE_P(
    options, BadCommandLines,
    testing::Values(
        BadLine{{"--grce", "5"}, "unknown option '--grce'; did you mean --grace?"},
        BadLine{{"--grce=5"}, "unknown option '--grce'; did you mean --grace?"},
        BadLine{{"--unheard-of"}, "unknown option '--unheard-of'; accepted: the options of --help"},
        BadLine{{"--json"}, "unknown option '--json'; did you mean --json-field?"},
        BadLine{{"---"}, "unknown option '---'; accepted: the options of --help"},
        BadLine{{"--=5"}, "unknown option '--'; accepted: the options of --help"},
        BadLine{{"-x"}, "unknown option '-x'; accepted: the options of --help"},
        BadLine{{"-vx"}, "-vx: unknown option 'x'; accepted: the options of --help"},
        BadLine{{"-v-"}, "-v-: unknown option '-'; accepted: the options of --help"},
        BadLine{{"-v="}, "-v=: unknown option '='; accepted: the options of --help"},
        BadLine{{"-\xc3\xa9"}, "-??: unknown option '?'; accepted: the options of --help"},
        BadLine{{"--x\ny"}, "unknown option '--x?y'; accepted: the options of --help"},
        BadLine{{"--no-tty=1"}, "--no-tty: takes no value, but got '1'"},
        BadLine{{"--no-tty="}, "--no-tty: takes no value, but got ''"},
        BadLine{{"--help=me"}, "--help: takes no value, but got 'me'"},
        BadLine{{"--grace"}, "--grace: needs a value; accepted: DURATION"},
        BadLine{{"-t"}, "-t: needs a value; accepted: DURATION"},
        BadLine{{"-vt"}, "-vt: needs a value; accepted: DURATION"},
        BadLine{{"-v", "--rewrite"}, "--rewrite: needs a value; accepted: FROM:TO"}));

TEST(option_reader, tells_whether_two_dashes_ended_the_options) {
    for (const auto& [words, by_dashes] :
         {std::pair<std::vector<const char*>, bool>{{"-v", "--", "app"}, true},
          {{"--"}, true},
          {{"-v", "app", "--"}, false},
          {{"-v"}, false},
          {{"-t", "--"}, false}}) {
        std::vector<std::string> text(words.begin(), words.end());
        std::vector<char*> pointers;
        for (std::string& word : text) pointers.push_back(word.data());
        OptionReader reader(Command::run, pointers);
        while (reader.next() != nullptr) {
        }
        EXPECT_EQ(reader.ended_by_dashes(), by_dashes) << words.size() << words[0];
    }
}

TEST(option_reader, tells_how_the_user_spelt_an_option) {
    const Words words{"--grace=5", "-t5", "--linger", "1"};
    OptionReader reader(Command::run, words);
    ASSERT_NE(reader.next(), nullptr);
    EXPECT_EQ(reader.spelling(), "--grace");
    ASSERT_NE(reader.next(), nullptr);
    EXPECT_EQ(reader.spelling(), "-t5");
    ASSERT_NE(reader.next(), nullptr);
    EXPECT_EQ(reader.spelling(), "--linger");
}

TEST(option_reader, knows_only_the_options_of_its_command) {
    EXPECT_EQ(read(Command::status, Words{"--json"}).options, Strings{"json"});
    EXPECT_EQ(read(Command::status, Words{"-h"}).options, Strings{"help"});
    EXPECT_FALSE(read(Command::status, Words{"-v"}).bad.problem.empty());
    EXPECT_EQ(read(Command::status, Words{"--jsn"}).complaint,
              "unknown option '--jsn'; did you mean --json?");
}

std::string variable_of(const Option& option) {
    char room[64];
    Writer line(room);
    add_variable_name(line, option);
    return std::string(line.view());
}

TEST(variables, stand_for_every_named_option_of_the_run_form_that_sets_something) {
    const std::set<std::string> contract{"USHER_FORWARD",
                                         "USHER_REWRITE",
                                         "USHER_STOP_SIGNAL",
                                         "USHER_PRE_STOP",
                                         "USHER_GRACE",
                                         "USHER_LINGER",
                                         "USHER_LINGER_SIGNAL",
                                         "USHER_REMAP_EXIT",
                                         "USHER_SUBREAPER",
                                         "USHER_PARENT_DEATH",
                                         "USHER_NO_TTY",
                                         "USHER_VERBOSE",
                                         "USHER_QUIET",
                                         "USHER_LOG_FORMAT",
                                         "USHER_ESCALATE",
                                         "USHER_UNTIL",
                                         "USHER_HEAL",
                                         "USHER_HEAL_INTERVAL",
                                         "USHER_HEAL_TIMEOUT",
                                         "USHER_HEAL_RETRIES",
                                         "USHER_HEAL_START_PERIOD",
                                         "USHER_HEAL_GRACE",
                                         "USHER_HEAL_SIGNAL",
                                         "USHER_NOTIFY",
                                         "USHER_STATUS",
                                         "USHER_METHOD",
                                         "USHER_HEADER",
                                         "USHER_HOST",
                                         "USHER_CONTAINS",
                                         "USHER_JSON_FIELD",
                                         "USHER_WAIT_FOR",
                                         "USHER_WAIT_TIMEOUT",
                                         "USHER_USER",
                                         "USHER_OWN",
                                         "USHER_TLS_CA_CERT",
                                         "USHER_TLS_CLIENT_CERT",
                                         "USHER_TLS_CLIENT_KEY",
                                         "USHER_TLS_SERVER_NAME",
                                         "USHER_TLS_NO_VERIFY"};
    std::set<std::string> names;
    for (const Option& option : option_table()) {
        if (!option.has_variable()) continue;
        names.insert(variable_of(option));
        EXPECT_EQ(find_variable(variable_of(option)), &option) << option.name();
    }
    EXPECT_EQ(names, contract);
}

TEST(variables, are_named_in_capitals_with_underscores) {
    EXPECT_EQ(variable_of(*find_option(Command::run, "pre-stop")), "USHER_PRE_STOP");
    EXPECT_EQ(variable_of(*find_option(Command::run, "linger-signal")), "USHER_LINGER_SIGNAL");
    EXPECT_EQ(variable_of(*find_option(Command::run, "no-tty")), "USHER_NO_TTY");
}

TEST(variables, are_known_by_their_exact_name) {
    for (const char* name : {"", "USHER_", "USHER", "GRACE", "usher_grace", "USHER_grace",
                             "USHER_GRAC", "USHER_GRACE_", "XUSHER_GRACE", "USHER_PRE-STOP",
                             "USHER_HELP", "USHER_VERSION", "USHER_JSON", "USHER_LICENSE"}) {
        EXPECT_EQ(find_variable(name), nullptr) << name;
    }
}

TEST(variables, are_named_where_only_they_gave_the_option) {
    const Words line{"--grace", "5s", "-v", "--", "true", "--heal-grace", "1s"};
    char other[] = "OTHER=1";
    char grace[] = "USHER_GRACE=5s";
    char heal[] = "USHER_HEAL_GRACE=5s";
    char* const environment[] = {other, grace, heal, nullptr};
    EXPECT_EQ(as_given("--grace", line, environment), "--grace");
    EXPECT_EQ(as_given("--heal-grace", line, environment), "USHER_HEAL_GRACE");
    EXPECT_EQ(as_given("--heal", line, environment), "--heal");  // of neither
    for (const char* other_place : {"USHER_GRACE", "-g5s", "grace", "", "--no-such"}) {
        EXPECT_EQ(as_given(other_place, line, environment), other_place);
    }
}

TEST(variables, that_are_misspelt_have_a_nearest_name) {
    const struct {
        const char* name;
        const char* meant;
    } cases[] = {{"USHER_GRCE", "USHER_GRACE"},
                 {"USHER_PRESTOP", "USHER_PRE_STOP"},
                 {"USHER_LINGER_SIGNALS", "USHER_LINGER_SIGNAL"},
                 {"USHER_GRACE_PERIOD", "USHER_GRACE"},
                 {"USHER_LOG", "USHER_LOG_FORMAT"},
                 {"USHER_PROBE_TIMOUT", "USHER_PROBE_TIMEOUT"},
                 {"USHER_PRBOE", "USHER_PROBE"},
                 {"USHER_PROBE_CHECKS", "USHER_PROBE"},
                 {"USHER_UNHEARD_OF", ""},
                 {"USHER_HELP", ""},
                 {"USHER_", ""},
                 {"USHER_A_NAME_THAT_IS_MUCH_LONGER_THAN_ANY_OPTION_COULD_BE", ""}};
    for (const auto& [name, meant] : cases) {
        char room[32];
        Writer line(room);
        add_nearest_variable(line, name);
        EXPECT_EQ(line.view(), meant) << name;
    }
}

TEST(variables, of_others_are_not_unknown) {
    for (const char* name :
         {"USHER_SERVICE_HOST", "USHER_SERVICE_PORT", "USHER_SERVICE_PORT_HTTP", "USHER_PORT",
          "USHER_PORT_80_TCP", "USHER_WEB_SERVICE_HOST", "USHER_WEB_PORT_80_TCP_ADDR",
          "USHER_PROBE", "USHER_PROBE_TIMEOUT", "USHER_NESTED"}) {
        EXPECT_FALSE(is_unknown_variable(name)) << name;
    }
    for (const char* name : {"USHER_GRCE", "USHER_SERVICE", "USHER_PRO", "USHER_NESTING",
                             "USHER_PROBE_TIMOUT", "USHER_PROBE_X"}) {
        EXPECT_TRUE(is_unknown_variable(name)) << name;
    }
}

TEST(bad_input, says_where_what_the_word_the_nearest_and_what_is_accepted) {
    char room[256];
    Writer line(room);
    add_bad_input(
        line,
        {.problem = "wrong", .accepted = "right", .nearest = "grace", .where = "--x", .word = "y"});
    EXPECT_EQ(line.view(), "--x: wrong 'y'; did you mean --grace?; accepted: right");
}

TEST(bad_input, shows_an_empty_word_but_not_a_missing_one) {
    char room[256];
    Writer line(room);
    add_bad_input(line, {.problem = "wrong", .word = ""});
    line.add('|');
    add_bad_input(line, {.problem = "wrong"});
    EXPECT_EQ(line.view(), "wrong ''|wrong");
}

TEST(bad_input, replaces_control_characters_of_the_user) {
    char room[256];
    Writer line(room);
    add_bad_input(line, {.problem = "wrong", .where = "\x1b[2J", .word = "a\nb"});
    EXPECT_EQ(line.view(), "?[2J: wrong 'a?b'");
}

Strings help_lines(Command command) {
    static char room[8192];
    Writer line(room);
    add_help(line, command);
    EXPECT_TRUE(line.fits());
    std::istringstream text{std::string(line.view())};
    Strings lines;
    for (std::string one; std::getline(text, one);) lines.push_back(one);
    return lines;
}

std::string help_of(const Strings& lines) {
    std::string all;
    for (const std::string& line : lines) all += line + '\n';
    return all;
}

bool is_option_line(const std::string& line) {
    const std::size_t start = line.find_first_not_of(' ');
    return (start == 2 && line[2] == '-' && line[3] != '-') || (start == 6 && line[6] == '-');
}

std::string option_column(const Option& option) {
    std::string column = option.letter != 0 ? std::string("  -") + option.letter : "      ";
    if (option.letter != 0 && !option.name().empty()) column += ", ";
    if (!option.name().empty()) column += "--" + text_of(option.name());
    if (option.takes_value()) column += std::string(" ") + text_of(option.argument());
    return column;
}

// The run form's help names the options of its checks, and leaves it to those of probe to describe
// them.
bool is_described(const Option& option, Command command) {
    return known_in(option, command) && (command != Command::run || !concerns_checks(option.id));
}

TEST(help, lists_every_option_of_the_table_and_only_those) {
    for (const Command command : all_commands()) {
        Strings listed;
        for (const std::string& line : help_lines(command)) {
            if (is_option_line(line)) listed.push_back(line);
        }
        std::size_t known = 0;
        for (const Option& option : option_table()) {
            if (!is_described(option, command)) continue;
            ++known;
            int found = 0;
            for (const std::string& line : listed) {
                if (line.rfind(option_column(option) + ' ', 0) == 0) ++found;
            }
            EXPECT_EQ(found, 1) << option_column(option);
        }
        EXPECT_EQ(listed.size(), known);
    }
}

TEST(help, of_the_run_form_names_the_options_of_its_checks) {
    const std::string help = help_of(help_lines(Command::run));
    for (const Option& option : option_table()) {
        if (!known_in(option, Command::run) || !concerns_checks(option.id)) continue;
        EXPECT_NE(help.find(" --" + text_of(option.name())), std::string::npos) << option.name();
    }
}

TEST(help, shows_each_text_and_default_beside_its_option) {
    for (const Command command : all_commands()) {
        const Strings lines = help_lines(command);
        for (const Option& option : option_table()) {
            if (!is_described(option, command)) continue;
            std::string end = text_of(option.help());
            if (!option.fallback().empty())
                end += std::string(" [") + text_of(option.fallback()) + "]";
            int found = 0;
            for (const std::string& line : lines) {
                if (line.size() > end.size() && line.substr(line.size() - end.size()) == end)
                    ++found;
            }
            EXPECT_EQ(found, 1) << end;
        }
    }
}

TEST(help, fits_a_screen) {
    for (const Command command : all_commands()) {
        EXPECT_LE(help_lines(command).size(), 53U);
        for (const std::string& line : help_lines(command)) EXPECT_LE(line.size(), 80U) << line;
    }
}

TEST(help, fits_the_room_of_the_command_that_prints_it) {
    for (const Command command : all_commands()) {
        EXPECT_LT(help_of(help_lines(command)).size(), 4096U);
    }
}

TEST(help, aligns_the_texts_of_all_options) {
    std::set<std::size_t> columns;
    const Strings lines = help_lines(Command::run);
    for (const Option& option : option_table()) {
        if (!is_described(option, Command::run)) continue;
        for (const std::string& line : lines) {
            const std::string column = option_column(option) + ' ';
            if (line.rfind(column, 0) == 0)
                columns.insert(line.find(text_of(option.help()), column.size()));
        }
    }
    EXPECT_EQ(columns.size(), 1U);
}

TEST(help, names_every_subcommand) {
    const std::string help = help_of(help_lines(Command::run));
    EXPECT_NE(help.find("Usage: usher [OPTIONS] [--] PROGRAM [ARG...]\n"), std::string::npos);
    for (const char* name : {"probe", "wait", "sleep", "status", "install"}) {
        EXPECT_NE(help.find(std::string("\n  usher ") + name + ' '), std::string::npos) << name;
    }
    EXPECT_EQ(help_of(help_lines(Command::status)).rfind("Usage: usher status [--json]\n", 0), 0U);
}

}  // namespace
}  // namespace usher
