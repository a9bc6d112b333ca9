// SPDX-License-Identifier: MIT
#include "body.hpp"

#include <cstring>

namespace usher {

void BodySearch::conclude(Verdict verdict, Reason reason) {
    if (verdict_ != Verdict::more) return;
    verdict_ = verdict;
    reason_ = reason;
}

void BodySearch::feed(char c) {
    if (verdict_ != Verdict::more) return;
    if (matched_ < needle_.size()) search(c);
    if (!has_fields_) return;
    json_.feed(c);
    if (json_.verdict() == Verdict::bad) conclude(Verdict::bad, json_.reason());
}

// The needle itself is the memory of what was read: its first matched_ bytes. After a mismatch the
// search goes on with the longest of their suffixes that begins the needle.
void BodySearch::search(char c) {
    while (needle_[matched_] != c && matched_ > 0) {
        const char* const begin = needle_.data();
        std::size_t shorter = matched_ - 1;
        while (std::memcmp(begin, begin + matched_ - shorter, shorter) != 0) --shorter;
        matched_ = shorter;
    }
    if (needle_[matched_] == c) ++matched_;
    if (matched_ == needle_.size()) {
        if (!has_fields_) conclude(Verdict::done, Reason::none);
    } else if (++bytes_ == text_limit) {
        conclude(Verdict::bad, Reason::not_found);
    }
}

void BodySearch::finish() {
    if (matched_ < needle_.size()) conclude(Verdict::bad, Reason::not_found);
    if (!has_fields_) return;
    const Verdict verdict = json_.finish();
    conclude(verdict, json_.reason());
}

}  // namespace usher
