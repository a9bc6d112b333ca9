// SPDX-License-Identifier: MIT
// Fields, one a line, then an empty line, then the document.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "json.hpp"

namespace {

using usher::JsonField, usher::JsonMatcher, usher::Reason, usher::Verdict;

void must(bool holds) {
    if (!holds) std::abort();
}

struct Outcome {
    Reason reason;
    std::vector<usher::FieldState> states;  // of JSON only
    bool operator==(const Outcome&) const = default;
};

Outcome read(const std::vector<std::string>& texts, const std::string& document) {
    std::vector<JsonField> fields;
    for (const std::string& text : texts) fields.push_back(*usher::parse_json_field(text));
    JsonMatcher matcher(fields);
    auto reason = Reason::none;
    for (const char c : document) {
        const bool more = matcher.verdict() == Verdict::more;
        matcher.feed(c);
        must(more || matcher.reason() == reason);
        must((matcher.verdict() == Verdict::more) == (matcher.reason() == Reason::none));
        reason = matcher.reason();
    }
    const Verdict verdict = matcher.finish();
    must(verdict != Verdict::more && (reason == Reason::none || matcher.reason() == reason));
    must((verdict == Verdict::done) == (matcher.reason() == Reason::none));
    must((verdict == Verdict::done) == reason_text(matcher.reason()).empty());
    matcher.feed('x');
    must(matcher.finish() == verdict && matcher.verdict() == verdict);

    Outcome outcome{matcher.reason(), {}};
    if (verdict == Verdict::bad && outcome.reason != Reason::json_field) return outcome;
    for (std::size_t i = 0; i < fields.size(); ++i) outcome.states.push_back(matcher.state(i));
    const auto failed = std::ranges::find_if(
        outcome.states, [](auto state) { return state != usher::FieldState::holds; });
    if (verdict == Verdict::done)
        must(failed == outcome.states.end());
    else
        must(failed - outcome.states.begin() == static_cast<std::ptrdiff_t>(matcher.failed()));
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string document(reinterpret_cast<const char*>(data), size);
    std::vector<std::string> texts;
    std::vector<std::string> inner;  // the same fields of a member "x"
    while (!document.empty() && document[0] != '\n') {
        const std::string text = document.substr(0, document.find('\n'));
        document.erase(0, text.size() + 1);
        const bool good = usher::parse_json_field(text) && usher::parse_json_field("x." + text);
        if (!good || texts.size() == JsonMatcher::most_fields) continue;
        texts.push_back(text);
        inner.push_back("x." + text);
    }
    document.erase(0, 1);

    const Outcome outcome = read(texts, document);
    const bool json = outcome.reason == Reason::none || outcome.reason == Reason::json_field;
    if (!json || 2 * document.size() + 20 > JsonMatcher::limit) return 0;
    must(read(texts, document + " \t\r\n") == outcome);
    if (document[0] == '\xef') return 0;
    must(read(texts, "\xef\xbb\xbf\n" + document) == outcome);
    const Outcome within = read(inner, "{\"x\":" + document + ",\"\\u0078\":" + document + "}");
    must(within == outcome || within.reason == Reason::json_deep);
    return 0;
}
