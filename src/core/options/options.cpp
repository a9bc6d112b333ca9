// SPDX-License-Identifier: MIT
#include "options.hpp"

#include "edit_distance.hpp"
#include "slips.hpp"

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
constexpr std::uint8_t of_checks = checks | run;
constexpr std::uint8_t tls = has_tls ? checks : 0;
constexpr std::uint8_t tls_of_run = has_tls ? run : 0;
constexpr std::uint8_t every = run | checks | bit(Command::sleep) | status | bit(Command::install);
constexpr std::uint8_t repeatable = Option::repeatable;
constexpr std::uint8_t variable = Option::variable;

using Id = OptionId;
// clang-format off
constexpr OptionRow rows[] = {
    {Id::forward, run, 'f', variable, "forward", "main|split|group|all", "split", "who gets forwarded signals"},
    {Id::forward_group, run, 'g', 0, "", "", "", "same as --forward group"},
    {Id::forward_main, run, 'c', 0, "", "", "", "same as --forward main"},
    {Id::rewrite, run, 'r', repeatable | variable, "rewrite", "FROM:TO", "", "send TO in place of FROM; FROM:0 drops it"},
    {Id::stop_signal, run, 0, repeatable | variable, "stop-signal", "SIG[,SIG...]", "TERM,INT", "signals that ask for a stop"},
    {Id::pre_stop, run, 'd', variable, "pre-stop", "DURATION", "0", "keep serving this long before a stop"},
    {Id::grace, run, 't', variable, "grace", "DURATION", "inf", "from the forwarded stop to SIGKILL"},
    {Id::escalate, run, 0, repeatable | variable, "escalate", "DURATION:SIG", "", "send SIG too, that long after the stop"},
    {Id::linger, run, 0, variable, "linger", "DURATION", "3s", "time for what outlives the program"},
    {Id::linger_signal, run, 0, variable, "linger-signal", "SIG", "TERM", "what that gets; 0: nothing"},
    {Id::until, run, 0, variable, "until", "main|all", "main", "all: stay for a daemon's children"},
    {Id::remap_exit, run, 'e', repeatable | variable, "remap-exit", "FROM[:TO]", "", "report exit status TO (0) for FROM"},
    {Id::subreaper, run, 's', variable, "subreaper", "", "", "adopt orphans when not PID 1 (automatic)"},
    {Id::parent_death, run, 'p', variable, "parent-death", "SIG", "", "get SIG when the parent dies"},
    {Id::no_tty, run, 0, variable, "no-tty", "", "", "leave the terminal's foreground group alone"},
    {Id::verbose, run, 'v', repeatable | variable, "verbose", "", "", "say more; twice: everything"},
    {Id::quiet, run, 'q', repeatable | variable, "quiet", "", "", "errors only; twice: nothing"},
    {Id::log_format, run, 0, variable, "log-format", "text|json", "text", "one line an event on stderr"},
    {Id::wait_for, run, 0, repeatable | variable, "wait-for", "CHECK", "", "must pass before PROGRAM is started"},
    {Id::wait_timeout, run, 0, variable, "wait-timeout", "DURATION", "60s", "for that; 0 or inf: for ever"},
    {Id::heal, run, 0, repeatable | variable, "heal", "CHECK", "", "unhealthy: stop PROGRAM and end with 69"},
    {Id::heal_interval, run, 0, variable, "heal-interval", "DURATION", "10s", "between two rounds of these checks"},
    {Id::heal_timeout, run, 0, variable, "heal-timeout", "DURATION", "3s", "for one round"},
    {Id::heal_retries, run, 0, variable, "heal-retries", "N", "3", "failed rounds in a row until it acts"},
    {Id::heal_start_period, run, 0, variable, "heal-start-period", "DURATION", "inf", "time to start: no failure counts"},
    {Id::heal_grace, run, 0, variable, "heal-grace", "DURATION", "10s", "from the signal to SIGKILL"},
    {Id::heal_signal, run, 0, variable, "heal-signal", "SIG", "TERM", "what an unhealthy program gets"},
    {Id::user, run, 'u', variable, "user", "USER[:GROUP]", "", "become that user; names or numbers"},
    {Id::own, run, 0, repeatable | variable, "own", "PATH", "", "first give that user the tree, once"},
    {Id::notify, run, 0, variable, "notify", "", "", "send READY=1 and more to NOTIFY_SOCKET"},
    {Id::timeout, probe, 't', 0, "timeout", "DURATION", "3s", "for all together"},
    {Id::timeout, wait, 't', 0, "timeout", "DURATION", "30s", "for all together; 0 or inf: for ever"},
    {Id::interval, wait, 0, 0, "interval", "DURATION", "500ms", "between tries"},
    {Id::try_timeout, wait, 0, 0, "try-timeout", "DURATION", "10s", "for one try"},
    {Id::status, of_checks, 0, variable, "status", "LIST", "200-399", "accepted: 200,204,300-399"},
    {Id::method, of_checks, 0, variable, "method", "M", "GET", "the request's method"},
    {Id::header, checks, 'H', repeatable, "header", "'K: V'", "", "a header of the request"},
    {Id::header, run, 0, repeatable | variable, "header", "'K: V'", "", "a header of the request"},
    {Id::host, of_checks, 0, variable, "host", "NAME", "", "Host or :authority, apart from the address"},
    {Id::contains, of_checks, 0, variable, "contains", "TEXT", "", "the body's first 64 KiB must contain TEXT"},
    {Id::json_field, of_checks, 0, repeatable | variable, "json-field", "PATH[=VALUE]", "", "the body is JSON with it: status=UP, db.ok"},
    {Id::tls_ca_cert, tls | tls_of_run, 0, variable, "tls-ca-cert", "FILE", "", "verify: the authorities that may sign, PEM"},
    {Id::tls_client_cert, tls | tls_of_run, 0, variable, "tls-client-cert", "FILE", "", "to show to a server that asks, PEM"},
    {Id::tls_client_key, tls | tls_of_run, 0, variable, "tls-client-key", "FILE", "", "its private key, PEM, no passphrase"},
    {Id::tls_server_name, tls | tls_of_run, 0, variable, "tls-server-name", "NAME", "", "SNI, and the name to verify"},
    {Id::tls_no_verify, tls, 'k', 0, "tls-no-verify", "", "", "take any certificate"},
    {Id::tls_no_verify, tls_of_run, 0, variable, "tls-no-verify", "", "", "take any certificate"},
    {Id::invert, checks, 0, 0, "not", "", "", "healthy when the check fails"},
    {Id::allow_remote, probe, 0, 0, "allow-remote", "", "", "the check may leave the container"},
    {Id::quiet, checks, 'q', repeatable, "quiet", "", "", "say nothing"},
    {Id::verbose, checks, 'v', repeatable, "verbose", "", "", "show phases and timings"},
    {Id::json, status, 0, 0, "json", "", "", "print one JSON object"},
    {Id::help, every, 'h', 0, "help", "", "", "show this"},
    {Id::version, run, 'V', 0, "version", "", "", "show the version"},
    {Id::license, run, 0, 0, "license", "", "", "show the licences, musl's too"},
};
// clang-format on
constexpr auto table = make_option_table<rows>();

