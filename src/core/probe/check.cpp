// SPDX-License-Identifier: MIT
#include "check.hpp"

#include "http.hpp"
#include "ip_address.hpp"
#include "number.hpp"

namespace usher {

namespace {

constexpr std::uint16_t default_http_port = 80;

constexpr Literal check_forms =
    "http://HOST[:PORT]/PATH, :PORT/PATH, tcp://HOST:PORT, unix:/SOCKET, "
    "grpc://HOST:PORT[/SERVICE], file:/PATH, pid:/PATH, ready:, live:";
constexpr Literal endpoint_forms = "HOST:PORT, [IPv6]:PORT or unix:/SOCKET";

bool set_unix(std::string_view path, Check& check, BadInput& bad) {
    const bool is_abstract = path.starts_with("@");
    if (path.size() < 2 || (path[0] != '/' && !is_abstract) || path.size() > longest_unix_path) {
        return refuse(bad, "not a unix socket", path, "unix:/PATH or unix:@NAME, up to 107 bytes");
    }
    check.endpoint.is_unix = true;
    check.endpoint.path = path;
    check.endpoint.authority = "localhost";
    return true;
}

// HOST[:PORT], with an IPv6 address in brackets. `port` keeps its value when there is none.
bool set_tcp(std::string_view authority, Check& check, BadInput& bad) {
    Endpoint& endpoint = check.endpoint;
    endpoint.authority = authority;
    std::string_view rest = authority;
    if (take_prefix(rest, "[")) {
        endpoint.host = take_until(rest, ']');
        const auto address = parse_ip(endpoint.host);
        const bool is_closed = rest.data() != nullptr;
        if (!address || !address->v6 || !is_closed || (!rest.empty() && rest[0] != ':')) {
            return refuse(bad, "not a host", authority, endpoint_forms);
        }
        if (!rest.empty()) rest.remove_prefix(1);
    } else {
        endpoint.host = take_until(rest, ':');
    }
    const bool has_port = slice(authority, authority.size() - rest.size() - 1).starts_with(":");
    if (has_port) {
        const auto port = parse_number(rest, 65535);
        if (!port || *port == 0) return refuse(bad, "not a port", rest, "1 to 65535");
        endpoint.port = static_cast<std::uint16_t>(*port);
    } else if (endpoint.port == 0) {
        return refuse(bad, "needs a port", authority, endpoint_forms);
    }
    return true;
}

// "unix:/SOCKET[:/REST]" or "HOST[:PORT][/REST]"; the rest keeps its slash.
bool set_endpoint_and_target(std::string_view text, Check& check, BadInput& bad) {
    if (take_prefix(text, "unix:")) {
        const std::size_t at = find(text, ":/");
        if (at != text.size()) check.target = slice(text, at + 1);
        return set_unix(slice(text, 0, at), check, bad);
    }
    const std::size_t at = find(text, '/');
    check.target = slice(text, at);
    return set_tcp(slice(text, 0, at), check, bad);
}

bool parse_http(std::string_view text, Check& check, BadInput& bad) {
    check.kind = CheckKind::http;
    check.endpoint.port = default_http_port;
    if (!set_endpoint_and_target(text, check, bad)) return false;
    check.target = take_until(check.target, '#');
    if (check.target.empty()) check.target = "/";
    if (!is_http_target(check.target)) {
        return refuse(bad, "not a path", check.target, "printable ASCII without blanks");
    }
    return true;
}

bool parse_grpc(std::string_view text, Check& check, BadInput& bad) {
    check.kind = CheckKind::grpc;
    if (!set_endpoint_and_target(text, check, bad)) return false;
    if (!check.target.empty()) check.target.remove_prefix(1);
    return true;
}

bool parse_file(std::string_view text, Check& check, BadInput& bad) {
    check.kind = CheckKind::file;
    check.target = take_until(text, '?');
    if (check.target.empty()) return refuse(bad, "needs a path", check.text, "file:/PATH");
    while (!text.empty()) {
        std::string_view value = take_until(text, '&');
        const std::string_view word = value;
        const std::string_view name = take_until(value, '=');
        const auto age = parse_duration(value, false);
        const auto size = parse_number(value, infinite);
        if (name == "max-age" && age) {
            check.max_age = *age;
        } else if (name == "min-size" && size) {
            check.min_size = *size;
        } else {
            return refuse(bad, "not a condition", word, "max-age=DURATION, min-size=BYTES");
        }
    }
    return true;
}

bool parse_pid(std::string_view text, Check& check, BadInput& bad) {
    check.kind = CheckKind::pid;
    if (!text.empty() && text[0] == '/') {
        check.target = text;
        return true;
    }
    const auto pid = parse_number(text, INT32_MAX);
    if (!pid || *pid == 0) return refuse(bad, "not a pid", text, "pid:/PATH or pid:N");
    check.pid = static_cast<int>(*pid);
    return true;
}

bool parse_state(CheckKind kind, std::string_view rest, Check& check, BadInput& bad) {
    check.kind = kind;
    return rest.empty() || refuse(bad, "unknown check", check.text, check_forms);
}

}  // namespace

bool parse_check(std::string_view text, Check& check, BadInput& bad) {
    check = {.text = text};
    if (text.empty() || has_control(text)) return refuse(bad, "unknown check", text, check_forms);
    if (take_prefix(text, "http://")) return parse_http(text, check, bad);
    if (text[0] == ':') return parse_http(text, check, bad);
    if (take_prefix(text, "tcp://")) {
        check.kind = CheckKind::tcp;
        return set_tcp(text, check, bad);
    }
    if (take_prefix(text, "unix:")) {
        check.kind = CheckKind::tcp;
        return set_unix(text, check, bad);
    }
    if (take_prefix(text, "grpc://")) return parse_grpc(text, check, bad);
    if (take_prefix(text, "file:")) return parse_file(text, check, bad);
    if (take_prefix(text, "pid:")) return parse_pid(text, check, bad);
    if (take_prefix(text, "ready:")) return parse_state(CheckKind::ready, text, check, bad);
    if (take_prefix(text, "live:")) return parse_state(CheckKind::live, text, check, bad);
    if (take_prefix(text, "https://") || take_prefix(text, "grpcs://")) {
        return refuse(bad, "TLS is not in this build:", check.text, "http://, grpc://, tcp://");
    }
    if (text[0] == '-') {
        return refuse(bad, "options go before the checks:", text, "usher probe [OPTIONS] CHECK...");
    }
    return refuse(bad, "unknown check", text, check_forms);
}

}  // namespace usher
