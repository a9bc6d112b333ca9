// SPDX-License-Identifier: MIT
#include "grpc.hpp"

#include <algorithm>

#include "http.hpp"
#include "number.hpp"

namespace usher {
namespace {

using namespace std::string_view_literals;

// In the order of Serving.
constexpr char serving_names[4][16] = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};

// grpc/doc/statuscodes.md.
constexpr char status_names[17][20] = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

// RFC 9113 6.
enum FrameType : std::uint8_t {
    frame_data,
    frame_headers,
    frame_priority,
    frame_rst_stream,
    frame_settings,
    frame_push_promise,
    frame_ping,
    frame_goaway,
    frame_window_update,
    frame_continuation,
};
constexpr std::uint8_t flag_end_stream = 0x1, flag_ack = 0x1, flag_end_headers = 0x4,
                       flag_padded = 0x8, flag_priority = 0x20;
constexpr std::uint32_t our_stream = 1;
constexpr std::size_t frame_header_size = 9;

// RFC 7541 appendix A.
constexpr std::uint8_t index_authority = 1, index_user_agent = 58;

// What begins every call: the preface (RFC 9113 3.4); SETTINGS: no dynamic table, no server push;
// then HEADERS, its length still to come, with :method POST, :scheme http and :path ...
constexpr char opening[] =
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    "\0\0\x0c\4\0\0\0\0\0"
    "\0\1\0\0\0\0"
    "\0\2\0\0\0\0"
    "\0\0\0\1\4\0\0\0\1"
    "\x83\x86\x04\x1c/grpc.health.v1.Health/Check";
constexpr std::size_t headers_at = 24 + 9 + 12;
constexpr std::size_t scheme_at = headers_at + frame_header_size + 1;
constexpr std::uint8_t index_https = 0x87;
// ... and, after :authority, content-type and te; literals without indexing, as HpackWriter makes
// them.
constexpr char fixed_headers[] =
    "\x0f\x10\x10"
    "application/grpc"
    "\0\x02te\x08trailers";

// At most eight digits and a unit (grpc/doc/PROTOCOL-HTTP2.md); more than a day is not told
// exactly.
void put_timeout(HpackWriter& block, std::uint64_t ms) {
    constexpr std::uint64_t most = 99999999;
    char text[9];
    Writer to(text);
    to.add(std::min(ms, most)).add('m');
    block.literal("grpc-timeout", to.view());
}

std::string_view without_blanks(std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    return text;
}

// Returns the name; `line` is left with the value.
std::string_view take_name(std::string_view& line) {
    const std::string_view name = take_until(line, ':');
    line = without_blanks(line);
    return name;
}

bool is_agent(std::string_view line) { return is_in_any_case(take_name(line), "user-agent"); }

void put_metadata(HpackWriter& block, const GrpcRequest& request) {
    if (std::ranges::none_of(request.metadata, is_agent)) {
        block.literal(index_user_agent, request.agent);
    }
    for (std::string_view value : request.metadata) {
        const std::string_view name = take_name(value);
        block.literal(name, value);
    }
}

std::uint32_t big_endian(const std::uint8_t* bytes, unsigned count) {
    std::uint32_t value = 0;
    while (count-- > 0) value = value << 8 | *bytes++;
    return value;
}

}  // namespace

Literal serving_text(Serving serving) {
    return Literal::of_table(serving_names[static_cast<std::size_t>(serving)]);
}

Literal grpc_status_text(std::uint32_t status) {
    return status < std::size(status_names) ? Literal::of_table(status_names[status]) : Literal();
}

bool is_grpc_metadata(std::string_view line) {
    std::string_view reserved =
        "content-type te host content-length connection keep-alive upgrade trailer "
        "transfer-encoding proxy-connection";
    if (!is_http_header(line)) return false;
    const std::string_view name = take_name(line);
    while (!reserved.empty()) {
        if (equal_ignoring_case(name, take_until(reserved, ' '))) return false;
    }
    return !is_in_any_case(slice(name, 0, 5), "grpc-") && std::ranges::all_of(line, is_printable);
}