struct CommandHelp {
    Literal usage;
    Literal purpose;  // one line
    Literal example;
};

CommandHelp help_of(Command command) {
    switch (command) {
        case Command::run:
            return {.usage = "usher [OPTIONS] [--] PROGRAM [ARG...]",
                    .purpose =
                        "Runs PROGRAM as a container's init: signals, zombies, a drain, "
                        "a bounded stop.",
                    .example = "usher --pre-stop 5s --grace 20s -- /app"};
        case Command::probe:
            return {.usage = "usher probe [OPTIONS] CHECK... [-- PROGRAM [ARG...]]",
                    .purpose = "Is it healthy? Exit code 0: yes, 1: no, 125: usage error.",
                    .example = "usher probe ready: :8080/healthz"};
        case Command::wait:
            return {.usage = "usher wait [OPTIONS] CHECK... [-- PROGRAM [ARG...]]",
                    .purpose = "Waits for checks to pass, then becomes PROGRAM; 124: too late.",
                    .example = "usher wait --timeout 1m postgres://db/shop -- /app"};
        case Command::sleep:
            return {.usage = "usher sleep DURATION...",
                    .purpose = "Sleeps for the sum, in images without sleep.",
                    .example = "usher sleep 5s"};
        case Command::status:
            return {.usage = "usher status [--json]",
                    .purpose = "Says what the init of this container is doing.",
                    .example = "usher status --json"};
        case Command::install:
            return {.usage = "usher install PATH",
                    .purpose = "Copies this program, for init containers and volumes.",
                    .example = "usher install /shared/usher"};
    }
    return {};
}

