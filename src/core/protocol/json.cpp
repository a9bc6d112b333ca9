// SPDX-License-Identifier: MIT
// How a field is followed without storing the document: for each field the matcher counts how many
// components of its path lead to the innermost open object or array. Only if all of those do, the
// next key or index in there is compared with the next component, byte by byte as it is decoded. A
// key that leaves the path takes back what an earlier sibling had counted. Where the path ends, the
// value is compared in the same way.
#include "json.hpp"

#include <algorithm>

#include "number.hpp"

namespace usher {
namespace {

constexpr std::size_t longest_field = 256;
constexpr std::uint64_t largest_exponent = 999999999;
constexpr int no_byte = -1;  // equals none of a field's

constexpr bool is_surrogate(std::uint32_t code) { return code >> 11 == 0xd800 >> 11; }
constexpr bool is_low_surrogate(std::uint32_t code) { return code >> 10 == 0xdc00 >> 10; }

// Leaves of `path` what stands behind its first `count` components; false: that is nothing, not
// even an empty component.
bool skip_components(std::string_view& path, unsigned count) {
    while (count > 0) {
        if (path.empty()) return false;
        if (path.front() == '.') --count;
        path.remove_prefix(path.front() == '\\' ? 2 : 1);
    }
    return true;
}

bool is_number(std::string_view text, const JsonNumber& number) {
    JsonNumber other;
    const auto feed = [&](char c) { return other.feed(c); };
    return std::ranges::all_of(text, feed) && other.complete() && other == number;
}

}  // namespace

std::optional<JsonField> parse_json_field(std::string_view text) {
    std::size_t end = 0;
    for (; end < text.size() && text[end] != '='; ++end) {
        if (text[end] != '\\') continue;
        if (++end == text.size() || !has(".=\\", text[end])) return std::nullopt;
    }
    if (end == 0 || text.size() > longest_field) return std::nullopt;
    return JsonField{slice(text, 0, end), slice(text, end + 1), end < text.size()};
}

bool JsonNumber::feed(char c) {
    if (is_digit(c)) {
        switch (part_) {
            case Part::start:
            case Part::minus: part_ = c == '0' ? Part::zero : Part::integer; break;
            case Part::zero: return false;
            case Part::point: part_ = Part::fraction; break;
            case Part::e:
            case Part::e_sign: part_ = Part::exponent; break;
            case Part::integer:
            case Part::fraction:
            case Part::exponent: break;
        }
        digit(c);
    } else if (c == '-' && part_ == Part::start) {
        part_ = Part::minus;
        negative_ = true;
    } else if (c == '.' && (part_ == Part::zero || part_ == Part::integer)) {
        part_ = Part::point;
    } else if (to_lower(c) == 'e' && complete() && part_ != Part::exponent) {
        part_ = Part::e;
    } else if ((c == '+' || c == '-') && part_ == Part::e) {
        part_ = Part::e_sign;
        negative_exponent_ = c == '-';
    } else {
        return false;
    }
    return true;
}

void JsonNumber::digit(char c) {
    if (part_ == Part::exponent) {
        if (!append_digit(exponent_, c, largest_exponent)) inexact_ = true;
        return;
    }
    const bool zero = c == '0';
    if (zero && count_ == 0) {
        if (part_ == Part::fraction) --scale_;
        return;
    }
    if (part_ != Part::fraction) ++scale_;
    if (count_ < digits_.size())
        digits_[count_] = c;
    else if (!zero)
        inexact_ = true;
    ++count_;
    if (!zero) significant_ = count_;
}

std::int64_t JsonNumber::magnitude() const {
    const auto exponent = static_cast<std::int64_t>(exponent_);
    return scale_ + (negative_exponent_ ? -exponent : exponent);
}

bool JsonNumber::operator==(const JsonNumber& other) const {
    if (significant_ != other.significant_) return false;
    if (significant_ == 0) return true;  // zero, whatever its sign and exponent are
    return !inexact_ && !other.inexact_ && negative_ == other.negative_ &&
           magnitude() == other.magnitude() &&
           std::equal(digits_.data(), digits_.data() + significant_, other.digits_.data());
}

JsonMatcher::JsonMatcher(std::span<const JsonField> fields) {
    for (const JsonField& field : fields.first(std::min(fields.size(), most_fields)))
        fields_[count_++] = {field};
}

void JsonMatcher::fail(Reason reason) {
    verdict_ = Verdict::bad;
    reason_ = reason;
}

void JsonMatcher::feed(char c) {
    if (verdict_ != Verdict::more) return;
    if (bytes_ == limit) return fail(Reason::json_large);
    ++bytes_;
    switch (state_) {
        case State::string: return string_byte(c);
        case State::escape: return escape_byte(c);
        case State::hex: return hex_byte(c);
        case State::utf8: return utf8_byte(static_cast<std::uint8_t>(c));
        case State::word:
            if (c != *word_) return fail(Reason::not_json);
            match(c);
            if (*++word_ != 0) return;
            if (is_printable(c)) return end_value();
            state_ = State::value;  // it was the byte order mark
            return;
        case State::number:
            if (number_.feed(c)) return match(c);
            if (!number_.complete()) return fail(Reason::not_json);
            end_value();
            break;
        case State::value:
        case State::first_key:
        case State::key:
        case State::colon:
        case State::first_item:
        case State::after_value: break;
    }
    if (!has(" \t\n\r", c)) structure_byte(c);
}

Verdict JsonMatcher::finish() {
    if (verdict_ != Verdict::more) return verdict_;
    if (state_ == State::number && number_.complete()) end_value();
    if (state_ != State::after_value || depth_ != 0) {
        fail(Reason::json_cut);
        return verdict_;
    }
    verdict_ = Verdict::done;
    while (failed_ < count_ && fields_[failed_].state == FieldState::holds) ++failed_;
    if (failed_ < count_) fail(Reason::json_field);
    return verdict_;
}

// What stands between strings, numbers and words.
void JsonMatcher::structure_byte(char c) {
    switch (state_) {
        case State::first_key:
            if (c == '}') return close();
            [[fallthrough]];
        case State::key:
            if (c != '"') break;
            begin_component();
            state_ = State::string;
            return;
        case State::colon:
            if (c != ':') break;
            state_ = State::value;
            return;
        case State::first_item:
            if (c == ']') return close();
            [[fallthrough]];
        case State::value: return begin_value(c);
        case State::after_value:
            if (depth_ == 0) break;
            if (c == (in_object() ? '}' : ']')) return close();
            if (c != ',') break;
            state_ = State::key;
            if (!in_object()) next_item();
            return;
        case State::word:
        case State::number:
        case State::string:
        case State::escape:
        case State::hex:
        case State::utf8: break;  // feed() knows them
    }
    fail(Reason::not_json);
}

void JsonMatcher::begin_value(char c) {
    for (Field& field : fields()) {
        if (!field.here) continue;
        field.rest = field.value;
        field.on = field.has_value && c != '{' && c != '[';
        field.state =
            field.has_value || c == 'f' || c == 'n' ? FieldState::differs : FieldState::holds;
    }
    state_ = State::word;
    switch (c) {
        case '{':
        case '[': return open(c == '{');
        case '"': state_ = State::string; return;
        case 't': word_ = "rue"; break;
        case 'f': word_ = "alse"; break;
        case 'n': word_ = "ull"; break;
        case '\xef':
            word_ = "\xbb\xbf";
            if (bytes_ != 1) fail(Reason::not_json);
            break;
        default:
            state_ = State::number;
            number_ = {};
            if (!number_.feed(c)) fail(Reason::not_json);
            break;
    }
    match(c);
}

void JsonMatcher::end_value() {
    const bool number = state_ == State::number;
    for (Field& field : fields()) {
        const bool same = field.on && field.rest.empty();
        if (field.here && (same || (number && is_number(field.value, number_))))
            field.state = FieldState::holds;
    }
    state_ = State::after_value;
}

void JsonMatcher::open(bool object) {
    if (depth_ == deepest) return fail(Reason::json_deep);
    items_[depth_++] = 0;
    objects_ = objects_ << 1 | (object ? 1 : 0);
    state_ = State::first_key;
    if (object) return;
    next_item();
    state_ = State::first_item;
}

void JsonMatcher::close() {
    --depth_;
    objects_ >>= 1;
    state_ = State::after_value;
}

// An item is a member whose key is its index, counted from 0.
void JsonMatcher::next_item() {
    begin_component();
    char room[10];
    Writer digits(room);
    digits.add(items_[depth_ - 1U]++);
    for (const char c : digits.view()) match(c);
    end_component();
    state_ = State::value;
}

void JsonMatcher::begin_component() {
    in_key_ = true;
    const auto parents = static_cast<std::uint8_t>(depth_ - 1);
    for (Field& field : fields()) {
        field.here = false;
        field.matched = std::min(field.matched, parents);
        field.rest = field.path;
        field.on = field.matched == parents && skip_components(field.rest, parents);
    }
}

void JsonMatcher::end_component() {
    in_key_ = false;
    for (Field& field : fields()) {
        if (!field.on || !(field.rest.empty() || field.rest.front() == '.')) continue;
        ++field.matched;
        field.here = field.rest.empty();
        field.state = FieldState::missing;  // what an earlier member of this name had
    }
}

void JsonMatcher::string_byte(char c) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (c == '"') return end_string();
    if (byte < 0x20) return fail(Reason::not_json);
    if (c == '\\') {
        state_ = State::escape;
        return;
    }
    if (byte >= 0x80) {
        // A character of several bytes (RFC 3629). C0 and C1 would begin one that needs only one.
        if (byte < 0xc2 || byte > 0xf4) return fail(Reason::not_json);
        left_ = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
        code_ = byte & (0x3fU >> left_);
        least_ = 1U << (5 * left_ + 1);
        state_ = State::utf8;
    }
    match(byte);
}