std::optional<std::size_t> GrpcCall::request(const GrpcRequest& request,
                                             std::span<std::uint8_t> out) {
    Writer to(out);
    HpackWriter block(to);
    to.add_raw({opening, sizeof opening - 1});
    if (request.uses_tls) to.patch(scheme_at, index_https);
    block.literal(index_authority, request.authority);
    to.add_raw({fixed_headers, sizeof fixed_headers - 1});
    put_metadata(block, request);
    if (request.timeout_ms != 0) put_timeout(block, request.timeout_ms);
    const std::size_t length = to.size() - headers_at - frame_header_size;
    to.patch(headers_at + 1, static_cast<std::uint8_t>(length >> 8));
    to.patch(headers_at + 2, static_cast<std::uint8_t>(length));

    // DATA with END_STREAM: not compressed, length, HealthCheckRequest. Its field 1 is the service,
    // a string.
    const auto service = static_cast<std::uint32_t>(request.service.size());
    const std::uint32_t message = service == 0 ? 0 : service + (service < 0x80 ? 2 : 3);
    to.add_big_endian(message + 5, 3).add_raw("\0\1\0\0\0\1\0"sv).add_big_endian(message, 4);
    if (service != 0) {
        to.add_byte(0x0a);
        if (service >= 0x80) to.add_byte(static_cast<std::uint8_t>(service | 0x80));
        to.add_byte(static_cast<std::uint8_t>(service < 0x80 ? service : service >> 7));
        to.add_raw(request.service);
    }
    // Two bytes are enough for that length.
    const bool valid = !has_control(request.authority) && !has_control(request.agent) &&
                       !has_control(request.service) &&
                       std::ranges::all_of(request.metadata, is_grpc_metadata);
    if (!valid || !to.fits() || length > frame_limit || message > frame_limit - 5) {
        return std::nullopt;
    }
    return to.size();
}

void GrpcCall::fail(Reason reason) {
    if (verdict_ != Verdict::more) return;
    verdict_ = Verdict::bad;
    reason_ = reason;
}

Verdict GrpcCall::feed(std::span<const std::uint8_t> input) {
    for (const std::uint8_t byte : input) {
        if (verdict_ != Verdict::more) break;
        if (head_bytes_ < frame_header_size)
            frame_header_byte(byte);
        else
            payload_byte(byte);
        if (head_bytes_ >= frame_header_size && left_ == 0) frame_end();
    }
    return verdict_;
}

Verdict GrpcCall::finish() {
    fail(any_frame_ || head_bytes_ != 0 ? Reason::truncated : Reason::closed);
    return verdict_;
}

void GrpcCall::sent(std::size_t bytes) {
    if (bytes > answer_bytes_) bytes = answer_bytes_;
    answer_bytes_ = static_cast<std::uint8_t>(answer_bytes_ - bytes);
    for (std::size_t i = 0; i < answer_bytes_; ++i) answers_[i] = answers_[i + bytes];
}

void GrpcCall::frame_header_byte(std::uint8_t byte) {
    head_[head_bytes_++] = byte;
    if (!any_frame_) {
        // Another protocol may say less than nine bytes and then wait (a TLS alert has seven). A
        // SETTINGS frame begins with 0.
        const std::uint8_t first = head_[0];
        if (first == '<') return fail(Reason::http1);  // HTTP/0.9, as Python answers "HTTP/2.0"
        if (first == 'H') {
            if (byte != static_cast<std::uint8_t>("HTTP/1.1"[head_bytes_ - 1]))
                return fail(Reason::not_http2);
            if (byte == '/') return fail(Reason::http1);
        } else if (first == 0x15 ||
                   first == 0x16) {  // alert, handshake; then the version (RFC 8446 5.1)
            if (head_bytes_ == 2) return fail(byte == 3 ? Reason::tls : Reason::not_http2);
        } else if (first != 0) {
            return fail(Reason::not_http2);
        }
    }
    if (head_bytes_ == frame_header_size) frame_begin();
}

void GrpcCall::frame_begin() {
    left_ = big_endian(head_, 3);
    type_ = head_[3];
    flags_ = head_[4];
    stream_ = big_endian(head_ + 5, 4) & 0x7fffffff;  // the top bit is reserved
    // RFC 9113 3.4: the server's preface is a SETTINGS frame.
    if (!any_frame_ && (type_ != frame_settings || (flags_ & flag_ack) != 0 || stream_ != 0))
        return fail(Reason::not_http2);
    any_frame_ = true;
    if (left_ > frame_limit) return fail(Reason::frame_too_large);
    if (!frame_valid()) return fail(Reason::malformed);

    padding_ = prefix_ = 0;
    padded_ = type_ <= frame_headers && (flags_ & flag_padded) != 0;
    if (padded_) prefix_ = 1;
    if (type_ == frame_headers && (flags_ & flag_priority) != 0)
        prefix_ = static_cast<std::uint8_t>(prefix_ + 5);
    if (prefix_ > left_) return fail(Reason::malformed);
    if (type_ == frame_headers) {
        in_block_ = true;
        block_stream_ = stream_;
        block_ends_stream_ = (flags_ & flag_end_stream) != 0;
        has_status_ = has_grpc_status_ = is_grpc_ = false;
        block_bytes_ = 0;
    }
    if (in_block_) {
        block_bytes_ += left_ + static_cast<std::uint32_t>(frame_header_size);
        if (block_bytes_ > header_block_limit) fail(Reason::headers_too_large);
    }
}

