// SPDX-License-Identifier: MIT
#include <string>
#include <tuple>

#include "grpc.hpp"
#include "split.hpp"

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
        return std::tuple(before, call.verdict(), call.reason(), call.serving(), call.grpc_status(),
                          call.http_status(), call.error_code(), std::string(call.message()),
                          std::string(call.to_send().begin(), call.to_send().end()));
    });
    return 0;
}
