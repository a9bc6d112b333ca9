// SPDX-License-Identifier: MIT
// HPACK (RFC 7541), as much of it as reading the reply of one gRPC call takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire.hpp"

namespace usher {

enum class HeaderName : std::uint8_t { status, grpc_status, grpc_message, content_type, other };

/// Decodes header blocks byte by byte, whatever they hold, and hands out the four fields above. It
/// keeps a dynamic table of the default size, for servers that ignore our
/// SETTINGS_HEADER_TABLE_SIZE of 0; about 6 KiB.
class HpackDecoder {
  public:
    static constexpr std::uint32_t table_limit =
        4096;  ///< bytes as counted by RFC 7541 4.1: the protocol's default
    static constexpr std::size_t value_limit =
        288;  ///< longer values are cut: 96 bytes, percent-encoded
    static constexpr std::size_t stored_limit =
        40;  ///< values in the dynamic table are cut to this

    enum class Step : std::uint8_t { more, field, bad };

    /// `field`: name() and value() hold, until the next byte, a field that is not `other`. After
    /// `bad` (bad index, integer, Huffman code or size update) the decoder is of no use.
    Step feed(std::uint8_t byte);
    /// Call at the end of each header block: false if it ends inside a field.
    bool end_block();

    [[nodiscard]] HeaderName name() const { return name_; }
    [[nodiscard]] std::string_view value() const { return {value_, kept(value_length_)}; }

  private:
    enum class State : std::uint8_t { field, index, length, text };
    enum class Kind : std::uint8_t { indexed, literal, literal_indexed, size_update };

    struct Entry {
        std::uint16_t name_length;
        std::uint16_t size;  ///< RFC 7541 4.1: name + value + 32
        HeaderName name;
        std::uint8_t stored;
        char value[stored_limit];
    };
    static constexpr std::size_t max_entries = table_limit / 32;

    static std::size_t kept(std::uint32_t length) {
        return length < value_limit ? length : value_limit;
    }
    Step begin_field(std::uint8_t byte);
    Step begin_integer(std::uint8_t byte, unsigned prefix_bits, State state);
    Step integer_byte(std::uint8_t byte);
    Step integer_end();
    Step index_end();
    Step text_byte(std::uint8_t byte);
    Step huffman_byte(std::uint8_t byte);
    Step text_end();
    void character(std::uint8_t c);
    bool name_from(std::uint32_t index);
    void value_from(std::uint32_t index);
    Step field_end();
    void evict_to(std::uint32_t limit);
    void insert();
    const Entry& entry(std::uint32_t index) const {
        return entries_[(newest_ + index) % max_entries];
    }

    State state_ = State::field;
    Kind kind_ = Kind::indexed;
    HeaderName name_ = HeaderName::other;
    bool huffman_ = false;
    bool in_value_ = false;
    bool any_field_ = false;          ///< in this block: no size update may follow (RFC 7541 4.2)
    std::uint8_t shift_ = 0;          ///< of the next integer byte; 0: the integer is complete
    std::uint8_t code_bits_ = 0;      ///< of the unfinished Huffman code
    std::uint32_t number_ = 0;        ///< the integer; then the bytes left of a string
    std::uint32_t code_ = 0;          ///< unfinished Huffman code,
    std::uint32_t first_ = 0;         ///< the first code of its length,
    std::uint32_t symbol_ = 0;        ///< and that code's place in the symbol table
    std::uint32_t name_length_ = 0;   ///< decoded
    std::uint32_t value_length_ = 0;  ///< decoded, of which kept() are in value_
    std::uint32_t table_size_ = 0;    ///< RFC 7541 4.1
    std::uint32_t table_limit_ = table_limit;
    std::uint32_t newest_ = 0;  ///< its place in entries_
    std::uint32_t count_ = 0;
    char name_text_[12];  ///< the longest name of interest
    char value_[value_limit];
    Entry entries_[max_entries];
};

/// Writes a header block: literals without indexing, no Huffman code, so it needs no table.
class HpackWriter {
  public:
    explicit HpackWriter(Writer& to) : to_(to) {}
    /// A whole field of the static table, 1-61.
    void indexed(std::uint8_t index) { to_.add_byte(static_cast<std::uint8_t>(0x80U | index)); }
    /// The name of a static table entry, 1-61, with a value.
    void literal(std::uint8_t index, std::string_view value);
    /// `name` is written in lower case (RFC 9113, section 8.2.1).
    void literal(std::string_view name, std::string_view value);

  private:
    void integer(std::uint32_t value, unsigned prefix_bits);
    void text(std::string_view text);
    Writer& to_;
};

}  // namespace usher
