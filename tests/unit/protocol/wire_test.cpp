// SPDX-License-Identifier: MIT
#include "wire.hpp"

#include <gtest/gtest.h>

#include "text_of.hpp"

namespace usher {
namespace {

TEST(reason_text, says_for_each_reason_what_is_wrong) {
    const struct {
        Reason reason;
        const char* text;
    } cases[] = {
        {Reason::none, ""},
        {Reason::closed, "closed without a reply (does it speak TLS?)"},
        {Reason::truncated, "reply cut short"},
        {Reason::malformed, "malformed reply"},
        {Reason::tls, "the peer speaks TLS, not plaintext"},
        {Reason::not_http, "not an HTTP reply"},
        {Reason::http09, "an HTTP/0.9 reply"},
        {Reason::http2, "the peer speaks HTTP/2"},
        {Reason::bad_version, "unknown HTTP version"},
        {Reason::bad_status, "malformed status"},
        {Reason::headers_too_large, "headers too large"},
        {Reason::too_many_interim, "too many 1xx replies"},
        {Reason::not_found, "text not found"},
        {Reason::http1, "the peer speaks HTTP/1, not gRPC"},
        {Reason::not_http2, "not an HTTP/2 reply"},
        {Reason::hpack, "malformed HPACK"},
        {Reason::frame_too_large, "frame too large"},
        {Reason::flood, "too many PINGs"},
        {Reason::goaway, "GOAWAY"},
        {Reason::rst_stream, "stream reset"},
        {Reason::http_status, "an HTTP reply, not gRPC"},
        {Reason::no_trailers, "no grpc-status"},
        {Reason::no_message, "no message"},
        {Reason::compressed, "compressed message"},
        {Reason::bad_message, "malformed message"},
        {Reason::failed, "the call failed"},
        {Reason::not_json, "not JSON"},
        {Reason::json_cut, "JSON cut short"},
        {Reason::json_deep, "JSON over 64 levels deep"},
        {Reason::json_large, "JSON over 256 KiB"},
        {Reason::json_field, "field"},
        {Reason::not_redis, "not a Redis reply"},
        {Reason::not_postgres, "not a PostgreSQL reply"},
        {Reason::not_mysql, "not a MySQL greeting"},
        {Reason::not_ready, "not ready"},
    };
    ASSERT_EQ(std::size(cases), static_cast<std::size_t>(Reason::not_ready) + 1);
    for (const auto& c : cases) EXPECT_EQ(text_of(reason_text(c.reason)), c.text);
}

}  // namespace
}  // namespace usher