// Lengths and streams as RFC 9113 6 wants them. PUSH_PROMISE was forbidden by our SETTINGS.
bool GrpcCall::frame_valid() const {
    if (in_block_ != (type_ == frame_continuation)) return false;
    switch (type_) {
        case frame_data: return stream_ != 0 && (stream_ != our_stream || got_headers_);
        case frame_headers: return stream_ != 0;
        case frame_continuation: return stream_ == block_stream_;
        case frame_priority: return stream_ != 0 && left_ == 5;
        case frame_rst_stream: return stream_ != 0 && left_ == 4;
        case frame_settings:
            return stream_ == 0 && ((flags_ & flag_ack) != 0 ? left_ == 0 : left_ % 6 == 0);
        case frame_push_promise: return false;
        case frame_ping: return stream_ == 0 && left_ == 8;
        case frame_goaway: return stream_ == 0 && left_ >= 8;
        case frame_window_update: return left_ == 4;
        default: return true;  // RFC 9113 5.5: unknown types are ignored
    }
}

void GrpcCall::payload_byte(std::uint8_t byte) {
    --left_;
    if (prefix_ > 0) {
        if (padded_) padding_ = byte;
        padded_ = false;
        // The padding must fit behind what is left of the prefix.
        if (--prefix_ + padding_ > left_) fail(Reason::malformed);
    } else if (left_ < padding_) {
        // padding
    } else if (in_block_) {
        header_byte(byte);
    } else if (type_ == frame_data) {
        if (stream_ == our_stream) message_byte(byte);
    } else if (head_bytes_ < sizeof head_) {
        head_[head_bytes_++] = byte;
    }
}

void GrpcCall::frame_end() {
    if (verdict_ != Verdict::more) return;
    head_bytes_ = 0;
    const bool ours = stream_ == our_stream;
    const std::uint8_t* const control = head_ + frame_header_size;
    switch (type_) {
        case frame_data:
            if (ours && (flags_ & flag_end_stream) != 0) fail(Reason::no_trailers);
            break;
        case frame_headers:
        case frame_continuation:
            if ((flags_ & flag_end_headers) != 0) block_end();
            break;
        case frame_rst_stream:
            if (!ours) break;
            error_code_ = big_endian(control, 4);
            fail(Reason::rst_stream);
            break;
        case frame_settings:
            if ((flags_ & flag_ack) == 0) acknowledge(0);
            break;
        case frame_ping:
            if ((flags_ & flag_ack) == 0) acknowledge(8);
            break;
        case frame_goaway:
            // RFC 9113 6.8: streams up to the last one named are still served.
            error_code_ = big_endian(control + 4, 4);
            if (error_code_ != 0 || (big_endian(control, 4) & 0x7fffffff) < our_stream)
                fail(Reason::goaway);
            break;
        default: break;
    }
}

// Sends the frame back with ACK and the first `length` bytes of its payload.
void GrpcCall::acknowledge(std::uint8_t length) {
    const std::size_t size = frame_header_size + length;
    if (answer_bytes_ + size > answer_limit) return fail(Reason::flood);
    head_[0] = head_[1] = head_[5] = 0;
    head_[2] = length;
    head_[4] = flag_ack;
    for (std::size_t i = 0; i < size; ++i) answers_[answer_bytes_++] = head_[i];
}

void GrpcCall::header_byte(std::uint8_t byte) {
    switch (hpack_.feed(byte)) {
        case HpackDecoder::Step::more: break;
        case HpackDecoder::Step::field:
            // Blocks of other streams are decoded too: they may change the table.
            if (block_stream_ == our_stream) field();
            break;
        case HpackDecoder::Step::bad: fail(Reason::hpack); break;
    }
}

void GrpcCall::field() {
    const std::string_view value = hpack_.value();
    const auto number = parse_number(value, 999999999);
    switch (hpack_.name()) {
        case HeaderName::status:
            // RFC 9113 8.3: once, and not in trailers.
            if (!number || value.size() != 3 || has_status_ || got_headers_)
                return fail(Reason::malformed);
            has_status_ = true;
            block_status_ = static_cast<std::uint16_t>(*number);
            break;
        case HeaderName::grpc_status:
            if (!number) return fail(Reason::malformed);
            has_grpc_status_ = true;
            grpc_status_ = static_cast<std::uint32_t>(*number);
            break;
        case HeaderName::grpc_message: take_text(value); break;
        case HeaderName::content_type: {
            std::string_view rest = value;
            is_grpc_ = take_prefix(rest, "application/grpc") &&
                       (rest.empty() || rest[0] == '+' || rest[0] == ';');
            break;
        }
        case HeaderName::other: break;
    }
}

