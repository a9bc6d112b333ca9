// SPDX-License-Identifier: MIT
// What became of one check.
#pragma once

#include <cstdint>
#include <string_view>

#include "duration.hpp"
#include "text.hpp"

namespace usher::cmd {

enum class Health : std::uint8_t {
    pending,
    healthy,
    unhealthy,
    misused,  ///< the check itself is not allowed: exit code 125, whatever the others say
};

struct Outcome {
    Health health = Health::pending;
    bool was_made = true;  ///< false: there was no descriptor or memory to make it with
    bool timed = false;    ///< the line ends with how long it took
    Duration took = 0;
    char room[200];
    Writer detail{room};  ///< "200", "connect: Connection refused"

    Outcome() = default;
    Outcome(const Outcome&) = delete;
    Outcome& operator=(const Outcome&) = delete;

    void reset() {
        health = Health::pending;
        was_made = true;
        timed = false;
        detail.cut(0);
    }
    /// Settles it, with a detail built from pieces; the first word counts.
    Writer& settle(Health verdict, bool with_time = false) {
        health = verdict;
        timed = with_time;
        detail.cut(0);
        return detail;
    }
};

}  // namespace usher::cmd
