// SPDX-License-Identifier: MIT
#include "options.hpp"

#include <cstring>

#include "packed_text.hpp"
#include "parse.hpp"

namespace usher {

namespace {

constexpr std::uint8_t bit(Command command) {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(command));
}
constexpr std::uint8_t run = bit(Command::run);
constexpr std::uint8_t probe = bit(Command::probe);
constexpr std::uint8_t wait = bit(Command::wait);
constexpr std::uint8_t status = bit(Command::status);
constexpr std::uint8_t checks = probe | wait;
constexpr std::uint8_t every = run | checks | bit(Command::sleep) | status;
constexpr std::uint8_t tini = bit(Command::tini);
constexpr std::uint8_t dumb_init = bit(Command::dumb_init);
constexpr std::uint8_t catatonit = bit(Command::catatonit);

using Id = OptionId;
// clang-format off
struct Row {
    OptionId id;
    std::uint8_t commands;
    char letter;
    bool repeatable;
    std::string_view name;
    std::string_view argument;
    std::string_view fallback;
    std::string_view help;
};
constexpr Row rows[] = {
    {Id::forward, run, 'f', false, "forward", "main|group|all", "group", "who gets forwarded signals"},
    {Id::forward_group, run, 'g', false, "", "", "", "same as --forward group"},
    {Id::forward_main, run, 'c', false, "", "", "", "same as --forward main"},
    {Id::rewrite, run, 'r', true, "rewrite", "FROM:TO", "", "forward TO in place of FROM; FROM:0 drops it"},
    {Id::stop_signal, run, 0, true, "stop-signal", "SIG[,SIG...]", "TERM,INT", "received signals that ask for shutdown"},
    {Id::pre_stop, run, 'd', false, "pre-stop", "DURATION", "0", "serve on this long before a stop is forwarded"},
    {Id::grace, run, 't', false, "grace", "DURATION", "inf", "from the forwarded stop to SIGKILL"},
    {Id::linger, run, 0, false, "linger", "DURATION", "3s", "how long what outlives the program may take"},
    {Id::linger_signal, run, 0, false, "linger-signal", "SIG", "TERM", "what that is told; 0: nothing"},
    {Id::remap_exit, run, 'e', true, "remap-exit", "FROM[:TO]", "", "report exit status TO (0) in place of FROM"},
    {Id::subreaper, run, 's', false, "subreaper", "", "", "adopt orphans when not PID 1 (automatic)"},
    {Id::parent_death, run, 'p', false, "parent-death", "SIG", "", "get SIG when the parent dies"},
    {Id::no_tty, run, 0, false, "no-tty", "", "", "leave the terminal's foreground group alone"},
    {Id::verbose, run, 'v', true, "verbose", "", "", "say more; twice: everything"},
    {Id::quiet, run, 'q', true, "quiet", "", "", "errors only; twice: nothing"},
    {Id::log_format, run, 0, false, "log-format", "text|json", "text", "one line an event on stderr"},
    {Id::timeout, probe, 't', false, "timeout", "DURATION", "3s", "for everything together"},
    {Id::timeout, wait, 't', false, "timeout", "DURATION", "30s", "for everything together; 0 or inf: for ever"},
    {Id::interval, wait, 0, false, "interval", "DURATION", "500ms", "between tries"},
    {Id::status, checks, 0, false, "status", "LIST", "200-399", "accepted statuses: 200,204,300-399"},
    {Id::method, checks, 0, false, "method", "M", "GET", "the request's method"},
    {Id::header, checks, 'H', true, "header", "'K: V'", "", "a header of the request"},
    {Id::host, checks, 0, false, "host", "NAME", "", "Host or :authority, apart from the address"},
    {Id::contains, checks, 0, false, "contains", "TEXT", "", "the body's first 64 KiB must contain TEXT"},
    {Id::invert, checks, 0, false, "not", "", "", "healthy when the check fails"},
    {Id::allow_remote, probe, 0, false, "allow-remote", "", "", "the check may leave the container"},
    {Id::quiet, checks, 'q', true, "quiet", "", "", "say nothing"},
    {Id::verbose, checks, 'v', true, "verbose", "", "", "show phases and timings"},
    {Id::json, status, 0, false, "json", "", "", "print one JSON object"},
    {Id::help, every, 'h', false, "help", "", "", "show this"},
    {Id::version, run, 'V', false, "version", "", "", "show the version"},
    {Id::license, run, 0, false, "license", "", "", "show the licences, musl's too"},
    {Id::version, tini, 0, false, "version", "", "", "show the version; alone only"},
    {Id::help, tini | catatonit, 'h', false, "", "", "", "show this"},
    {Id::subreaper, tini, 's', false, "", "", "", "adopt orphans when not PID 1; or TINI_SUBREAPER"},
    {Id::parent_death, tini, 'p', false, "", "SIGNAL", "", "get SIGNAL (SIGKILL) when the parent dies"},
    {Id::verbose, tini, 'v', true, "", "", "", "say more; or TINI_VERBOSITY=N [1]"},
    {Id::warn_reaped, tini, 'w', false, "", "", "", "warn of each reaped orphan"},
    {Id::forward_group, tini, 'g', false, "", "", "", "signal the group; or TINI_KILL_PROCESS_GROUP"},
    {Id::forward_group, catatonit, 'g', false, "", "", "", "signal the group"},
    {Id::remap_exit, tini, 'e', true, "", "CODE", "", "report 0 in place of exit code CODE"},
    {Id::license, tini, 'l', false, "", "", "", "show the licence"},
    {Id::forward_main, dumb_init, 'c', false, "single-child", "", "", "signal the command alone, in our session"},
    {Id::rewrite, dumb_init, 'r', true, "rewrite", "s:r", "", "forward signal r (0: none) in place of s"},
    {Id::verbose, dumb_init, 'v', true, "verbose", "", "", "say more"},
    {Id::help, dumb_init, 'h', false, "help", "", "", "show this"},
    {Id::version, dumb_init | catatonit, 'V', false, "version", "", "", "show the version"},
    {Id::license, catatonit, 'L', false, "", "", "", "show the licence"},
    {Id::pause, catatonit, 'P', false, "", "", "", "run no program, end on TERM or INT"},
};
// clang-format on

constexpr std::size_t row_count = sizeof rows / sizeof rows[0];

constexpr std::size_t longest_text = 64;

// Calls `use` with each text of the table as it lies there: names as they are, the others packed.
constexpr void for_each_text(auto use) {
    for (const Row& row : rows) {
        use(row.name);
        for (const std::string_view text : {row.argument, row.fallback, row.help}) {
            char room[longest_text]{};
            for (std::size_t i = 0; i < text.size(); ++i) room[i] = text[i];
            use(std::string_view(room, pack(room, text.size())));
        }
    }
}

constexpr std::size_t text_size = [] {
    std::size_t size = 0;
    for_each_text([&size](std::string_view text) { size += text.size() + 1; });
    return size;
}();

struct Table {
    std::array<Option, row_count> options{};
    std::array<char, text_size> texts{};
};
// Made by the compiler: nothing of `rows` is in the binary.
constexpr Table table = [] {
    Table made;
    std::size_t count = 0;
    std::size_t at = 0;
    for_each_text([&](std::string_view text) {
        if (count % 4 == 0) {
            const Row& row = rows[count / 4];
            made.options[count / 4] = {row.id, row.commands, row.letter, row.repeatable,
                                       static_cast<std::uint16_t>(at)};
        }
        for (const char c : text) made.texts[at++] = c;
        ++at;
        ++count;
    });
    return made;
}();

// The name of each command, in the order of the enum; then tini's other names.
constexpr char command_names[] =
    "\0probe\0wait\0sleep\0status\0tini\0dumb-init\0catatonit\0tini-static\0docker-init";
constexpr int name_count = 10;
// Usage and purpose of each command, in the order of the enum.
constexpr const char* command_texts = packed<
    "usher [OPTIONS] [--] PROGRAM [ARG...]\0"
    "Runs PROGRAM as a container's init: forwards signals, reaps, drains, bounds the stop.\0"
    "usher probe [OPTIONS] CHECK... [-- PROGRAM [ARG...]]\0"
    "Exit code 0: healthy, 1: not, 125: called wrongly. PROGRAM is one more check.\0"
    "usher wait [OPTIONS] CHECK... [-- PROGRAM [ARG...]]\0"
    "Waits until all checks pass, then becomes PROGRAM. Exit code 124: out of time.\0"
    "usher sleep DURATION...\0Sleeps for the sum. TERM and INT end it at once: 143, 130.\0"
    "usher status [--json]\0"
    "Says what the init of this container is doing. Exit code 1: there is none.\0"
    "tini [OPTIONS] PROGRAM -- [ARGS] | --version\0This is usher in the place of tini.\0"
    "dumb-init [option] program [args]\0This is usher in the place of dumb-init.\0"
    "catatonit [-ghLPV] [--] <progname> [<arguments>...]\0"
    "This is usher in the place of catatonit.">;
constexpr int texts_of_a_command = 2;
// `end` if it is none of those from `begin` on.
int index_of_name(std::string_view word, int begin, int end) {
    while (begin < end && !equal(word, nth_text(command_names, begin))) ++begin;
    return begin;
}
const char* command_usage(int command) {
    return nth_text(command_texts, command * texts_of_a_command);
}

constexpr char prefix[] = "USHER_";
constexpr std::size_t prefix_length = sizeof prefix - 1;

constexpr bool known_in(const Option& option, Command command) {
    return (option.commands >> static_cast<unsigned>(command) & 1U) != 0;
}

// A word is near when at most a third of it (and never more than three letters) is off.
constexpr int nearness_limit(std::size_t length) {
    const int third = static_cast<int>(length) / 3 + 1;
    return third < 3 ? third : 3;
}

constexpr char variable_letter(char c) { return c == '-' ? '_' : to_upper(c); }

bool is_variable_of(const Option& option, std::string_view stem) {
    const std::string_view name = option.name();
    if (!option.has_variable() || name.size() != stem.size()) return false;
    for (std::size_t i = 0; i < stem.size(); ++i) {
        if (variable_letter(name[i]) != stem[i]) return false;
    }
    return true;
}

}  // namespace

