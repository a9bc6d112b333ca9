// SPDX-License-Identifier: MIT
// What was wrong with a command line, a variable or a check, and the one line that says so.
#pragma once

#include "text.hpp"

namespace usher {

struct BadInput {
    Literal problem{};         ///< empty: nothing was wrong
    Literal accepted{};        ///< what would be right; empty: nothing to say
    Literal nearest{};         ///< the long option that was probably meant, without --
    std::string_view where{};  ///< the option or variable as written; may be empty
    std::string_view word{};   ///< the offending word; data() null: there is none
    Literal hint{};            ///< a frequent slip: what to do instead, {} for `hint_word`
    std::string_view hint_word{};
};

/// Fills in what was wrong, but for `where`; returns false, for the caller to return.
bool refuse(BadInput& bad, Literal problem, std::string_view word, Literal accepted);

/// The same for a frequent slip, whose hint stands for the list of all that is accepted.
bool refuse_slip(BadInput& bad, Literal problem, std::string_view word, Literal hint,
                 std::string_view hint_word);

/// One line without a newline: "where: problem 'word'; did you mean --nearest?; hint; accepted:
/// ...".
void add_bad_input(Writer& line, const BadInput& bad);

}  // namespace usher
