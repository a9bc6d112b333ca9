// SPDX-License-Identifier: MIT
#include "http.hpp"

#include <gtest/gtest.h>

#include <array>
#include <ostream>
#include <string>
#include <vector>

#include "split_feed.hpp"
#include "text_of.hpp"

namespace usher {
namespace {

using namespace std::string_literals;
using usher_test::fed_every_way;

struct Outcome {
    Verdict verdict;
    Reason reason;
    int status;
    bool operator==(const Outcome&) const = default;
    friend std::ostream& operator<<(std::ostream& out, const Outcome& o) {
        return out << int(o.verdict) << " '" << text_of(reason_text(o.reason)) << "' " << o.status;
    }
};

Outcome read(std::string_view reply, std::string_view needle = {}, bool eof = false,
             bool head = false) {
    return fed_every_way(reply, [&](auto feed_pieces) {
        HttpReply parser(needle, head);
        feed_pieces([&](const std::string& piece) { parser.feed(piece); });
        if (eof) parser.finish();
        return Outcome{parser.verdict(), parser.reason(), parser.status()};
    });
}

Outcome more(int status = 0) { return {Verdict::more, Reason::none, status}; }
Outcome done(int status) { return {Verdict::done, Reason::none, status}; }
Outcome bad(Reason reason, int status = 0) { return {Verdict::bad, reason, status}; }

std::string build(const HttpRequest& request, size_t room = 1000) {
    std::string out(room, '\0');
    const std::optional<size_t> length = build_http_request(request, out);
    return length ? out.substr(0, *length) : "none";
}

TEST(HttpRequest, HasTheDefaultHeaders) {
    EXPECT_EQ(build({.target = "/healthz?a=b", .host = "localhost:8080", .agent = "usher/1.0"}),
              "GET /healthz?a=b HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: usher/1.0\r\n"
              "Accept: */*\r\nConnection: close\r\n\r\n");
}

TEST(HttpRequest, ReplacesADefaultHeaderOfTheSameNameInAnyCase) {
    const std::array<std::string_view, 4> lines = {"hOST: example.org", "user-agent: me",
                                                   "ACCEPT:text/plain", "Connection: keep-alive"};
    EXPECT_EQ(build({.host = "a", .agent = "b", .headers = lines}),
              "GET / HTTP/1.1\r\nhOST: example.org\r\nuser-agent: me\r\nACCEPT:text/plain\r\n"
              "Connection: keep-alive\r\n\r\n");
}

TEST(HttpRequest, AddsOtherHeadersBehindTheDefaultOnes) {
    const std::array<std::string_view, 1> lines = {"X-Host: a"};
    EXPECT_EQ(build({.host = "h", .agent = "u", .headers = lines}),
              "GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: u\r\nAccept: */*\r\nConnection: "
              "close\r\nX-Host: a\r\n\r\n");
}

TEST(HttpRequest, SaysThatAPostHasNoContent) {
    for (const std::string_view method : {"POST", "PUT", "PATCH"})
        EXPECT_NE(build({.method = method}).find("\r\nContent-Length: 0\r\n\r\n"),
                  std::string::npos)
            << method;
    for (const std::string_view method : {"GET", "HEAD", "OPTIONS", "post"})
        EXPECT_EQ(build({.method = method}).find("Content-Length"), std::string::npos) << method;
}

TEST(HttpRequest, MustFitTheBufferExactly) {
    const HttpRequest request{.host = "h", .agent = "u"};
    const size_t length = build(request).size();
    EXPECT_NE(build(request, length), "none");
    for (size_t room = 0; room < length; ++room) EXPECT_EQ(build(request, room), "none") << room;
}

TEST(HttpRequest, RefusesControlCharactersInEveryText) {
    for (const std::string& evil : {"a\rb"s, "a\nb"s, "a\0b"s, "a\r\nX: y"s, "a\x7f"s}) {
        const std::string header = "X: " + evil;
        const std::string name = evil + ": x";
        const std::array<std::string_view, 1> lines = {header};
        const std::array<std::string_view, 1> names = {name};
        EXPECT_EQ(build({.method = evil}), "none");
        EXPECT_EQ(build({.target = "/" + evil}), "none");
        EXPECT_EQ(build({.host = evil}), "none");
        EXPECT_EQ(build({.agent = evil}), "none");
        EXPECT_EQ(build({.headers = lines}), "none");
        EXPECT_EQ(build({.headers = names}), "none");
    }
}

TEST(HttpRequest, ValidatesMethodTargetAndHeaderForTheOptionParser) {
    EXPECT_TRUE(is_http_method("GET"));
    EXPECT_TRUE(is_http_method("M-SEARCH"));
    for (const std::string_view text : {"", "G T", "GET:", "G\xc3\xa9", "G\"", "(", "GET "})
        EXPECT_FALSE(is_http_method(text)) << text;
    EXPECT_TRUE(is_http_target("/a?b=%20"));
    for (const std::string_view text : {"", "a", "/ b", "/\t"})
        EXPECT_FALSE(is_http_target(text)) << text;
    EXPECT_TRUE(is_http_header("A: b"));
    EXPECT_TRUE(is_http_header("A:"));
    EXPECT_TRUE(is_http_header("A: b\tc \xc3\xa9"));
    for (const std::string_view text : {"", "A", ": b", "A : b", " A: b"})
        EXPECT_FALSE(is_http_header(text)) << text;
}

TEST(HttpReply, IsDoneWithTheFinalStatusLine) {
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\n"), done(200));
    EXPECT_EQ(read("HTTP/1.0 503 Service Unavailable\r\nA: b\r\n\r\nbody"), done(503));
    EXPECT_EQ(read("HTTP/1.1 200 OK\r"), more());
}

TEST(HttpReply, TakesEveryStatusFrom200To599) {
    for (int code = 0; code <= 999; ++code) {
        const std::string digits = std::to_string(1000 + code).substr(1);
        HttpReply parser;
        const bool interim = code >= 100 && code < 200 && code != 101;
        const Verdict verdict = parser.feed("HTTP/1.1 " + digits + " x\r\n");
        if (interim)
            EXPECT_EQ(verdict, Verdict::more) << code;
        else if (code < 100 || code > 599)
            EXPECT_EQ(parser.reason(), Reason::bad_status) << code;
        else
            EXPECT_EQ(parser.status(), code);
    }
}

TEST(HttpReply, ToleratesAMissingReasonAndABareLineFeed) {
    for (const std::string_view line : {"HTTP/1.1 204 \r\n", "HTTP/1.1 204\r\n", "HTTP/1.1 204\n",
                                        "HTTP/1.1 204 a\tb \xc3\xa9\n"})
        EXPECT_EQ(read(line), done(204)) << line;
}

TEST(HttpReply, RefusesBadStatusLines) {
    const struct {
        std::string line;
        Reason reason;
    } cases[] = {
        {"HTTP/1.1 2000 OK\r\n", Reason::bad_status},
        {"HTTP/1.1 20 OK\r\n", Reason::bad_status},
        {"HTTP/1.1 2x0 OK\r\n", Reason::bad_status},
        {"HTTP/1.1 -20 OK\r\n", Reason::bad_status},
        {"HTTP/1.1 +20 OK\r\n", Reason::bad_status},
        {"HTTP/1.1  200 OK\r\n", Reason::bad_status},
        {"HTTP/1.1 \r\n", Reason::bad_status},
        {"HTTP/1.1 99\r\n", Reason::bad_status},
        {"HTTP/1.1\r\n", Reason::bad_version},
        {"HTTP/1.1200\r\n", Reason::bad_version},
        {"HTTP/1.2 200 OK\r\n", Reason::bad_version},
        {"HTTP/2.0 200 OK\r\n", Reason::bad_version},
        {"HTTP/2 200\r\n", Reason::bad_version},
        {"HTTP/11 200\r\n", Reason::bad_version},
        {"HTTP 200\r\n", Reason::not_http},
        {"HTTPS/1.1 200\r\n", Reason::not_http},
        {"ICY 200 OK\r\n", Reason::not_http},
        {"http/1.1 200 OK\r\n", Reason::not_http},
        {"\r\nHTTP/1.1 200 OK\r\n", Reason::not_http},
        {"SSH-2.0-OpenSSH_9.2\r\n", Reason::not_http},
        {"-ERR unknown command\r\n", Reason::not_http},
        {"<html>hello</html>", Reason::http09},
        {"HTTP/1.1 200 O\0K\r\n"s, Reason::malformed},
        {"HTTP/1.1 200 O\rK\r\n", Reason::malformed},
        {"HTTP/1.1 200 OK\r\r\n", Reason::malformed},
        {"HTTP/1.1 200 \x1b[31m\r\n", Reason::malformed},
    };
    for (const auto& c : cases) EXPECT_EQ(read(c.line), bad(c.reason)) << c.line;
}

TEST(HttpReply, KnowsATlsPeerFromTheFirstTwoBytes) {
    EXPECT_EQ(read("\x15\x03\x01\0\x02\x02\x46"s), bad(Reason::tls));
    EXPECT_EQ(read("\x15\x03"), bad(Reason::tls));
    EXPECT_EQ(read("\x16\x03\x03"), bad(Reason::tls));
    EXPECT_EQ(read("\x15"), more());
    EXPECT_EQ(read("\x15\x04"), bad(Reason::not_http));
}

TEST(HttpReply, KnowsAnHttp2PeerFromItsSettingsFrame) {
    EXPECT_EQ(read("\0\0\x12\x04\0\0\0\0\0"s), bad(Reason::http2));
    EXPECT_EQ(read("\0\0\x08\x07\0\0\0\0\0"s), bad(Reason::not_http));
    EXPECT_EQ(read("\0\0"s), more());
}

TEST(HttpReply, TellsAnEmptyReplyFromATruncatedOne) {
    EXPECT_EQ(read("", {}, true), bad(Reason::closed));
    EXPECT_EQ(read("HTTP/1.1 200 OK", {}, true), bad(Reason::truncated));
    EXPECT_EQ(read("HTTP/1.1 100 Continue\r\n\r\n", {}, true), bad(Reason::truncated));
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nA: b", "x", true), bad(Reason::truncated, 200));
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\n", {}, true), done(200));
}

TEST(HttpReply, SkipsInterimReplies) {
    EXPECT_EQ(read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 "
                   "200 OK\r\n"),
              done(200));
    EXPECT_EQ(read("HTTP/1.1 100\n\nHTTP/1.1 404\n"), done(404));
    EXPECT_EQ(read("HTTP/1.1 102\r\nContent-Length: 3\r\n\r\nHTTP/1.1 200 OK\r\n\r\nabcdef", "ef"),
              done(200));
}

TEST(HttpReply, TakesSwitchingProtocolsAsFinal) {
    EXPECT_EQ(read("HTTP/1.1 101 Switching\r\n"), done(101));
    EXPECT_EQ(read("HTTP/1.1 101 Switching\r\n\r\nx", "x"), bad(Reason::not_found, 101));
}

TEST(HttpReply, BoundsTheNumberOfInterimReplies) {
    std::string replies;
    for (unsigned i = 0; i < HttpReply::interim_limit; ++i) replies += "HTTP/1.1 100 x\r\n\r\n";
    EXPECT_EQ(read(replies + "HTTP/1.1 200 OK\r\n"), done(200));
    EXPECT_EQ(read(replies + "HTTP/1.1 100 x\r\n\r\nHTTP/1.1 200 OK\r\n"),
              bad(Reason::too_many_interim));
}

TEST(HttpReply, BoundsTheHeaders) {
    const std::string start = "HTTP/1.1 200 ";
    EXPECT_EQ(read(start + std::string(HttpReply::header_limit, 'x')),
              bad(Reason::headers_too_large));
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nA: " + std::string(HttpReply::header_limit, 'x'), "y"),
              bad(Reason::headers_too_large, 200));
    std::string many = "HTTP/1.1 200 OK\r\n";
    while (many.size() <= HttpReply::header_limit) many += "A: b\r\n";
    EXPECT_EQ(read(many, "y"), bad(Reason::headers_too_large, 200));
}

