// SPDX-License-Identifier: MIT
#include <tuple>

#include "http.hpp"
#include "split.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    for (const std::string_view needle : {"", "aab", "ready"}) {
        same_every_way(data, size, [&](const auto& pieces) {
            usher::HttpReply reply(needle);
            for (const auto& piece : pieces) reply.feed(as_text(piece));
            const auto before = reply.verdict();
            if (reply.finish() == usher::Verdict::more) std::abort();
            if (usher::reason_text(reply.reason()).empty() && reply.reason() != usher::Reason::none)
                std::abort();
            return std::tuple(before, reply.verdict(), reply.reason(), reply.status());
        });
    }
    return 0;
}
