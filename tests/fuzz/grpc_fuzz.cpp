// SPDX-License-Identifier: MIT
#include <algorithm>
#include <string>
#include <tuple>

#include "grpc.hpp"
#include "split.hpp"

namespace {

// What the peer is owed, written a few bytes at a time.
std::string part_by_part(usher::GrpcCall& call) {
    std::string written;
    while (!call.to_send().empty()) {
        const size_t count = std::min<size_t>(call.to_send().size(), 5);
        written.append(call.to_send().begin(), call.to_send().begin() + count);
        call.sent(count);
    }
    return written;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    // The server's SETTINGS go first, so that the fuzzer need not find them; without them on odd
    // sizes.
    std::vector<uint8_t> input;
    if (size % 2 == 0) input = {0, 0, 0, 4, 0, 0, 0, 0, 0};
    input.insert(input.end(), data, data + size);
    same_every_way(input.data(), input.size(), [](const auto& pieces) {
        usher::GrpcCall call;
        for (const auto& piece : pieces) call.feed(piece);
        const auto before = call.verdict();
        if (call.finish() == usher::Verdict::more) std::abort();
        if (call.reason() > usher::Reason::failed) std::abort();
        (void)usher::reason_text(call.reason());
        (void)usher::grpc_status_text(call.grpc_status());
        if (usher::serving_text(call.serving()).empty()) std::abort();
        const std::string all(call.to_send().begin(), call.to_send().end());
        return std::tuple(before, call.verdict(), call.reason(), call.serving(), call.grpc_status(),
                          call.http_status(), call.error_code(), std::string(call.message()),
                          all + part_by_part(call));
    });
    return 0;
}
