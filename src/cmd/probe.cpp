// SPDX-License-Identifier: MIT
// `usher probe` and `usher wait`: what they are given, and what they say.
#include <new>

#include "commands.hpp"
#include "environment.hpp"
#include "exit_status.hpp"
#include "file.hpp"
#include "http.hpp"
#include "print.hpp"
#include "prober.hpp"
#include "start_failure.hpp"

namespace usher::cmd {

namespace {

// One try of `wait` may hang in a peer that is just going down; the next one asks its successor.
constexpr Duration longest_try = 10 * second;

// Where expanded texts live as long as the call.
struct Arena {
    char room[4096];
    std::size_t used = 0;
};

bool expand(std::string_view& text, const Invocation& invocation, Arena& arena, BadInput& bad) {
    if (!has(text, "${")) return true;
    Writer line(std::span(arena.room).subspan(arena.used));
    if (!expand_variables(text, invocation.environment, line, bad)) return false;
    text = line.view();
    arena.used += line.size();
    return true;
}

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
    }
    bad = reader.bad();
    return bad.problem.empty();
}

bool expand_options(ProbeSettings& settings, const Invocation& invocation, Arena& arena,
                    BadInput& bad) {
    if (!expand(settings.host, invocation, arena, bad)) return false;
    for (std::size_t i = 0; i < settings.header_count; ++i) {
        std::string_view& header = settings.headers[i];
        if (!expand(header, invocation, arena, bad)) return false;
        if (!is_http_header(header)) return refuse(bad, "not a header", header, "'Name: value'");
    }
    return true;
}

bool add_check(Prober& prober, std::string_view text, const Invocation& invocation, Arena& arena,
               BadInput& bad) {
    return expand(text, invocation, arena, bad) && prober.add(text, bad);
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
    while (!rest.empty()) {
        const std::string_view word = take_until(rest, ' ');
        if (word.empty()) continue;
        bad.where = "USHER_PROBE";
        if (!add_check(prober, word, invocation, arena, bad)) return false;
    }
    return true;
}

// Never blocks: whoever reads may be stuck, and the time is up.
void print_results(const Prober& prober, int fd) {
    sys::Log out(fd);
    for (std::size_t i = 0; i < prober.count(); ++i) {
        char room[256];
        Writer line(room);
        prober.add_result(line, i);
        out.put(line.view());
    }
}

int signal_code(int signal) { return 128 + signal; }

// On stderr: the first failure, every change of the reason, and on a terminal how long it has been.
class Progress {
  public:
    explicit Progress(const ProbeSettings& settings)
        : quiet_(settings.verbosity < 0),
          on_terminal_(static_cast<bool>(sys::tcgetpgrp(sys::stderr_fd))) {
        if (on_terminal_) clear_ = "\r\x1b[K";
    }

    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress() {
        if (!quiet_ && on_terminal_) log_.put(clear_.view());
    }

    void tell(Prober& prober, Duration waited) {
        if (quiet_) return;
        char room[512];
        for (std::size_t i = 0; i < prober.count(); ++i) {
            if (!prober.has_changed(i)) continue;
            Writer line(room);
            line.add(clear_).add("usher: waiting: ");
            prober.add_result(line, i);
            log_.put(line.view());
        }
        if (!on_terminal_) return;
        Writer line(room);
        line.add(clear_).add("waiting for ").add(waited / second).add('s');
        log_.put(line.view());
    }

  private:
    sys::Log log_;
    bool quiet_;
    bool on_terminal_;
    Literal clear_{};  ///< what takes back the line that tells how long it has been
};

int probe_once(Prober& prober, const ProbeSettings& settings) {
    const int signal = prober.run(after(sys::monotonic_clock(), settings.timeout));
    if (signal != 0) return signal_code(signal);
    if (settings.verbosity >= 0 || prober.any_misused()) print_results(prober, sys::stdout_fd);
    prober.drain();
    if (prober.any_misused()) return to_int(ExitCode::usher_failed);
    return to_int(prober.all_healthy() ? ExitCode::success : ExitCode::unhealthy);
}

// Tries until all is healthy. Returns 0, 124, or 128 + the signal that ended it.
int wait_until_healthy(Prober& prober, const ProbeSettings& settings) {
    Progress progress(settings);
    const Time begin = sys::monotonic_clock();
    const Time deadline = after(begin, settings.timeout);
    while (true) {
        const Time try_end = std::min(deadline, after(sys::monotonic_clock(), longest_try));
        if (const int signal = prober.run(try_end); signal != 0) return signal_code(signal);
        if (prober.all_healthy()) return to_int(ExitCode::success);
        const Time now = sys::monotonic_clock();
        progress.tell(prober, now - begin);
        prober.drain();
        if (now >= deadline) return to_int(ExitCode::timed_out);
        const Time next = std::min(deadline, after(now, settings.interval));
        if (const int signal = prober.pause(next); signal != 0) return signal_code(signal);
        if (next == deadline) return to_int(ExitCode::timed_out);
    }
}

int become(char* const* program, const Invocation& invocation) {
    const sys::SpawnFailure failure = sys::exec_in_place(
        {.argv = program, .envp = invocation.environment, .mask = invocation.mask});
    sys::Log log;
    return report_failed_start(failure, *program, RunSettings(), log);
}

int check(Command command, const Invocation& invocation) {
    ProbeSettings settings(command);
    OptionReader reader(command, invocation.words.subspan(2));
    Arena arena;
    BadInput bad;
    bool wants_help = false;
    if (!read_options(command, invocation, reader, settings, wants_help, bad)) return complain(bad);
    if (wants_help) return print_help(command);
    if (!expand_options(settings, invocation, arena, bad)) return complain(bad);

    // Not on the stack, which may be small (ulimit -s), and of what is here only what is used
    // becomes resident. It lives as long as the process.
    [[gnu::section(".bss.cold")]] alignas(Prober) static std::byte room[sizeof(Prober)];
    Prober& prober = *new (room) Prober(invocation, settings);
    std::span<char*> words = invocation.words.subspan(2 + reader.used());
    if (!reader.ended_by_dashes() && !add_checks(prober, words, invocation, arena, bad)) {
        return complain(bad);
    }
    const bool is_probe = command == Command::probe;
    char* const* const program = words.empty() ? nullptr : words.data();
    if (is_probe && prober.count() == 0 && program == nullptr &&
        !add_default_checks(prober, invocation, arena, bad)) {
        return complain(bad);
    }
    if (is_probe && program != nullptr && !prober.add_program(program, bad)) return complain(bad);
    if (prober.count() == 0) {
        return complain(
            {.problem = "no check given (see --help)", .where = is_probe ? "probe" : "wait"});
    }
    if (is_probe) return probe_once(prober, settings);

    const int code = wait_until_healthy(prober, settings);
    const bool succeeded = code == to_int(ExitCode::success);
    const bool ran_out = code == to_int(ExitCode::timed_out);
    // The program's stdout is its own.
    const int results = program == nullptr ? sys::stdout_fd : sys::stderr_fd;
    if (settings.verbosity >= 0 && (ran_out || (succeeded && program == nullptr))) {
        print_results(prober, results);
    }
    prober.drain();
    // A stop that came meanwhile counts: the program would never hear of it.
    const int signal = succeeded ? prober.pause(0) : 0;
    if (signal != 0) return signal_code(signal);
    return succeeded && program != nullptr ? become(program, invocation) : code;
}

}  // namespace

int probe(const Invocation& invocation) { return check(Command::probe, invocation); }
int wait(const Invocation& invocation) { return check(Command::wait, invocation); }

}  // namespace usher::cmd
