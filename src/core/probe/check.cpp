// SPDX-License-Identifier: MIT
#include "check.hpp"

#include <algorithm>

#include "check_slips.hpp"
#include "http.hpp"
#include "ip_address.hpp"
#include "number.hpp"
#include "options.hpp"

namespace usher {

namespace {

constexpr std::size_t longest_zone = 15;  // an interface's name, IFNAMSIZ less the NUL
constexpr Literal plain_forms =
    "http://HOST[:PORT]/PATH, :PORT/PATH, tcp://HOST:PORT, unix:/SOCKET, "
    "grpc://HOST:PORT[/SERVICE], redis://HOST, postgres://HOST, mysql://HOST, file:/PATH, "
    "pid:/PATH, ready:, live:";
constexpr Literal tls_forms =
    "http://HOST[:PORT]/PATH, https://HOST[:PORT]/PATH, :PORT/PATH, tcp://HOST:PORT, "
    "tls://HOST:PORT, unix:/SOCKET, grpc://HOST:PORT[/SERVICE], grpcs://HOST:PORT[/SERVICE], "
    "redis://HOST, postgres://HOST, mysql://HOST, file:/PATH, pid:/PATH, ready:, live:";
constexpr Literal check_forms = has_tls ? tls_forms : plain_forms;
constexpr Literal endpoint_forms = "HOST:PORT, [IPv6]:PORT or unix:/SOCKET";
constexpr Literal no_shell = "write ${{}}: there is no shell here";

bool take_scheme(std::string_view& text, std::string_view scheme) {
    const bool begins = equal_ignoring_case(slice(text, 0, scheme.size()), scheme);
    if (begins) text.remove_prefix(scheme.size());
    return begins;
}

// The letters of a host's name, an IPv4 address or a network interface.
bool is_name(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return (to_lower(c) >= 'a' && to_lower(c) <= 'z') || is_digit(c) || has("-_.", c);
    });
}

bool set_unix(std::string_view path, Check& check, BadInput& bad) {
    const bool is_abstract = begins_with(path, "@");
    if (path.size() < 2 || (path[0] != '/' && !is_abstract) || path.size() > longest_unix_path) {
        return refuse(bad, "not a unix socket", path, "unix:/PATH or unix:@NAME, up to 107 bytes");
    }
    check.endpoint.is_unix = true;
    check.endpoint.path = path;
    check.endpoint.authority = "localhost";
    return true;
}

// No password is printed, whatever else is wrong with it.
bool refuse_user(CheckKind kind, BadInput& bad) {
    if (kind == CheckKind::tcp) return refuse(bad, "no user:password@", {}, endpoint_forms);
    if (kind != CheckKind::http && kind != CheckKind::grpc) {
        return refuse(bad, "no user:password@ here", {}, "redis://:${NAME}@HOST, all written out");
    }
    return refuse_slip(bad, "no user:password@", {}, "use -H 'Authorization: ...'", {});
}

bool refuse_host(BadInput& bad, std::string_view authority, std::string_view host) {
    const std::string_view variable = shell_variable(host);
    if (variable.empty()) return refuse(bad, "not a host", authority, endpoint_forms);
    return refuse_slip(bad, "not a host", authority, no_shell, variable);
}

bool set_port(std::string_view text, Endpoint& endpoint, BadInput& bad) {
    const auto port = parse_number(text, 65535);
    const std::string_view variable = shell_variable(text);
    if (!variable.empty()) return refuse_slip(bad, "not a port", text, no_shell, variable);
    if (!port || *port == 0) return refuse(bad, "not a port", text, "1 to 65535");
    endpoint.port = static_cast<std::uint16_t>(*port);
    return true;
}

// "::1" or "fe80::1%eth0", as it stands in brackets; %25 is how a URL writes the % (RFC 6874).
bool set_v6(std::string_view text, Endpoint& endpoint) {
    std::string_view zone = text;
    endpoint.host = take_until(zone, '%');
    const bool has_zone = zone.data() != nullptr;
    if (zone.size() > 2) take_prefix(zone, "25");
    endpoint.zone = zone;
    const auto address = parse_ip(endpoint.host);
    return address && address->v6 && (!has_zone || (is_name(zone) && zone.size() <= longest_zone));
}

// HOST[:PORT], with an IPv6 address in brackets. `port` keeps its value when there is none.
bool set_tcp(std::string_view authority, Check& check, BadInput& bad) {
    Endpoint& endpoint = check.endpoint;
    endpoint.authority = authority;
    if (has(authority, '@')) return refuse_user(check.kind, bad);
    std::string_view rest = authority;
    if (take_prefix(rest, "[")) {
        const std::string_view inside = take_until(rest, ']');
        const bool is_closed = rest.data() != nullptr;
        if (!set_v6(inside, endpoint) || !is_closed || (!rest.empty() && rest[0] != ':')) {
            return refuse_host(bad, authority, {});
        }
        if (!rest.empty()) rest.remove_prefix(1);
    } else {
        endpoint.host = take_until(rest, ':');
        if (!endpoint.host.empty() && !is_name(endpoint.host)) {
            return refuse_host(bad, authority, endpoint.host);
        }
    }
    const bool has_port = slice(authority, authority.size() - rest.size() - 1).starts_with(":");
    if (has_port) return set_port(rest, endpoint, bad);
    return endpoint.port != 0 || refuse(bad, "needs a port", authority, endpoint_forms);
}

