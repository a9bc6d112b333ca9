// SPDX-License-Identifier: MIT
// Texts that are only printed, packed by the compiler to three fifths: a byte from 0x80 up stands
// for a pair of bytes, each of which may stand for a pair again (byte pair encoding). A NUL is in
// no pair, so a row of texts stays one. Line::add(const char*) unpacks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "text_pairs.hpp"

namespace usher {

inline constexpr std::uint8_t first_pair_code = 0x80;
inline constexpr std::size_t pair_count = (sizeof text_pairs - 1) / 2;

/// Packs `text` in place; returns how many of its `size` bytes it still has.
constexpr std::size_t pack(char* text, std::size_t size) {
    for (std::size_t pair = 0; pair < pair_count; ++pair) {
        const char left = text_pairs[2 * pair];
        const char right = text_pairs[2 * pair + 1];
        std::size_t used = 0;
        for (std::size_t i = 0; i < size; ++i) {
            const bool is_pair = text[i] == left && i + 1 < size && text[i + 1] == right;
            text[used++] = is_pair ? static_cast<char>(first_pair_code + pair) : text[i];
            if (is_pair) ++i;
        }
        size = used;
    }
    return size;
}

/// A literal as a template's argument.
template <std::size_t N>
struct Literal {
    char text[N]{};
    constexpr Literal(const char (&literal)[N]) {  // NOLINT(google-explicit-constructor)
        for (std::size_t i = 0; i < N; ++i) text[i] = literal[i];
    }
    constexpr std::size_t pack_in_place() { return pack(text, N); }
};

// constexpr, so nothing of it happens at run time, whatever the linter fears of templates. Without
// alignas, arrays as long as these would be padded to 32 bytes.
// NOLINTBEGIN(bugprone-dynamic-static-initializers)
template <Literal literal>
alignas(1) inline constexpr auto packed_bytes = [] {
    constexpr std::size_t size = [] {
        auto copy = literal;
        return copy.pack_in_place();
    }();
    auto copy = literal;
    copy.pack_in_place();
    std::array<char, size> bytes{};
    for (std::size_t i = 0; i < size; ++i) bytes[i] = copy.text[i];
    return bytes;
}();

/// packed<"text">: the text packed, with a NUL at its end.
template <Literal literal>
inline constexpr const char* packed = packed_bytes<literal>.data();
// NOLINTEND(bugprone-dynamic-static-initializers)

}  // namespace usher
