// SPDX-License-Identifier: MIT
// The small parsers that options, variables and checks share. They return a value or nothing.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

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

bool equal_ignoring_case(std::string_view a, std::string_view b);

/// Decimal digits only, 0 to `most`.
std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t most);

/// `250ms`, `5s`, `1m30s`, `2h`, `1d`, `0.5` (seconds) and, where there may be no limit, `inf`.
/// Nothing on a sign, an unknown unit, or more than 292 years.
std::optional<Duration> parse_duration(std::string_view text, bool may_be_infinite);

/// The same, `inf` included, and as GNU sleep has it also with an exponent: `1e3`, `25e-1m`.
std::optional<Duration> parse_sleep_time(std::string_view text);

/// 1, true, 0, false.
std::optional<bool> parse_boolean(std::string_view text);

/// The value of a variable; `data() == nullptr`: not set. `environment` ends with null.
std::string_view find_in_environment(char* const* environment, std::string_view name);

/// How many letters must be put in, taken out, changed or swapped with their neighbour to turn one
/// word into the other; both count up to 23 letters.
int edit_distance(std::string_view a, std::string_view b);

}  // namespace usher
