// SPDX-License-Identifier: MIT
#include <tuple>

#include "http.hpp"
#include "split.hpp"

static constexpr usher::JsonField fields[] = {{.path = "ready", .value = {}},
                                              {.path = "a.0", .value = "1", .has_value = true}};

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    struct Search {
        std::string_view needle;
        std::span<const usher::JsonField> fields;
    };
    for (const Search& search : {Search{"", {}}, Search{"aab", {}}, Search{"ready", {}},
                                 Search{"", fields}, Search{"ready", fields}}) {
        same_every_way(data, size, [&](const auto& pieces) {
            usher::HttpReply reply(search.needle, false, search.fields);
            for (const auto& piece : pieces) reply.feed(as_text(piece));
            const auto before = reply.verdict();
            if (reply.finish() == usher::Verdict::more) std::abort();
            if (usher::reason_text(reply.reason()).empty() && reply.reason() != usher::Reason::none)
                std::abort();
            if (!reply.at_end()) std::abort();
            return std::tuple(before, reply.verdict(), reply.reason(), reply.status());
        });
    }
    return 0;
}
