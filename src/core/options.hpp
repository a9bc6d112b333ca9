// SPDX-License-Identifier: MIT
// The one table of subcommands and options. It parses, it makes --help, it names the variables and
// it finds what a misspelt word was meant to be; a test holds the man page and README to it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "parse.hpp"
#include "text.hpp"

namespace usher {

/// The run form and the subcommands; then the programs in whose place usher can be called.
enum class Command : std::uint8_t { run, probe, wait, sleep, status, tini, dumb_init, catatonit };
inline constexpr int command_count = 5;  ///< those that can be named as a subcommand

enum class OptionId : std::uint8_t {
    forward,
    forward_group,
    forward_main,
    rewrite,
    stop_signal,
    pre_stop,
    grace,
    linger,
    linger_signal,
    remap_exit,
    subreaper,
    parent_death,
    no_tty,
    verbose,
    quiet,
    log_format,
    timeout,
    interval,
    status,
    method,
    header,
    host,
    contains,
    invert,
    allow_remote,
    json,
    help,
    version,
    license,
    warn_reaped,
    pause,
};

/// One row of the table. Its texts lie in one array behind each other: pointers to them would have
/// to be relocated at start.
struct Option {
    OptionId id;
    std::uint8_t commands;  ///< bit per Command: where the option is known
    char letter;            ///< the short form; 0: none
    bool repeatable;
    /// Where name, argument, fallback and help begin, each ended by a NUL; all but the name packed.
    std::uint16_t texts;

    [[nodiscard]] const char* name() const { return text(0); }  ///< the long form; empty: none
    [[nodiscard]] const char* argument() const {
        return text(1);
    }  ///< what it takes; empty: nothing
    [[nodiscard]] const char* fallback() const { return text(2); }  ///< the default, for --help
    [[nodiscard]] const char* help() const { return text(3); }      ///< one line
    [[nodiscard]] bool takes_value() const { return *argument() != 0; }
    /// Options of the run form can also be given as a variable; what only prints cannot.
    [[nodiscard]] bool has_variable() const {
        return *name() != 0 && (commands & 1) != 0 && id <= OptionId::log_format;
    }

  private:
    [[nodiscard]] const char* text(int index) const;
};
std::span<const Option> option_table();

/// The subcommand of that name. `run` has none: it is what everything else means.
std::optional<Command> find_command(std::string_view word);

/// The program that the last part of argv[0] names, under any of its names; `run`: none of them.
Command peer_called(std::string_view argv0);

/// The row for a long name, or for a letter, in one command; null if there is none.
const Option* find_option(Command command, std::string_view name);
const Option* find_option(Command command, char letter);

/// The option whose long name `word` was most likely meant to be; null if none is near.
const Option* nearest_option(Command command, std::string_view word);

/// `USHER_` and the option's name in capitals, with _ for -.
void add_variable_name(Line& line, const Option& option);
/// The option that the variable `name` stands for; null if there is none.
const Option* find_variable(std::string_view name);
/// The option whose variable `name` was most likely meant to be; null if none is near.
const Option* nearest_variable(std::string_view name);
/// USHER_* names that are no options of the run form: Kubernetes' service variables, those of
/// `usher probe`, and the mark that an outer usher leaves.
bool is_foreign_variable(std::string_view name);

inline constexpr char unknown_option[] = "unknown option";

/// What was wrong with a command line or a variable.
struct BadInput {
    const char* problem = nullptr;   ///< a literal; null: nothing was wrong
    const char* accepted = nullptr;  ///< a literal: what would be right; null: nothing to say
    const char* nearest = nullptr;   ///< the long option that was probably meant, without --
    std::string_view where{};        ///< the option or variable as written; may be empty
    std::string_view word{};         ///< the offending word; may be empty
};
/// Fills in what was wrong, but for `where`; returns false, for the caller to return.
bool refuse(BadInput& bad, const char* problem, std::string_view word, const char* accepted);
/// The value of an option that takes a duration.
bool set_duration(Duration& target, std::string_view text, bool may_be_infinite, BadInput& bad);

/// One line without a newline: "where: problem 'word'; did you mean --nearest?; accepted: ...".
void add_bad_input(Line& line, const BadInput& bad);

/// Walks the options of one command line. `words` are those after the (sub)command's name.
class OptionReader {
  public:
    OptionReader(Command command, std::span<char* const> words)
        : command_(command), words_(words) {}

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
    const Option* long_option(std::string_view word);
    [[nodiscard]] const Option* find_abbreviated(std::string_view name) const;
    const Option* letter();
    const Option* take_value(const Option& option, bool attached);
    const Option* fail(const char* problem, std::string_view where, std::string_view word);

    Command command_;
    std::span<char* const> words_;
    std::size_t at_ = 0;
    std::size_t in_word_ = 0;  ///< inside a word of letters: where the next one is
    bool ended_by_dashes_ = false;
    std::string_view value_;
    std::string_view spelling_;
    BadInput bad_;
};

/// The line that begins with "Usage: ".
void add_usage(Line& line, Command command);
/// The whole of --help for one command.
void add_help(Line& line, Command command);

}  // namespace usher
