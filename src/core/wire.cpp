// SPDX-License-Identifier: MIT
#include "wire.hpp"

#include <algorithm>
#include <cstring>

namespace usher {
namespace {

// In the order of Reason.
constexpr char reason_lines[] =
    "\n"
    "closed without a reply (does it speak TLS?)\n"
    "reply cut short\n"
    "malformed reply\n"
    "the peer speaks TLS, not plaintext\n"
    "not an HTTP reply\n"
    "an HTTP/0.9 reply\n"
    "the peer speaks HTTP/2\n"
    "unknown HTTP version\n"
    "malformed status\n"
    "headers too large\n"
    "too many 1xx replies\n"
    "text not found\n"
    "the peer speaks HTTP/1, not gRPC\n"
    "not an HTTP/2 reply\n"
    "malformed HPACK\n"
    "frame too large\n"
    "too many PINGs\n"
    "GOAWAY\n"
    "stream reset\n"
    "an HTTP reply, not gRPC\n"
    "no grpc-status\n"
    "no message\n"
    "compressed message\n"
    "malformed message\n"
    "the call failed";
static_assert(count_lines(reason_lines) == static_cast<size_t>(Reason::failed) + 1);

}  // namespace

std::string_view reason_text(Reason reason) {
    return nth_line(lit(reason_lines), static_cast<size_t>(reason));
}

std::string_view nth_line(std::string_view lines, size_t number) {
    for (;; --number) {
        const size_t end = find(lines, '\n');
        if (number == 0) return slice(lines, 0, end);
        if (end == lines.size()) return {};
        lines = slice(lines, end + 1);
    }
}

int hex_value(char c) {
    if (is_digit(c)) return c - '0';
    const char low = to_lower(c);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

size_t find(std::string_view text, char c) {
    size_t i = 0;
    while (i < text.size() && text[i] != c) ++i;
    return i;
}

bool is_printable(std::string_view text) { return std::ranges::none_of(text, is_control); }

void Writer::put(uint8_t byte) {
    if (used_ < out_.size()) out_[used_] = byte;
    ++used_;
}

void Writer::put(std::string_view text) {
    for (const char c : text) put(static_cast<uint8_t>(c));
}

void Writer::put_text(std::string_view text) {
    clean_ = clean_ && is_printable(text);
    put(text);
}

void Writer::put_big_endian(uint32_t value, unsigned bytes) {
    while (bytes-- > 0) put(static_cast<uint8_t>(value >> (8 * bytes)));
}

void Writer::put_number(uint32_t value, uint32_t base) {
    if (value >= base) put_number(value / base, base);
    put(static_cast<uint8_t>("0123456789abcdef"[value % base]));
}

}  // namespace usher
