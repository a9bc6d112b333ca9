// SPDX-License-Identifier: MIT
// A CHECK as the user writes it, and as the prober understands it.
#pragma once

#include "duration.hpp"
#include "environment.hpp"

namespace usher {

enum class CheckKind : std::uint8_t {
    http,
    tcp,
    grpc,
    redis,
    postgres,
    mysql,
    file,
    pid,
    ready,
    live,
    program
};

/// Where to connect to. Views point into the check's text.
struct Endpoint {
    bool is_unix = false;
    std::string_view host;  ///< name or address without brackets; empty: loopback. Not for unix
    std::string_view zone;  ///< of an IPv6 address: the network interface (RFC 4007); may be empty
    std::string_view path;  ///< of the unix socket; an abstract one begins with '@'
    std::uint16_t port = 0;
    std::string_view authority;  ///< host and port as written: the Host header, :authority

    /// Loopback, which is never looked up. Not for unix.
    [[nodiscard]] bool is_localhost() const {
        return host.empty() || is_in_any_case(host, "localhost");
    }
};

struct Check {
    CheckKind kind = CheckKind::program;
    bool uses_tls = false;  ///< of http, grpc and tcp
    std::string_view text;  ///< as written, for the result line
    Endpoint endpoint;      ///< of those that connect
    /// http: path and query; grpc: service; postgres: database; file: path; pid: path or empty.
    std::string_view target;
    /// Of a database; never printed. parse_check knows of neither.
    std::string_view user{};
    std::string_view password{};
    bool shows_password = false;  ///< it was written in the check as it is

    /// Whether a server is asked.
    [[nodiscard]] bool connects() const { return kind <= CheckKind::mysql; }
    Duration max_age = infinite;  ///< file
    std::uint64_t min_size = 0;   ///< file, bytes
    int pid = 0;                  ///< pid, when no path
};

/// Where http is, and https.
constexpr std::uint16_t http_port(bool uses_tls) { return uses_tls ? 443 : 80; }

/// sun_path holds this many bytes (unix(7)), an abstract socket's leading NUL included.
inline constexpr std::size_t longest_unix_path = 107;

/// Of a database without user and password (credentials.hpp). False: `bad` says what was wrong.
/// `text` must outlive the check.
bool parse_check(std::string_view text, Check& check, BadInput& bad);

/// "http://HOST?query" as "http://HOST/?query", which is what is asked for, in `out`; any other
/// text as it is.
std::string_view with_path(std::string_view text, Writer& out);

}  // namespace usher
