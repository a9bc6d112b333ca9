// SPDX-License-Identifier: MIT
// The checks of one option of the run form, as they were given.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace usher {

struct CheckList {
    static constexpr std::size_t most = 16;

    std::array<std::string_view, most> items{};
    std::size_t count = 0;

    [[nodiscard]] std::span<const std::string_view> all() const {
        return std::span(items).first(count);
    }
};

}  // namespace usher
