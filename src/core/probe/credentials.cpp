// SPDX-License-Identifier: MIT
#include "credentials.hpp"

namespace usher {

namespace {

// The last @, for a password may have some in it; not one that is within ${...}. npos: none.
std::size_t find_end(std::string_view text) {
    std::size_t found = std::string_view::npos;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (slice(text, at).starts_with("${")) at += find(slice(text, at), '}');
        if (at < text.size() && text[at] == '@') found = at;
    }
    return found;
}

void decode(std::string_view text, Writer& out) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool is_code = text[at] == '%' && at + 2 < text.size() &&
                             hex_value(text[at + 1]) >= 0 && hex_value(text[at + 2]) >= 0;
        if (!is_code) {
            out.add(text[at]);
            continue;
        }
        out.add(static_cast<char>(hex_value(text[at + 1]) * 16 + hex_value(text[at + 2])));
        at += 2;
    }
}

}  // namespace

SplitCheck split_check(std::string_view text) {
    constexpr char schemes[][14] = {"redis://", "postgres://", "postgresql://", "mysql://"};
    for (const auto& scheme : schemes) {
        const std::string_view name = Literal::of_table(scheme).view();
        const std::string_view begin = slice(text, 0, name.size());
        if (!equal_ignoring_case(begin, name)) continue;
        const std::string_view rest = slice(text, name.size());
        const std::size_t end = find_end(rest);
        // A socket's path may have an @ in it.
        if (end == std::string_view::npos || begins_with(rest, "unix:/")) {
            return {.scheme = begin, .credentials = {}, .rest = rest};
        }
        return {.scheme = begin, .credentials = slice(rest, 0, end), .rest = slice(rest, end + 1)};
    }
    return {.scheme = {}, .credentials = {}, .rest = text};
}

bool decode_credential(std::string_view text, char* const* environment, Writer& out,
                       BadInput& bad) {
    while (!text.empty()) {
        const std::size_t at = environment != nullptr ? find(text, "${") : text.size();
        decode(slice(text, 0, at), out);
        text = slice(text, at);
        const std::size_t end = find(text, '}');
        const std::string_view variable = slice(text, 0, end == text.size() ? end : end + 1);
        if (!variable.empty() && !expand_variables(variable, environment, out, bad)) return false;
        text = slice(text, variable.size());
    }
    return out.fits() || refuse(bad, "too long: user or password", {}, "4 KiB in all");
}

}  // namespace usher
