// SPDX-License-Identifier: MIT
#include "given_check.hpp"

#include "check.hpp"
#include "http.hpp"

namespace usher::cmd {

bool expand(std::string_view& text, const Invocation& invocation, Arena& arena, BadInput& bad) {
    if (!has(text, "${")) return true;
    Writer line(std::span(arena.room).subspan(arena.used));
    if (!expand_variables(text, invocation.environment, line, bad)) return false;
    text = line.view();
    arena.used += line.size();
    return true;
}

std::optional<std::string_view> prepare_check(std::string_view& text, const Invocation& invocation,
                                              Arena& arena, BadInput& bad) {
    if (!expand(text, invocation, arena, bad)) return std::nullopt;
    Writer line(std::span(arena.room).subspan(arena.used));
    const std::string_view whole = with_path(text, line);
    arena.used += line.size();
    if (line.fits()) return whole;
    refuse(bad, "too long:", text, "4 KiB in all");
    return std::nullopt;
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
