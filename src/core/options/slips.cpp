// SPDX-License-Identifier: MIT
#include "slips.hpp"

#include "edit_distance.hpp"

namespace usher {

namespace {

struct Slip {
    char letter;
    char name[10];
    char hint[62];
};
// clang-format off
constexpr Slip slips[] = {  // of probe and wait
    {'f', "fail",     "curl's -f is the default here: statuses outside 200-399 fail"},
    {'X', "request",  "the method is --method here"},
    {'m', "max-time", "the time is -t here, for everything together"},
    {'L', "location", "redirects are not followed; 300-399 pass"},
};
// clang-format on

constexpr Literal elsewhere = "TLS is in usher-tls, not in usher";

bool has_checks(Command command) { return command == Command::probe || command == Command::wait; }

// Nearer than for an option: the word may well be a program that is really missing.
bool is_near(std::string_view word, std::string_view name) {
    return edit_distance(word, name) <= static_cast<int>(name.size()) / 3;
}

}  // namespace

Literal slip_of(Command command, char letter) {
    if (!has_tls && letter == 'k' && has_checks(command)) return elsewhere;
    for (const Slip& slip : slips) {
        if (has_checks(command) && slip.letter == letter) return Literal::of_table(slip.hint);
    }
    return {};
}

Literal slip_of(Command command, std::string_view name) {
    if (!has_tls && name.starts_with("tls-")) return elsewhere;
    for (const Slip& slip : slips) {
        if (has_checks(command) && !name.empty() && name == Literal::of_table(slip.name)) {
            return Literal::of_table(slip.hint);
        }
    }
    return {};
}

void add_program_slip(Writer& line, std::string_view program) {
    if (program == "/bin/sh") {
        line.add(": the shell form needs a shell; write CMD as a list");
    } else if (has(program, ' ')) {
        line.add(": one word with blanks; write each word as an element of its own");
    }
    if (has(program, '/')) return;
    for (int i = 1; i < command_count; ++i) {
        const Literal name = command_name(static_cast<Command>(i));
        if (is_near(program, name.view())) line.add("; did you mean usher ").add(name).add('?');
    }
    if (is_near(program, "help")) line.add("; did you mean usher --help?");
    if (is_near(program, "version")) line.add("; did you mean usher --version?");
}

}  // namespace usher
