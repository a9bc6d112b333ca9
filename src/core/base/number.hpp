// SPDX-License-Identifier: MIT
// Decimal numbers and switches, as options, variables, files and peers write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace usher {

/// Puts one more decimal digit behind `number`. False, and nothing done: `c` is no digit, or the
/// number would be more than `most`.
bool append_digit(std::uint64_t& number, char c, std::uint64_t most);

/// Decimal digits only, 0 to `most`.
std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t most);

/// Takes the decimal digits off the front of `rest`; they may be none.
std::string_view take_digits(std::string_view& rest);

/// 1, true, 0, false.
std::optional<bool> parse_boolean(std::string_view text);

}  // namespace usher