TEST(HttpReply, FindsTextInABodyOfKnownLength) {
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nready", "ready"), done(200));
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nCONTENT-LENGTH:4\r\n\r\nready", "ready"),
              bad(Reason::not_found, 200));
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nready", "ready"),
              bad(Reason::not_found, 200));
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nrea", "ready", true),
              bad(Reason::truncated, 200));
    EXPECT_EQ(read("HTTP/1.1 503 No\nContent-Length: 5\n\nready", "ready"), done(503));
}

TEST(HttpReply, FindsTextInABodyThatEndsWithTheConnection) {
    EXPECT_EQ(read("HTTP/1.0 200 OK\r\n\r\nwe are ready", "ready"), done(200));
    EXPECT_EQ(read("HTTP/1.0 200 OK\r\n\r\nwe are", "ready"), more(200));
    EXPECT_EQ(read("HTTP/1.0 200 OK\r\n\r\nwe are", "ready", true), bad(Reason::not_found, 200));
}

TEST(HttpReply, FindsTextAcrossChunks) {
    const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    EXPECT_EQ(read(head + "3\r\nrea\r\n2;x=\"y\"\r\ndy\r\n0\r\n\r\n", "ready"), done(200));
    EXPECT_EQ(read(head + "3\nrea\n1\nd\n0\n\n", "ready"), bad(Reason::not_found, 200));
    EXPECT_EQ(read(head + "00A\r\n0123456789\r\n0\r\n\r\n", "9"), done(200));
    EXPECT_EQ(read(head + "3 \r\nabc\r\n", "c"), done(200));
    EXPECT_EQ(read(head + "3\r\nabc\r\n", "ready", true), bad(Reason::truncated, 200));
    EXPECT_EQ(read(head + "5\r\nab\r\n0\r\n\r\n", "\r\n0"), done(200));
}

