// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace usher_test {

// Runs `feed_pieces(pieces)` for `bytes` at once, byte by byte and cut in two at every place, and
// expects the same outcome from all. Returns it. The outcome must compare and print.
template <typename Run>
auto fed_every_way(std::string_view bytes, Run run) {
    const auto piece = [&](size_t from, size_t count) {
        // A copy of its own, so that a sanitizer sees a read past its end.
        return std::string(bytes.substr(from, count));
    };
    const auto whole = run([&](auto feed) { feed(piece(0, bytes.size())); });
    const auto single = run([&](auto feed) {
        for (size_t i = 0; i < bytes.size(); ++i) feed(piece(i, 1));
    });
    EXPECT_EQ(whole, single) << "byte by byte";
    const size_t step = bytes.size() > 2000 ? bytes.size() / 500 : 1;
    for (size_t cut = 0; cut <= bytes.size(); cut += step) {
        const auto halves = run([&](auto feed) {
            feed(piece(0, cut));
            feed(piece(cut, bytes.size() - cut));
        });
        EXPECT_EQ(whole, halves) << "cut at " << cut;
    }
    return whole;
}

inline std::span<const uint8_t> as_bytes(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// "82 86 8441" → bytes; blanks are ignored.
inline std::string from_hex(std::string_view hex) {
    std::string bytes;
    std::string digits;
    for (const char c : hex) {
        if (c == ' ') continue;
        digits += c;
        if (digits.size() < 2) continue;
        bytes += static_cast<char>(std::stoi(digits, nullptr, 16));
        digits.clear();
    }
    return bytes;
}

}  // namespace usher_test
