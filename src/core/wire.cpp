// SPDX-License-Identifier: MIT
#include "wire.hpp"

#include <algorithm>
#include <cstring>

#include "packed_text.hpp"

namespace usher {
namespace {

// In the order of Reason.
constexpr const auto& reasons = packed_bytes<
    "\0"
    "closed without a reply (does it speak TLS?)\0"
    "reply cut short\0"
    "malformed reply\0"
    "the peer speaks TLS, not plaintext\0"
    "not an HTTP reply\0"
    "an HTTP/0.9 reply\0"
    "the peer speaks HTTP/2\0"
    "unknown HTTP version\0"
    "malformed status\0"
    "headers too large\0"
    "too many 1xx replies\0"
    "text not found\0"
    "the peer speaks HTTP/1, not gRPC\0"
    "not an HTTP/2 reply\0"
    "malformed HPACK\0"
    "frame too large\0"
    "too many PINGs\0"
    "GOAWAY\0"
    "stream reset\0"
    "an HTTP reply, not gRPC\0"
    "no grpc-status\0"
    "no message\0"
    "compressed message\0"
    "malformed message\0"
    "the call failed">;
static_assert(std::ranges::count(reasons, 0) == static_cast<int>(Reason::failed) + 1);

}  // namespace

const char* reason_text(Reason reason) {
    return nth_text(reasons.data(), static_cast<int>(reason));
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

// As deep as the number has digits: at most 32.
void Writer::put_number(uint32_t value, uint32_t base) {  // NOLINT(misc-no-recursion)
    if (value >= base) put_number(value / base, base);
    put(static_cast<uint8_t>("0123456789abcdef"[value % base]));
}

}  // namespace usher