TEST(HttpReply, PrefersTransferEncodingToContentLength) {
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: gzip, "
                   "Chunked\r\n\r\n2\r\nok\r\n",
                   "ok"),
              done(200));
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n2\r\nok", "2\r\nok"),
              done(200));
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunkedx\r\n\r\nok", "ok"), done(200));
}

TEST(HttpReply, RefusesBadChunks) {
    const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const std::string& body :
         {"\r\n"s, "\n"s, "-1\r\n"s, "x\r\n"s, " 3\r\nabc"s, "3x\r\n"s, "3\r3\r\n"s, "3\r\nabcd"s,
          "3\r\nabc\r\r\n"s, "ffffffffffffffff\r\n"s, "10000000000000000000\r\n"s, ";\r\n"s,
          "1;" + std::string(2000, 'x'), std::string(2000, '0') + "1\r\nx"})
        EXPECT_EQ(read(head + body, "needle"), bad(Reason::malformed, 200)) << body;
}

TEST(HttpReply, RefusesBadContentLengths) {
    for (const std::string_view value :
         {"-1", "+1", "", " ", "1x", "0x10", "1 2", "1, 2", "99999999999999999999999",
          "18446744073709551616", "1\r\nContent-Length: 2", "\xc2\xb2"})
        EXPECT_EQ(
            read("HTTP/1.1 200 OK\r\nContent-Length: " + std::string(value) + "\r\n\r\nab", "z"),
            bad(Reason::malformed, 200))
            << value;
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 2 \r\ncontent-length: 2\r\n\r\nab", "ab"),
              done(200));
}

