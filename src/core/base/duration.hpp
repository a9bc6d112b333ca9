// SPDX-License-Identifier: MIT
// Durations and points in time, and how people write them.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include "bad_input.hpp"

namespace usher {

/// Nanoseconds. Points in time count from an arbitrary zero (the monotonic clock's).
using Duration = std::int64_t;
using Time = std::int64_t;
inline constexpr Duration millisecond = 1'000'000;
inline constexpr Duration second = 1'000 * millisecond;
/// "No limit", as a duration; "never", as a time.
inline constexpr Duration infinite = std::numeric_limits<std::int64_t>::max();

/// `start + length` that stays at `infinite` instead of overflowing. Both are 0 or more.
constexpr Time after(Time start, Duration length) {
    return length >= infinite - start ? infinite : start + length;
}

/// `250ms`, `5s`, `1m30s`, `2h`, `1d`, `0.5` (seconds) and, where there may be no limit, `inf`.
/// Nothing on a sign, an unknown unit, or more than 292 years.
std::optional<Duration> parse_duration(std::string_view text, bool may_be_infinite);

/// The same, `inf` included, and as GNU sleep has it also with an exponent: `1e3`, `25e-1m`.
std::optional<Duration> parse_sleep_time(std::string_view text);

/// The value of an option that takes a duration. False: `bad` says what was wrong.
bool set_duration(Duration& target, std::string_view text, bool may_be_infinite, BadInput& bad);

/// "5s", "1.5s", "250ms", "inf".
void add_duration(Writer& line, Duration duration);

}  // namespace usher
