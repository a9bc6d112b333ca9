// SPDX-License-Identifier: MIT
// `usher probe` and `usher wait`: what they are given, and what they say.
#include "commands.hpp"
#include "exit_status.hpp"
#include "file.hpp"
#include "given_check.hpp"
#include "print.hpp"
#include "prober.hpp"
#include "start_failure.hpp"
#include "stream.hpp"
#include "wait_until_healthy.hpp"

namespace usher::cmd {

namespace {

// Reads the options; `words` is left with the checks and the program.
bool read_options(Command command, const Invocation& invocation, OptionReader& reader,
                  ProbeSettings& settings, bool& wants_help, BadInput& bad) {
    const std::string_view timeout =
        find_in_environment(invocation.environment, "USHER_PROBE_TIMEOUT");
    if (command == Command::probe && !timeout.empty() &&
        !apply_probe_option(settings, command, OptionId::timeout, timeout, bad)) {
        bad.where = "USHER_PROBE_TIMEOUT";
        return false;
    }
    while (const Option* option = reader.next()) {
        wants_help = option->id == OptionId::help;
        if (wants_help) return true;
        if (!apply_probe_option(settings, command, option->id, reader.value(), bad)) {
            bad.where = reader.spelling();
            return false;
        }
        note_option(settings, option->id, reader.spelling());
    }
    bad = reader.bad();
    return bad.problem.empty();
}

// The checks up to `--`; `words` is left with what follows it.
bool add_checks(Prober& prober, std::span<char*>& words, const Invocation& invocation, Arena& arena,
                BadInput& bad) {
    while (!words.empty()) {
        const std::string_view word = words[0];
        words = words.subspan(1);
        if (word == "--") return true;
        if (!add_check(prober, word, invocation, arena, bad)) return false;
    }
    return true;
}

bool add_default_checks(Prober& prober, const Invocation& invocation, Arena& arena, BadInput& bad) {
    std::string_view rest = find_in_environment(invocation.environment, "USHER_PROBE");
    bad.where = "USHER_PROBE";
    for (std::string_view word = take_word(rest); !word.empty(); word = take_word(rest)) {
        if (!add_check(prober, word, invocation, arena, bad)) return false;
    }
    return true;
}

// Never blocks: whoever reads may be stuck, and the time is up.
void print_some_results(const Prober& prober, bool healthy) {
    sys::Log out(sys::stdout_fd);
    for (std::size_t i = 0; i < prober.count(); ++i) {
        if (prober.is_healthy(i) != healthy) continue;
        char room[256];
        Writer line(room);
        prober.add_result(line, i);
        out.put(line.view());
    }
}

// The failing ones first, for many show only the first line; then nobody asks for the others.
void print_results(const Prober& prober, const ProbeSettings& settings) {
    print_some_results(prober, false);
    if (prober.all_healthy() || settings.verbosity > 0) print_some_results(prober, true);
}

int probe_once(Prober& prober, const ProbeSettings& settings) {
    const int signal = prober.run(after(sys::monotonic_clock(), settings.timeout));
    if (signal != 0) return code_of_signal(signal);
    if (settings.verbosity >= 0 || prober.any_misused()) print_results(prober, settings);
    prober.drain();
    if (prober.any_misused()) return to_int(ExitCode::usher_failed);
    return to_int(prober.all_healthy() ? ExitCode::success : ExitCode::unhealthy);
}

int become(char* const* program, const Invocation& invocation) {
    // Of our own writes to a reader that is gone; the program would be ended by it.
    const SignalSet own = write_signals & ~invocation.mask;
    while (sys::rt_sigtimedwait(own, 0)) {
    }
    const sys::SpawnFailure failure = sys::exec_in_place(
        {.argv = program, .envp = invocation.environment, .mask = invocation.mask});
    sys::Log log(invocation.log_format, 0);
    return report_failed_start(failure, *program, RunSettings(), log);
}

[[gnu::cold]] int complain_of_no_check(Command command, char* const* program, LogFormat format) {
    BadInput bad{.problem = "no check given, and USHER_PROBE is not set", .where = "probe"};
    if (command == Command::wait) {
        bad.where = "wait";
        bad.problem = program == nullptr
                          ? Literal("no check given (see --help)")
                          : Literal("no check before --: usher wait tcp://db:5432 -- app");
    }
    return complain(bad, format);
}

void warn(const Invocation& invocation, const ProbeSettings& settings, const Prober& prober) {
    sys::Log log(invocation.log_format, settings.verbosity);
    warn_of_unknown_variables(invocation.environment, log);
    for (std::size_t i = 0; i < prober.count(); ++i) {
        if (prober.check(i).shows_password) warn_of_password(prober.check(i), log);
    }
}

int check(Command command, const Invocation& invocation) {
    ProbeSettings settings(command);
    OptionReader reader(command, invocation.words.subspan(2));
    Arena arena;
    BadInput bad;
    bool wants_help = false;
    if (!read_options(command, invocation, reader, settings, wants_help, bad))
        return complain(bad, invocation.log_format);
    if (wants_help) return print_help(command);
    if (!expand_options(settings, invocation, arena, bad))
        return complain(bad, invocation.log_format);

    Prober& prober = Prober::make(invocation, settings);
    std::span<char*> words = invocation.words.subspan(2 + reader.used());
    if (!reader.ended_by_dashes() && !add_checks(prober, words, invocation, arena, bad)) {
        return complain(bad, invocation.log_format);
    }
    const bool is_probe = command == Command::probe;
    char* const* const program = words.empty() ? nullptr : words.data();
    if (is_probe && prober.count() == 0 && program == nullptr &&
        !add_default_checks(prober, invocation, arena, bad)) {
        return complain(bad, invocation.log_format);
    }
    if (is_probe && program != nullptr && !prober.add_program(program, bad))
        return complain(bad, invocation.log_format);
    if (prober.count() == 0) return complain_of_no_check(command, program, invocation.log_format);
    if (!options_fit(settings, prober.needs(), bad) ||
        (prober.needs().tls && !sys::prepare_tls(settings.tls, bad))) {
        return complain(bad, invocation.log_format);
    }
    if (is_probe) {
        const int code = probe_once(prober, settings);
        // Not a line for each of the many that succeed.
        if (code != to_int(ExitCode::success) || settings.verbosity > 0) {
            warn(invocation, settings, prober);
        }
        return code;
    }
    warn(invocation, settings, prober);

    sys::Log log(invocation.log_format, settings.verbosity < 0 ? -2 : 1);
    const int code = wait_until_healthy(prober, settings, log);
    const bool succeeded = code == to_int(ExitCode::success);
    const bool has_results = code < 128 && (settings.verbosity >= 0 || prober.any_misused());
    // The program's stdout is its own.
    if (has_results && program == nullptr) print_results(prober, settings);
    if (has_results && program != nullptr) {
        sys::Log errors(invocation.log_format, 0);
        tell_misuse(prober, errors);
    }
    prober.drain();
    // A stop that came meanwhile counts: the program would never hear of it.
    const int signal = succeeded ? prober.pause(0) : 0;
    if (signal != 0) return code_of_signal(signal);
    return succeeded && program != nullptr ? become(program, invocation) : code;
}

}  // namespace

int probe(const Invocation& invocation) { return check(Command::probe, invocation); }
int wait(const Invocation& invocation) { return check(Command::wait, invocation); }

}  // namespace usher::cmd
