// SPDX-License-Identifier: MIT
// The one table of subcommands and options. It parses, it makes --help, it names the variables and
// it finds what a misspelt word was meant to be; a test holds the man page and README to it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "bad_input.hpp"

namespace usher {

/// Whether this is usher-tls. Its options, and src/sys/tls_stream.cpp, are all that differs.
inline constexpr bool has_tls = USHER_TLS != 0;

/// The run form and the subcommands.
enum class Command : std::uint8_t { run, probe, wait, sleep, status, install };
inline constexpr int command_count = 6;

enum class OptionId : std::uint8_t {
    forward,
    forward_group,
    forward_main,
    rewrite,
    stop_signal,
    pre_stop,
    grace,
    escalate,
    linger,
    linger_signal,
    until,
    remap_exit,
    subreaper,
    parent_death,
    no_tty,
    verbose,
    quiet,
    log_format,
    wait_for,
    wait_timeout,
    heal,
    heal_interval,
    heal_timeout,
    heal_retries,
    heal_start_period,
    heal_grace,
    heal_signal,
    user,
    own,
    notify,
    timeout,
    interval,
    try_timeout,
    status,
    method,
    header,
    host,
    contains,
    json_field,
    tls_ca_cert,
    tls_client_cert,
    tls_client_key,
    tls_server_name,
    tls_no_verify,
    invert,
    allow_remote,
    json,
    help,
    version,
    license,
    // What only the programs have in whose place usher can be called (core/peers).
    warn_reaped,
    pause,
};

/// Whether it says how a check speaks TLS.
constexpr bool concerns_tls(OptionId id) {
    return id >= OptionId::tls_ca_cert && id <= OptionId::tls_no_verify;
}

/// Whether it says what a check asks for and accepts.
constexpr bool concerns_checks(OptionId id) {
    return (id >= OptionId::status && id <= OptionId::json_field) || concerns_tls(id);
}

/// Whether its values are checks.
constexpr bool takes_checks(OptionId id) {
    return id == OptionId::wait_for || id == OptionId::heal;
}

/// Whether its values are paths.
constexpr bool takes_paths(OptionId id) {
    return id == OptionId::own || (concerns_tls(id) && id <= OptionId::tls_client_key);
}

/// One option, in a table that make_option_table made.
struct Option {
    static constexpr std::uint8_t repeatable = 1;
    /// Also given by the variable USHER_NAME.
    static constexpr std::uint8_t variable = 2;

    OptionId id;
    std::uint8_t commands;  ///< bit per Command: where the option is known
    char letter;            ///< the short form; 0: none
    std::uint8_t traits;    ///< of the constants above
    std::uint16_t texts;    ///< how far behind the option its texts begin

    [[nodiscard]] Literal name() const { return text(0); }      ///< the long form; empty: none
    [[nodiscard]] Literal argument() const { return text(1); }  ///< what it takes; empty: nothing
    [[nodiscard]] Literal fallback() const { return text(2); }  ///< the default, for --help
    [[nodiscard]] Literal help() const { return text(3); }      ///< one line
    [[nodiscard]] bool takes_value() const { return !argument().empty(); }
    [[nodiscard]] constexpr bool is_repeatable() const { return (traits & repeatable) != 0; }
    [[nodiscard]] constexpr bool has_variable() const { return (traits & variable) != 0; }
    [[nodiscard]] constexpr bool known_in(Command command) const {
        return (commands >> static_cast<unsigned>(command) & 1U) != 0;
    }

