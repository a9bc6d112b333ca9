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
    bool keep(std::string_view& target, BadInput& bad) {
        if (!writer_.fits()) return refuse(bad, "too long: all checks together", {}, "up to 4 KiB");
        arena_.used += writer_.size();
        target = writer_.view();
        return true;
    }

  private:
    Arena& arena_;
    Writer writer_;
};

bool expand(std::string_view& text, const Invocation& invocation, Arena& arena, BadInput& bad) {
    if (!has(text, "${")) return true;
    Piece piece(arena);
    return expand_variables(text, invocation.environment, piece.writer(), bad) &&
           piece.keep(text, bad);
}

// Of a variable that is not set its name may be told; of anything else, which may be a part of a
// password, nothing.
bool hide_credential(BadInput& bad) {
    const auto is_of_name = [](char c) {
        return c == '_' || is_digit(c) || to_lower(c) != to_upper(c);
    };
    if (!std::ranges::all_of(bad.word, is_of_name)) bad.word = "...";
    return false;
}

bool decode(std::string_view& part, char* const* environment, Arena& arena, BadInput& bad) {
    Piece piece(arena);
    return (decode_credential(part, environment, piece.writer(), bad) && piece.keep(part, bad)) ||
           hide_credential(bad);
}

// `environment` null: nothing in it is a variable.
bool read_parts(std::string_view text, const Invocation& invocation, char* const* environment,
                Arena& arena, Check& check, BadInput& bad) {
    SplitCheck split = split_check(text);
    const bool asks_for_password = split.password.data() != nullptr;
    const bool shows_password = environment != nullptr && is_written_out(split.password);
    if (!decode(split.user, environment, arena, bad)) return false;
    if (!decode(split.password, environment, arena, bad)) return false;
    if (!split.scheme.empty()) {
        Piece shown(arena);
        shown.writer().add_raw(split.scheme).add_raw(split.rest);
        if (!shown.keep(text, bad)) return false;
    }
    if (environment != nullptr && !expand(text, invocation, arena, bad)) {
        return split.scheme.empty() ? false : hide_credential(bad);
    }
    Piece whole(arena);
    std::string_view meant = with_path(text, whole.writer());
    if (whole.writer().size() > 0 && !whole.keep(meant, bad)) return false;
    if (!parse_check(meant, check, bad)) return false;
    if (check.uses_tls && !has_tls) {
        return refuse(bad, "TLS is in usher-tls, not in usher:", text, "http://, grpc://, tcp://");
    }
    check.text = text;
    check.user = split.user;
    check.password = split.password;
    check.shows_password = shows_password;
    // A secret that is not there would be taken for a server without one.
    return !asks_for_password || check.kind != CheckKind::redis || !check.password.empty() ||
           refuse(bad, "empty password for", text, "one, or redis://HOST without");
}

}  // namespace

bool read_check(std::string_view text, const Invocation& invocation, Arena& arena, Check& check,
                BadInput& bad) {
    // A variable that is a whole check is a URL that was written elsewhere. Anywhere else what a
    // variable has in it cannot change where user, password and host end.
    const bool is_variable = begins_with(text, "${") && find(text, '}') == text.size() - 1;
    std::string_view url = text;
    if (is_variable && !expand(url, invocation, arena, bad)) return false;
    char* const* const environment = is_variable ? nullptr : invocation.environment;
    if (read_parts(url, invocation, environment, arena, check, bad)) return true;
    if (is_variable && bad.word.data() != nullptr) {
        bad.word = text;
        bad.hint = {};
    }
    hide_secrets(bad);
    return false;
}

bool add_check(Prober& prober, std::string_view text, const Invocation& invocation, Arena& arena,
               BadInput& bad) {
    Check check;
    return read_check(text, invocation, arena, check, bad) && prober.add(check, bad);
}

bool expand_options(ProbeSettings& settings, const Invocation& invocation, Arena& arena,
                    BadInput& bad) {
    if (!expand(settings.host, invocation, arena, bad)) return false;
    for (std::size_t i = 0; i < settings.header_count; ++i) {
        std::string_view& header = settings.headers[i];
        if (!expand(header, invocation, arena, bad)) return false;
        if (is_http_header(header)) continue;
        // Its value may be a secret.
        return refuse(bad, "not a header", slice(header, 0, find(header, ':')), "'Name: value'");
    }
    return true;
}

}  // namespace usher::cmd
