// SPDX-License-Identifier: MIT
#include "text.hpp"

#include <algorithm>

namespace usher {

namespace {

constexpr char hex_digit(unsigned nibble) {
    return static_cast<char>(nibble < 10 ? '0' + nibble : 'a' + nibble - 10);
}

}  // namespace

std::string_view slice(std::string_view text, std::size_t from, std::size_t count) {
    text.remove_prefix(std::min(from, text.size()));
    return {text.data(), std::min(count, text.size())};
}

std::size_t find(std::string_view text, char c) { return std::min(text.find(c), text.size()); }

std::size_t find(std::string_view text, Literal needle) {
    return std::min(text.find(needle.view()), text.size());
}

bool operator==(std::string_view text, Literal literal) { return text == literal.view(); }

bool begins_with(std::string_view text, Literal prefix) { return text.starts_with(prefix.view()); }

bool take_prefix(std::string_view& text, Literal prefix) {
    const bool begins = begins_with(text, prefix);
    if (begins) text.remove_prefix(prefix.view().size());
    return begins;
}

std::string_view take_until(std::string_view& rest, char separator) {
    const std::size_t at = find(rest, separator);
    const std::string_view head = slice(rest, 0, at);
    rest = at == rest.size() ? std::string_view{} : slice(rest, at + 1);
    return head;
}

std::string_view take_word(std::string_view& rest) {
    while (!rest.empty() && is_space(rest.front())) rest.remove_prefix(1);
    const std::string_view word(rest.begin(), std::ranges::find_if(rest, is_space));
    rest.remove_prefix(word.size());
    return word;
}

std::string_view last_component(std::string_view path) {
    while (has(path, '/')) take_until(path, '/');
    return path;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, to_lower, to_lower);
}

bool is_in_any_case(std::string_view text, Literal word) {
    return equal_ignoring_case(text, word.view());
}

bool has_control(std::string_view text) { return std::ranges::any_of(text, is_control); }

int hex_value(char c) {
    if (is_digit(c)) return c - '0';
    const char low = to_lower(c);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

Writer& Writer::add_raw(std::string_view bytes) {
    const std::size_t left = room_.size() - used_;
    if (bytes.size() > left) {
        bytes = slice(bytes, 0, left);
        fits_ = false;
    }
    std::ranges::copy(bytes, room_.begin() + static_cast<std::ptrdiff_t>(used_));
    used_ += bytes.size();
    return *this;
}

Writer& Writer::add(Literal text) { return add_raw(text.view()); }
Writer& Writer::add(char c) { return add_raw({&c, 1}); }

Writer& Writer::add_padded(std::int64_t number, int width) {
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

Writer& Writer::add_hex(std::uint32_t number) {
    int bits = 28;
    while (bits > 0 && number >> bits == 0) bits -= 4;
    for (; bits >= 0; bits -= 4) add(hex_digit(number >> bits & 15));
    return *this;
}

Writer& Writer::add_untrusted(std::string_view text) {
    for (const char c : text) add(is_printable(c) ? c : '?');
    return *this;
}

Writer& Writer::add_json(std::string_view text) {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            add('\\').add(c);
        } else if (is_control(c)) {
            add("\\u00").add(hex_digit(byte >> 4)).add(hex_digit(byte & 15));
        } else {
            add(is_printable(c) ? c : '?');
        }
    }
    return *this;
}

Writer& Writer::add_big_endian(std::uint32_t value, unsigned bytes) {
    while (bytes-- > 0) add_byte(static_cast<std::uint8_t>(value >> (8 * bytes)));
    return *this;
}

void Writer::patch(std::size_t at, std::uint8_t byte) {
    if (at < used_) room_[at] = static_cast<char>(byte);
}

}  // namespace usher