const char* Option::text(int index) const { return nth_text(&table.texts[texts], index); }

std::span<const Option> option_table() { return table.options; }

std::optional<Command> find_command(std::string_view word) {
    const int index = index_of_name(word, 1, command_count);
    return index < command_count ? std::optional(static_cast<Command>(index)) : std::nullopt;
}

Command peer_called(std::string_view argv0) {
    while (has(argv0, '/')) take_until(argv0, '/');
    const int index = index_of_name(argv0, command_count, name_count);
    if (index == name_count) return Command::run;
    return index > static_cast<int>(Command::catatonit) ? Command::tini
                                                        : static_cast<Command>(index);
}

const Option* find_option(Command command, std::string_view name) {
    for (const Option& option : table.options) {
        if (known_in(option, command) && !name.empty() && equal(name, option.name()))
            return &option;
    }
    return nullptr;
}

const Option* find_option(Command command, char letter) {
    for (const Option& option : table.options) {
        if (known_in(option, command) && letter != 0 && letter == option.letter) return &option;
    }
    return nullptr;
}

const Option* nearest_option(Command command, std::string_view word) {
    const Option* best = nullptr;
    int best_distance = nearness_limit(word.size()) + 1;
    for (const Option& option : table.options) {
        if (!known_in(option, command) || *option.name() == 0) continue;
        const int distance = edit_distance(word, option.name());
        if (distance >= best_distance) continue;
        best = &option;
        best_distance = distance;
    }
    return best;
}

