// SPDX-License-Identifier: MIT
// One grpc.health.v1.Health/Check call over plaintext HTTP/2 (RFC 9113 with prior knowledge).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "hpack.hpp"
#include "wire.hpp"

namespace usher {

/// grpc.health.v1.HealthCheckResponse.ServingStatus; a number that is not among them counts as
/// unknown.
enum class Serving : std::uint8_t { unknown, serving, not_serving, service_unknown };

/// "SERVING"
Literal serving_text(Serving serving);
/// "UNIMPLEMENTED"; empty for a number without a name.
Literal grpc_status_text(std::uint32_t status);

struct GrpcRequest {
    std::string_view authority = {};
    bool uses_tls = false;
    std::string_view service = {};  ///< empty: the server as a whole
    std::string_view agent = {};    ///< value of user-agent
    std::uint64_t timeout_ms = 0;   ///< told to the server, at most 99999999; 0: not told
    /// The user's own lines, "Name: value" each, sent as metadata; "User-Agent" replaces the agent.
    std::span<const std::string_view> metadata = {};
};

/// Whether a line "Name: value" may be metadata (grpc/doc/PROTOCOL-HTTP2.md): a name that is not
/// the protocol's own (grpc-..., content-type, te) nor one that HTTP/2 has no use for (host,
/// connection and the like; RFC 9113, section 8.2.2), a value of printable ASCII. One of "NAME-bin"
/// is in base64.
bool is_grpc_metadata(std::string_view line);

/// The client's side. The caller writes request(), then feeds what it reads and writes what
/// to_send() holds until the verdict falls. `done` means a well-formed answer with grpc-status 0:
/// healthy only if serving() is `serving`.
class GrpcCall {
  public:
    static constexpr std::uint32_t frame_limit =
        16384;  ///< RFC 9113 6.5.2: the default, which we keep
    static constexpr std::uint32_t header_block_limit =
        16384;  ///< bytes of a header block with its frame headers
    static constexpr std::uint32_t message_limit = 4096;  ///< bytes of a HealthCheckResponse
    static constexpr std::size_t answer_limit = 136;      ///< bytes in to_send(): eight PINGs
    static constexpr std::size_t text_limit = 96;         ///< bytes of message()

    /// The whole flight: preface, SETTINGS, HEADERS, DATA. Nothing if `out` is too small, a text
    /// has a control character, a line of metadata is none, or a header or the service does not fit
    /// one frame. About 250 bytes besides the texts.
    static std::optional<std::size_t> request(const GrpcRequest& request,
                                              std::span<std::uint8_t> out);

    Verdict feed(std::span<const std::uint8_t> input);
    /// The peer closed. Never leaves the verdict at `more`.
    Verdict finish();

    /// What the peer is owed (SETTINGS and PING acknowledgements). The caller says how much of it
    /// was written.
    [[nodiscard]] std::span<const std::uint8_t> to_send() const {
        return {answers_, answer_bytes_};
    }
    void sent(std::size_t bytes);

    [[nodiscard]] Verdict verdict() const { return verdict_; }
    /// For goaway and rst_stream see error_code(), for http_status and no_trailers http_status(),
    /// for failed grpc_status() and message().
    [[nodiscard]] Reason reason() const { return reason_; }
    [[nodiscard]] Serving serving() const { return serving_; }
    /// 0-16 as a rule, but any number the peer sends.
    [[nodiscard]] std::uint32_t grpc_status() const { return grpc_status_; }
    /// grpc-message, percent-decoded, all but printable ASCII replaced by '?'.
    [[nodiscard]] std::string_view message() const { return {text_, text_length_}; }
    /// 0 until the reply's headers came.
    [[nodiscard]] int http_status() const { return http_status_; }
    /// Of GOAWAY or RST_STREAM (RFC 9113 7).
    [[nodiscard]] std::uint32_t error_code() const { return error_code_; }

  private:
    enum class Message : std::uint8_t { prefix, tag, value, skip, complete };

    void fail(Reason reason);
    void frame_header_byte(std::uint8_t byte);
    void frame_begin();
    bool frame_valid() const;
    void payload_byte(std::uint8_t byte);
    void frame_end();
    void stream_end();
    void acknowledge(std::uint8_t length);
    void header_byte(std::uint8_t byte);
    void field();
    void block_end();
    void take_text(std::string_view value);
    void message_byte(std::uint8_t byte);
    void prefix_byte(std::uint8_t byte);
    void varint_end();

    Verdict verdict_ = Verdict::more;
    Reason reason_ = Reason::none;

    /// The frame being read.
    std::uint8_t head_[9 + 8] = {};  ///< its header, and the beginning of a control frame's payload
    std::uint8_t head_bytes_ = 0;
    std::uint8_t type_ = 0;
    std::uint8_t flags_ = 0;
    std::uint8_t padding_ = 0;  ///< bytes of padding at its end
    std::uint8_t prefix_ = 0;   ///< bytes of pad length and priority at its start still to come
    bool padded_ = false;       ///< the next of these is the pad length
    bool any_frame_ = false;    ///< the first one was complete
    std::uint32_t stream_ = 0;
    std::uint32_t left_ = 0;  ///< bytes of payload still to come

    /// The header block being read.
    bool in_block_ = false;  ///< only CONTINUATION may come
    bool block_ends_stream_ = false;
    bool has_status_ = false;  ///< what the current block held
    bool has_grpc_status_ = false;
    bool is_grpc_ = false;
    std::uint16_t block_status_ = 0;
    std::uint32_t block_stream_ = 0;
    std::uint32_t block_bytes_ = 0;

    /// The stream.
    bool got_headers_ = false;
    int http_status_ = 0;
    std::uint32_t grpc_status_ = 0;
    std::uint32_t error_code_ = 0;

    /// The message.
    Message message_ = Message::prefix;
    Serving serving_ = Serving::unknown;
    std::uint8_t message_prefix_ = 0;  ///< bytes of the five seen
    std::uint8_t varint_bits_ = 0;
    std::uint8_t wire_type_ = 0;
    bool is_status_ = false;  ///< the field is the serving status
    std::uint32_t message_left_ = 0;
    std::uint32_t skip_ = 0;
    std::uint64_t varint_ = 0;

    /// Behind everything else, where a small offset reaches it.
    std::uint8_t answer_bytes_ = 0;
    std::uint8_t text_length_ = 0;
    std::uint8_t answers_[answer_limit];
    char text_[text_limit];
    HpackDecoder hpack_;
};

}  // namespace usher
