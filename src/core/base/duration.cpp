// SPDX-License-Identifier: MIT
#include "duration.hpp"

#include "number.hpp"

namespace usher {

namespace {

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
        if (!take_prefix(rest, Literal::of_table(unit.name))) continue;
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
    const auto count = parse_number(whole.empty() ? "0" : whole,
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
    if (may_be_infinite && (is_in_any_case(text, "inf") || is_in_any_case(text, "infinity"))) {
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

bool set_duration(Duration& target, std::string_view text, bool may_be_infinite, BadInput& bad) {
    const auto duration = parse_duration(text, may_be_infinite);
    if (!duration && may_be_infinite) {
        return refuse(bad, "not a duration", text, "250ms, 5s, 1m30s, 2h, 1d, 0.5 (seconds), inf");
    }
    if (!duration) {
        return refuse(bad, "not a duration", text, "250ms, 5s, 1m30s, 2h, 1d, 0.5 (seconds)");
    }
    target = *duration;
    return true;
}

void add_duration(Writer& line, Duration duration) {
    if (duration == infinite) {
        line.add("inf");
        return;
    }
    const Duration ms = duration / millisecond;
    if (ms < 1000 && ms > 0) {
        line.add(ms).add("ms");
        return;
    }
    line.add(ms / 1000);
    if (ms % 1000 != 0) {
        Duration rest = ms % 1000;
        int width = 3;
        while (rest % 10 == 0) {
            rest /= 10;
            --width;
        }
        line.add('.').add_padded(rest, width);
    }
    line.add('s');
}

}  // namespace usher
