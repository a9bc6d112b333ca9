// SPDX-License-Identifier: MIT
// What the run form was asked to do: the meaning of its options and variables.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "heal.hpp"
#include "options.hpp"
#include "signals.hpp"
#include "user_spec.hpp"
#include "wording.hpp"

namespace usher {

/// Who gets forwarded signals. `split`: stop signals and those of job control go to the group,
/// every other to the main process.
enum class Forward : std::uint8_t { main, split, group, all };
/// Whose end is the end: the main process's, or, once that has ended with 0, every child's.
enum class Until : std::uint8_t { main, all };
/// --escalate: `signal`, as it is, `delay` after the first forwarded stop signal.
struct Escalation {
    Duration delay = 0;
    std::uint8_t signal = 0;
    std::string_view text{};  ///< as it was written
};
/// What the program is started in: a process group or a session of its own, or usher's group.
enum class Home : std::uint8_t { group, session, shared };

/// --wait-for: what must be healthy before the program is started.
struct WaitSettings {
    CheckList checks;
    Duration timeout = 60 * second;  ///< may be infinite
};

/// --user and --own.
struct UserSettings {
    static constexpr std::size_t most_owned = 8;

    UserSpec spec{};
    bool is_variable = false;                          ///< it was given by USHER_USER
    std::array<std::string_view, most_owned> owned{};  ///< whose trees become the user's
    std::size_t owned_count = 0;
};

struct RunSettings {
    Forward forward = Forward::split;
    Wording wording{};
    std::array<std::uint8_t, signal_count + 1> rewrite{};  ///< sent in place of the index; 0: drop
    SignalSet stop_signals = set_of(sig::term) | set_of(sig::intr);
    /// Those that were ignored when usher was started ask for shutdown all the same.
    bool stops_by_ignored = false;
    Duration pre_stop = 0;
    Duration grace = infinite;
    Duration linger = 3 * second;
    bool linger_is_given = false;  ///< else it is what is left of a finite grace
    static constexpr std::size_t most_escalations = 4;
    std::array<Escalation, most_escalations> escalations{};  ///< by their delay
    std::size_t escalation_count = 0;
    Until until = Until::main;
    int linger_signal = sig::term;              ///< 0: tell them nothing
    std::array<std::uint8_t, 256> exit_code{};  ///< reported in place of the index
    int parent_death = 0;                       ///< 0: not asked for
    bool use_terminal = true;
    int verbosity = 0;  ///< 0: warnings; +1 info, +2 debug; -1 errors only, -2 nothing
    WaitSettings wait;
    HealSettings heal;
    UserSettings user;
    std::string_view check_option{};  ///< the last one given that concerns checks; may be empty
    bool notify = false;
    std::string_view notify_socket{};  ///< its NOTIFY_SOCKET; empty: nobody is told
    /// Outside this usher runs another, which has done what the environment asks of the outermost.
    bool nested = false;
    /// The environment asks for that, so ushers inside must be told.
    bool mark_nested = false;

    // What only the peers ask for (core/peers).
    Home home = Home::group;
    bool subreaper = true;
    bool term_at_end = false;         ///< when the main process ends, TERM as rewritten is sent
    bool stops_with_program = false;  ///< a forwarded TSTP, TTIN or TTOU stops usher as well
    bool warn_reaped = false;
    bool leaves_cwd_first = false;  ///< it is in `/` before the program runs, not just after
    /// Warnings that only usher gives: who runs on 5 s after a stop signal, a shell as PID 1.
    bool advises = true;
    SignalSet waited_for = all_signals;      ///< the others are the kernel's, or stay pending
    std::uint8_t failed_code = 125;          ///< exit code when the program cannot be started,
    std::uint8_t not_executable_code = 126;  ///< is there, but cannot be executed,
    std::uint8_t not_found_code = 127;       ///< is not there

    RunSettings();
};

/// What the command line asks for besides settings.
enum class RunRequest : std::uint8_t { run, help, version, license };

struct RunCommandLine {
    RunRequest request = RunRequest::run;
    std::size_t program = 0;  ///< index in `words` of PROGRAM
};

/// The variable by which an usher tells those inside it that USHER_PRE_STOP, USHER_WAIT_FOR,
/// USHER_HEAL, USHER_USER and USHER_OWN are done already.
inline constexpr char nested_mark[] = "USHER_NESTED=1";

/// Applies one `USHER_*=value` entry of the environment. Other entries and empty values do nothing.
/// False: `bad` says what was wrong with it.
bool apply_variable(RunSettings& settings, std::string_view entry, BadInput& bad);

/// Applies the words after argv[0]. A list given here replaces the environment's.
/// Nothing: `bad` says what was wrong.
std::optional<RunCommandLine> apply_command_line(RunSettings& settings,
                                                 std::span<char* const> words, BadInput& bad);

}  // namespace usher
