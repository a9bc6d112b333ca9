// SPDX-License-Identifier: MIT
// How a failure travels: as a value, never as an exit or a global.
#pragma once

namespace usher {

/// Why something failed: an errno. What failed, the caller knows: it made the call.
struct Error {
    int number = 0;
};

/// A value or an error. Read `value` only after testing; `error.number` is never 0 on failure.
template <class T>
struct [[nodiscard]] Result {
    T value{};
    Error error{};

    constexpr Result(T v) : value(v) {}      // NOLINT(google-explicit-constructor)
    constexpr Result(Error e) : error(e) {}  // NOLINT(google-explicit-constructor)
    constexpr explicit operator bool() const { return error.number == 0; }
};

/// For calls whose only news is whether they worked.
struct Done {};

}  // namespace usher