void add_checks(Writer& line) {
    line.add(
        "Checks: :PORT/PATH  http://HOST[:PORT]/PATH  http://unix:/SOCKET:/PATH\n"
        "  tcp://HOST:PORT  unix:/SOCKET  unix:@NAME  file:/PATH[?max-age=30s&min-size=1]\n"
        "  grpc://HOST:PORT[/SERVICE]  grpc://unix:/SOCKET[:/SERVICE]  pid:/PATH  pid:N\n"
        "  redis://[[USER]:PASSWORD@]HOST[:PORT]  postgres://[USER@]HOST[:PORT][/DB]\n"
        "  mysql://[USER@]HOST[:PORT]  ready:  live:\n");
    line.add(has_tls ? Literal("  https://...  grpcs://...  tls://HOST:PORT\n")
                     : Literal("https://, grpcs:// and tls:// are in usher-tls.\n"));
    line.add("${NAME} and ${NAME:-default} are replaced in CHECK, --host and --header.\n");
}

// What there is to know beside the options.
void add_notes(Writer& line, Command command) {
    switch (command) {
        case Command::run:
            line.add(
                "Durations: 250ms, 5s, 1m30s, 2h, 0.5 (seconds), inf. Signals: TERM, 15, "
                "RTMIN+3.\n"
                "Every option is also a variable: USHER_GRACE=8s; the command line wins.\n"
                "Exit codes: PROGRAM's; 128+N for signal N; 69 unhealthy; 124 waited too long;\n"
                "125 usage error or failure of usher; 126 not executable; 127 not found.\n");
            return;
        case Command::probe:
        case Command::wait: return add_checks(line);
        case Command::sleep:
            line.add("TERM, INT, QUIT and HUP end it at once: 128 and the signal.\n");
            return;
        case Command::status: line.add("Exit code 1: there is none.\n"); return;
        case Command::install:
            line.add("The copy has mode 0755 and is there as a whole or not at all.\n");
            return;
    }
}

constexpr char prefix[] = "USHER_";
constexpr std::size_t prefix_length = sizeof prefix - 1;

// Those that are no option of the run form.
constexpr char other_variables[][20] = {"USHER_PROBE", "USHER_PROBE_TIMEOUT"};

// A word is near when at most a third of it (and never more than three letters) is off.
constexpr int nearness_limit(std::size_t length) {
    const int third = static_cast<int>(length) / 3 + 1;
    return third < 3 ? third : 3;
}

constexpr char variable_letter(char c) { return c == '-' ? '_' : to_upper(c); }

bool is_variable_of(const Option& option, std::string_view stem) {
    const std::string_view name = option.name().view();
    if (!option.has_variable() || name.size() != stem.size()) return false;
    for (std::size_t i = 0; i < stem.size(); ++i) {
        if (variable_letter(name[i]) != stem[i]) return false;
    }
    return true;
}

const Option* find_in(std::span<const Option> options, Command command, char letter) {
    for (const Option& option : options) {
        if (option.known_in(command) && letter != 0 && letter == option.letter) return &option;
    }
    return nullptr;
}

const Option* find_in(std::span<const Option> options, Command command, std::string_view name) {
    for (const Option& option : options) {
        if (option.known_in(command) && !name.empty() && name == option.name().view()) {
            return &option;
        }
    }
    return nullptr;
}

const Option* find_abbreviated(std::span<const Option> options, std::string_view name) {
    const Option* found = nullptr;
    for (const Option& option : options) {
        if (!option.name().view().starts_with(name)) continue;
        if (found != nullptr) return nullptr;
        found = &option;
    }
    return found;
}

const Option* nearest_in(std::span<const Option> options, Command command, std::string_view word) {
    const Option* best = nullptr;
    int best_distance = nearness_limit(word.size()) + 1;
    for (const Option& option : options) {
        if (!option.known_in(command) || option.name().empty()) continue;
        const int distance = edit_distance(word, option.name().view());
        if (distance >= best_distance) continue;
        best = &option;
        best_distance = distance;
    }
    return best;
}

bool is_first_part_of(std::string_view part, std::string_view whole) {
    return !part.empty() && whole.starts_with(part) && slice(whole, part.size()).starts_with('-');
}

// "log" for "log-format", and "grace-period" for "grace".
const Option* sharing_a_first_part(std::span<const Option> options, Command command,
                                   std::string_view word) {
    for (const Option& option : options) {
        if (!option.known_in(command)) continue;
        const std::string_view name = option.name().view();
        if (is_first_part_of(word, name) || is_first_part_of(name, word)) return &option;
    }
    return nullptr;
}

const Option* meant_in(std::span<const Option> options, Command command, std::string_view word) {
    const Option* const nearest = nearest_in(options, command, word);
    return nearest != nullptr ? nearest : sharing_a_first_part(options, command, word);
}