TEST(HttpReply, RefusesControlCharactersInHeaders) {
    for (const std::string& line : {"A: b\0c"s, "A: b\rc"s, "A\x01: b"s, "A: \x7f"s})
        EXPECT_EQ(read("HTTP/1.1 200 OK\r\n" + line + "\r\n\r\nx", "x"),
                  bad(Reason::malformed, 200))
            << line;
}

TEST(HttpReply, ToleratesFoldedAndOddHeaders) {
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length:\r\n 2\r\n\r\nabc", "c"),
              bad(Reason::not_found, 200));
    EXPECT_EQ(
        read("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip,\r\n\tchunked\r\n\r\n1\r\na\r\n1\r\nb\r\n",
             "ab"),
        done(200));
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nA: b\r\n c\r\nno colon here\r\n: empty\r\n\r\nx", "x"),
              done(200));
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\n folded first\r\n\r\nx", "x"), done(200));
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Lengthy: 0\r\nXContent-Length: 0\r\n\r\nx", "x"),
              done(200));
}

TEST(HttpReply, KnowsRepliesThatHaveNoBody) {
    EXPECT_EQ(read("HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", "x"),
              bad(Reason::not_found, 204));
    EXPECT_EQ(read("HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n\r\n", "x"),
              bad(Reason::not_found, 304));
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "x", false, true),
              bad(Reason::not_found, 200));
}

TEST(HttpReply, SearchesTheFirst64KiBOfTheBodyOnly) {
    const std::string head = "HTTP/1.1 200 OK\r\n\r\n";
    const std::string filler(BodySearch::text_limit - 5, '.');
    EXPECT_EQ(read(head + filler + "ready", "ready"), done(200));
    EXPECT_EQ(read(head + filler + ".ready", "ready"), bad(Reason::not_found, 200));
}