  private:
    [[nodiscard]] Literal text(int index) const;
};

/// An option as it is written down.
struct OptionRow {
    OptionId id;
    std::uint8_t commands;
    char letter;
    std::uint8_t traits;
    std::string_view name;
    std::string_view argument;
    std::string_view fallback;
    std::string_view help;
};

/// Options, and behind them their texts, each ended by a NUL: a static-pie would have to relocate
/// pointers to them at its start.
template <std::size_t count, std::size_t size>
struct OptionTable {
    std::array<Option, count> options{};
    std::array<char, size> texts{};
};

/// Made by the compiler: nothing of `rows` is in the binary, and nothing at all of a row that no
/// command knows.
template <const auto& rows>
consteval auto make_option_table() {
    constexpr std::size_t count =
        std::ranges::count_if(rows, [](const OptionRow& row) { return row.commands != 0; });
    constexpr std::size_t size = [] {
        std::size_t sum = 0;
        for (const OptionRow& row : rows) {
            if (row.commands == 0) continue;
            sum +=
                row.name.size() + row.argument.size() + row.fallback.size() + row.help.size() + 4;
        }
        return sum;
    }();
    OptionTable<count, size> table;
    std::size_t at = 0;
    std::size_t used = 0;
    for (const OptionRow& row : rows) {
        if (row.commands == 0) continue;
        const std::size_t behind = (count - used) * sizeof(Option) + at;
        table.options[used++] = {row.id, row.commands, row.letter, row.traits,
                                 static_cast<std::uint16_t>(behind)};
        for (const std::string_view text : {row.name, row.argument, row.fallback, row.help}) {
            for (const char c : text) table.texts[at++] = c;
            ++at;
        }
    }
    return table;
}

std::span<const Option> option_table();

/// The subcommand of that name. `run` has none: it is what everything else means.
std::optional<Command> find_command(std::string_view word);
Literal command_name(Command command);

/// The row for a long name, or for a letter, in one command; null if there is none.
const Option* find_option(Command command, std::string_view name);
const Option* find_option(Command command, char letter);

/// The option whose long name `word` was most likely meant to be; null if none is near.
const Option* nearest_option(Command command, std::string_view word);

/// `USHER_` and the option's name in capitals, with _ for -.
void add_variable_name(Writer& line, const Option& option);
/// The option that the variable `name` stands for; null if there is none.
const Option* find_variable(std::string_view name);
/// How the user gave the option of the run form that `where` names (`--grace`): `where`, or the
/// name of its variable if only the environment has it.
std::string_view as_given(std::string_view where, std::span<char* const> words,
                          char* const* environment);
/// The variable that `name` was most likely meant to be; nothing if none is near.
void add_nearest_variable(Writer& line, std::string_view name);
/// USHER_* names that nobody knows. Kubernetes' service variables are none of them.
bool is_unknown_variable(std::string_view name);

inline constexpr Literal unknown_option = "unknown option";

/// How the long names of a table may be written.
enum class LongNames : std::uint8_t {
    whole,
    abbreviated,  ///< the beginning of a name will do if no other begins so (getopt_long(3))
    none,         ///< `--name` is a word of letters as any other
};

/// Walks the options of one command line. `words` are those after the (sub)command's name.
class OptionReader {
  public:
    OptionReader(Command command, std::span<char* const> words)
        : table_(option_table()), command_(command), words_(words) {}
    /// For a table of another program, whose rows are all known.
    OptionReader(std::span<const Option> table, LongNames long_names, std::span<char* const> words)
        : table_(table), long_names_(long_names), words_(words) {}

    /// The next option; null: there are no more, or bad() says why not.
    const Option* next();
    [[nodiscard]] std::string_view value() const { return value_; }
    /// The option as the user wrote it: "--grace", "-t", "-vt5s".
    [[nodiscard]] std::string_view spelling() const { return spelling_; }
    /// Why next() returned null, if `problem` is set.
    BadInput& bad() { return bad_; }
    /// How many words the options took, a closing `--` included.
    [[nodiscard]] std::size_t used() const { return at_; }
    /// Whether it was a `--` that ended the options.
    [[nodiscard]] bool ended_by_dashes() const { return ended_by_dashes_; }

  private:
    [[nodiscard]] bool is_own_table() const { return table_.data() == option_table().data(); }
    const Option* long_option(std::string_view word);
    const Option* letter();
    const Option* take_value(const Option& option, bool attached);
    const Option* fail(const BadInput& bad);

    std::span<const Option> table_;
    LongNames long_names_ = LongNames::whole;
    Command command_ = Command::run;
    std::span<char* const> words_;
    std::size_t at_ = 0;
    std::size_t in_word_ = 0;  ///< inside a word of letters: where the next one is
    bool ended_by_dashes_ = false;
    std::string_view value_;
    std::string_view spelling_;
    BadInput bad_;
};

/// The line that begins with "Usage: ".
void add_usage(Writer& line, Command command);
/// The whole of --help for one command.
void add_help(Writer& line, Command command);
/// A line for each option of a table that `command` knows; of the run form not those of its checks.
void add_option_list(Writer& line, std::span<const Option> options, Command command);

}  // namespace usher
