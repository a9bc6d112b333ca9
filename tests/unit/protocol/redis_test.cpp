// SPDX-License-Identifier: MIT
#include "redis.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "split_feed.hpp"
#include "text_of.hpp"

namespace usher {
namespace {

using namespace std::string_literals;
using usher_test::fed_every_way;

struct Outcome {
    Verdict verdict = Verdict::more;
    Reason reason = Reason::none;
    std::string message = {};
    bool operator==(const Outcome&) const = default;
    friend std::ostream& operator<<(std::ostream& out, const Outcome& o) {
        return out << int(o.verdict) << " '" << text_of(reason_text(o.reason)) << "' '" << o.message
                   << "'";
    }
};

Outcome read(std::string_view reply, bool with_password = false, bool eof = false) {
    return fed_every_way(reply, [&](auto feed_pieces) {
        RedisCall call(with_password);
        feed_pieces([&](const std::string& piece) { call.feed(usher_test::as_bytes(piece)); });
        if (eof) call.finish();
        EXPECT_TRUE(call.to_send().empty());
        return Outcome{call.verdict(), call.reason(), std::string(call.message())};
    });
}
Outcome with_password(std::string_view reply) { return read(reply, true); }

Outcome more() { return {}; }
Outcome done(const std::string& message) { return {Verdict::done, Reason::none, message}; }
Outcome not_ready(const std::string& message) { return {Verdict::bad, Reason::not_ready, message}; }
Outcome bad(Reason reason) { return {Verdict::bad, reason}; }

std::string build(std::string_view user, std::string_view password, size_t room = 4096) {
    std::string out(room, '\0');
    const std::optional<size_t> length =
        RedisCall::request(user, password, {reinterpret_cast<uint8_t*>(out.data()), out.size()});
    return length ? out.substr(0, *length) : "none";
}

const std::string ping = "*1\r\n$4\r\nPING\r\n";

TEST(RedisRequest, IsAPingBehindAnAuthWhereThereIsAPassword) {
    EXPECT_EQ(build("", ""), ping);
    EXPECT_EQ(build("", "s3cret"), "*2\r\n$4\r\nAUTH\r\n$6\r\ns3cret\r\n" + ping);
    EXPECT_EQ(build("bob", "a b\r\n\"c\xff"),
              "*3\r\n$4\r\nAUTH\r\n$3\r\nbob\r\n$8\r\na b\r\n\"c\xff\r\n" + ping);
    EXPECT_EQ(build("bob", ""), ping);
}

TEST(RedisRequest, MustFitTheBufferExactly) {
    const size_t length = build("bob", "s3cret").size();
    EXPECT_NE(build("bob", "s3cret", length), "none");
    for (size_t room = 0; room < length; ++room)
        EXPECT_EQ(build("bob", "s3cret", room), "none") << room;
    EXPECT_EQ(build("", std::string(4096, 'x')), "none");
}

TEST(RedisRequest, RefusesANul) {
    EXPECT_EQ(build("b\0b"s, "s3cret"), "none");
    EXPECT_EQ(build("bob", "\0"s), "none");
}

TEST(RedisCall, IsDoneWithAPong) {
    EXPECT_EQ(read("+PONG\r\n"), done("PONG"));
    EXPECT_EQ(read("+PONG\r\n-ERR later\r\n"), done("PONG"));
}

TEST(RedisCall, ReadsTwoRepliesWhereThereIsAPassword) {
    EXPECT_EQ(with_password("+OK\r\n+PONG\r\n"), done("PONG"));
    EXPECT_EQ(with_password("+OK\r\n"), more());
    EXPECT_EQ(with_password("+OK\r\n-LOADING Redis is loading the dataset in memory\r\n"),
              not_ready("LOADING"));
}

TEST(RedisCall, TakesTheFirstBadReply) {
    EXPECT_EQ(with_password("-WRONGPASS invalid username-password pair or user is disabled.\r\n"
                            "-NOAUTH Authentication required.\r\n"),
              not_ready("WRONGPASS"));
}

TEST(RedisCall, IsDoneWhereAPasswordOrAPermissionIsWanted) {
    EXPECT_EQ(read("-NOAUTH Authentication required.\r\n"), done("NOAUTH: wants a password"));
    EXPECT_EQ(read("-NOPERM User eve has no permissions to run the 'ping' command\r\n"),
              done("NOPERM"));
    EXPECT_EQ(with_password("+OK\r\n-NOPERM this user has no permissions\r\n"), done("NOPERM"));
}

TEST(RedisCall, IsNotReadyWhereThePasswordOpenedNothing) {
    EXPECT_EQ(with_password("-NOAUTH Authentication required.\r\n"), not_ready("NOAUTH"));
    EXPECT_EQ(with_password("-NOPERM no\r\n"), not_ready("NOPERM"));
}

// As Redis 7.0 sends them.
TEST(RedisCall, IsNotReadyWithAnyOtherErrorAndShowsIt) {
    for (const std::string text :
         {"LOADING Redis is loading the dataset in memory",
          "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
          "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
          "ERR max number of clients reached",
          "ERR unknown command 'PING', with args beginning with: ", "NOAUTHOR", "NOPERMS x", "x"})
        EXPECT_EQ(read("-" + text + "\r\n"), not_ready(text));
    EXPECT_EQ(read("-\r\n"), not_ready("an error"));
}

TEST(RedisCall, ShowsNoPasswordThatTheServerEchoes) {
    EXPECT_EQ(with_password("-ERR unknown command 'AUTH', with args beginning with: 's3cret'\r\n"),
              not_ready("ERR"));
    EXPECT_EQ(with_password("-s3cret\r\n"), not_ready("an error"));
    EXPECT_EQ(with_password("- s3cret\r\n"), not_ready("an error"));
    EXPECT_EQ(with_password("-ERRs3cret x\r\n"), not_ready("an error"));
    EXPECT_EQ(with_password("-" + std::string(200, 's') + "\r\n"), not_ready("an error"));
    EXPECT_EQ(with_password("+s3cret\r\n"), bad(Reason::not_redis));
    EXPECT_EQ(with_password("-ERR s3cret"), more());
    EXPECT_EQ(read("-ERR s3cret", true, true), bad(Reason::truncated));
}

TEST(RedisCall, KeepsTheFirst96BytesOfALongText) {
    const std::string text = "DENIED " + std::string(89, 'x');
    EXPECT_EQ(read("-" + text + "\r\n"), not_ready(text));
    EXPECT_EQ(read("-" + text + std::string(1000, 'y') + "\r\n"), not_ready(text));
}

TEST(RedisCall, ReadsNoMoreThanItsLimit) {
    RedisCall call(false);
    const std::string endless = "-" + std::string(RedisCall::reply_limit - 1, 'x');
    EXPECT_EQ(call.feed(usher_test::as_bytes(endless)), Verdict::more);
    EXPECT_EQ(call.feed(usher_test::as_bytes("x")), Verdict::bad);
    EXPECT_EQ(call.reason(), Reason::not_redis);
    EXPECT_EQ(call.message(), "");
}

TEST(RedisCall, RefusesOtherReplies) {
    for (const char* reply : {":1\r\n", "$4\r\nPONG\r\n", "*0\r\n", "_\r\n", "PONG\r\n", "\r\n",
                              "+OK\r\n", "+PONG \r\n", "+pong\r\n", "+QUEUED\r\n",
                              "+OK Dovecot ready.\r\n", "HTTP/1.1 400 Bad Request\r\n", "+PONG\n",
                              "+PO\rNG\r\n", "+PONG\r\r\n", "ERROR\r\n", "SSH-2.0-x\r\n"})
        EXPECT_EQ(read(reply), bad(Reason::not_redis)) << reply;
    EXPECT_EQ(read("\0"s), bad(Reason::not_redis));
    EXPECT_EQ(with_password("+PONG\r\n"), bad(Reason::not_redis));
    EXPECT_EQ(with_password("+OK\r\n+OK\r\n"), bad(Reason::not_redis));
}

TEST(RedisCall, KnowsTlsFromTwoBytes) {
    EXPECT_EQ(read("\x15\x03\x01\0\x02\x02\x46"s), bad(Reason::tls));
    EXPECT_EQ(read("\x16\x03"), bad(Reason::tls));
    EXPECT_EQ(read("\x15"), more());
    EXPECT_EQ(read("\x15\x15"), bad(Reason::not_redis));
    EXPECT_EQ(read("\x17\x03"), bad(Reason::not_redis));
}

TEST(RedisCall, TellsAnEmptyReplyFromATruncatedOne) {
    EXPECT_EQ(read("", false, true), bad(Reason::closed));
    const std::string whole = "+OK\r\n+PONG\r\n";
    for (size_t cut = 1; cut < whole.size(); ++cut)
        EXPECT_EQ(read(whole.substr(0, cut), true, true), bad(Reason::truncated)) << cut;
    EXPECT_EQ(read(whole, true, true), done("PONG"));
}

}  // namespace
}  // namespace usher
