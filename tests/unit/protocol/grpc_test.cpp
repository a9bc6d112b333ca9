// SPDX-License-Identifier: MIT
#include "grpc.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "split_feed.hpp"
#include "text_of.hpp"

namespace usher {
namespace {

using namespace std::string_literals;
using usher_test::as_bytes;
using usher_test::fed_every_way;
using usher_test::from_hex;

struct Outcome {
    Verdict verdict = Verdict::more;
    Reason reason = Reason::none;
    Serving serving = Serving::unknown;
    uint32_t grpc_status = 0;
    int http_status = 0;
    uint32_t error_code = 0;
    std::string message = {};
    std::string to_send = {};
    bool operator==(const Outcome&) const = default;
    friend std::ostream& operator<<(std::ostream& out, const Outcome& o) {
        return out << int(o.verdict) << " '" << text_of(reason_text(o.reason)) << "' "
                   << serving_text(o.serving) << " grpc " << o.grpc_status << " http "
                   << o.http_status << " error " << o.error_code << " '" << o.message << "' sends "
                   << o.to_send.size();
    }
};

Outcome read(std::string_view reply, bool eof = false) {
    return fed_every_way(reply, [&](auto feed_pieces) {
        GrpcCall call;
        feed_pieces([&](const std::string& piece) { call.feed(as_bytes(piece)); });
        if (eof) call.finish();
        return Outcome{call.verdict(),
                       call.reason(),
                       call.serving(),
                       call.grpc_status(),
                       call.http_status(),
                       call.error_code(),
                       std::string(call.message()),
                       std::string(call.to_send().begin(), call.to_send().end())};
    });
}

// What is wrong with `reply`; for texts of failures see reason_text.
Reason why(std::string_view reply) {
    const Outcome outcome = read(reply);
    EXPECT_EQ(outcome.verdict, outcome.reason == Reason::none ? Verdict::more : Verdict::bad);
    return outcome.reason;
}

std::string frame(int type, int flags, uint32_t stream, std::string_view payload) {
    std::string out(9, '\0');
    Writer to{std::span<char>(out)};
    to.add_big_endian(static_cast<uint32_t>(payload.size()), 3);
    to.add_byte(static_cast<uint8_t>(type));
    to.add_byte(static_cast<uint8_t>(flags));
    to.add_big_endian(stream, 4);
    return out + std::string(payload);
}

enum { data, headers, priority, rst, settings, push, ping, goaway, window, continuation };
constexpr int end = 1, ack = 1, end_headers = 4, padded = 8, has_priority = 0x20;

std::string text(std::string_view s) {
    return std::string(1, static_cast<char>(s.size())) + std::string(s);
}
std::string field(std::string_view name, std::string_view value) {
    return "\0"s + text(name) + text(value);
}

const std::string hello = frame(settings, 0, 0, "");
const std::string ok = "\x88" + field("content-type", "application/grpc");
const std::string status0 = field("grpc-status", "0");
const std::string reply_headers = frame(headers, end_headers, 1, ok);
const std::string trailers = frame(headers, end_headers | end, 1, status0);

std::string message(std::string_view body, char flag = 0) {
    return std::string(1, flag) + "\0\0"s + static_cast<char>(body.size() >> 8) +
           static_cast<char>(body.size()) + std::string(body);
}
std::string data_frame(std::string_view bytes) { return frame(data, 0, 1, bytes); }
const std::string serving_message = message("\x08\x01");
// A whole good reply, with something put before the headers, the data, the trailers.
std::string reply(const std::string& a = {}, const std::string& b = {}, const std::string& c = {}) {
    return hello + a + reply_headers + b + data_frame(serving_message) + c + trailers;
}
std::string with_message(std::string_view body) {
    return hello + reply_headers + data_frame(message(body)) + trailers;
}
std::string with_headers(const std::string& headers_frames) {
    return hello + headers_frames + data_frame(serving_message) + trailers;
}
std::string trailers_only(const std::string& fields) {
    return hello + frame(headers, end_headers | end, 1, fields);
}

Outcome serving(Serving state, std::string to_send = frame(settings, ack, 0, "")) {
    return {.verdict = Verdict::done,
            .serving = state,
            .http_status = 200,
            .to_send = std::move(to_send)};
}

std::string build(const GrpcRequest& request, size_t room = 20000) {
    std::string out(room, '\0');
    const std::optional<size_t> length =
        GrpcCall::request(request, {reinterpret_cast<uint8_t*>(out.data()), out.size()});
    return length ? out.substr(0, *length) : "none";
}

TEST(GrpcRequest, IsOneFlightOfPrefaceSettingsHeadersAndData) {
    const std::string block = "\x83\x86\x04"s + text("/grpc.health.v1.Health/Check") + "\x01" +
                              text("localhost:50051") + "\x0f\x10" + text("application/grpc") +
                              field("te", "trailers") + "\x0f\x2b" + text("usher/1") +
                              field("grpc-timeout", "3000m");
    EXPECT_EQ(build({.authority = "localhost:50051",
                     .service = "db",
                     .agent = "usher/1",
                     .timeout_ms = 3000}),
              "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" +
                  frame(settings, 0, 0, "\0\1\0\0\0\0\0\2\0\0\0\0"s) +
                  frame(headers, end_headers, 1, block) +
                  frame(data, end, 1,
                        message("\x0a\x02"
                                "db")));
}

TEST(GrpcRequest, SendsMetadataWithNamesInLowerCase) {
    const std::array<std::string_view, 3> lines = {"Authorization:  Bearer a:b ",
                                                   "x-empty:", "X-Trace-Bin: AAEC"};
    const std::string bytes = build({.authority = "a", .agent = "u", .metadata = lines});
    EXPECT_NE(bytes.find("\x0f\x2b" + text("u") + field("authorization", "Bearer a:b") +
                         field("x-empty", "") + field("x-trace-bin", "AAEC")),
              std::string::npos)
        << bytes;
}

TEST(GrpcRequest, HasTheAgentThatMetadataNames) {
    const std::array<std::string_view, 1> lines = {"User-AGENT: mine"};
    const std::string bytes = build({.authority = "a", .agent = "usher", .metadata = lines});
    EXPECT_NE(bytes.find(field("user-agent", "mine")), std::string::npos);
    EXPECT_EQ(bytes.find("usher"), std::string::npos);
}

TEST(GrpcRequest, RefusesWhatIsNoMetadata) {
    for (const char* line : {"X: y", "x_y.z-0: ~", "Cookie: a=b", "grpc: x", "test: x"}) {
        EXPECT_TRUE(is_grpc_metadata(line)) << line;
    }
    for (const char* line :
         {":path: /x", "grpc-timeout: 1S", "GRPC-Status: 0", "grpc-: x", "Content-Type: text/plain",
          "TE: trailers", "Host: a", "Connection: close", "transfer-encoding: chunked",
          "Upgrade: x", "content-length: 0", "no colon", "X: a\tb", "X: \xc3\xa9", "X: a\r\nb: c",
          ": x"}) {
        EXPECT_FALSE(is_grpc_metadata(line)) << line;
        const std::array<std::string_view, 1> lines = {line};
        EXPECT_EQ(build({.authority = "a", .metadata = lines}), "none") << line;
    }
}

TEST(GrpcRequest, LeavesOutAnEmptyServiceAndAnEndlessTimeout) {
    const std::string bytes = build({.authority = "a", .agent = "u"});
    EXPECT_TRUE(bytes.ends_with(frame(data, end, 1, message("")))) << bytes;
    EXPECT_EQ(bytes.find("grpc-timeout"), std::string::npos);
}

TEST(GrpcRequest, WritesLongServicesAndTimeouts) {
    const std::string service(300, 's');
    const std::string bytes =
        build({.authority = "a", .service = service, .agent = "u", .timeout_ms = 100000000});
    EXPECT_TRUE(bytes.ends_with(frame(data, end, 1, message("\x0a\xac\x02" + service)))) << bytes;
    EXPECT_NE(bytes.find(text("99999999m")), std::string::npos);
    EXPECT_NE(build({.timeout_ms = 99999999}).find(text("99999999m")), std::string::npos);
    EXPECT_NE(build({.timeout_ms = UINT64_MAX}).find(text("99999999m")), std::string::npos);
}

TEST(GrpcRequest, MustFitTheBufferExactly) {
    const GrpcRequest request{.authority = "a", .service = "s", .agent = "u"};
    const size_t length = build(request).size();
    EXPECT_NE(build(request, length), "none");
    for (size_t room = 0; room < length; ++room) EXPECT_EQ(build(request, room), "none") << room;
}

TEST(GrpcRequest, RefusesControlCharactersAndTextsLargerThanAFrame) {
    EXPECT_EQ(build({.authority = "a\r\nb"}), "none");
    EXPECT_EQ(build({.service = "a\nb"}), "none");
    EXPECT_EQ(build({.agent = "a\x7f"}), "none");
    const std::string big(16384, 'x');
    EXPECT_EQ(build({.authority = big}, 60000), "none");
    EXPECT_EQ(build({.service = big}, 60000), "none");
}

TEST(GrpcCall, ReadsAServingReplyAndOwesASettingsAck) {
    EXPECT_EQ(read(reply()), serving(Serving::serving));
}

TEST(GrpcCall, ReadsEveryServingStatus) {
    EXPECT_EQ(read(with_message("\x08\x00"s)), serving(Serving::unknown));
    EXPECT_EQ(read(with_message("\x08\x02")), serving(Serving::not_serving));
    EXPECT_EQ(read(with_message("\x08\x03")), serving(Serving::service_unknown));
    EXPECT_EQ(read(with_message("\x08\x04")), serving(Serving::unknown));
    EXPECT_EQ(read(with_message("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")),
              serving(Serving::unknown));
    EXPECT_EQ(read(with_message("")), serving(Serving::unknown));
}

TEST(GrpcCall, LastValueWinsAndUnknownFieldsAreSkipped) {
    EXPECT_EQ(read(with_message("\x08\x01\x08\x02")), serving(Serving::not_serving));
    EXPECT_EQ(read(with_message("\x12\x03"
                                "abc"
                                "\x08\x01\x19"
                                "12345678"
                                "\x25"
                                "1234"
                                "\x28\x96\x01")),
              serving(Serving::serving));
    EXPECT_EQ(read(with_message("\x12\x00\x08\x01"s)), serving(Serving::serving));
    EXPECT_EQ(read(with_message("\x0a\x02\x08\x01\xf8\x7f\x05")),
              serving(Serving::unknown));  // field 1 as a string
    EXPECT_EQ(read(with_message("\x88\x00\x01"s)),
              serving(Serving::serving));  // a tag of two bytes
}

TEST(GrpcCall, RefusesMalformedMessages) {
    for (const std::string& body :
         {"\x08"s, "\x08\x81"s, "\x0a\x05x"s, "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s,
          "\x0b\x08\x01\x0c"s, "\x0e\x01"s, "\x0f\x01"s, "\x00\x01"s,
          "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s,
          "\x19"
          "1234"s,
          "\xf8\xff\xff\xff\xff\x0f\x01"s})
        EXPECT_EQ(why(with_message(body)), Reason::bad_message) << body;
}

TEST(GrpcCall, RefusesACompressedMessage) {
    EXPECT_EQ(why(hello + reply_headers + data_frame(message("\x08\x01", 1)) + trailers),
              Reason::compressed);
    EXPECT_EQ(why(hello + reply_headers + data_frame(message("\x08\x01", 2)) + trailers),
              Reason::bad_message);
}

TEST(GrpcCall, WantsExactlyOneWholeMessage) {
    EXPECT_EQ(why(hello + reply_headers + trailers), Reason::no_message);
    EXPECT_EQ(why(hello + reply_headers + data_frame("\0\0\0"s) + trailers), Reason::bad_message);
    EXPECT_EQ(why(hello + reply_headers + data_frame("\0\0\0\0\2\x08"s) + trailers),
              Reason::bad_message);
    EXPECT_EQ(why(hello + reply_headers + data_frame(serving_message + serving_message) + trailers),
              Reason::bad_message);
    EXPECT_EQ(why(hello + reply_headers + data_frame("\0\xff\xff\xff\xff"s) + trailers),
              Reason::bad_message);
    EXPECT_EQ(why(hello + reply_headers + data_frame("\0\0\0\x10\x01"s) + trailers),
              Reason::bad_message);
}

TEST(GrpcCall, ReadsAMessageSpreadOverFrames) {
    std::string frames = data_frame("");
    for (const char c : serving_message) frames += data_frame(std::string(1, c)) + data_frame("");
    EXPECT_EQ(read(hello + reply_headers + frames + trailers), serving(Serving::serving));
}

TEST(GrpcCall, TakesPaddingOffData) {
    const std::string padded_message = "\3" + serving_message + "\0\0\0"s;
    EXPECT_EQ(
        read(hello + reply_headers + frame(data, padded, 1, padded_message) +
             frame(data, padded, 1, "\0"s) + frame(data, padded, 1, "\4"s + "abcd") + trailers),
        serving(Serving::serving));
    EXPECT_EQ(why(hello + reply_headers + frame(data, padded, 1, "")), Reason::malformed);
    EXPECT_EQ(why(hello + reply_headers + frame(data, padded, 1, "\3ab")), Reason::malformed);
}

TEST(GrpcCall, TakesPaddingAndPriorityOffHeaders) {
    const std::string priority = "\0\0\0\0\x10"s;
    const int both = end_headers | padded | has_priority;
    EXPECT_EQ(read(with_headers(frame(headers, both, 1, "\2" + priority + ok + "\0\0"s))),
              serving(Serving::serving));
    EXPECT_EQ(read(with_headers(frame(headers, end_headers | has_priority, 1, priority + ok))),
              serving(Serving::serving));
    EXPECT_EQ(why(with_headers(frame(headers, both, 1, "\2" + priority + "x"))), Reason::malformed);
    EXPECT_EQ(why(with_headers(frame(headers, both, 1, "\0\0\0\0\0"s))), Reason::malformed);
    EXPECT_EQ(why(with_headers(frame(headers, both, 1, "\xff" + priority + ok))),
              Reason::malformed);
}

TEST(GrpcCall, ReadsContinuationsOfOneByteAndOfNone) {
    std::string frames = frame(headers, 0, 1, "");
    for (const char c : ok)
        frames += frame(continuation, 0, 1, std::string(1, c)) + frame(continuation, 0, 1, "");
    frames += frame(continuation, end_headers, 1, "");
    EXPECT_EQ(read(with_headers(frames)), serving(Serving::serving));
}

TEST(GrpcCall, EndsWithTheLastContinuationOfTrailersThatEndTheStream) {
    EXPECT_EQ(read(hello + reply_headers + data_frame(serving_message) +
                   frame(headers, end, 1, status0.substr(0, 4)) +
                   frame(continuation, end_headers, 1, status0.substr(4))),
              serving(Serving::serving));
}

TEST(GrpcCall, LetsNothingComeBetweenContinuations) {
    const std::string begin = hello + frame(headers, 0, 1, ok);
    for (const std::string& other :
         {hello, frame(ping, 0, 0, "12345678"), data_frame("x"), frame(headers, 4, 1, ""),
          frame(77, 0, 0, "x"), frame(continuation, end_headers, 3, "")})
        EXPECT_EQ(why(begin + other), Reason::malformed);
    EXPECT_EQ(why(hello + frame(continuation, end_headers, 1, ok)), Reason::malformed);
    EXPECT_EQ(why(hello + reply_headers + frame(continuation, end_headers, 1, "")),
              Reason::malformed);
}

TEST(GrpcCall, SkipsUnknownFramesOtherStreamsAndHousekeeping) {
    const std::string noise = frame(0x77, 0xff, 5, "whatever") + frame(0x78, 0, 0, "") +
                              frame(data, end, 3, "junk") +
                              frame(headers, end_headers, 2, field("grpc-status", "9")) +
                              frame(window, 0, 0, "\0\0\1\0"s) + frame(window, 0, 1, "\0\0\1\0"s) +
                              frame(priority, 0, 1, "\0\0\0\0\1"s) + frame(rst, 0, 3, "\0\0\0\1"s) +
                              frame(settings, ack, 0, "") + frame(ping, ack, 0, "12345678");
    EXPECT_EQ(why(hello + noise), Reason::none);
    Outcome outcome = read(reply(noise, noise, noise));
    outcome.error_code = 0;  // of the other stream
    EXPECT_EQ(outcome, serving(Serving::serving));
}

TEST(GrpcCall, TakesUnknownSettings) {
    EXPECT_EQ(read(frame(settings, 0, 0, "\xfe\x03\0\0\0\1\0\3\0\0\0\x64"s) + reply().substr(9)),
              serving(Serving::serving));
}

TEST(GrpcCall, AnswersPings) {
    EXPECT_EQ(
        read(reply(frame(ping, 0, 0, "pingping"))),
        serving(Serving::serving, frame(settings, ack, 0, "") + frame(ping, ack, 0, "pingping")));
}

TEST(GrpcCall, BoundsUnansweredPings) {
    std::string pings;
    for (int i = 0; i < 8; ++i) pings += frame(ping, 0, 0, "pingping");
    EXPECT_EQ(why(hello + pings), Reason::flood);
    GrpcCall call;
    call.feed(as_bytes(hello));
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(call.feed(as_bytes(
                      frame(ping, 0, 0, "pingpin" + std::string(1, static_cast<char>(i))))),
                  Verdict::more);
        call.sent(call.to_send().size());
    }
}

TEST(GrpcCall, KeepsTheUnsentPartOfItsAnswers) {
    GrpcCall call;
    call.feed(as_bytes(hello + frame(ping, 0, 0, "pingping")));
    const std::string all(call.to_send().begin(), call.to_send().end());
    call.sent(11);
    EXPECT_EQ(std::string(call.to_send().begin(), call.to_send().end()), all.substr(11));
    call.sent(1000);
    EXPECT_TRUE(call.to_send().empty());
}

TEST(GrpcCall, SkipsInterimHeaders) {
    const std::string interim =
        frame(headers, end_headers, 1, field(":status", "103") + field("link", "x"));
    EXPECT_EQ(read(reply(interim + interim)), serving(Serving::serving));
    EXPECT_EQ(why(hello + frame(headers, end_headers | end, 1, field(":status", "100"))),
              Reason::malformed);
}

TEST(GrpcCall, ReportsATrailersOnlyErrorWithFieldsInAnyOrder) {
    const std::string status = field("grpc-status", "12");
    const std::string message = field("grpc-message", "unknown%20method%0A\x1b%e2%82%ac%zz%4");
    const std::string type = field("content-type", "application/grpc+proto");
    for (const std::string& fields :
         {"\x88" + type + status + message, "\x88" + message + status + type,
          "\x88" + status + message}) {
        const Outcome outcome = read(trailers_only(fields));
        EXPECT_EQ(outcome.verdict, Verdict::bad);
        EXPECT_EQ(outcome.reason, Reason::failed);
        EXPECT_EQ(outcome.grpc_status, 12U);
        EXPECT_EQ(outcome.http_status, 200);
        EXPECT_EQ(outcome.message, "unknown method??\?\?\?%zz%4");
    }
    EXPECT_EQ(grpc_status_text(12), "UNIMPLEMENTED");
}

TEST(GrpcCall, ReadsHuffmanCodedStatuses) {
    // grpc-status: 5 as grpc-go sends it: name and value Huffman-coded, after a table size update.
    const std::string block =
        from_hex("20 88 5f 8b1d75d0620d263d4c4d6564 00 889acac8b21234da8f 816f");
    const Outcome outcome = read(trailers_only(block));
    EXPECT_EQ(outcome.reason, Reason::failed);
    EXPECT_EQ(outcome.grpc_status, 5U);
}

TEST(GrpcCall, CutsALongGrpcMessage) {
    EXPECT_EQ(read(trailers_only("\x88" + field("grpc-status", "2") +
                                 field("grpc-message", std::string(120, 'x'))))
                  .message,
              std::string(GrpcCall::text_limit, 'x'));
}

TEST(GrpcCall, RefusesServingWithAnError) {
    const std::string trailers = frame(headers, end_headers | end, 1,
                                       field("grpc-status", "14") + field("grpc-message", "x"));
    const Outcome outcome = read(hello + reply_headers + data_frame(serving_message) + trailers);
    EXPECT_EQ(outcome.reason, Reason::failed);
    EXPECT_EQ(outcome.serving, Serving::serving);
    EXPECT_EQ(outcome.grpc_status, 14U);
}

TEST(GrpcCall, ReportsTheHttpStatusOfAReplyThatIsNotGrpc) {
    const std::string html = field("content-type", "text/html");
    const struct {
        std::string fields;
        int flags;
        Reason reason;
        int status;
    } cases[] = {
        {field(":status", "502") + html, end_headers, Reason::http_status, 502},
        {field(":status", "502") + html, end_headers | end, Reason::http_status, 502},
        {"\x88" + html, end_headers, Reason::http_status, 200},
        {"\x88", end_headers, Reason::http_status, 200},
        {"\x88" + field("content-type", "application/grpc-web"), end_headers, Reason::http_status,
         200},
        {"\x8d" + field("content-type", "application/grpc"), end_headers, Reason::http_status, 404},
        {ok, end_headers | end, Reason::no_trailers, 200},
    };
    for (const auto& c : cases) {
        const Outcome outcome = read(hello + frame(headers, c.flags, 1, c.fields));
        EXPECT_EQ(outcome.reason, c.reason);
        EXPECT_EQ(outcome.http_status, c.status);
    }
}

TEST(GrpcCall, MissesTrailersAtTheEndOfTheStream) {
    EXPECT_EQ(why(hello + reply_headers + frame(data, end, 1, serving_message)),
              Reason::no_trailers);
    EXPECT_EQ(why(hello + reply_headers + frame(data, end, 1, "")), Reason::no_trailers);
    EXPECT_EQ(why(hello + reply_headers + data_frame(serving_message) +
                  frame(headers, end_headers | end, 1, field("x", "y"))),
              Reason::no_trailers);
    // An earlier grpc-status, in headers that do not end the stream, does not count.
    EXPECT_EQ(why(hello + frame(headers, end_headers, 1, ok + status0) +
                  data_frame(serving_message) + frame(headers, end_headers | end, 1, "")),
              Reason::no_trailers);
}

TEST(GrpcCall, RefusesBadHeaderBlocks) {
    for (const std::string& fields :
         {field(":status", "20"), field(":status", "2000"), field(":status", "abc"),
          field(":status", "099"), "\x88\x88"s, field("content-type", "application/grpc"),
          "\x88" + field("grpc-status", "x"), "\x88" + field("grpc-status", ""),
          "\x88" + field("grpc-status", "-1"), "\x88" + field("grpc-status", "4294967296")})
        EXPECT_EQ(why(hello + frame(headers, end_headers, 1, fields)), Reason::malformed) << fields;
    EXPECT_EQ(why(hello + reply_headers + frame(headers, end_headers | end, 1, "\x88" + status0)),
              Reason::malformed);
    EXPECT_EQ(why(hello + reply_headers + frame(headers, end_headers, 1, status0)),
              Reason::malformed);
    EXPECT_EQ(why(hello + frame(headers, end_headers, 1, "\x80")), Reason::hpack);
    EXPECT_EQ(why(hello + frame(headers, end_headers, 1, "\x88\x40\x05x")), Reason::hpack);
    EXPECT_EQ(why(hello + frame(headers, end_headers, 3, "\x80")), Reason::hpack);
}

TEST(GrpcCall, RefusesDataBeforeHeaders) {
    EXPECT_EQ(why(hello + data_frame("x")), Reason::malformed);
}

TEST(GrpcCall, AGracefulGoawayIsNoFailure) {
    EXPECT_EQ(read(reply(frame(goaway, 0, 0, "\0\0\0\1\0\0\0\0bye"s))), serving(Serving::serving));
    EXPECT_EQ(read(reply(frame(goaway, 0, 0, "\x7f\xff\xff\xff\0\0\0\0"s))),
              serving(Serving::serving));
}

TEST(GrpcCall, AGoawayThatRefusesOurStreamOrNamesAnErrorIsAFailure) {
    EXPECT_EQ(why(hello + frame(goaway, 0, 0, "\0\0\0\0\0\0\0\0"s)), Reason::goaway);
    EXPECT_EQ(why(hello + frame(goaway, 0, 0, "\x80\0\0\0\0\0\0\0"s)), Reason::goaway);
    const Outcome outcome = read(hello + frame(goaway, 0, 0, "\0\0\0\1\0\0\0\x0b"s));
    EXPECT_EQ(outcome.reason, Reason::goaway);
    EXPECT_EQ(outcome.error_code, 11U);
}

TEST(GrpcCall, AResetIsAFailureWithItsCode) {
    const Outcome outcome = read(hello + reply_headers + frame(rst, 0, 1, "\0\0\0\7"s));
    EXPECT_EQ(outcome.reason, Reason::rst_stream);
    EXPECT_EQ(outcome.error_code, 7U);
}

TEST(GrpcCall, AResetBehindWholeTrailersIsFine) {
    for (const char code : {'\0', '\5'})
        EXPECT_EQ(read(reply() + frame(rst, 0, 1, "\0\0\0"s + code)), serving(Serving::serving));
    EXPECT_EQ(read(reply() + "garbage"), serving(Serving::serving));
}

TEST(GrpcCall, RefusesFramesOfWrongLengthOrStream) {
    for (const std::string& bytes :
         {frame(settings, 0, 0, "12345"), frame(settings, ack, 0, "123456"),
          frame(settings, 0, 1, ""), frame(ping, 0, 0, "1234567"), frame(ping, 0, 0, ""),
          frame(ping, 0, 1, "12345678"), frame(goaway, 0, 0, "1234567"),
          frame(goaway, 0, 1, "12345678"), frame(rst, 0, 1, "123"), frame(rst, 0, 0, "1234"),
          frame(window, 0, 0, "123"), frame(priority, 0, 1, "1234"), frame(priority, 0, 0, "12345"),
          frame(push, end_headers, 1, "\0\0\0\2"s), frame(headers, end_headers, 0, ok),
          frame(data, 0, 0, "x")})
        EXPECT_EQ(why(hello + bytes), Reason::malformed) << bytes;
}

TEST(GrpcCall, BoundsFramesAndHeaderBlocks) {
    EXPECT_EQ(why(hello + "\0\x40\x01\0\0\0\0\0\1"s), Reason::frame_too_large);
    EXPECT_EQ(why(hello + "\xff\xff\xff\x77\0\0\0\0\1"s), Reason::frame_too_large);
    EXPECT_EQ(why(hello + frame(0x77, 0, 0, std::string(16384, 'x'))), Reason::none);
    std::string block = frame(headers, 0, 1, "\x88");
    const std::string filler = frame(continuation, 0, 1, field("x", std::string(100, 'x')));
    while (block.size() < 17000) block += filler;
    EXPECT_EQ(why(hello + block), Reason::headers_too_large);
    std::string empty = hello + frame(headers, 0, 1, "\x88");
    for (int i = 0; i < 2000; ++i) empty += frame(continuation, 0, 1, "");
    EXPECT_EQ(why(empty), Reason::headers_too_large);
}

TEST(GrpcCall, KnowsOtherProtocolsFromTheirFirstBytes) {
    EXPECT_EQ(why("HTTP/1.1 400 Bad Request\r\n\r\n"), Reason::http1);
    EXPECT_EQ(why("HTTP/"), Reason::http1);
    EXPECT_EQ(why("<!DOCTYPE"), Reason::http1) << "as HTTP/0.9";
    EXPECT_EQ(why("\x15\x03\x01\0\x02\x02\x46"s), Reason::tls);
    EXPECT_EQ(why("\x16\x03"), Reason::tls);
    for (const std::string& bytes :
         {"\x15\x01"s, "-ERR\r\n"s, "HELO"s, "\0\0\0\1\0\0\0\0\0"s, "\0\0\0\4\1\0\0\0\0"s,
          "\0\0\0\4\0\0\0\0\1"s, "\0\0\0\0\0\0\0\0\0"s})
        EXPECT_EQ(why(bytes), Reason::not_http2) << bytes;
    for (const std::string& bytes : {"H"s, "HTTP"s, "\x15"s, "\0\0\0\4"s})
        EXPECT_EQ(why(bytes), Reason::none) << bytes;
}

TEST(GrpcCall, TellsAnEmptyReplyFromATruncatedOne) {
    EXPECT_EQ(read("", true).reason, Reason::closed);
    const std::string whole = reply();
    for (size_t cut = 1; cut < whole.size(); ++cut) {
        GrpcCall call;
        EXPECT_EQ(call.feed(as_bytes(whole.substr(0, cut))), Verdict::more);
        EXPECT_EQ(call.finish(), Verdict::bad);
        EXPECT_EQ(call.reason(), Reason::truncated);
    }
    EXPECT_EQ(read(whole, true), serving(Serving::serving));
}

TEST(GrpcTexts, NameStatuses) {
    EXPECT_EQ(serving_text(Serving::unknown), "UNKNOWN");
    EXPECT_EQ(serving_text(Serving::service_unknown), "SERVICE_UNKNOWN");
    EXPECT_EQ(grpc_status_text(0), "OK");
    EXPECT_EQ(grpc_status_text(16), "UNAUTHENTICATED");
    EXPECT_EQ(grpc_status_text(17), "");
    EXPECT_EQ(grpc_status_text(UINT32_MAX), "");
}

}  // namespace
}  // namespace usher
