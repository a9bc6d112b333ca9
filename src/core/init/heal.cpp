// SPDX-License-Identifier: MIT
#include "heal.hpp"

#include <algorithm>

namespace usher {

namespace {

// What takes that much longer than it may, or begins that late, was held up: paused, frozen or
// throttled.
constexpr Duration longest_delay = 1 * second;

constexpr Duration longest_start_interval = 1 * second;

constexpr char comm_prefix[] = "heal:";
constexpr char names[][9] = {"starting", "healthy", "failing"};

}  // namespace

Literal wellness_name(Wellness wellness) {
    return Literal::of_table(names[static_cast<int>(wellness)]);
}

void add_watcher_name(Writer& line, Wellness wellness) {
    line.add(comm_prefix).add(wellness_name(wellness));
}

std::optional<Wellness> wellness_in(std::string_view comm) {
    if (!take_prefix(comm, comm_prefix)) return std::nullopt;
    for (const Wellness one : {Wellness::starting, Wellness::healthy, Wellness::failing}) {
        if (comm == wellness_name(one)) return one;
    }
    return std::nullopt;
}

void Rounds::note(const Round& round) {
    const bool began_late = round.began - due_ > std::max(settings_.interval, longest_delay);
    const bool was_held_up = round.ended - round.began > settings_.timeout + longest_delay;
    // A program that has just been started is healthy soon, and may hang soon.
    const bool is_starting = !round.has_passed && round.began < counts_from_;
    due_ = after(round.ended, is_starting ? std::min(settings_.interval, longest_start_interval)
                                          : settings_.interval);
    if (round.has_passed) {
        wellness_ = Wellness::healthy;
        failures_ = 0;
        counts_from_ = round.began;
        return;
    }
    if (!round.was_made || began_late || was_held_up || round.began < counts_from_) return;
    wellness_ = Wellness::failing;
    ++failures_;
}

}  // namespace usher