void GrpcCall::take_text(std::string_view value) {
    text_length_ = 0;
    for (std::size_t i = 0; i < value.size() && text_length_ < text_limit; ++i) {
        char c = value[i];
        if (c == '%' && i + 2 < value.size()) {
            const int high = hex_value(value[i + 1]);
            const int low = hex_value(value[i + 2]);
            if (high >= 0 && low >= 0) {
                c = static_cast<char>(high << 4 | low);
                i += 2;
            }
        }
        text_[text_length_++] = is_printable(c) ? c : '?';
    }
}

// A block is an interim reply (1xx), the reply's headers, its trailers, or both in one
// ("trailers-only").
void GrpcCall::block_end() {
    in_block_ = false;
    if (!hpack_.end_block()) return fail(Reason::hpack);
    if (block_stream_ != our_stream) return;
    if (!got_headers_) {
        if (!has_status_ || block_status_ < 100) return fail(Reason::malformed);
        if (block_status_ < 200) {
            if (block_ends_stream_) fail(Reason::malformed);
            return;
        }
        got_headers_ = true;
        http_status_ = block_status_;
        const bool trailers_only = block_ends_stream_ && has_grpc_status_;
        if (!trailers_only && (http_status_ != 200 || !is_grpc_)) return fail(Reason::http_status);
        if (!block_ends_stream_) return;
    }
    if (!block_ends_stream_)
        return fail(Reason::malformed);  // RFC 9113 8.1: trailers end the stream
    stream_end();
}

void GrpcCall::stream_end() {
    if (!has_grpc_status_) return fail(Reason::no_trailers);
    if (grpc_status_ != 0) return fail(Reason::failed);
    if (message_ == Message::prefix && message_prefix_ == 0) return fail(Reason::no_message);
    if (message_ != Message::complete) return fail(Reason::bad_message);
    verdict_ = Verdict::done;
}

// One message: a flag, four bytes of length, a HealthCheckResponse.
void GrpcCall::message_byte(std::uint8_t byte) {
    if (message_ == Message::complete) return fail(Reason::bad_message);  // a second one
    if (message_ == Message::prefix) return prefix_byte(byte);
    --message_left_;
    if (message_ == Message::skip) {
        if (--skip_ == 0) message_ = Message::tag;
    } else {
        // Base-128, least significant group first; ten bytes are 64 bits.
        if (varint_bits_ > 63) return fail(Reason::bad_message);
        varint_ |= static_cast<std::uint64_t>(byte & 0x7f) << varint_bits_;
        varint_bits_ = static_cast<std::uint8_t>(varint_bits_ + 7);
        if ((byte & 0x80) == 0) varint_end();
    }
    if (message_left_ != 0) return;
    if (message_ != Message::tag || varint_bits_ != 0) return fail(Reason::bad_message);
    message_ = Message::complete;
}

void GrpcCall::prefix_byte(std::uint8_t byte) {
    if (message_prefix_ == 0 && byte != 0)
        return fail(byte == 1 ? Reason::compressed : Reason::bad_message);
    message_left_ = message_left_ << 8 | byte;
    if (++message_prefix_ < 5) return;
    if (message_left_ > message_limit) return fail(Reason::bad_message);
    message_ = message_left_ == 0 ? Message::complete : Message::tag;
}

// Wire types: 0 varint, 1 and 5 of fixed size, 2 with a length. Groups (3, 4) are not used any
// more: refused.
void GrpcCall::varint_end() {
    const std::uint64_t value = varint_;
    varint_ = 0;
    varint_bits_ = 0;
    if (message_ == Message::tag) {
        wire_type_ = value & 7;
        is_status_ = value == (1U << 3);  // field 1 as varint
        skip_ = wire_type_ == 1 ? 8 : 4;
        if (value >> 3 == 0 || value >> 32 != 0 || wire_type_ == 3 || wire_type_ == 4 ||
            wire_type_ > 5)
            return fail(Reason::bad_message);
        message_ = wire_type_ == 1 || wire_type_ == 5 ? Message::skip : Message::value;
        return;
    }
    message_ = Message::tag;
    if (is_status_)
        serving_ = value > 3 ? Serving::unknown : static_cast<Serving>(value);  // the last one wins
    if (wire_type_ != 2) return;
    if (value > message_left_) return fail(Reason::bad_message);
    skip_ = static_cast<std::uint32_t>(value);
    if (skip_ != 0) message_ = Message::skip;
}

}  // namespace usher
