// SPDX-License-Identifier: MIT
#include "number.hpp"

#include <algorithm>

#include "text.hpp"

namespace usher {

bool append_digit(std::uint64_t& number, char c, std::uint64_t most) {
    if (!is_digit(c)) return false;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (digit > most || number > (most - digit) / 10) return false;
    number = number * 10 + digit;
    return true;
}

std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t most) {
    std::uint64_t number = 0;
    const auto append = [&](char c) { return append_digit(number, c, most); };
    if (text.empty() || !std::ranges::all_of(text, append)) return std::nullopt;
    return number;
}

std::string_view take_digits(std::string_view& rest) {
    std::size_t count = 0;
    while (count < rest.size() && is_digit(rest[count])) ++count;
    const std::string_view digits = slice(rest, 0, count);
    rest.remove_prefix(count);
    return digits;
}

std::optional<bool> parse_boolean(std::string_view text) {
    if (text == "1" || is_in_any_case(text, "true")) return true;
    if (text == "0" || is_in_any_case(text, "false")) return false;
    return std::nullopt;
}

}  // namespace usher
