// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "text.hpp"

inline void require(bool condition) {
    if (!condition) std::abort();
}

/// A list of texts as main gets it: each ended by a NUL, a null pointer behind the last.
class Words {
  public:
    void add(std::string_view text) { texts_.emplace_back(text.substr(0, text.find('\0'))); }
    /// Valid until the next add().
    std::vector<char*>& pointers() {
        pointers_.clear();
        for (std::string& text : texts_) pointers_.push_back(text.data());
        pointers_.push_back(nullptr);
        return pointers_;
    }
    [[nodiscard]] std::size_t size() const { return texts_.size(); }

  private:
    std::vector<std::string> texts_;
    std::vector<char*> pointers_;
};

inline std::string_view next_line(std::string_view& rest) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    return line;
}

/// What is shown to people holds no control character and nothing but ASCII.
inline void require_clean(std::string_view text) {
    for (const char c : text) require(c >= ' ' && c <= '~');
}