const Option* nearest_variable(std::string_view name) {
    char lowered[24];
    Writer stem(lowered);
    for (const char c : slice(name, prefix_length)) stem.add(c == '_' ? '-' : to_lower(c));
    const Option* option = nearest_option(Command::run, stem.view());
    return option != nullptr && option->has_variable() ? option : nullptr;
}

bool is_other_variable(std::string_view name) {
    for (const char* const other : other_variables) {
        if (name == Literal::of_table(other)) return true;
    }
    return name == "USHER_NESTED";  // the mark that an outer usher leaves
}

}  // namespace

// Not inlined: where the compiler sees which option it is, it takes the texts behind it for a
// mistake.
[[gnu::noinline]] Literal Option::text(int index) const {
    const char* at = reinterpret_cast<const char*>(this) + texts;  // NOLINT(*-reinterpret-cast)
    for (; index > 0; --index) at += std::string_view(at).size() + 1;
    return Literal::of_table(at);
}

std::span<const Option> option_table() { return table.options; }

std::optional<Command> find_command(std::string_view word) {
    for (int i = 1; i < command_count; ++i) {
        const auto command = static_cast<Command>(i);
        if (word == command_name(command).view()) return command;
    }
    return std::nullopt;
}

Literal command_name(Command command) {
    switch (command) {
        case Command::run: break;
        case Command::probe: return "probe";
        case Command::wait: return "wait";
        case Command::sleep: return "sleep";
        case Command::status: return "status";
        case Command::install: return "install";
    }
    return {};
}

const Option* find_option(Command command, std::string_view name) {
    return find_in(table.options, command, name);
}

const Option* find_option(Command command, char letter) {
    return find_in(table.options, command, letter);
}

const Option* nearest_option(Command command, std::string_view word) {
    return meant_in(table.options, command, word);
}

void add_variable_name(Writer& line, const Option& option) {
    line.add(prefix);
    for (const char c : option.name().view()) line.add(variable_letter(c));
}

const Option* find_variable(std::string_view name) {
    if (!take_prefix(name, prefix)) return nullptr;
    for (const Option& option : table.options) {
        if (is_variable_of(option, name)) return &option;
    }
    return nullptr;
}

[[gnu::cold]] std::string_view as_given(std::string_view where, std::span<char* const> words,
                                        char* const* environment) {
    std::string_view name = where;
    const Option* const wanted =
        take_prefix(name, "--") ? find_option(Command::run, name) : nullptr;
    if (wanted == nullptr) return where;
    OptionReader reader(Command::run, words);
    while (const Option* const option = reader.next()) {
        if (option == wanted) return where;
    }
    for (; *environment != nullptr; ++environment) {
        std::string_view value = *environment;
        const std::string_view spelling = take_until(value, '=');
        if (find_variable(spelling) == wanted) return spelling;
    }
    return where;
}

void add_nearest_variable(Writer& line, std::string_view name) {
    for (const char* const other : other_variables) {
        if (edit_distance(name, other) > 2) continue;
        line.add(Literal::of_table(other));
        return;
    }
    if (const Option* nearest = nearest_variable(name)) {
        add_variable_name(line, *nearest);
    } else if (begins_with(name, "USHER_PROBE")) {
        line.add("USHER_PROBE");
    }
}

bool is_unknown_variable(std::string_view name) {
    const bool is_kubernetes = has(name, "_SERVICE_") || has(name, "_PORT");
    return begins_with(name, prefix) && !is_kubernetes && !is_other_variable(name) &&
           find_variable(name) == nullptr;
}

const Option* OptionReader::fail(const BadInput& bad) {
    bad_ = bad;
    return nullptr;
}

const Option* OptionReader::next() {
    if (in_word_ > 0) return letter();
    if (at_ >= words_.size()) return nullptr;
    const std::string_view word = words_[at_];
    if (word.size() < 2 || word[0] != '-') return nullptr;
    ++at_;
    ended_by_dashes_ = word == "--";
    if (ended_by_dashes_) return nullptr;
    if (word[1] == '-' && long_names_ != LongNames::none) return long_option(word);
    in_word_ = 1;
    return letter();
}

