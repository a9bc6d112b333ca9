// SPDX-License-Identifier: MIT
// Text without allocation: views, and a writer into a buffer of the caller's.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace usher {

/// A text of usher's own, as opposed to one that a user, a process or a peer chose: only a constant
/// becomes one, so what is not may be printed only as untrusted.
class Literal {
  public:
    constexpr Literal() = default;
    consteval Literal(const char* text) : text_(text) {}  // NOLINT(google-explicit-constructor)
    Literal(std::nullptr_t) = delete;
    /// A text in a constant table of char arrays, which has no pointers that a static-pie would
    /// have to relocate at its start.
    static constexpr Literal of_table(const char* text) {
        Literal literal;
        literal.text_ = text;
        return literal;
    }
    [[nodiscard]] constexpr std::string_view view() const {
        return text_ == nullptr ? std::string_view() : std::string_view(text_);
    }
    [[nodiscard]] constexpr bool empty() const { return text_ == nullptr || *text_ == 0; }
    bool operator==(std::nullptr_t) const = delete;
    constexpr bool operator==(std::same_as<Literal> auto other) const {
        return view() == other.view();
    }

  private:
    const char* text_ = nullptr;  ///< null: empty
};

/// Out of line, as all that compares with a literal here: the compiler would make a string_view of
/// the literal at each place.
bool operator==(std::string_view text, Literal literal);
bool begins_with(std::string_view text, Literal prefix);

/// text[from, from + count), clamped to what is there. (string_view::substr can throw, which would
/// need the C++ run-time library.)
std::string_view slice(std::string_view text, std::size_t from,
                       std::size_t count = std::string_view::npos);

/// The place of the first `c` or `needle` in `text`; text.size() if there is none.
std::size_t find(std::string_view text, char c);
std::size_t find(std::string_view text, Literal needle);
inline bool has(std::string_view text, char c) { return find(text, c) != text.size(); }
inline bool has(std::string_view text, Literal needle) { return find(text, needle) != text.size(); }
/// Removes `prefix` from the front of `text`; false, and nothing done, if it does not begin so.
bool take_prefix(std::string_view& text, Literal prefix);
/// Cuts `rest` at the first `separator`: returns what came before it and leaves what came after.
/// Without a separator all of it is returned and `rest` is left empty, with data() == nullptr.
std::string_view take_until(std::string_view& rest, char separator);
/// Takes the next word off the front, and the blanks, tabs and line ends before it; empty: there
/// is none.
std::string_view take_word(std::string_view& rest);
/// What stands behind the last slash.
std::string_view last_component(std::string_view path);

bool equal_ignoring_case(std::string_view a, std::string_view b);
bool is_in_any_case(std::string_view text, Literal word);
constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
/// What isspace() says in the C locale.
constexpr bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
/// Printable ASCII, the blank included.
constexpr bool is_printable(char c) { return c >= ' ' && c <= '~'; }
/// ASCII's control characters: C0, a tab too, and DEL.
constexpr bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
bool has_control(std::string_view text);
/// -1 for anything but 0-9, a-f, A-F.
int hex_value(char c);

/// Appends to a buffer of the caller's. What does not fit is dropped at the end, never written past
/// it, and fits() tells so.
class Writer {
  public:
    explicit Writer(std::span<char> room) : room_(room) {}
    explicit Writer(std::span<std::uint8_t> room)
        : room_(reinterpret_cast<char*>(room.data()), room.size()) {}  // NOLINT(*-reinterpret-cast)

    Writer& add(Literal text);
    Writer& add(char c);
    Writer& add(std::integral auto number) {
        return add_padded(static_cast<std::int64_t>(number), 1);
    }
    /// `number` in decimal, with zeros in front up to `width` digits.
    Writer& add_padded(std::int64_t number, int width);
    Writer& add_hex(std::uint32_t number);  ///< lower case, no zeros in front
    /// Text that a process, a user or a peer chose: whatever is not printable ASCII becomes '?'.
    Writer& add_untrusted(std::string_view text);
    /// The inside of a JSON string (RFC 8259, section 7); non-ASCII bytes become '?'.
    Writer& add_json(std::string_view text);

    /// Bytes as they are: for paths, messages to a peer and what another writer has made; not for
    /// what is shown.
    Writer& add_raw(std::string_view bytes);
    Writer& add_byte(std::uint8_t byte) { return add(static_cast<char>(byte)); }
    /// The lowest `bytes` bytes of `value`, the highest first.
    Writer& add_big_endian(std::uint32_t value, unsigned bytes);
    /// Replaces a byte that was added before, such as a length that is known only now.
    void patch(std::size_t at, std::uint8_t byte);

    [[nodiscard]] std::string_view view() const { return {room_.data(), used_}; }
    [[nodiscard]] std::size_t size() const { return used_; }
    [[nodiscard]] bool fits() const { return fits_; }
    /// Takes back all that was added after there were `size` bytes.
    void cut(std::size_t size) {
        if (size < used_) used_ = size;
    }

  private:
    std::span<char> room_;
    std::size_t used_ = 0;
    bool fits_ = true;
};

}  // namespace usher
