// SPDX-License-Identifier: MIT
// An HTTP/1.1 probe's two halves: the bytes of one request, and a reader of the reply (RFC 9112).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "body.hpp"

namespace usher {

struct HttpRequest {
    std::string_view method = "GET";
    std::string_view target = "/";  ///< origin form: path and query
    std::string_view host = {};     ///< value of Host, name[:port]; may be empty (RFC 9112 3.2)
    std::string_view agent = {};    ///< value of User-Agent
    std::span<const std::string_view> headers = {};  ///< the user's own lines, "Name: value" each
};

/// For use when options are parsed; build_http_request applies them again.
bool is_http_method(std::string_view text);  ///< a token (RFC 9110 5.6.2)
bool is_http_target(std::string_view text);  ///< begins with '/', no space, no control character
bool is_http_header(
    std::string_view line);  ///< token ':' value without control characters but HTAB

/// Writes the request. A line in `headers` replaces the default one of its name (Host, User-Agent,
/// Accept, Connection, Content-Length). Returns its length; nothing if a text is not valid or `out`
/// is too small.
std::optional<std::size_t> build_http_request(const HttpRequest& request, std::span<char> out);

/// Reads one reply, byte by byte; nothing of it is stored, so memory is constant. Where nothing is
/// looked for in the body the verdict falls with the final status line, else as soon as the body
/// has it or cannot have it. What is fed after that is read on to the end of the reply, so that who
/// asks can take all that the server has to say; it changes nothing but at_end().
class HttpReply {
  public:
    static constexpr std::size_t header_limit =
        32768;  ///< all bytes before the body, interim replies included
    static constexpr std::size_t chunk_line_limit = 1024;
    static constexpr unsigned interim_limit = 16;

    /// What is looked for in the body must outlive the reply. `head`: the request was HEAD, so no
    /// body follows.
    explicit HttpReply(std::string_view needle = {}, bool head = false,
                       std::span<const JsonField> fields = {})
        : body_(needle, fields), head_(head) {}

    Verdict feed(std::span<const char> input);
    /// The peer closed. Never leaves the verdict at `more`.
    Verdict finish();

    [[nodiscard]] Verdict verdict() const { return verdict_; }
    [[nodiscard]] Reason reason() const { return reason_; }
    /// Nothing more is to come that could be read: the reply is complete (RFC 9112, section 6.3),
    /// the peer closed, or what it says is no HTTP, so that no end can be found.
    [[nodiscard]] bool at_end() const { return at_end_; }
    /// 100-599; 0 until the final status line is complete. Known before the body has been searched.
    [[nodiscard]] int status() const { return status_; }
    [[nodiscard]] const BodySearch& body() const { return body_; }

  private:
    enum class State : std::uint8_t {
        status_line,
        line_start,
        name,
        value,
        body_counted,
        body_until_close,
        chunk_size,
        chunk_extension,
        chunk_data,
        chunk_end,
        trailers,
    };
    enum class Field : std::uint8_t { other, content_length, transfer_encoding };

    void fail(Reason reason);
    void conclude(Verdict verdict, Reason reason);
    void judge_body();
    void end_body();
    std::size_t skip(std::size_t available);
    void step(char c);
    void header_step(char c);
    void status_line_byte(char c);
    void foreign_byte(char c);
    void status_line_end();
    void line_start_byte(char c);
    void name_byte(char c);
    void value_byte(char c);
    void begin_value();
    void match(char c);
    void field_end();
    void headers_end();
    void body_byte(char c);
    void chunk_line_byte(char c);

    BodySearch body_;
    std::uint32_t header_bytes_ = 0;  ///< before the body
    std::uint64_t left_ = 0;          ///< of the counted body or the current chunk
    std::uint64_t number_ = 0;        ///< the value as a Content-Length
    std::uint16_t column_ = 0;        ///< in the status line or a chunk line
    std::uint16_t code_ = 0;          ///< digits of the status line so far
    int status_ = 0;
    std::uint8_t interim_ = 0;
    char first_ = 0;           ///< first byte of a reply that is not HTTP/1
    std::uint8_t cursor_ = 0;  ///< in the words of interest; 0: no match
    Field field_ = Field::other;
    State state_ = State::status_line;
    Verdict verdict_ = Verdict::more;
    Reason reason_ = Reason::none;
    bool head_;
    bool at_end_ = false;
    bool any_ = false;      ///< at least one byte came
    bool foreign_ = false;  ///< the first byte was not HTTP/1's
    bool after_cr_ = false;
    bool word_ = false;        ///< the value is not blank,
    bool gap_ = false;         ///< a blank followed,
    bool bad_number_ = false;  ///< it is no Content-Length
    bool has_length_ = false;
    bool has_coding_ = false;
    bool chunked_ = false;
};

}  // namespace usher
