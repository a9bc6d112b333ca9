// SPDX-License-Identifier: MIT
// What the decisions and the codecs of src/core cost, without the kernel.
#include <benchmark/benchmark.h>

#include <array>
#include <string>

#include "grpc.hpp"
#include "http.hpp"
#include "run_settings.hpp"
#include "supervisor.hpp"

namespace usher {
namespace {

void supervisor_forwards_a_signal(benchmark::State& state) {
    const RunSettings settings;
    Supervisor supervisor(settings, true);
    supervisor.on({.kind = EventKind::started});
    const Event event{.kind = EventKind::other_signal, .signal = 10};
    for (auto _ : state) benchmark::DoNotOptimize(supervisor.on(event));
}
BENCHMARK(supervisor_forwards_a_signal);

void supervisor_from_start_to_end(benchmark::State& state) {
    const RunSettings settings;
    for (auto _ : state) {
        Supervisor supervisor(settings, true);
        supervisor.on({.kind = EventKind::started});
        supervisor.on({.kind = EventKind::stop_signal, .now = 1, .signal = sig::term});
        benchmark::DoNotOptimize(
            supervisor.on({.kind = EventKind::nobody_left, .now = 2, .status = 0}));
    }
}
BENCHMARK(supervisor_from_start_to_end);

void command_line_is_parsed(benchmark::State& state) {
    std::array<std::string, 7> words = {"-v", "--grace", "10s", "-r", "TERM:QUIT", "--", "app"};
    std::array<char*, words.size()> pointers{};
    for (std::size_t i = 0; i < words.size(); ++i) pointers[i] = words[i].data();
    for (auto _ : state) {
        RunSettings settings;
        BadInput bad;
        benchmark::DoNotOptimize(apply_command_line(settings, pointers, bad));
    }
}
BENCHMARK(command_line_is_parsed);

void http_reply_is_searched(benchmark::State& state) {
    const std::string reply = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" +
                              std::string(static_cast<std::size_t>(state.range(0)), 'x');
    for (auto _ : state) {
        HttpReply parser("needle");
        benchmark::DoNotOptimize(parser.feed(reply));
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(reply.size()));
}
BENCHMARK(http_reply_is_searched)->Arg(64)->Arg(4096)->Arg(60000);

void grpc_frames_are_skipped(benchmark::State& state) {
    std::string frames("\0\0\0\4\0\0\0\0\0", 9);
    frames += std::string("\0\x10\0\xee\0\0\0\0\0", 9) + std::string(4096, 'x');
    const std::span bytes(reinterpret_cast<const std::uint8_t*>(frames.data()), frames.size());
    for (auto _ : state) {
        GrpcCall call;
        benchmark::DoNotOptimize(call.feed(bytes));
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(frames.size()));
}
BENCHMARK(grpc_frames_are_skipped);

}  // namespace
}  // namespace usher

BENCHMARK_MAIN();
