// SPDX-License-Identifier: MIT
#include "hpack.hpp"

namespace usher {
namespace {

// RFC 7541 appendix B. Within a length the codes count up with the symbols, and a longer code
// begins where the shorter ones end; so the symbols in order of their codes, and how many have each
// length, say it all.
constexpr std::uint8_t huffman_symbols[256] = {
    48,  49,  50,  97,  99,  101, 105, 111, 115, 116, 32,  37,  45,  46,  47,  51,  52,  53,  54,
    55,  56,  57,  61,  65,  95,  98,  100, 102, 103, 104, 108, 109, 110, 112, 114, 117, 58,  66,
    67,  68,  69,  70,  71,  72,  73,  74,  75,  76,  77,  78,  79,  80,  81,  82,  83,  84,  85,
    86,  87,  89,  106, 107, 113, 118, 119, 120, 121, 122, 38,  42,  44,  59,  88,  90,  33,  34,
    40,  41,  63,  39,  43,  124, 35,  62,  0,   36,  64,  91,  93,  126, 94,  125, 60,  96,  123,
    92,  195, 208, 128, 130, 131, 162, 184, 194, 224, 226, 153, 161, 167, 172, 176, 177, 179, 209,
    216, 217, 227, 229, 230, 129, 132, 133, 134, 136, 146, 154, 156, 160, 163, 164, 169, 170, 173,
    178, 181, 185, 186, 187, 189, 190, 196, 198, 228, 232, 233, 1,   135, 137, 138, 139, 140, 141,
    143, 147, 149, 150, 151, 152, 155, 157, 158, 165, 166, 168, 174, 175, 180, 182, 183, 188, 191,
    197, 231, 239, 9,   142, 144, 145, 148, 159, 171, 206, 215, 225, 236, 237, 199, 207, 234, 235,
    192, 193, 200, 201, 202, 205, 210, 213, 218, 219, 238, 240, 242, 243, 255, 203, 204, 211, 212,
    214, 221, 222, 223, 241, 244, 245, 246, 247, 248, 250, 251, 252, 253, 254, 2,   3,   4,   5,
    6,   7,   8,   11,  12,  14,  15,  16,  17,  18,  19,  20,  21,  23,  24,  25,  26,  27,  28,
    29,  30,  31,  127, 220, 249, 10,  13,  22,
};
constexpr std::uint32_t end_of_string = 256;  // the last code of all, 30 ones
constexpr unsigned shortest_code = 5;
constexpr std::uint8_t codes_of_length[] = {
    10, 26, 32, 6, 0, 5, 3, 2, 6, 2, 3, 0, 0, 0, 3, 8, 13, 26, 29, 12, 4, 15, 19, 29, 0, 4,
};

// RFC 7541 appendix A: all that matters of the static table are the lengths of its names, from
// index 1, ...
constexpr std::uint8_t static_name_lengths[] = {
    10, 7,  7,  5,  5,  7,  7,  7,  7,  7,  7,  7, 7,  7,  14, 15, 15, 13, 6,  27, 3,
    5,  13, 13, 19, 16, 16, 14, 16, 13, 12, 6,  4, 4,  6,  7,  4,  4,  8,  17, 13, 8,
    19, 13, 4,  8,  12, 18, 19, 5,  7,  7,  11, 6, 10, 25, 17, 10, 4,  3,  16,
};
constexpr std::uint32_t static_count = sizeof static_name_lengths;
// ... which of them we know, ...
constexpr std::uint32_t first_status = 8, last_status = 14, index_content_type = 31;
// ... and the values of the first of these.
constexpr char status_values[] = "200204206304400404500";

// In the order of HeaderName.
constexpr char known_names[][13] = {":status", "grpc-status", "grpc-message", "content-type"};
static_assert(std::size(known_names) == static_cast<std::size_t>(HeaderName::other));

// Far more than any table or string we accept; keeps the arithmetic from overflowing.
constexpr std::uint32_t integer_limit = 1U << 20;

}  // namespace

HpackDecoder::Step HpackDecoder::feed(std::uint8_t byte) {
    switch (state_) {
        case State::field: return begin_field(byte);
        case State::index: return integer_byte(byte);
        case State::length:
            if (shift_ != 0) return integer_byte(byte);
            huffman_ = (byte & 0x80) != 0;
            code_ = first_ = symbol_ = code_bits_ = 0;
            return begin_integer(byte, 7, State::length);
        case State::text: break;
    }
    return text_byte(byte);
}

bool HpackDecoder::end_block() {
    any_field_ = false;
    return state_ == State::field;
}

// The first byte of a representation (RFC 7541 6).
HpackDecoder::Step HpackDecoder::begin_field(std::uint8_t byte) {
    name_ = HeaderName::other;
    in_value_ = false;
    name_length_ = value_length_ = 0;
    unsigned prefix_bits = 4;
    kind_ = Kind::literal;  // 0000 without indexing, 0001 never indexed
    if ((byte & 0x80) != 0) {
        kind_ = Kind::indexed;
        prefix_bits = 7;
    } else if ((byte & 0x40) != 0) {
        kind_ = Kind::literal_indexed;
        prefix_bits = 6;
    } else if ((byte & 0x20) != 0) {
        kind_ = Kind::size_update;
        prefix_bits = 5;
    }
    if (kind_ == Kind::size_update && any_field_) return Step::bad;
    any_field_ = kind_ != Kind::size_update;
    return begin_integer(byte, prefix_bits, State::index);
}

// RFC 7541 5.1.
HpackDecoder::Step HpackDecoder::begin_integer(std::uint8_t byte, unsigned prefix_bits,
                                               State state) {
    const std::uint32_t mask = (1U << prefix_bits) - 1;
    number_ = byte & mask;
    state_ = state;
    shift_ = number_ == mask ? 1 : 0;
    return shift_ == 0 ? integer_end() : Step::more;
}

HpackDecoder::Step HpackDecoder::integer_byte(std::uint8_t byte) {
    const unsigned shift = shift_ - 1U;
    if (shift > 21) return Step::bad;
    number_ += (byte & 0x7fU) << shift;
    if (number_ > integer_limit) return Step::bad;
    shift_ = static_cast<std::uint8_t>(shift_ + 7);
    if ((byte & 0x80) != 0) return Step::more;
    shift_ = 0;
    return integer_end();
}

HpackDecoder::Step HpackDecoder::integer_end() {
    if (state_ == State::index) return index_end();
    state_ = State::text;
    return number_ == 0 ? text_end() : Step::more;
}

HpackDecoder::Step HpackDecoder::index_end() {
    state_ = State::field;
    if (kind_ == Kind::size_update) {
        if (number_ > table_limit) return Step::bad;
        table_limit_ = number_;
        evict_to(table_limit_);
        return Step::more;
    }
    if (number_ == 0 && kind_ != Kind::indexed) {
        state_ = State::length;  // of a new name
        return Step::more;
    }
    if (!name_from(number_)) return Step::bad;
    in_value_ = true;
    if (kind_ == Kind::indexed) {
        value_from(number_);
        return field_end();
    }
    state_ = State::length;  // of the value
    return Step::more;
}

bool HpackDecoder::name_from(std::uint32_t index) {
    if (index == 0 || index > static_count + count_) return false;
    if (index > static_count) {
        const Entry& source = entry(index - static_count - 1);
        name_ = source.name;
        name_length_ = source.name_length;
        return true;
    }
    name_length_ = static_name_lengths[index - 1];
    if (index >= first_status && index <= last_status) name_ = HeaderName::status;
    if (index == index_content_type) name_ = HeaderName::content_type;
    return true;
}

void HpackDecoder::value_from(std::uint32_t index) {
    std::string_view text;
    if (index > static_count) {
        const Entry& source = entry(index - static_count - 1);
        text = {source.value, source.stored};
    } else if (name_ == HeaderName::status) {
        text = slice(status_values, std::size_t{3} * (index - first_status), 3);
    }
    for (const char c : text) character(static_cast<std::uint8_t>(c));
}

HpackDecoder::Step HpackDecoder::text_byte(std::uint8_t byte) {
    if (huffman_) {
        if (huffman_byte(byte) == Step::bad) return Step::bad;
    } else {
        character(byte);
    }
    return --number_ == 0 ? text_end() : Step::more;
}

// Walks the canonical code bit by bit: at each length, the code is a symbol if it lies below the
// last of that length.
HpackDecoder::Step HpackDecoder::huffman_byte(std::uint8_t byte) {
    for (unsigned bit = 8; bit-- > 0;) {
        code_ = code_ << 1 | (static_cast<std::uint32_t>(byte) >> bit & 1U);
        first_ <<= 1;
        if (++code_bits_ < shortest_code) continue;
        const std::uint32_t codes = codes_of_length[code_bits_ - shortest_code];
        if (code_ - first_ >= codes) {
            first_ += codes;
            symbol_ += codes;
            continue;
        }
        const std::uint32_t symbol = symbol_ + code_ - first_;
        if (symbol == end_of_string) return Step::bad;
        character(huffman_symbols[symbol]);
        code_ = first_ = symbol_ = code_bits_ = 0;
    }
    return Step::more;
}

void HpackDecoder::character(std::uint8_t c) {
    if (in_value_) {
        if (value_length_ < value_limit) value_[value_length_] = static_cast<char>(c);
        ++value_length_;
    } else {
        if (name_length_ < sizeof name_text_) name_text_[name_length_] = static_cast<char>(c);
        ++name_length_;
    }
}

HpackDecoder::Step HpackDecoder::text_end() {
    // RFC 7541 5.2: padding is the beginning of EOS, all ones, and shorter than a byte.
    if (huffman_ && (code_bits_ > 7 || code_ != (1U << code_bits_) - 1)) return Step::bad;
    if (in_value_) return field_end();
    in_value_ = true;
    state_ = State::length;
    if (name_length_ > sizeof name_text_) return Step::more;
    const std::string_view name(name_text_, name_length_);
    std::size_t known = 0;
    while (known < std::size(known_names) && name != Literal::of_table(known_names[known])) ++known;
    name_ = static_cast<HeaderName>(known);
    return Step::more;
}

HpackDecoder::Step HpackDecoder::field_end() {
    state_ = State::field;
    if (kind_ == Kind::literal_indexed) insert();
    return name_ == HeaderName::other ? Step::more : Step::field;
}

// RFC 7541 4.3, 4.4.
void HpackDecoder::evict_to(std::uint32_t limit) {
    while (table_size_ > limit) table_size_ -= entry(--count_).size;
}

void HpackDecoder::insert() {
    const std::uint32_t size = name_length_ + value_length_ + 32;
    if (size > table_limit_) return evict_to(0);  // not an error: it empties the table
    evict_to(table_limit_ - size);
    newest_ = (newest_ + max_entries - 1) % max_entries;
    ++count_;
    table_size_ += size;
    Entry& target = entries_[newest_];
    target.name_length = static_cast<std::uint16_t>(name_length_);
    target.size = static_cast<std::uint16_t>(size);
    target.name = name_;
    target.stored = 0;
    if (name_ == HeaderName::other) return;
    for (const char c : slice(value(), 0, stored_limit)) target.value[target.stored++] = c;
}

void HpackWriter::literal(std::uint8_t index, std::string_view value) {
    integer(index, 4);
    text(value);
}

void HpackWriter::literal(std::string_view name, std::string_view value) {
    integer(0, 4);
    integer(static_cast<std::uint32_t>(name.size()), 7);
    for (const char c : name) to_.add(to_lower(c));
    text(value);
}

// RFC 7541 5.1; the bits above the prefix are 0, as a literal without indexing and a plain string
// want them.
void HpackWriter::integer(std::uint32_t value, unsigned prefix_bits) {
    const std::uint32_t mask = (1U << prefix_bits) - 1;
    if (value < mask) {
        to_.add_byte(static_cast<std::uint8_t>(value));
        return;
    }
    to_.add_byte(static_cast<std::uint8_t>(mask));
    for (value -= mask; value >= 0x80; value >>= 7)
        to_.add_byte(static_cast<std::uint8_t>(value | 0x80));
    to_.add_byte(static_cast<std::uint8_t>(value));
}

void HpackWriter::text(std::string_view text) {
    integer(static_cast<std::uint32_t>(text.size()), 7);
    to_.add_raw(text);
}

}  // namespace usher
