// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

// Runs `run(pieces)` on the input at once, byte by byte and in two, and aborts unless the outcomes
// are equal.
template <typename Run>
void same_every_way(const uint8_t* data, size_t size, Run run) {
    using Pieces = std::vector<std::vector<uint8_t>>;
    const auto copy = [&](size_t from, size_t to) {
        return std::vector<uint8_t>(data + from, data + to);
    };
    const auto whole = run(Pieces{copy(0, size)});
    Pieces single;
    for (size_t i = 0; i < size; ++i) single.push_back(copy(i, i + 1));
    if (!(run(single) == whole)) std::abort();
    const size_t cut = size == 0 ? 0 : data[size - 1] * size / 256;
    if (!(run(Pieces{copy(0, cut), copy(cut, size)}) == whole)) std::abort();
}

inline std::span<const char> as_text(const std::vector<uint8_t>& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
