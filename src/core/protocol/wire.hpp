// SPDX-License-Identifier: MIT
// What the readers of replies share. All of them are pure: bytes in, verdict out.
#pragma once

#include "text.hpp"

namespace usher {

/// What a reader says after each piece of input. Once it is not `more` it never changes, whatever
/// is fed.
enum class Verdict : std::uint8_t { more, done, bad };

/// Why a reply was bad.
enum class Reason : std::uint8_t {
    none,
    closed,
    truncated,
    malformed,
    tls,
    not_http,
    http09,
    http2,
    bad_version,
    bad_status,
    headers_too_large,
    too_many_interim,
    not_found,
    http1,
    not_http2,
    hpack,
    frame_too_large,
    flood,
    goaway,
    rst_stream,
    http_status,
    no_trailers,
    no_message,
    compressed,
    bad_message,
    failed,
    not_json,
    json_cut,
    json_deep,
    json_large,
    json_field,
    not_redis,
    not_postgres,
    not_mysql,
    not_ready,
};

/// A few words for the user, no final dot.
Literal reason_text(Reason reason);

}  // namespace usher
