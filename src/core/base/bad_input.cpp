// SPDX-License-Identifier: MIT
#include "bad_input.hpp"

namespace usher {

bool refuse(BadInput& bad, Literal problem, std::string_view word, Literal accepted) {
    bad.problem = problem;
    bad.word = word;
    bad.accepted = accepted;
    return false;
}

void add_bad_input(Writer& line, const BadInput& bad) {
    if (!bad.where.empty()) line.add_untrusted(bad.where).add(": ");
    line.add(bad.problem);
    if (bad.word.data() != nullptr) line.add(" '").add_untrusted(bad.word).add('\'');
    if (!bad.nearest.empty()) line.add("; did you mean --").add(bad.nearest).add('?');
    if (!bad.accepted.empty()) line.add("; accepted: ").add(bad.accepted);
}

}  // namespace usher
