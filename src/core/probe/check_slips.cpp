// SPDX-License-Identifier: MIT
#include "check_slips.hpp"

#include <algorithm>

#include "number.hpp"

namespace usher {

namespace {

constexpr bool is_letter(char c) { return to_lower(c) >= 'a' && to_lower(c) <= 'z'; }

// HOST:PORT, or with a path behind it.
bool is_host_and_port(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return false;
    const auto is_of_host = [](char c) { return is_letter(c) || is_digit(c) || has("-_.[]:", c); };
    return std::ranges::all_of(slice(text, 0, colon), is_of_host) &&
           parse_number(slice(text, colon + 1), 65535);
}

}  // namespace

Literal slip_of_check(std::string_view text) {
    if (parse_number(text, 65535)) return "did you mean :{}/ or tcp://:{}?";
    if (is_in_any_case(text, "ready") || is_in_any_case(text, "live")) {
        return "did you mean {}:?";
    }
    if (text.starts_with('/')) {
        return "a path needs a port, as in :8080{}; a file is file:{}";
    }
    if (text == "||") return "there is no shell here; leave {} out, and what follows";
    const std::size_t slash = find(text, '/');
    if (!is_host_and_port(slice(text, 0, slash))) return {};
    return slash == text.size() ? Literal("did you mean http://{}/ or tcp://{}?")
                                : Literal("did you mean http://{}?");
}

std::string_view shell_variable(std::string_view text) {
    if (!take_prefix(text, "$")) return {};
    const auto end = std::ranges::find_if_not(
        text, [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
    return slice(text, 0, static_cast<std::size_t>(end - text.begin()));
}

}  // namespace usher