TEST(HttpReply, FindsExactlyWhatAPlainSearchFinds) {
    // Every body of 9 letters a and b, every needle of 1 to 5: all the ways in which a match can
    // overlap itself.
    for (unsigned n = 0; n < 1U << 9; ++n) {
        std::string body;
        for (unsigned i = 0; i < 9; ++i) body += n >> i & 1U ? 'a' : 'b';
        for (unsigned length = 1; length <= 5; ++length) {
            for (unsigned m = 0; m < 1U << length; ++m) {
                std::string needle;
                for (unsigned i = 0; i < length; ++i) needle += m >> i & 1U ? 'a' : 'b';
                HttpReply parser(needle);
                parser.feed(std::string_view("HTTP/1.1 200 \n\n"));
                parser.feed(body);
                parser.finish();
                ASSERT_EQ(parser.verdict() == Verdict::done, body.find(needle) != std::string::npos)
                    << body << " " << needle;
            }
        }
    }
}

TEST(HttpReply, FindsALongNeedleThatOverlapsItself) {
    const std::string needle = std::string(255, 'a') + "b";
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\n\r\n" + std::string(1000, 'a') + "b", needle), done(200));
}

// How many bytes of `reply` were read when it ended; 0: it did not.
size_t end_of(const std::string& reply, std::string_view needle = {}, bool head = false) {
    HttpReply parser(needle, head);
    for (size_t i = 0; i < reply.size(); ++i) {
        parser.feed(std::string_view(reply).substr(i, 1));
        if (parser.at_end()) return i + 1;
    }
    // In one piece it ends as well.
    HttpReply whole(needle, head);
    whole.feed(reply);
    EXPECT_FALSE(whole.at_end()) << reply;
    return 0;
}

TEST(HttpReply, KnowsItsEndAlsoAfterTheVerdict) {
    const std::string start = "HTTP/1.1 200 OK\r\n";
    for (const std::string_view needle : {"", "o", "no"}) {
        for (const std::string& reply :
             {start + "Content-Length: 5\r\n\r\nhello", start + "Content-Length: 0\r\n\r\n",
              start + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;a=b\r\n!\r\n0\r\n\r\n",
              start + "Transfer-Encoding: chunked\n\n5\nhello\n0\nTrailer: x\n: y\n\n",
              start + "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n",
              "HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n"s, "HTTP/1.1 101 Other\r\n\r\n"s,
              "HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 503 No\r\nContent-Length: 1\r\n\r\nx"s}) {
            EXPECT_EQ(end_of(reply, needle), reply.size()) << reply;
            EXPECT_EQ(end_of(reply + "more", needle), reply.size()) << reply;
            HttpReply parser(needle);
            parser.feed(reply);
            EXPECT_TRUE(parser.at_end()) << reply;
        }
        EXPECT_EQ(end_of(start + "\r\nuntil it closes", needle), 0U);
        EXPECT_EQ(end_of(start + "Content-Length: 50\r\n\r\nhello", needle), 0U);
    }
    EXPECT_EQ(end_of(start + "Content-Length: 5\r\n\r\n", {}, true), 38U);
}

TEST(HttpReply, HasNoEndToWaitForWhereItIsNoHttp) {
    for (const std::string_view text : {"SSH-2.0-x\r\n", "HTTP/1.1 999 \r\n"}) {
        HttpReply parser;
        parser.feed(text);
        EXPECT_TRUE(parser.at_end()) << text;
    }
    HttpReply parser;
    parser.feed(std::string_view("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"));
    EXPECT_TRUE(parser.at_end());
    EXPECT_EQ(parser.verdict(), Verdict::done);
}

TEST(HttpReply, IsAtItsEndWhenThePeerCloses) {
    HttpReply parser;
    parser.feed(std::string_view("HTTP/1.1 200 OK\r\n\r\nbody"));
    EXPECT_FALSE(parser.at_end());
    EXPECT_EQ(parser.finish(), Verdict::done);
    EXPECT_TRUE(parser.at_end());
}

TEST(HttpReply, KeepsItsVerdict) {
    HttpReply parser;
    parser.feed(std::string_view("HTTP/1.1 200 OK\r\n"));
    EXPECT_EQ(parser.feed(std::string_view("garbage")), Verdict::done);
    EXPECT_EQ(parser.finish(), Verdict::done);
}

TEST(Reason, EveryOneHasATextOfItsOwn) {
    std::vector<std::string> seen;
    for (unsigned i = 1; i <= static_cast<unsigned>(Reason::failed); ++i) {
        const std::string text = text_of(reason_text(static_cast<Reason>(i)));
        EXPECT_FALSE(text.empty()) << i;
        for (const std::string& other : seen) EXPECT_NE(text, other);
        seen.push_back(text);
    }
    EXPECT_EQ(text_of(reason_text(Reason::none)), "");
    EXPECT_EQ(text_of(reason_text(Reason::failed)), "the call failed");
}

}  // namespace
}  // namespace usher
