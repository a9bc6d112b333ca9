// SPDX-License-Identifier: MIT
#include "bad_input.hpp"

namespace usher {

bool refuse(BadInput& bad, Literal problem, std::string_view word, Literal accepted) {
    bad.problem = problem;
    bad.word = word;
    bad.accepted = accepted;
    bad.hint = {};
    return false;
}

bool refuse_slip(BadInput& bad, Literal problem, std::string_view word, Literal hint,
                 std::string_view hint_word) {
    (void)refuse(bad, problem, word, {});
    bad.hint = hint;
    bad.hint_word = hint_word;
    return false;
}

namespace {

void add_hint(Writer& line, std::string_view hint, std::string_view word) {
    line.add("; ");
    while (has(hint, "{}")) {
        const std::size_t at = find(hint, "{}");
        line.add_raw(slice(hint, 0, at)).add_untrusted(word);
        hint.remove_prefix(at + 2);
    }
    line.add_raw(hint);
}

}  // namespace

void add_bad_input(Writer& line, const BadInput& bad) {
    if (!bad.where.empty()) line.add_untrusted(bad.where).add(": ");
    line.add(bad.problem);
    if (bad.word.data() != nullptr) line.add(" '").add_untrusted(bad.word).add('\'');
    if (!bad.nearest.empty()) line.add("; did you mean --").add(bad.nearest).add('?');
    if (!bad.hint.empty()) add_hint(line, bad.hint.view(), bad.hint_word);
    if (!bad.accepted.empty()) line.add("; accepted: ").add(bad.accepted);
}

}  // namespace usher
