// SPDX-License-Identifier: MIT
#include "signals.hpp"

#include "number.hpp"

namespace usher {

namespace {

// Signal N's name is in slot N-1. Char arrays, not pointers: a static-pie would have to relocate
// each pointer at start.
constexpr char names[31][7] = {"HUP",  "INT",    "QUIT", "ILL",   "TRAP", "ABRT", "BUS",  "FPE",
                               "KILL", "USR1",   "SEGV", "USR2",  "PIPE", "ALRM", "TERM", "STKFLT",
                               "CHLD", "CONT",   "STOP", "TSTP",  "TTIN", "TTOU", "URG",  "XCPU",
                               "XFSZ", "VTALRM", "PROF", "WINCH", "IO",   "PWR",  "SYS"};

struct Alias {
    char name[7];
    std::uint8_t signal;
};
constexpr Alias aliases[] = {
    {"IOT", sig::abrt}, {"CLD", sig::chld}, {"POLL", 29}, {"UNUSED", sig::sys}};

constexpr SignalSet terminal_stops = set_of(sig::ttin) | set_of(sig::ttou);

bool drop_prefix(std::string_view& text, std::string_view prefix) {
    if (!equal_ignoring_case(slice(text, 0, prefix.size()), prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
}

// What follows RTMIN or RTMAX: nothing, or a sign and a distance.
std::optional<int> parse_distance(std::string_view text, char sign) {
    if (text.empty()) return 0;
    if (text[0] != sign) return std::nullopt;
    const auto distance = parse_number(slice(text, 1), sig::rtmax - sig::rtmin);
    if (!distance) return std::nullopt;
    return static_cast<int>(*distance);
}

}  // namespace

std::optional<int> parse_signal(std::string_view text) {
    if (const auto number = parse_number(text, signal_count)) {
        if (*number == 0) return std::nullopt;
        return static_cast<int>(*number);
    }
    drop_prefix(text, "SIG");
    for (int i = 0; i < 31; ++i) {
        if (equal_ignoring_case(text, names[i])) return i + 1;
    }
    for (const Alias& alias : aliases) {
        if (equal_ignoring_case(text, alias.name)) return alias.signal;
    }
    if (drop_prefix(text, "RTMIN")) {
        const auto distance = parse_distance(text, '+');
        if (distance) return sig::rtmin + *distance;
    } else if (drop_prefix(text, "RTMAX")) {
        const auto distance = parse_distance(text, '-');
        if (distance) return sig::rtmax - *distance;
    }
    return std::nullopt;
}

void add_signal_name(Writer& line, int signal) {
    if (signal >= 1 && signal <= 31) {
        line.add("SIG").add(Literal::of_table(names[signal - 1]));
    } else if (signal >= sig::rtmin && signal <= sig::rtmax) {
        // The half that is nearer names it, as kill -l prints it.
        const int above = signal - sig::rtmin;
        const int below = sig::rtmax - signal;
        line.add("SIGRT").add(above <= below ? Literal("MIN") : Literal("MAX"));
        if (above != 0 && below != 0) {
            line.add(above <= below ? '+' : '-').add(above <= below ? above : below);
        }
    } else {
        line.add(signal);
    }
}

bool concerns_program(int signal, Origin origin) {
    if (signal == sig::chld) return false;
    if (origin.itself && contains(write_signals, signal)) return false;
    if (contains(fault_signals | terminal_stops, signal)) return origin.code <= 0;
    return true;
}

}  // namespace usher