void add_variable_name(Line& line, const Option& option) {
    line.add(prefix);
    for (const char c : std::string_view(option.name())) line.add(variable_letter(c));
}

const Option* find_variable(std::string_view name) {
    if (!begins_with(name, prefix)) return nullptr;
    for (const Option& option : table.options) {
        if (is_variable_of(option, slice(name, prefix_length))) return &option;
    }
    return nullptr;
}

const Option* nearest_variable(std::string_view name) {
    char lowered[24];
    Line stem(lowered);
    for (const char c : slice(name, prefix_length)) stem.add(c == '_' ? '-' : to_lower(c));
    const Option* option = nearest_option(Command::run, stem.view());
    return option != nullptr && option->has_variable() ? option : nullptr;
}

bool is_foreign_variable(std::string_view name) {
    return has(name, "_SERVICE_") || has(name, "_PORT") || begins_with(name, "USHER_PROBE") ||
           equal(name, "USHER_NESTED");
}

void add_bad_input(Line& line, const BadInput& bad) {
    if (!bad.where.empty()) line.add_untrusted(bad.where).add(": ");
    line.add(bad.problem);
    if (bad.word.data() != nullptr) line.add(" '").add_untrusted(bad.word).add('\'');
    if (bad.nearest != nullptr) line.add(packed<"; did you mean --">).add(bad.nearest).add('?');
    if (bad.accepted != nullptr) line.add("; accepted: ").add(bad.accepted);
}

