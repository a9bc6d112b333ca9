// SPDX-License-Identifier: MIT
#include "wire.hpp"

namespace usher {

Literal reason_text(Reason reason) {
    switch (reason) {
        case Reason::none: break;
        case Reason::closed: return "closed without a reply (does it speak TLS?)";
        case Reason::truncated: return "reply cut short";
        case Reason::malformed: return "malformed reply";
        case Reason::tls: return "the peer speaks TLS, not plaintext";
        case Reason::not_http: return "not an HTTP reply";
        case Reason::http09: return "an HTTP/0.9 reply";
        case Reason::http2: return "the peer speaks HTTP/2";
        case Reason::bad_version: return "unknown HTTP version";
        case Reason::bad_status: return "malformed status";
        case Reason::headers_too_large: return "headers too large";
        case Reason::too_many_interim: return "too many 1xx replies";
        case Reason::not_found: return "text not found";
        case Reason::http1: return "the peer speaks HTTP/1, not gRPC";
        case Reason::not_http2: return "not an HTTP/2 reply";
        case Reason::hpack: return "malformed HPACK";
        case Reason::frame_too_large: return "frame too large";
        case Reason::flood: return "too many PINGs";
        case Reason::goaway: return "GOAWAY";
        case Reason::rst_stream: return "stream reset";
        case Reason::http_status: return "an HTTP reply, not gRPC";
        case Reason::no_trailers: return "no grpc-status";
        case Reason::no_message: return "no message";
        case Reason::compressed: return "compressed message";
        case Reason::bad_message: return "malformed message";
        case Reason::failed: return "the call failed";
        case Reason::not_json: return "not JSON";
        case Reason::json_cut: return "JSON cut short";
        case Reason::json_deep: return "JSON over 64 levels deep";
        case Reason::json_large: return "JSON over 256 KiB";
        case Reason::json_field: return "field";
        case Reason::not_redis: return "not a Redis reply";
        case Reason::not_postgres: return "not a PostgreSQL reply";
        case Reason::not_mysql: return "not a MySQL greeting";
        case Reason::not_ready: return "not ready";
    }
    return {};
}

}  // namespace usher
