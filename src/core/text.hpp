// SPDX-License-Identifier: MIT
// Text without allocation: views, and lines built in a buffer of the caller's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace usher {

/// text[from, from + count), clamped to what is there. (string_view::substr can throw, and that
/// alone would drag the C++ run-time library in.)
std::string_view slice(std::string_view text, std::size_t from,
                       std::size_t count = std::string_view::npos);

// Out of line on purpose: comparing with a literal through std::string_view's operators takes some
// forty bytes a place.
bool equal(std::string_view a, std::string_view b);
bool equal(std::string_view a, const char* b);
bool begins_with(std::string_view text, const char* prefix);
/// The place of the first `c` or `needle` in `text`; text.size() if there is none.
std::size_t find(std::string_view text, char c);
std::size_t find(std::string_view text, const char* needle);
inline bool has(std::string_view text, char c) { return find(text, c) != text.size(); }
inline bool has(std::string_view text, const char* needle) {
    return find(text, needle) != text.size();
}
/// Removes `prefix` from the front of `text`; false, and nothing done, if it does not begin so.
bool take_prefix(std::string_view& text, const char* prefix);

constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Of texts that lie behind each other, each ended by a NUL: number `index`, from 0. Such a row of
/// texts needs no pointers, which a static-pie would have to relocate at start.
const char* nth_text(const char* texts, int index);

/// Cuts `rest` at the first `separator`: returns what came before it and leaves what came after.
/// Without a separator all of it is returned and `rest` is left empty.
std::string_view take_until(std::string_view& rest, char separator);

/// A bounded line. What does not fit is dropped at the end, never written past it.
class Line {
  public:
    explicit Line(std::span<char> room) : room_(room) {}

    Line& add(std::string_view text);
    /// A literal, which may be packed (see packed_text.hpp); never what a process or a user chose.
    Line& add(const char* text);
    Line& add(char c);
    Line& add(int number);
    Line& add(std::int64_t number) { return add_padded(number, 1); }
    /// Text that a process or a user chose: whatever is not printable ASCII becomes '?'.
    Line& add_untrusted(std::string_view text);
    /// The inside of a JSON string (RFC 8259, section 7); non-ASCII bytes become '?'.
    Line& add_json(std::string_view text);
    /// `number` in decimal, with zeros in front up to `width` digits.
    Line& add_padded(std::int64_t number, int width);

    [[nodiscard]] std::string_view view() const { return {room_.data(), used_}; }
    [[nodiscard]] std::size_t size() const { return used_; }
    [[nodiscard]] bool full() const { return used_ == room_.size(); }
    /// Takes back all that was added after the line had `size` bytes.
    void cut(std::size_t size) {
        if (size < used_) used_ = size;
    }

  private:
    void add_unpacked(std::uint8_t code);

    std::span<char> room_;
    std::size_t used_ = 0;
};

}  // namespace usher
