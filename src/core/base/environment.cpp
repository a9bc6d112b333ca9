// SPDX-License-Identifier: MIT
#include "environment.hpp"

namespace usher {

std::string_view find_in_environment(char* const* environment, std::string_view name) {
    for (; *environment != nullptr; ++environment) {
        std::string_view rest = *environment;
        if (take_until(rest, '=') == name) return rest;
    }
    return {};
}

std::string_view take_from_environment(char** environment, std::string_view name) {
    const std::string_view value = find_in_environment(environment, name);
    char** kept = environment;
    for (; *environment != nullptr; ++environment) {
        std::string_view entry = *environment;
        if (take_until(entry, '=') != name) *kept++ = *environment;
    }
    *kept = nullptr;
    return value;
}

bool expand_variables(std::string_view text, char* const* environment, Writer& out, BadInput& bad) {
    while (true) {
        const std::size_t at = find(text, "${");
        out.add_raw(slice(text, 0, at));
        if (at == text.size()) break;
        const std::string_view braced = slice(text, at + 2);
        const std::size_t end = find(braced, '}');
        if (end == braced.size()) {
            return refuse(bad, "no closing brace in", slice(text, at), "${NAME}, ${NAME:-default}");
        }
        const std::string_view inside = slice(braced, 0, end);
        if (has(inside, "${")) {
            return refuse(bad, "no variable within another:", slice(text, at), "${NAME:-default}");
        }
        const std::size_t default_at = find(inside, ":-");
        std::string_view value = find_in_environment(environment, slice(inside, 0, default_at));
        // As in the shell, an empty value counts as none where there is a default.
        if (default_at != inside.size() && value.empty()) value = slice(inside, default_at + 2);
        if (value.data() == nullptr) {
            return refuse(bad, "variable is not set:", inside, "${NAME:-default}");
        }
        out.add_raw(value);
        text = slice(braced, end + 1);
    }
    return out.fits() || refuse(bad, "too long when expanded:", text, "4 KiB in all");
}

}  // namespace usher
