// SPDX-License-Identifier: MIT
#include "text.hpp"

#include <cstring>

#include "packed_text.hpp"

namespace usher {

namespace {

constexpr bool printable(char c) { return c >= ' ' && c <= '~'; }

constexpr char hex_digit(unsigned nibble) {
    return static_cast<char>(nibble < 10 ? '0' + nibble : 'a' + nibble - 10);
}

}  // namespace

std::string_view slice(std::string_view text, std::size_t from, std::size_t count) {
    if (from > text.size()) from = text.size();
    const std::size_t rest = text.size() - from;
    return {text.data() + from, count < rest ? count : rest};
}

bool equal(std::string_view a, std::string_view b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size()) == 0;
}

bool equal(std::string_view a, const char* b) { return equal(a, std::string_view(b)); }

std::size_t find(std::string_view text, char c) {
    std::size_t at = 0;
    while (at < text.size() && text[at] != c) ++at;
    return at;
}

std::size_t find(std::string_view text, const char* needle) {
    std::size_t at = 0;
    while (at < text.size() && !begins_with(slice(text, at), needle)) ++at;
    return at;
}

bool begins_with(std::string_view text, const char* prefix) {
    return equal(slice(text, 0, std::strlen(prefix)), prefix);
}

bool take_prefix(std::string_view& text, const char* prefix) {
    const bool begins = begins_with(text, prefix);
    if (begins) text.remove_prefix(std::strlen(prefix));
    return begins;
}

const char* nth_text(const char* texts, int index) {
    for (; index > 0; --index) texts += std::strlen(texts) + 1;
    return texts;
}

std::string_view take_until(std::string_view& rest, char separator) {
    const std::size_t at = find(rest, separator);
    const std::string_view head = slice(rest, 0, at);
    rest = at == rest.size() ? std::string_view{} : slice(rest, at + 1);
    return head;
}

Line& Line::add(std::string_view text) {
    const std::size_t left = room_.size() - used_;
    const std::size_t count = text.size() < left ? text.size() : left;
    if (count > 0) std::memcpy(room_.data() + used_, text.data(), count);
    used_ += count;
    return *this;
}

Line& Line::add(char c) { return add(std::string_view(&c, 1)); }
Line& Line::add(int number) { return add_padded(number, 1); }

Line& Line::add(const char* text) {
    for (; *text != 0; ++text) add_unpacked(static_cast<std::uint8_t>(*text));
    return *this;
}

// A pair is made of bytes and of pairs that were there before it: 128 deep at the most.
void Line::add_unpacked(std::uint8_t code) {  // NOLINT(misc-no-recursion)
    while (code >= first_pair_code) {
        const std::size_t pair = code - first_pair_code;
        add_unpacked(static_cast<std::uint8_t>(text_pairs[2 * pair]));
        code = static_cast<std::uint8_t>(text_pairs[2 * pair + 1]);
    }
    add(static_cast<char>(code));
}

Line& Line::add_padded(std::int64_t number, int width) {
    char digits[20];
    int count = 0;
    auto rest = static_cast<std::uint64_t>(number);
    if (number < 0) {
        add('-');
        rest = ~rest + 1;
    }
    do {
        digits[count++] = static_cast<char>('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    for (int zeros = count; zeros < width; ++zeros) add('0');
    while (count > 0) add(digits[--count]);
    return *this;
}

Line& Line::add_untrusted(std::string_view text) {
    for (const char c : text) add(printable(c) ? c : '?');
    return *this;
}

Line& Line::add_json(std::string_view text) {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            add('\\').add(c);
        } else if (byte < 0x20 || byte == 0x7f) {
            add("\\u00").add(hex_digit(byte >> 4)).add(hex_digit(byte & 15));
        } else {
            add(printable(c) ? c : '?');
        }
    }
    return *this;
}

}  // namespace usher
