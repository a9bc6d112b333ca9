// SPDX-License-Identifier: MIT
// Looks up fields in a JSON document (RFC 8259) that comes byte by byte, and stores none of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "wire.hpp"

namespace usher {

struct JsonField {
    std::string_view path;   ///< as written, with its escapes
    std::string_view value;  ///< as it is: nothing is escaped in it
    bool has_value = false;  ///< false: anything will do but false and null
};

/// "PATH[=VALUE]", cut at the first '=' without a backslash. A path's components stand between dots
/// and may be empty; \. \= and \\ stand for the character itself. Nothing if the path is empty, has
/// another escape, or if the text is longer than 256 bytes.
std::optional<JsonField> parse_json_field(std::string_view text);

/// A number as JSON writes it. Two are compared exactly, however long they are.
class JsonNumber {
  public:
    /// False, and nothing done: `c` cannot come next, so the number ended before it if complete().
    bool feed(char c);
    [[nodiscard]] bool complete() const { return part_ >= Part::zero; }
    /// By value; false if that cannot be told, for more than 256 significant digits or an exponent
    /// over 999999999.
    bool operator==(const JsonNumber& other) const;

  private:
    enum class Part : std::uint8_t {
        start,
        minus,
        point,
        e,
        e_sign,
        zero,  // from here on it may end
        integer,
        fraction,
        exponent,
    };

    void digit(char c);
    [[nodiscard]] std::int64_t magnitude() const;

    // The value is 0.DIGITS times ten to the power of magnitude(), the first digit being no zero.
    std::uint64_t exponent_ = 0;     ///< as written
    std::int32_t scale_ = 0;         ///< the magnitude but for the exponent
    std::uint32_t count_ = 0;        ///< of digits from the first that is no zero,
    std::uint32_t significant_ = 0;  ///< of those without the zeros at the end
    Part part_ = Part::start;
    bool negative_ = false;
    bool negative_exponent_ = false;
    bool inexact_ = false;  ///< too many digits, or too large an exponent
    std::array<char, 256> digits_{};
};

enum class FieldState : std::uint8_t { missing, differs, holds };

/// Reads one document and says whether each field holds: a string is VALUE when decoded, a number
/// as it is written or by its value, true, false and null as they are written, and an object or an
/// array never. Of keys that are the same the last one counts. A byte order mark is passed over,
/// and half of a surrogate pair equals nothing.
class JsonMatcher {
  public:
    static constexpr std::size_t most_fields = 8;
    static constexpr std::uint32_t limit = 262144;  ///< bytes of the document, blanks included
    static constexpr unsigned deepest = 64;         ///< arrays and objects within each other

    /// At most most_fields, each from parse_json_field; their texts must outlive the matcher.
    explicit JsonMatcher(std::span<const JsonField> fields);

    void feed(char c);
    /// The document is over. Never leaves the verdict at `more`.
    Verdict finish();

    [[nodiscard]] Verdict verdict() const { return verdict_; }
    [[nodiscard]] Reason reason() const { return reason_; }
    /// What became of a field; to be asked after finish().
    [[nodiscard]] FieldState state(std::size_t index) const { return fields_[index].state; }
    /// The first field that does not hold, if the reason is json_field.
    [[nodiscard]] std::size_t failed() const { return failed_; }

  private:
    enum class State : std::uint8_t {
        value,
        first_key,  // or }
        key,
        colon,
        first_item,  // or ]
        after_value,
        word,  // true, false, null, or the byte order mark
        number,
        string,
        escape,
        hex,
        utf8,  // the rest of a character of several bytes
    };
    struct Field : JsonField {
        std::string_view rest{};   ///< what is still to be seen of the path's component or VALUE
        std::uint8_t matched = 0;  ///< components that lead to where the document is
        bool on = false;           ///< all seen so far of a key or value is the field's
        bool here = false;         ///< the value that comes, or came last, is the field's
        FieldState state = FieldState::missing;
    };

    [[nodiscard]] std::span<Field> fields() { return {fields_.data(), count_}; }
    [[nodiscard]] bool in_object() const { return (objects_ & 1) != 0; }

    void fail(Reason reason);
    void structure_byte(char c);
    void begin_value(char c);
    void end_value();
    void open(bool object);
    void close();
    void next_item();
    void begin_component();
    void end_component();
    void string_byte(char c);
    void escape_byte(char c);
    void hex_byte(char c);
    void utf8_byte(std::uint8_t byte);
    void utf16_unit(std::uint32_t code);
    void end_string();
    void match(int byte);

    State state_ = State::value;
    Verdict verdict_ = Verdict::more;
    Reason reason_ = Reason::none;
    bool in_key_ = false;
    std::uint8_t depth_ = 0;
    std::uint8_t left_ = 0;   ///< digits or bytes of a character that are still to come
    std::uint8_t count_ = 0;  ///< of fields
    std::uint8_t failed_ = 0;
    std::uint32_t bytes_ = 0;     ///< of the document, at most limit
    std::uint32_t code_ = 0;      ///< the character that is being put together,
    std::uint32_t least_ = 0;     ///< what it must be at least, so that UTF-8 is the shortest,
    std::uint32_t high_ = 0;      ///< the first half of a surrogate pair, if that came last
    std::uint64_t objects_ = 0;   ///< which open levels are objects, the innermost lowest
    const char* word_ = nullptr;  ///< what must still come of it
    JsonNumber number_{};
    std::array<std::uint32_t, deepest> items_{};  ///< of each open array, that have begun
    std::array<Field, most_fields> fields_{};
};

}  // namespace usher
