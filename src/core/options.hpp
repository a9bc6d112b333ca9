// SPDX-License-Identifier: MIT
// The one table of subcommands and options. It parses, it makes --help, it names the variables and
// it finds what a misspelt word was meant to be; a test holds the man page and README to it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "text.hpp"

namespace usher {

enum class Command : std::uint8_t { run, status };
inline constexpr int command_count = 2;

enum class OptionId : std::uint8_t {
    forward, forward_group, forward_main, rewrite, stop_signal, pre_stop, grace, linger,
    linger_signal, remap_exit, subreaper, parent_death, no_tty, verbose, quiet, log_format,
    json, help, version, license,
};
inline constexpr int option_count = 20;

/// One row of the table. All text is in place: pointers would have to be relocated at start.
struct Option {
    OptionId id;
    std::uint8_t commands;  ///< bit per Command: where the option is known
    char letter;            ///< the short form; 0: none
    bool repeatable;
    char name[14];          ///< the long form; empty: none
    char argument[18];      ///< what it takes; empty: nothing
    char fallback[9];       ///< the default, as --help shows it
    char help[74];          ///< one line
    [[nodiscard]] constexpr bool takes_value() const { return argument[0] != 0; }
    /// Options of the run form can also be given as a variable; what only prints cannot.
    [[nodiscard]] constexpr bool has_variable() const {
        return name[0] != 0 && (commands & 1) != 0 && id < OptionId::json;
    }
};
std::span<const Option> option_table();

/// The subcommand of that name. `run` has none: it is what everything else means.
std::optional<Command> find_command(std::string_view word);

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

/// What was wrong with a command line or a variable.
struct BadInput {
    const char* problem = nullptr;   ///< a literal; null: nothing was wrong
    const char* accepted = nullptr;  ///< a literal: what would be right; null: nothing to say
    const char* nearest = nullptr;   ///< the long option that was probably meant, without --
    std::string_view where{};        ///< the option or variable as written; may be empty
    std::string_view word{};         ///< the offending word; may be empty
};
/// One line without a newline: "where: problem 'word'; did you mean --nearest?; accepted: ...".
void add_bad_input(Line& line, const BadInput& bad);

/// Walks the options of one command line. `words` are those after the (sub)command's name.
class OptionReader {
  public:
    OptionReader(Command command, std::span<char* const> words) : command_(command), words_(words) {}

    /// The next option; null: there are no more, or bad() says why not.
    const Option* next();
    [[nodiscard]] std::string_view value() const { return value_; }
    /// The option as the user wrote it: "--grace", "-t", "-vt5s".
    [[nodiscard]] std::string_view spelling() const { return spelling_; }
    /// To be filled by the caller too, when a value means nothing.
    BadInput& bad() { return bad_; }
    /// How many words the options took, a closing `--` included.
    [[nodiscard]] std::size_t used() const { return at_; }

  private:
    const Option* long_option(std::string_view word);
    const Option* letter();
    const Option* take_value(const Option& option, bool attached);
    const Option* fail(const char* problem, std::string_view where, std::string_view word);

    Command command_;
    std::span<char* const> words_;
    std::size_t at_ = 0;
    std::size_t in_word_ = 0;  ///< inside a word of letters: where the next one is
    std::string_view value_;
    std::string_view spelling_;
    BadInput bad_;
};

/// The whole of --help for one command.
void add_help(Line& line, Command command);

}  // namespace usher
