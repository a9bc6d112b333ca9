// SPDX-License-Identifier: MIT
#include "reach.hpp"

namespace usher {

namespace {

constexpr SignalSet ignored_by_default =
    set_of(sig::chld) | set_of(sig::cont) | set_of(sig::urg) | set_of(sig::winch);

SignalSet parse_set(std::string_view text) {
    SignalSet set = 0;
    for (const char c : text) {
        const int digit = hex_value(c);
        if (digit >= 0) set = set << 4 | static_cast<SignalSet>(digit);
    }
    return set;
}

}  // namespace

SignalFacts parse_signal_facts(std::string_view status) {
    SignalFacts facts;
    while (!status.empty()) {
        std::string_view line = take_until(status, '\n');
        if (take_prefix(line, "SigBlk:")) facts.blocked = parse_set(line);
        if (take_prefix(line, "SigIgn:")) facts.ignored = parse_set(line);
        if (take_prefix(line, "SigCgt:")) facts.caught = parse_set(line);
    }
    return facts;
}

bool has_heard(SignalSet sent, const SignalFacts& facts) {
    return (sent & (facts.caught | ~(facts.ignored | ignored_by_default))) != 0;
}

}  // namespace usher
