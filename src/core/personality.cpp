// SPDX-License-Identifier: MIT
#include "personality.hpp"

namespace usher {

namespace {

constexpr int last_standard_signal = 31;

// A whole number at the head of `rest` as the C library reads one: blanks and a sign may come
// first.
std::optional<int> take_number(std::string_view& rest) {
    while (take_prefix(rest, " ")) {
    }
    const bool negative = take_prefix(rest, "-");
    if (!negative) take_prefix(rest, "+");
    constexpr int most = 99999;
    if (rest.empty() || !is_digit(rest[0])) return std::nullopt;
    int number = 0;
    for (; !rest.empty() && is_digit(rest[0]); rest.remove_prefix(1)) {
        number = number > most ? most : number * 10 + (rest[0] - '0');
    }
    return negative ? -number : number;
}

// A variable's value; its data() is null if it is not set.
std::string_view variable(char* const* environment, const char* name) {
    return find_in_environment(environment, name);
}
bool is_set(char* const* environment, const char* name) {
    return variable(environment, name).data() != nullptr;
}

// tini knows full names only, and neither those with an alias nor STKFLT and PWR.
bool set_parent_death(RunSettings& settings, std::string_view text) {
    constexpr SignalSet unknown = set_of(16) | set_of(29) | set_of(30);
    char room[16];
    Line name(room);
    const int signal = parse_signal(text).value_or(sig::rtmin);
    add_signal_name(name, signal);
    settings.parent_death = signal;
    return signal <= last_standard_signal && !contains(unknown, signal) && equal(text, name.view());
}

bool ignore_exit_code(RunSettings& settings, std::string_view text) {
    const auto code = text.empty() ? std::optional(0) : take_number(text);
    if (!code || *code < 0 || *code > 255 || !text.empty()) return false;
    settings.exit_code[static_cast<std::size_t>(*code)] = 0;
    return true;
}

// FROM:TO, whatever follows. `rewritten` notes FROM.
bool add_rewrite(RunSettings& settings, std::string_view text, SignalSet& rewritten) {
    const int from = take_number(text).value_or(0);
    if (!take_prefix(text, ":")) return false;
    const int to = take_number(text).value_or(-1);
    if (from < 1 || from > last_standard_signal || to < 0 || to > last_standard_signal)
        return false;
    settings.rewrite[static_cast<std::size_t>(from)] = static_cast<std::uint8_t>(to);
    rewritten |= set_of(from);
    return true;
}

void begin(Command peer, RunSettings& settings) {
    settings.linger = 0;
    if (peer == Command::dumb_init) {
        settings.log_format = LogFormat::dumb_init;
        settings.verbosity = -1;
        settings.home = Home::session;
        settings.use_terminal = false;
        settings.subreaper = false;
        settings.stops_with_program = true;
        settings.failed_code = settings.not_executable_code = settings.not_found_code = 2;
        return;
    }
    settings.forward = Forward::main;
    settings.waited_for = ~(fault_signals | set_of(sig::ttin) | set_of(sig::ttou));
    settings.failed_code = 1;
    if (peer == Command::tini) {
        settings.log_format = LogFormat::tini;
        settings.subreaper = false;
        return;
    }
    settings.log_format = LogFormat::catatonit;
    settings.waited_for &= ~set_of(sig::tstp);
    settings.not_executable_code = settings.not_found_code = 1;
}

void apply_environment(Command peer, RunSettings& settings, char* const* environment) {
    if (peer == Command::tini) {
        if (is_set(environment, "TINI_SUBREAPER")) settings.subreaper = true;
        if (is_set(environment, "TINI_KILL_PROCESS_GROUP")) settings.forward = Forward::group;
        std::string_view verbosity = variable(environment, "TINI_VERBOSITY");
        if (verbosity.data() != nullptr) {
            settings.verbosity = take_number(verbosity).value_or(0) - 1;
        }
    } else if (peer == Command::dumb_init) {
        if (equal(variable(environment, "DUMB_INIT_DEBUG"), "1")) settings.verbosity = 2;
        if (equal(variable(environment, "DUMB_INIT_SETSID"), "0")) settings.home = Home::shared;
    } else if (is_set(environment, "CATATONIT_DEBUG")) {
        settings.verbosity = 2;
    }
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

PeerCommandLine apply_peer(Command peer, RunSettings& settings, std::span<char* const> words,
                           char* const* environment, BadInput& bad) {
    begin(peer, settings);
    if (peer == Command::catatonit && is_set(environment, "CATATONIT_LOG")) {
        return {.request = PeerRequest::reserved};
    }
    if (peer == Command::tini && words.size() == 1 && equal(words[0], "--version")) {
        return {.request = PeerRequest::version};
    }
    OptionReader reader(peer, words);
    SignalSet rewritten = 0;
    bool pauses = false;
    while (const Option* option = reader.next()) {
        bool good = true;
        switch (option->id) {
            case OptionId::help: return {.request = PeerRequest::help};
            case OptionId::version: return {.request = PeerRequest::version};
            case OptionId::license: return {.request = PeerRequest::license};
            case OptionId::forward_group: settings.forward = Forward::group; break;
            case OptionId::forward_main: settings.home = Home::shared; break;
            case OptionId::subreaper: settings.subreaper = true; break;
            case OptionId::warn_reaped: settings.warn_reaped = true; break;
            case OptionId::pause: pauses = true; break;
            case OptionId::verbose:
                ++settings.verbosity;
                if (peer == Command::dumb_init) settings.verbosity = 2;
                break;
            case OptionId::parent_death: good = set_parent_death(settings, reader.value()); break;
            case OptionId::remap_exit: good = ignore_exit_code(settings, reader.value()); break;
            case OptionId::rewrite:
                if (!add_rewrite(settings, reader.value(), rewritten)) {
                    return {.request = PeerRequest::bad_rewrite};
                }
                break;
            default: break;
        }
        if (good) continue;
        bad.where = option->id == OptionId::parent_death ? "-p" : "-e";
        bad.word = reader.value();
        return {.request = PeerRequest::bad_value};
    }
    bad = reader.bad();
    if (bad.problem != nullptr) return {.request = PeerRequest::bad_option};
    apply_environment(peer, settings, environment);
    settle_home(settings, rewritten);
    if (pauses) return {.request = PeerRequest::pause};
    if (reader.used() >= words.size()) return {.request = PeerRequest::no_program};
    return {.program = reader.used()};
}

}  // namespace usher
