// SPDX-License-Identifier: MIT
#include "given_check.hpp"

#include <algorithm>

#include "credentials.hpp"
#include "http.hpp"

namespace usher::cmd {

namespace {

// What is written to the arena, and is to stay there.
class Piece {
  public:
    explicit Piece(Arena& arena)
        : arena_(arena), writer_(std::span(arena.room).subspan(arena.used)) {}
    Writer& writer() { return writer_; }
    std::string_view keep() {
        arena_.used += writer_.size();
        return writer_.view();
    }

  private:
    Arena& arena_;
    Writer writer_;
};

bool expand(std::string_view& text, const Invocation& invocation, Arena& arena, BadInput& bad) {
    if (!has(text, "${")) return true;
    Piece piece(arena);
    if (!expand_variables(text, invocation.environment, piece.writer(), bad)) return false;
    text = piece.keep();
    return true;
}

// Of a database's check. What is wrong may be a part of its password, unless it is a name.
bool hide_word(BadInput& bad) {
    const auto is_of_name = [](char c) {
        return c == '_' || is_digit(c) || to_lower(c) != to_upper(c);
    };
    if (!std::ranges::all_of(bad.word, is_of_name)) bad.word = "...";
    return false;
}

bool read_credential(std::string_view text, std::string_view& target, char* const* environment,
                     Arena& arena, BadInput& bad) {
    Piece piece(arena);
    if (!decode_credential(text, environment, piece.writer(), bad)) return false;
    target = piece.keep();
    return true;
}

}  // namespace

bool read_check(std::string_view text, const Invocation& invocation, Arena& arena, Check& check,
                BadInput& bad) {
    // A variable that is a whole check is one that was written elsewhere. Else what a variable has
    // in it cannot change where user, password and host end.
    const bool is_elsewhere = begins_with(text, "${");
    if (is_elsewhere && !expand(text, invocation, arena, bad)) return false;
    const SplitCheck split = split_check(text);
    std::string_view user;
    std::string_view password;
    if (split.credentials.data() != nullptr) {
        std::string_view rest = split.credentials;
        const std::string_view first = take_until(rest, ':');
        char* const* const environment = is_elsewhere ? nullptr : invocation.environment;
        if (!read_credential(first, user, environment, arena, bad) ||
            !read_credential(rest, password, environment, arena, bad)) {
            return hide_word(bad);
        }
        Piece piece(arena);
        piece.writer().add_raw(split.scheme).add_raw(split.rest);
        text = piece.keep();
    }
    if (!is_elsewhere && !expand(text, invocation, arena, bad)) {
        return split.scheme.empty() ? false : hide_word(bad);
    }
    Piece whole(arena);
    const std::string_view meant = with_path(text, whole.writer());
    whole.keep();
    if (!whole.writer().fits()) return refuse(bad, "too long:", text, "4 KiB in all");
    if (!parse_check(meant, check, bad)) return false;
    check.text = text;
    check.user = user;
    check.password = password;
    check.shows_password = !is_elsewhere && !password.empty() && !has(split.credentials, "${");
    return true;
}

bool expand_options(ProbeSettings& settings, const Invocation& invocation, Arena& arena,
                    BadInput& bad) {
    if (!expand(settings.host, invocation, arena, bad)) return false;
    for (std::size_t i = 0; i < settings.header_count; ++i) {
        std::string_view& header = settings.headers[i];
        if (!expand(header, invocation, arena, bad)) return false;
        if (!is_http_header(header)) return refuse(bad, "not a header", header, "'Name: value'");
    }
    return true;
}

}  // namespace usher::cmd
