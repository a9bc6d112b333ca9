// SPDX-License-Identifier: MIT
#include "credentials.hpp"

namespace usher {

namespace {

constexpr std::size_t nowhere = std::string_view::npos;

// The first or the last `c` that is not within ${...}; nowhere: there is none.
std::size_t find_outside(std::string_view text, char c, bool last) {
    std::size_t found = nowhere;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (slice(text, at).starts_with("${")) at += find(slice(text, at), '}');
        if (at >= text.size() || text[at] != c) continue;
        found = at;
        if (!last) break;
    }
    return found;
}

// Where the credentials end. The last @ counts, for a password may have some in it; but so may the
// path of a socket.
std::size_t find_end(std::string_view text) {
    if (begins_with(text, "unix:/")) return nowhere;
    const std::size_t socket = text.find("@unix:/");
    return socket != nowhere ? socket : find_outside(text, '@', true);
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
        const std::string_view begin = slice(text, 0, Literal::of_table(scheme).view().size());
        if (!equal_ignoring_case(begin, Literal::of_table(scheme).view())) continue;
        const std::string_view all = slice(text, begin.size());
        const std::string_view rest = slice(all, 0, find_outside(all, '?', false));
        SplitCheck split{.scheme = begin, .user = {}, .password = {}, .rest = rest};
        const std::size_t end = find_end(rest);
        if (end == nowhere) return split;
        split.user = slice(rest, 0, end);
        split.rest = slice(rest, end + 1);
        const std::size_t colon = find_outside(split.user, ':', false);
        if (colon == nowhere) return split;
        split.password = slice(split.user, colon + 1);
        split.user = slice(split.user, 0, colon);
        return split;
    }
    return {.scheme = {}, .user = {}, .password = {}, .rest = text};
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

bool is_written_out(std::string_view password) {
    const std::size_t at = find(password, "${");
    const std::size_t fallback = find(password, ":-");
    const bool has_fallback =
        slice(password, fallback, 3).size() == 3 && !begins_with(slice(password, fallback), ":-}");
    return !password.empty() && (at == password.size() || has_fallback);
}

void hide_secrets(BadInput& bad) {
    for (std::size_t at = 0; at < bad.word.size(); ++at) {
        const bool is_named = equal_ignoring_case(slice(bad.word, at, 8), "password");
        if (bad.word[at] != '@' && !is_named) continue;
        bad.word = "...";
        bad.hint = {};
        return;
    }
}

}  // namespace usher
