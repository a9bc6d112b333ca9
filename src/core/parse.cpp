// SPDX-License-Identifier: MIT
#include "parse.hpp"

#include <algorithm>

#include "text.hpp"

namespace usher {

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (to_lower(a[i]) != to_lower(b[i])) return false;
    }
    return true;
}

std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t most) {
    if (text.empty()) return std::nullopt;
    std::uint64_t number = 0;
    for (const char c : text) {
        if (!is_digit(c)) return std::nullopt;
        const auto digit = static_cast<std::uint64_t>(c - '0');
        if (number > (most - digit) / 10 || digit > most) return std::nullopt;
        number = number * 10 + digit;
    }
    return number;
}

namespace {

std::string_view take_digits(std::string_view& rest) {
    std::size_t count = 0;
    while (count < rest.size() && is_digit(rest[count])) ++count;
    const std::string_view digits = slice(rest, 0, count);
    rest.remove_prefix(count);
    return digits;
}

// The unit that `rest` begins with, in nanoseconds; 0 if there is none that we know.
Duration take_unit(std::string_view& rest) {
    struct Unit {
        char name[3];
        Duration length;
    };
    constexpr Unit units[] = {{"ms", millisecond},
                              {"s", second},
                              {"m", 60 * second},
                              {"h", 3600 * second},
                              {"d", 86400 * second}};
    for (const Unit& unit : units) {
        if (!take_prefix(rest, unit.name)) continue;
        return unit.length;
    }
    return 0;
}

// `digits` after the decimal point, as a part of `unit`. Beyond the nanosecond nothing counts.
Duration fraction_of(std::string_view digits, Duration unit) {
    Duration sum = 0;
    for (const char c : digits) {
        unit /= 10;
        sum += unit * (c - '0');
    }
    return sum;
}

// The power of ten at the head of `rest`, "e-3"; 0 if there is none.
std::optional<int> take_exponent(std::string_view& rest) {
    if (!take_prefix(rest, "e") && !take_prefix(rest, "E")) return 0;
    const bool down = take_prefix(rest, "-");
    if (!down) take_prefix(rest, "+");
    const auto exponent = parse_number(take_digits(rest), 99);
    if (!exponent) return std::nullopt;
    return down ? -static_cast<int>(*exponent) : static_cast<int>(*exponent);
}

// One number with its unit at the head of `rest`. Without a unit it is seconds, but only when it is
// all there is: "1m30" would be a trap (30 what?).
std::optional<Duration> take_part(std::string_view& rest, bool first, bool may_have_exponent) {
    const std::string_view whole = take_digits(rest);
    std::string_view fraction;
    if (take_prefix(rest, ".")) fraction = take_digits(rest);
    if (whole.empty() && fraction.empty()) return std::nullopt;
    const auto exponent = may_have_exponent ? take_exponent(rest) : std::optional(0);
    const Duration unit = rest.empty() && first ? second : take_unit(rest);
    if (unit == 0 || !exponent) return std::nullopt;
    const auto count = parse_number(whole.empty() ? std::string_view("0", 1) : whole,
                                    static_cast<std::uint64_t>((infinite - unit) / unit));
    if (!count) return std::nullopt;
    Duration part = static_cast<Duration>(*count) * unit + fraction_of(fraction, unit);
    for (int i = *exponent; i < 0; ++i) part /= 10;
    for (int i = *exponent; i > 0; --i) {
        if (part > infinite / 10) return std::nullopt;
        part *= 10;
    }
    return part;
}

std::optional<Duration> parse_sum(std::string_view text, bool may_be_infinite,
                                  bool may_have_exponent) {
    if (may_be_infinite &&
        (equal_ignoring_case(text, "inf") || equal_ignoring_case(text, "infinity"))) {
        return infinite;
    }
    if (text.empty()) return std::nullopt;
    Duration sum = 0;
    bool first = true;
    while (!text.empty()) {
        const auto part = take_part(text, first, may_have_exponent);
        if (!part || *part >= infinite - sum) return std::nullopt;
        sum += *part;
        first = false;
    }
    return sum;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text, bool may_be_infinite) {
    return parse_sum(text, may_be_infinite, false);
}

std::optional<Duration> parse_sleep_time(std::string_view text) {
    return parse_sum(text, true, true);
}

std::optional<bool> parse_boolean(std::string_view text) {
    if (equal(text, "1") || equal_ignoring_case(text, "true")) return true;
    if (equal(text, "0") || equal_ignoring_case(text, "false")) return false;
    return std::nullopt;
}

std::string_view find_in_environment(char* const* environment, std::string_view name) {
    for (; *environment != nullptr; ++environment) {
        std::string_view rest = *environment;
        if (equal(take_until(rest, '='), name)) return rest;
    }
    return {};
}

int edit_distance(std::string_view a, std::string_view b) {
    constexpr std::size_t longest = 23;
    a = slice(a, 0, longest);
    b = slice(b, 0, longest);
    int rows[3][longest + 1] = {};  // the row before the last, the last, the present one
    int* older = rows[0];
    int* last = rows[1];
    int* now = rows[2];
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = static_cast<int>(j);
    for (std::size_t i = 1; i <= a.size(); ++i) {
        now[0] = static_cast<int>(i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const int change = a[i - 1] == b[j - 1] ? 0 : 1;
            now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + change});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                now[j] = std::min(now[j], older[j - 2] + 1);
            }
        }
        int* const free = older;
        older = last;
        last = now;
        now = free;
    }
    return last[b.size()];
}

}  // namespace usher
