// SPDX-License-Identifier: MIT
// A command line in memory, as main gets it.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace usher::test {

class Words {
  public:
    Words(std::initializer_list<const char*> words) : text_(words.begin(), words.end()) {
        for (std::string& word : text_) pointers_.push_back(word.data());
    }
    Words(const Words&) = delete;
    Words& operator=(const Words&) = delete;
    operator std::span<char* const>() const { return pointers_; }

  private:
    std::vector<std::string> text_;
    std::vector<char*> pointers_;
};

}  // namespace usher::test
