// SPDX-License-Identifier: MIT
// dumb-init 1.2.5.
#include "environment.hpp"
#include "peer_file.hpp"

namespace usher::peers {

namespace {

using Id = OptionId;
// clang-format off
constexpr OptionRow rows[] = {
    {Id::forward_main, every_command, 'c', 0, "single-child", "", "", "signal the command alone, in our session"},
    {Id::rewrite, every_command, 'r', Option::repeatable, "rewrite", "s:r", "", "forward signal r (0: none) in place of s"},
    {Id::verbose, every_command, 'v', Option::repeatable, "verbose", "", "", "say more"},
    {Id::help, every_command, 'h', 0, "help", "", "", "show this"},
    {Id::version, every_command, 'V', 0, "version", "", "", "show the version"},
};
// clang-format on
constexpr auto table = make_option_table<rows>();

constexpr char version[] = "dumb-init v1.2.5\n";
constexpr char usage[] = "Usage: dumb-init [option] program [args]\n";
// Its own test suite compares this text.
constexpr char rewrite_usage[] =
    "Usage: -r option takes <signum>:<signum>, where <signum> is between 1 and 31.\n"
    "This option can be specified multiple times.\n"
    "Use --help for full usage.\n";
constexpr int chatty = 2;

void set_defaults(RunSettings& settings) {
    settings.verbosity = -1;
    settings.forward = Forward::group;
    settings.home = Home::session;
    settings.use_terminal = false;
    settings.subreaper = false;
    settings.stops_with_program = true;
    settings.leaves_cwd_first = true;
    settings.failed_code = settings.not_executable_code = settings.not_found_code = 2;
    settings.wording.style.prefix.fill("[dumb-init] ");
    settings.wording.start_failed = "{name}: {reason}";
}

// FROM:TO, whatever follows. `rewritten` notes FROM.
bool add_rewrite(RunSettings& settings, std::string_view text, SignalSet& rewritten) {
    const int from = take_number(text).value_or(0);
    if (!take_prefix(text, ":")) return false;
    const int to = take_number(text).value_or(-1);
    if (from < 1 || from > last_standard_signal || to < 0 || to > last_standard_signal) {
        return false;
    }
    settings.rewrite[static_cast<std::size_t>(from)] = static_cast<std::uint8_t>(to);
    rewritten |= set_of(from);
    return true;
}

// What follows from a session of its own, or from none.
void settle_home(RunSettings& settings, SignalSet rewritten) {
    if (settings.home == Home::shared) settings.forward = Forward::main;
    if (settings.home != Home::session) return;
    settings.term_at_end = true;
    // A process group without a parent in its session cannot be stopped by those.
    for (int signal = sig::tstp; signal <= sig::ttou; ++signal) {
        if (!contains(rewritten, signal)) {
            settings.rewrite[static_cast<std::size_t>(signal)] = sig::stop;
        }
    }
}

}  // namespace

PeerTask apply_dumb_init(const PeerCall& call, RunSettings& settings, Writer& answer) {
    set_defaults(settings);
    OptionReader reader(table.options, LongNames::abbreviated, call.words);
    SignalSet rewritten = 0;
    while (const Option* option = reader.next()) {
        switch (option->id) {
            case OptionId::help:
                answer.add(version).add(usage);
                add_purpose_and_options(answer, "This is usher in the place of dumb-init.",
                                        table.options);
                return answered_on_stderr(0);
            case OptionId::version: answer.add(version); return answered_on_stderr(0);
            case OptionId::forward_main: settings.home = Home::shared; break;
            case OptionId::verbose: settings.verbosity = chatty; break;
            case OptionId::rewrite:
                if (add_rewrite(settings, reader.value(), rewritten)) break;
                answer.add(rewrite_usage);
                return answered_on_stderr(1);
            default: break;
        }
    }
    if (!reader.bad().problem.empty()) {
        add_bad_option(answer, call, reader.bad());
        return answered_on_stderr(1);
    }
    if (reader.used() >= call.words.size()) {
        answer.add("Usage: ").add_untrusted(call.name).add(" [option] program [args]\nTry ");
        answer.add_untrusted(call.name).add(" --help for full usage.\n");
        return answered_on_stderr(1);
    }
    const auto value = [&](std::string_view name) {
        return find_in_environment(call.environment, name);
    };
    if (value("DUMB_INIT_DEBUG") == "1") settings.verbosity = chatty;
    if (value("DUMB_INIT_SETSID") == "0") settings.home = Home::shared;
    settle_home(settings, rewritten);
    return {.program = reader.used()};
}

}  // namespace usher::peers