void JsonMatcher::utf8_byte(std::uint8_t byte) {
    if (byte >> 6 != 2) return fail(Reason::not_json);
    code_ = code_ << 6 | (byte & 0x3f);
    match(byte);
    if (--left_ > 0) return;
    if (code_ < least_ || code_ > 0x10ffff || is_surrogate(code_)) return fail(Reason::not_json);
    state_ = State::string;
}

void JsonMatcher::escape_byte(char c) {
    code_ = 0;
    left_ = 4;
    state_ = State::hex;
    if (c == 'u') return;
    constexpr std::string_view names = "\"\\/bfnrt";
    const std::size_t at = find(names, c);
    if (at == names.size()) return fail(Reason::not_json);
    match("\"\\/\b\f\n\r\t"[at]);
    state_ = State::string;
}

void JsonMatcher::hex_byte(char c) {
    const int digit = hex_value(c);
    if (digit < 0) return fail(Reason::not_json);
    code_ = code_ << 4 | static_cast<unsigned>(digit);
    if (--left_ > 0) return;
    state_ = State::string;
    utf16_unit(code_);
}

// Two units, each half of a surrogate pair, are one character.
void JsonMatcher::utf16_unit(std::uint32_t code) {
    if (is_surrogate(code)) {
        const bool low = is_low_surrogate(code);
        if (low && high_ != 0) {
            code = 0x10000 + ((high_ & 0x3ff) << 10) + (code & 0x3ff);
            high_ = 0;
        } else {
            if (low || high_ != 0) match(no_byte);
            high_ = low ? 0 : code;
            return;
        }
    }
    if (code < 0x80) return match(static_cast<int>(code));
    unsigned more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    match(static_cast<int>((0xff00U >> (more + 1) & 0xff) | code >> 6 * more));
    while (more-- > 0) match(static_cast<int>(0x80 | (code >> 6 * more & 0x3f)));
}

void JsonMatcher::end_string() {
    if (high_ != 0) match(no_byte);
    if (!in_key_) return end_value();
    end_component();
    state_ = State::colon;
}

// One more byte of a decoded key, of a decoded string or of another value as it is written.
void JsonMatcher::match(int byte) {
    if (high_ != 0) byte = no_byte;  // no second half followed
    high_ = 0;
    for (Field& field : fields()) {
        if (!field.on) continue;
        std::string_view& rest = field.rest;
        field.on = !rest.empty() && !(in_key_ && rest.front() == '.');
        if (!field.on) continue;
        if (in_key_ && rest.front() == '\\') rest.remove_prefix(1);
        field.on = static_cast<std::uint8_t>(rest.front()) == byte;
        rest.remove_prefix(1);
    }
}

}  // namespace usher
