// SPDX-License-Identifier: MIT
// What the decisions and the codecs of src/core cost, without the kernel.
#include <benchmark/benchmark.h>

#include <array>
#include <span>
#include <string>

#include "check.hpp"
#include "dns.hpp"
#include "grpc.hpp"
#include "hpack.hpp"
#include "http.hpp"
#include "log_record.hpp"
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

void check_is_parsed(benchmark::State& state) {
    for (auto _ : state) {
        Check check;
        BadInput bad;
        benchmark::DoNotOptimize(parse_check("http://127.0.0.1:8080/healthz?full=1", check, bad));
    }
}
BENCHMARK(check_is_parsed);

void log_line_is_built(benchmark::State& state) {
    const Record record{.event = "forwarded", .text = "forwarded TERM", .pid = 7, .signal = 15};
    std::array<char, 512> room{};
    const LogStyle style{.format = static_cast<LogFormat>(state.range(0))};
    for (auto _ : state) {
        Writer line(room);
        add_record(line, record, style, 1'700'000'000'123'456'789, 1);
        benchmark::DoNotOptimize(line.view().data());
    }
    state.SetLabel(style.format == LogFormat::text ? "text" : "json");
}
BENCHMARK(log_line_is_built)
    ->Arg(static_cast<int>(LogFormat::text))
    ->Arg(static_cast<int>(LogFormat::json));

void http_request_is_built(benchmark::State& state) {
    std::array<char, 1024> room{};
    for (auto _ : state) {
        benchmark::DoNotOptimize(build_http_request(
            {.target = "/healthz", .host = "127.0.0.1:8080", .agent = "usher/1.0"}, room));
    }
}
BENCHMARK(http_request_is_built);

template <class Parser, class Byte>
void feed_all(benchmark::State& state, std::span<const Byte> bytes, const auto&... arguments) {
    for (auto _ : state) {
        Parser parser(arguments...);
        benchmark::DoNotOptimize(parser.feed(bytes));
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}

std::span<const std::uint8_t> octets(const std::string& text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// What nginx answers; without a needle only its first line counts.
void http_reply_is_read(benchmark::State& state) {
    const std::string reply =
        "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sun, 22 Nov 2026 15:30:00 GMT\r\n"
        "Content-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";
    feed_all<HttpReply, char>(state, reply, "ok");
}
BENCHMARK(http_reply_is_read);

void http_body_is_searched(benchmark::State& state) {
    const std::string reply = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" +
                              std::string(static_cast<std::size_t>(state.range(0)), 'x');
    feed_all<HttpReply, char>(state, reply, "needle");
}
BENCHMARK(http_body_is_searched)->Arg(64)->Arg(4096)->Arg(60000);

void http_chunks_are_searched(benchmark::State& state) {
    std::string reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 64; ++i) reply += "40\r\n" + std::string(64, 'x') + "\r\n";
    feed_all<HttpReply, char>(state, reply, "needle");
}
BENCHMARK(http_chunks_are_searched);

std::string frame(char type, char flags, char stream, const std::string& payload) {
    const auto length = static_cast<unsigned>(payload.size());
    return std::string{static_cast<char>(length >> 16U),
                       static_cast<char>(length >> 8U),
                       static_cast<char>(length),
                       type,
                       flags,
                       0,
                       0,
                       0,
                       stream} +
           payload;
}

// A field with a name of its own, as RFC 7541 6.2.2 writes it.
std::string literal(const std::string& name, const std::string& value) {
    return std::string(1, '\0') + static_cast<char>(name.size()) + name +
           static_cast<char>(value.size()) + value;
}

// SETTINGS, headers, SERVING, trailers: the whole answer of a healthy server.
void grpc_answer_is_read(benchmark::State& state) {
    const std::string answer =
        frame(4, 0, 0, {}) + frame(1, 4, 1, "\x88" + literal("content-type", "application/grpc")) +
        frame(0, 0, 1, std::string("\0\0\0\0\2\x08\1", 7)) +
        frame(1, 5, 1, literal("grpc-status", "0"));
    GrpcCall call;
    if (call.feed(octets(answer)) != Verdict::done) return state.SkipWithError("it was not taken");
    feed_all<GrpcCall, std::uint8_t>(state, octets(answer));
}
BENCHMARK(grpc_answer_is_read);

void grpc_frames_are_skipped(benchmark::State& state) {
    const std::string frames = frame(4, 0, 0, {}) + frame(16, 0, 0, std::string(4096, 'x'));
    feed_all<GrpcCall, std::uint8_t>(state, octets(frames));
}
BENCHMARK(grpc_frames_are_skipped);

void hpack_huffman_is_decoded(benchmark::State& state) {
    // RFC 7541 C.4.1: www.example.com, as the value of :authority; never to the table.
    const std::string field("\x11\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff", 14);
    std::string block;
    for (int i = 0; i < 100; ++i) block += field;
    for (auto _ : state) {
        HpackDecoder decoder;
        for (const char c : block) {
            benchmark::DoNotOptimize(decoder.feed(static_cast<std::uint8_t>(c)));
        }
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(block.size()));
}
BENCHMARK(hpack_huffman_is_decoded);

void hosts_file_is_searched(benchmark::State& state) {
    std::string text;
    for (int i = 0; i < 100; ++i) text += "10.0.0." + std::to_string(i) + " host alias # comment\n";
    for (auto _ : state) {
        HostsMatcher matcher("db");
        AddressList found;
        matcher.feed(text, found);
        benchmark::DoNotOptimize(found);
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(hosts_file_is_searched);

}  // namespace
}  // namespace usher

BENCHMARK_MAIN();
