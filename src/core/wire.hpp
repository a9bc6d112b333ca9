// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "parse.hpp"
#include "text.hpp"

// What the wire codecs share. All of them are pure: bytes in, verdict out.
namespace usher {

// What a reply parser says after each piece of input. Once it is not `more` it never changes,
// whatever is fed.
enum class Verdict : uint8_t { more, done, bad };

// Why a reply was bad.
enum class Reason : uint8_t {
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
};

// A few words for the user, no final dot; packed (see packed_text.hpp).
const char* reason_text(Reason reason);

// Line `number`, from 0, of `lines`; empty if there is none. Texts are kept as lines of one char
// array: an array of string_view would cost a relocation and a dirty page in a static-pie.
std::string_view nth_line(std::string_view lines, size_t number);

constexpr size_t count_lines(std::string_view lines) {
    size_t count = 1;
    for (const char c : lines) count += c == '\n' ? 1U : 0U;
    return count;
}

// C0 and DEL, HTAB too.
constexpr bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// -1 for anything but 0-9, a-f, A-F.
int hex_value(char c);

// No control character inside: safe in a header and on a terminal.
bool is_printable(std::string_view text);

// A literal as a string_view, without a call to strlen.
template <size_t N>
constexpr std::string_view lit(const char (&text)[N]) {
    return {text, N - 1};
}

// Appends to a fixed buffer. What does not fit is dropped and remembered: one look at the end is
// enough.
class Writer {
  public:
    explicit Writer(std::span<uint8_t> out) : out_(out) {}
    explicit Writer(std::span<char> out)
        : out_(reinterpret_cast<uint8_t*>(out.data()), out.size()) {}

    void put(uint8_t byte);
    void put(std::string_view text);
    // The same for a user's text: clean() tells whether all of them were printable.
    void put_text(std::string_view text);
    void put_big_endian(uint32_t value, unsigned bytes);
    void put_number(uint32_t value, uint32_t base = 10);  // base 2-16, lower case

    [[nodiscard]] bool fits() const { return used_ <= out_.size(); }
    [[nodiscard]] bool clean() const { return clean_; }
    // Bytes wanted so far, those that did not fit included.
    [[nodiscard]] size_t size() const { return used_; }
    // Replaces a byte that was put before, such as a length known only now.
    void patch(size_t at, uint8_t byte) {
        if (at < out_.size()) out_[at] = byte;
    }

  private:
    std::span<uint8_t> out_;
    size_t used_ = 0;
    bool clean_ = true;
};

}  // namespace usher
