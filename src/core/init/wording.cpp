// SPDX-License-Identifier: MIT
#include "wording.hpp"

#include "exit_status.hpp"
#include "signals.hpp"

namespace usher {

namespace {

// What stands behind it in a line is worth more than its end.
constexpr std::size_t longest_name = 400;

void add_end(Writer& line, int wait_status) {
    const int signal = wait_status & 0x7f;
    if (signal != 0) {
        add_signal_name(line.add("ended by "), signal);
    } else {
        line.add("exit code ").add(shell_code(wait_status));
    }
}

void add_fact(Writer& line, std::string_view word, const Facts& facts) {
    if (word == "name") {
        line.add_untrusted(slice(facts.name, 0, longest_name));
        if (facts.name.size() > longest_name) line.add("...");
    } else if (word == "pid") {
        line.add(facts.pid);
    } else if (word == "sender") {
        if (facts.pid != 0) line.add(" from pid ").add(facts.pid);
    } else if (word == "signal") {
        add_signal_name(line, facts.signal);
    } else if (word == "end") {
        add_end(line, facts.wait_status);
    } else if (word == "stage") {
        line.add(facts.stage);
    } else if (word == "reason") {
        line.add_untrusted(facts.reason);
    } else if (word == "place") {
        line.add_untrusted(facts.place);
    }
}

}  // namespace

void add_sentence(Writer& line, Literal pattern, const Facts& facts) {
    std::string_view rest = pattern.view();
    while (!rest.empty()) {
        line.add_raw(take_until(rest, '{'));
        if (!rest.empty()) add_fact(line, take_until(rest, '}'), facts);
    }
}

}  // namespace usher