const Option* OptionReader::long_option(std::string_view word) {
    value_ = slice(word, 2);
    const bool attached = has(value_, '=');
    const std::string_view name = take_until(value_, '=');
    spelling_ = slice(word, 0, name.size() + 2);
    const Option* option = find_in(table_, command_, name);
    if (option == nullptr && long_names_ == LongNames::abbreviated) {
        option = find_abbreviated(table_, name);
    }
    if (option != nullptr) return take_value(*option, attached);
    BadInput bad{.problem = unknown_option, .word = spelling_};
    if (is_own_table()) bad.hint = slip_of(command_, name);
    const Option* const nearest = bad.hint.empty() ? meant_in(table_, command_, name) : nullptr;
    if (nearest != nullptr) {
        bad.nearest = nearest->name();
    } else if (bad.hint.empty()) {
        bad.accepted = "the options of --help";
    }
    return fail(bad);
}

// Letters may share a word, and the last may have its value in it: -vt5s.
const Option* OptionReader::letter() {
    spelling_ = words_[at_ - 1];
    const Option* const option = find_in(table_, command_, spelling_[in_word_]);
    if (option == nullptr) {
        BadInput bad{.problem = unknown_option, .word = spelling_};
        if (is_own_table()) bad.hint = slip_of(command_, spelling_[in_word_]);
        if (bad.hint.empty()) bad.accepted = "the options of --help";
        if (spelling_.size() > 2) {
            bad.where = spelling_;
            bad.word = slice(spelling_, in_word_, 1);
        }
        return fail(bad);
    }
    value_ = slice(spelling_, ++in_word_);
    if (!option->takes_value() && !value_.empty()) return option;
    in_word_ = 0;
    return take_value(*option, !value_.empty());
}

const Option* OptionReader::take_value(const Option& option, bool attached) {
    if (!option.takes_value()) {
        if (!attached) return &option;
        return fail({.problem = "takes no value, but got", .where = spelling_, .word = value_});
    }
    if (attached) return &option;
    if (at_ >= words_.size()) {
        return fail(
            {.problem = "needs a value", .accepted = option.argument(), .where = spelling_});
    }
    value_ = words_[at_++];
    return &option;
}

namespace {

constexpr std::size_t help_column = 37;
constexpr std::size_t purpose_column = 17;  // behind the longest name, `usher install`

// One blank at least.
void pad(Writer& line, std::size_t start, std::size_t column) {
    do line.add(' ');
    while (line.size() - start < column && line.fits());
}

void add_option_help(Writer& line, const Option& option) {
    const std::size_t start = line.size();
    line.add("  ");
    if (option.letter != 0) line.add('-').add(option.letter);
    if (option.letter != 0 && !option.name().empty()) line.add(", ");
    if (option.letter == 0) line.add("    ");
    if (!option.name().empty()) line.add("--").add(option.name());
    if (option.takes_value()) line.add(' ').add(option.argument());
    pad(line, start, help_column);
    line.add(option.help());
    if (!option.fallback().empty()) line.add(" [").add(option.fallback()).add(']');
    line.add('\n');
}

// `usher probe    Is it healthy? ...`, one line each.
void add_subcommands(Writer& line) {
    for (int i = 1; i < command_count; ++i) {
        const auto command = static_cast<Command>(i);
        const std::size_t start = line.size();
        line.add("  usher ").add(command_name(command));
        pad(line, start, purpose_column);
        line.add(help_of(command).purpose).add('\n');
    }
}

// Of the run form: described, they would not fit on a screen with the others.
void add_names_of_check_options(Writer& line) {
    line.add("\nOf the checks of --wait-for and --heal, as in usher probe --help:\n ");
    for (const Option& option : table.options) {
        if (!option.known_in(Command::run) || !concerns_checks(option.id)) continue;
        if (option.id == OptionId::tls_ca_cert || option.id == OptionId::tls_server_name)
            line.add("\n ");
        line.add(" --").add(option.name());
    }
    line.add('\n');
}

}  // namespace

void add_option_list(Writer& line, std::span<const Option> options, Command command) {
    for (const Option& option : options) {
        const bool is_only_named = command == Command::run && concerns_checks(option.id);
        if (option.known_in(command) && !is_only_named) add_option_help(line, option);
    }
}

void add_usage(Writer& line, Command command) {
    line.add("Usage: ").add(help_of(command).usage).add('\n');
}

void add_help(Writer& line, Command command) {
    const CommandHelp help = help_of(command);
    add_usage(line, command);
    line.add(help.purpose).add("\nExample: ").add(help.example).add("\n\n");
    if (command == Command::run) {
        add_subcommands(line);
        line.add('\n');
    }
    add_option_list(line, table.options, command);
    if (command == Command::run) add_names_of_check_options(line);
    add_notes(line.add('\n'), command);
}

}  // namespace usher
