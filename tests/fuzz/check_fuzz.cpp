// SPDX-License-Identifier: MIT
// One check: variables up to an empty line, then its text, which is expanded and parsed, and from
// which a request is built.
#include <string>

#include "check.hpp"
#include "credentials.hpp"
#include "grpc.hpp"
#include "http.hpp"
#include "words.hpp"

using namespace usher;

namespace {

bool is_part_of(std::string_view part, std::string_view whole) {
    return part.empty() || (part.data() >= whole.data() &&
                            part.data() + part.size() <= whole.data() + whole.size());
}

void check_endpoint(const Check& check) {
    const Endpoint& endpoint = check.endpoint;
    if (endpoint.is_unix) {
        require(endpoint.path.size() >= 2 && endpoint.path.size() <= longest_unix_path);
        require(is_part_of(endpoint.path, check.text));
    } else {
        require(endpoint.port != 0);
        require(is_part_of(endpoint.host, check.text));
        require(is_part_of(endpoint.authority, check.text));
    }
    require(check.target == "/" || is_part_of(check.target, check.text));
}

// A line of the user's counts as a header only if nothing can be smuggled in by it.
void check_request(const Check& check, std::string_view line) {
    if (check.kind == CheckKind::http) {
        char room[8192];
        const std::string_view lines[] = {line};
        const auto length = build_http_request({.target = check.target,
                                                .host = check.endpoint.authority,
                                                .agent = "usher",
                                                .headers = {lines, line.empty() ? 0U : 1U}},
                                               room);
        if (!length) return;
        // One request, and no way to smuggle in another: its only blank line is its last.
        const std::string_view request(room, *length);
        require(request.find("\r\n\r\n") == request.size() - 4);
        for (const char c : request) {
            require(c == '\r' || c == '\n' || c == '\t' || !is_control(c));
        }
    } else {
        uint8_t room[8192];
        const std::string_view lines[] = {line};
        const bool is_metadata = !line.empty() && is_grpc_metadata(line);
        const auto length = GrpcCall::request({.authority = check.endpoint.authority,
                                               .service = check.target,
                                               .agent = "usher",
                                               .timeout_ms = 3000,
                                               .metadata = {lines, line.empty() ? 0U : 1U}},
                                              room);
        require(!length || (*length <= sizeof room && (line.empty() || is_metadata)));
    }
}

// But for what is behind a ?, nothing of the text is lost or twice, and what cannot be decoded has
// a reason.
void check_credentials(std::string_view text, char* const* environment) {
    const SplitCheck split = split_check(text);
    std::string whole(split.scheme);
    if (split.user.data() != nullptr) whole += split.user;
    if (split.password.data() != nullptr) whole += ':' + std::string(split.password);
    if (split.user.data() != nullptr) whole += '@';
    whole += split.rest;
    require(text.starts_with(whole) && (whole.size() == text.size() || text[whole.size()] == '?'));
    (void)is_written_out(split.password);
    char room[4096];
    Writer decoded(room);
    BadInput bad;
    if (!decode_credential(split.password, environment, decoded, bad)) {
        require(!bad.problem.empty());
    }
    hide_secrets(bad);
    require(bad.word.find(64) == bad.word.npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    Words environment;
    const std::string_view first_variable = rest.substr(0, rest.find('\n'));
    for (std::string_view line = next_line(rest); !line.empty(); line = next_line(rest)) {
        environment.add(line);
    }
    check_credentials(rest, environment.pointers().data());
    char room[4096];
    Writer expanded(room);
    char room_with_path[4097];
    Writer whole(room_with_path);
    Check check;
    BadInput bad;
    const bool good = expand_variables(rest, environment.pointers().data(), expanded, bad) &&
                      parse_check(with_path(expanded.view(), whole), check, bad);
    if (!good) {
        char complaint[1024];
        Writer line(complaint);
        add_bad_input(line, bad);
        require(!bad.problem.empty());
        require_clean(line.view());
        return 0;
    }
    for (const char c : check.text) require(!is_control(c));  // printed as add_untrusted does
    switch (check.kind) {
        case CheckKind::http:
        case CheckKind::grpc: check_request(check, first_variable); [[fallthrough]];
        case CheckKind::tcp:
        case CheckKind::redis:
        case CheckKind::postgres:
        case CheckKind::mysql: check_endpoint(check); break;
        case CheckKind::file: require(!check.target.empty() && check.max_age >= 0); break;
        case CheckKind::pid: require(check.target.empty() == (check.pid > 0)); break;
        case CheckKind::ready:
        case CheckKind::live: break;
        case CheckKind::program: require(false); break;
    }
    return 0;
}