const Option* OptionReader::fail(const char* problem, std::string_view where,
                                 std::string_view word) {
    bad_ = {.problem = problem, .where = where, .word = word};
    return nullptr;
}

const Option* OptionReader::next() {
    if (in_word_ > 0) return letter();
    if (at_ >= words_.size()) return nullptr;
    const std::string_view word = words_[at_];
    if (word.size() < 2 || word[0] != '-') return nullptr;
    ++at_;
    ended_by_dashes_ = equal(word, "--");
    if (ended_by_dashes_) return nullptr;
    if (word[1] == '-' && command_ != Command::tini) return long_option(word);
    in_word_ = 1;
    return letter();
}

// What getopt_long does for the peers: the beginning of a name will do if no other begins so.
const Option* OptionReader::find_abbreviated(std::string_view name) const {
    const Option* found = nullptr;
    for (const Option& option : table.options) {
        if (command_ < Command::tini || !known_in(option, command_)) continue;
        if (!equal(slice(option.name(), 0, name.size()), name)) continue;
        if (found != nullptr) return nullptr;
        found = &option;
    }
    return found;
}

const Option* OptionReader::long_option(std::string_view word) {
    value_ = slice(word, 2);
    const bool attached = has(value_, '=');
    const std::string_view name = take_until(value_, '=');
    spelling_ = slice(word, 0, name.size() + 2);
    if (const Option* option = find_option(command_, name)) return take_value(*option, attached);
    if (const Option* option = find_abbreviated(name)) {
        return take_value(*option, attached);
    }
    const Option* nearest = nearest_option(command_, name);
    fail(unknown_option, {}, spelling_);
    bad_.nearest = nearest != nullptr ? nearest->name() : nullptr;
    bad_.accepted = nearest != nullptr ? nullptr : "the options of --help";
    return nullptr;
}

// Letters may share a word, and the last may have its value in it: -vt5s.
const Option* OptionReader::letter() {
    spelling_ = words_[at_ - 1];
    const Option* const option = find_option(command_, spelling_[in_word_]);
    if (option == nullptr) {
        const bool alone = spelling_.size() == 2;
        fail(unknown_option, alone ? std::string_view{} : spelling_,
             alone ? spelling_ : slice(spelling_, in_word_, 1));
        bad_.accepted = packed<"the options of --help">;
        return nullptr;
    }
    value_ = slice(spelling_, ++in_word_);
    if (!option->takes_value() && !value_.empty()) return option;
    in_word_ = 0;
    return take_value(*option, !value_.empty());
}