// "unix:/SOCKET[:/REST]" or "HOST[:PORT][/REST]"; the rest keeps what it begins with, one of
// `ends`.
bool set_endpoint_and_target(std::string_view text, std::string_view ends, Check& check,
                             BadInput& bad) {
    if (take_scheme(text, "unix:")) {
        const std::size_t at = find(text, ":/");
        if (at != text.size()) check.target = slice(text, at + 1);
        return set_unix(slice(text, 0, at), check, bad);
    }
    const std::size_t at = std::min(text.find_first_of(ends), text.size());
    check.target = slice(text, at);
    if (set_tcp(slice(text, 0, at), check, bad)) return true;
    // A password may have a slash in it.
    return has(check.target, '@') && bad.problem == "not a port" ? refuse_user(check.kind, bad)
                                                                 : false;
}

bool parse_http(std::string_view text, Check& check, BadInput& bad) {
    check.kind = CheckKind::http;
    check.endpoint.port = http_port(check.uses_tls);
    if (!set_endpoint_and_target(text, "/?#", check, bad)) return false;
    check.target = take_until(check.target, '#');
    if (check.target.empty()) check.target = "/";
    if (!is_http_target(check.target)) {
        return refuse(bad, "not a path", check.target, "printable ASCII without blanks");
    }
    return true;
}

bool parse_grpc(std::string_view text, Check& check, BadInput& bad) {
    check.kind = CheckKind::grpc;
    if (!set_endpoint_and_target(text, "/", check, bad)) return false;
    if (!check.target.empty()) check.target.remove_prefix(1);
    return true;
}

// What other clients are told there (a database's number, ?sslmode=...) is not needed to see
// whether the server is ready, but for the database that PostgreSQL is asked for.
bool parse_database(CheckKind kind, std::uint16_t port, std::string_view text, Check& check,
                    BadInput& bad) {
    check.kind = kind;
    check.endpoint.port = port;
    if (!set_endpoint_and_target(text, "/?", check, bad)) {
        // Behind a ':' may be a password, if the host is missing.
        const bool is_number = std::ranges::all_of(bad.word, is_digit);
        if (bad.problem == "not a port" && !is_number) {
            bad.word = "...";
            bad.hint = {};
            bad.accepted = "1 to 65535";
        }
        return false;
    }
    check.target = take_until(check.target, '?');
    take_prefix(check.target, "/");
    return true;
}

bool parse_file(std::string_view text, Check& check, BadInput& bad) {
    check.kind = CheckKind::file;
    check.target = take_until(text, '?');
    if (!check.target.starts_with('/')) {
        return refuse(bad, "needs a path", check.text, "file:/PATH");
    }
    while (text.data() != nullptr) {
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

// The handshake is the proof.
bool parse_tls(std::string_view text, Check& check, BadInput& bad) {
    check.kind = CheckKind::tcp;
    return take_scheme(text, "unix:") ? set_unix(text, check, bad) : set_tcp(text, check, bad);
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

bool refuse_check(std::string_view text, BadInput& bad) {
    const std::size_t scheme = find(text, "://");
    // What is before an @ may be a password.
    if (has(slice(text, scheme), '@')) text = slice(text, 0, scheme + 3);
    const Literal slip = has_control(text) ? Literal() : slip_of_check(text);
    if (slip.empty()) return refuse(bad, "unknown check", text, check_forms);
    return refuse_slip(bad, "unknown check", text, slip, text);
}

}  // namespace

bool parse_check(std::string_view text, Check& check, BadInput& bad) {
    check = {.text = text};
    if (text.empty() || has_control(text)) return refuse_check(text, bad);
    if (take_scheme(text, "http://")) return parse_http(text, check, bad);
    if (text[0] == ':') return parse_http(text, check, bad);
    if (take_scheme(text, "tcp://")) {
        check.kind = CheckKind::tcp;
        return set_tcp(text, check, bad);
    }
    if (take_scheme(text, "unix:")) {
        check.kind = CheckKind::tcp;
        return set_unix(text, check, bad);
    }
    if (take_scheme(text, "grpc://")) return parse_grpc(text, check, bad);
    check.uses_tls = true;
    if (take_scheme(text, "https://")) return parse_http(text, check, bad);
    if (take_scheme(text, "grpcs://")) return parse_grpc(text, check, bad);
    if (take_scheme(text, "tls://")) return parse_tls(text, check, bad);
    check.uses_tls = false;
    if (take_scheme(text, "redis://"))
        return parse_database(CheckKind::redis, 6379, text, check, bad);
    if (take_scheme(text, "postgres://") || take_scheme(text, "postgresql://")) {
        return parse_database(CheckKind::postgres, 5432, text, check, bad);
    }
    if (take_scheme(text, "mysql://"))
        return parse_database(CheckKind::mysql, 3306, text, check, bad);
    if (take_scheme(text, "file:")) return parse_file(text, check, bad);
    if (take_scheme(text, "pid:")) return parse_pid(text, check, bad);
    if (take_scheme(text, "ready:")) return parse_state(CheckKind::ready, text, check, bad);
    if (take_scheme(text, "live:")) return parse_state(CheckKind::live, text, check, bad);
    if (text[0] == '-') {
        return refuse(bad, "an option where a check is wanted:", text, "[OPTIONS] CHECK...");
    }
    return refuse_check(text, bad);
}

std::string_view with_path(std::string_view text, Writer& out) {
    std::string_view rest = text;
    if (!take_scheme(rest, "http://") && !take_scheme(rest, "https://")) return text;
    const std::size_t at =
        text.size() - rest.size() + std::min(rest.find_first_of("/?#"), rest.size());
    if (at == text.size() || text[at] != '?') return text;
    return out.add_raw(slice(text, 0, at)).add('/').add_raw(slice(text, at)).view();
}

}  // namespace usher
