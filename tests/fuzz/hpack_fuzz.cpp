// SPDX-License-Identifier: MIT
#include <string>
#include <vector>

#include "hpack.hpp"
#include "split.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    usher::HpackDecoder decoder;
    for (size_t i = 0; i < size; ++i) {
        const auto step = decoder.feed(data[i]);
        if (step == usher::HpackDecoder::Step::bad) return 0;
        if (step != usher::HpackDecoder::Step::field) continue;
        if (decoder.name() == usher::HeaderName::other ||
            decoder.value().size() > usher::HpackDecoder::value_limit)
            std::abort();
        const std::string copy(decoder.value());  // every byte is readable
        if (copy.size() % 7 == 6 && !decoder.end_block()) std::abort();
    }
    return 0;
}