const Option* OptionReader::take_value(const Option& option, bool attached) {
    if (!option.takes_value()) {
        return attached ? fail("takes no value, but got", spelling_, value_) : &option;
    }
    if (attached) return &option;
    if (at_ >= words_.size()) {
        fail("needs a value", spelling_, {});
        bad_.accepted = option.argument();
        return nullptr;
    }
    value_ = words_[at_++];
    return &option;
}

namespace {

constexpr std::size_t help_column = 34;

void add_option_help(Line& line, const Option& option) {
    const std::size_t start = line.size();
    line.add("  ");
    if (option.letter != 0) line.add('-').add(option.letter);
    if (option.letter != 0 && *option.name() != 0) line.add(", ");
    if (option.letter == 0) line.add("    ");
    if (*option.name() != 0) line.add("--").add(option.name());
    if (option.takes_value()) line.add(' ').add(option.argument());
    do line.add(' ');
    while (line.size() - start < help_column && !line.full());
    line.add(option.help());
    if (*option.fallback() != 0) line.add(" [").add(option.fallback()).add(']');
    line.add('\n');
}

}  // namespace

void add_usage(Line& line, Command command) {
    line.add(command == Command::catatonit ? "usage: " : "Usage: ");
    line.add(command_usage(static_cast<int>(command))).add('\n');
}

void add_help(Line& line, Command command) {
    const char* const usage = command_usage(static_cast<int>(command));
    add_usage(line, command);
    if (command == Command::run) {
        for (int i = 1; i < command_count; ++i) line.add("       ").add(command_usage(i)).add('\n');
    }
    line.add(nth_text(usage, 1)).add("\n\n");
    for (const Option& option : table.options) {
        if (known_in(option, command)) add_option_help(line, option);
    }
    if (command == Command::run) {
        line.add(
            packed<"\nDurations: 250ms, 5s, 1m30s, 2h, 1d, 0.5 (seconds), inf. Signals: TERM, 15, "
                   "RTMIN+3.\n"
                   "Every option is also a variable: USHER_GRACE=8s; the command line wins.\n"
                   "Exit codes: the program's; 128+N for signal N; 125 usher failed; 126 not "
                   "executable;\n"
                   "127 not found.\n">);
    } else if (command == Command::probe || command == Command::wait) {
        line.add(
            packed<"\nChecks: http://HOST[:PORT]/PATH  :PORT/PATH  http://unix:/SOCKET:/PATH  "
                   "tcp://HOST:PORT\n"
                   "  unix:/SOCKET  unix:@NAME  grpc://HOST:PORT[/SERVICE]  "
                   "grpc://unix:/SOCKET[:/SERVICE]\n"
                   "  file:/PATH[?max-age=30s&min-size=1]  pid:/PATH  pid:N  ready:  live:\n"
                   "${NAME} and ${NAME:-default} are replaced in CHECK, --host and --header.\n">);
    }
}

bool refuse(BadInput& bad, const char* problem, std::string_view word, const char* accepted) {
    bad.problem = problem;
    bad.word = word;
    bad.accepted = accepted;
    return false;
}

bool set_duration(Duration& target, std::string_view text, bool may_be_infinite, BadInput& bad) {
    const auto duration = parse_duration(text, may_be_infinite);
    if (!duration) {
        return refuse(bad, packed<"not a duration">, text,
                      may_be_infinite ? packed<"250ms, 5s, 1m30s, 2h, 1d, 0.5 (seconds), inf">
                                      : packed<"250ms, 5s, 1m30s, 2h, 1d, 0.5 (seconds)">);
    }
    target = *duration;
    return true;
}

}  // namespace usher
