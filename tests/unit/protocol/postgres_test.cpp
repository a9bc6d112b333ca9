// SPDX-License-Identifier: MIT
#include "postgres.hpp"

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
    std::string to_send = {};
    bool operator==(const Outcome&) const = default;
    friend std::ostream& operator<<(std::ostream& out, const Outcome& o) {
        return out << int(o.verdict) << " '" << text_of(reason_text(o.reason)) << "' '" << o.message
                   << "' sends " << o.to_send.size();
    }
};

Outcome read(std::string_view reply, bool eof = false) {
    return fed_every_way(reply, [&](auto feed_pieces) {
        PostgresCall call;
        feed_pieces([&](const std::string& piece) { call.feed(usher_test::as_bytes(piece)); });
        if (eof) call.finish();
        return Outcome{call.verdict(), call.reason(), std::string(call.message()),
                       std::string(call.to_send().begin(), call.to_send().end())};
    });
}

const std::string terminate = "X\0\0\0\4"s;

Outcome more() { return {}; }
Outcome done(const std::string& message = {}) { return {Verdict::done, Reason::none, message}; }
Outcome let_in() { return {Verdict::done, Reason::none, {}, terminate}; }
Outcome not_ready(const std::string& message) { return {Verdict::bad, Reason::not_ready, message}; }
Outcome bad(Reason reason) { return {Verdict::bad, reason}; }

// A type, the length of itself and what follows, the payload.
std::string message(char type, const std::string& payload) {
    std::string length(4, '\0');
    Writer{std::span<char>(length)}.add_big_endian(static_cast<uint32_t>(payload.size() + 4), 4);
    return type + length + payload;
}
// As PostgreSQL 15 sends it.
std::string error(const std::string& code, const std::string& text) {
    return message('E', "SFATAL\0VFATAL\0C"s + code + "\0M"s + text +
                            "\0Fpostmaster.c\0L2342\0RProcessStartupPacket\0\0"s);
}
const std::string ok = message('R', "\0\0\0\0"s);
const std::string notice = message('N', "SNOTICE\0C00000\0Mhello\0\0"s);

std::string build(std::string_view user, std::string_view database, size_t room = 4096) {
    std::string out(room, '\0');
    const std::optional<size_t> length =
        PostgresCall::request(user, database, {reinterpret_cast<uint8_t*>(out.data()), out.size()});
    return length ? out.substr(0, *length) : "none";
}

TEST(PostgresRequest, IsAStartupMessage) {
    EXPECT_EQ(build("me", "shop"), "\0\0\0\x1f\0\3\0\0user\0me\0database\0shop\0\0"s);
    EXPECT_EQ(build("", ""), "\0\0\0\x29\0\3\0\0user\0postgres\0database\0postgres\0\0"s);
    EXPECT_EQ(build(std::string(300, 'u'), "d").substr(0, 4), "\0\0\1\x46"s);
}

TEST(PostgresRequest, MustFitTheBufferExactly) {
    const size_t length = build("me", "shop").size();
    EXPECT_NE(build("me", "shop", length), "none");
    for (size_t room = 0; room < length; ++room)
        EXPECT_EQ(build("me", "shop", room), "none") << room;
}

TEST(PostgresRequest, RefusesANul) {
    EXPECT_EQ(build("m\0e"s, "shop"), "none");
    EXPECT_EQ(build("me", "\0"s), "none");
}

TEST(PostgresCall, IsDoneAndTerminatesWhereItIsLetIn) {
    EXPECT_EQ(read(ok), let_in());
    EXPECT_EQ(read(ok + error("3D000", "database \"x\" does not exist")), let_in());
}

TEST(PostgresCall, IsDoneWhereAPasswordIsWanted) {
    EXPECT_EQ(read(message('R', "\0\0\0\3"s)), done()) << "in plain text";
    EXPECT_EQ(read(message('R', "\0\0\0\5\0\0\0\0"s)), done()) << "MD5, with a salt of zeros";
    EXPECT_EQ(read(message('R', "\0\0\0\x0aSCRAM-SHA-256\0\0"s)), done());
}

TEST(PostgresCall, IsNotReadyWithCannotConnectNow) {
    for (const std::string text :
         {"the database system is starting up", "the database system is shutting down",
          "the database system is not accepting connections"})
        EXPECT_EQ(read(error("57P03", text)), not_ready("57P03 " + text));
}

TEST(PostgresCall, IsDoneWithAnyOtherErrorAndShowsIt) {
    EXPECT_EQ(read(error("53300", "sorry, too many clients already")),
              done("53300 sorry, too many clients already"));
    EXPECT_EQ(read(error("28000", "role \"x\" does not exist")),
              done("28000 role \"x\" does not exist"));
    EXPECT_EQ(read(error("57P01", "")), done("57P01 "));
}

TEST(PostgresCall, FindsCodeAndMessageInAnyOrder) {
    EXPECT_EQ(read(message('E', "Mslow\0SFATAL\0C57P03\0\0"s)), not_ready("57P03 slow"));
    EXPECT_EQ(read(message('E', "C57P03\0\0"s)), not_ready("57P03 "));
    EXPECT_EQ(read(message('E', "DC57P03\0C57P033\0Mx\0\0"s)), not_ready("57P03 x"));
}

TEST(PostgresCall, KeepsTheFirst96BytesOfALongText) {
    EXPECT_EQ(read(error("57P03", std::string(90, 'x'))),
              not_ready("57P03 " + std::string(90, 'x')));
    EXPECT_EQ(read(error("57P03", std::string(2000, 'x'))),
              not_ready("57P03 " + std::string(90, 'x')));
}

TEST(PostgresCall, SkipsNoticesAndNegotiateProtocolVersion) {
    const std::string version = message('v', "\0\3\0\0\0\0\0\0"s);
    EXPECT_EQ(read(notice + version + notice + ok), let_in());
    EXPECT_EQ(read(notice + error("57P03", "x")), not_ready("57P03 x"));
    EXPECT_EQ(read(notice), more());
}

TEST(PostgresCall, ReadsNoMoreThanItsLimit) {
    std::string notices;
    while (notices.size() + notice.size() <= PostgresCall::reply_limit) notices += notice;
    for (const std::string& endless : {notices, "E" + std::string(29999, 'x')}) {
        PostgresCall call;
        EXPECT_EQ(call.feed(usher_test::as_bytes(endless)), Verdict::more);
        call.feed(usher_test::as_bytes(notice));
        EXPECT_EQ(call.reason(), Reason::not_postgres);
        EXPECT_EQ(call.message(), "");
    }
}

TEST(PostgresCall, WantsALengthThatCanBe) {
    EXPECT_EQ(read("N\0\0\x75\x30"s), more()) << "30000";
    EXPECT_EQ(read("R\0\0\0\x08"s), more());
    for (const std::string& head :
         {"R\0\0\x75\x31"s, "N\0\0\x75\x31"s, "E\0\0\x75\x31"s, "R\0\0\0\x07"s, "E\0\0\0\x07"s,
          "v\0\0\0\0"s, "R\xff\xff\xff\xff"s, "Rfork"s})
        EXPECT_EQ(read(head), bad(Reason::not_postgres)) << head;
}

TEST(PostgresCall, RefusesAnErrorWithoutItsCode) {
    for (const std::string& payload : {"SFATAL\0Mx\0\0"s, "\0\0\0\0"s, "C57P0\0\0"s})
        EXPECT_EQ(read(message('E', payload)), bad(Reason::not_postgres)) << payload;
}

// As PostgreSQL 15 sends it when it has no process for us.
TEST(PostgresCall, IsNotReadyWithAnErrorOfProtocol2) {
    EXPECT_EQ(read("Ecould not fork new process for connection: Resource temporarily "
                   "unavailable\n\0"s),
              not_ready("could not fork new process for connection: Resource temporarily "
                        "unavailable"));
    EXPECT_EQ(read("E\xc3\xa9\xc3\xa9\0"s), not_ready("\xc3\xa9\xc3\xa9"));
    EXPECT_EQ(read("E" + std::string(2000, 'x') + "\0"s), not_ready(std::string(96, 'x')));
    EXPECT_EQ(read("Efork failed"), more());
    EXPECT_EQ(read("Efork failed", true), bad(Reason::truncated));
}

TEST(PostgresCall, RefusesOtherProtocols) {
    for (const std::string& reply :
         {"HTTP/1.1 400 Bad Request\r\n"s, "-ERR unknown command\r\n"s, "ERROR\r\n"s, "S"s, "Z"s,
          "\x4a\0\0\0\x0a"s, "\0"s, "SSH-2.0-x\r\n"s, "220 smtp\r\n"s})
        EXPECT_EQ(read(reply), bad(Reason::not_postgres)) << reply;
}

TEST(PostgresCall, KnowsTlsFromTwoBytes) {
    EXPECT_EQ(read("\x15\x03\x01\0\x02\x02\x46"s), bad(Reason::tls));
    EXPECT_EQ(read("\x16\x03"), bad(Reason::tls));
    EXPECT_EQ(read("\x16"), more());
    EXPECT_EQ(read("\x16R"), bad(Reason::not_postgres));
}

TEST(PostgresCall, TellsAnEmptyReplyFromATruncatedOne) {
    EXPECT_EQ(read("", true), bad(Reason::closed));
    const std::string whole = notice + error("57P03", "x");
    for (size_t cut = 1; cut < whole.size(); ++cut)
        EXPECT_EQ(read(whole.substr(0, cut), true), bad(Reason::truncated)) << cut;
    EXPECT_EQ(read(whole, true), not_ready("57P03 x"));
}

TEST(PostgresCall, OwesItsFarewellUntilItIsSent) {
    PostgresCall call;
    call.feed(usher_test::as_bytes(ok));
    call.sent(2);
    EXPECT_EQ(std::string(call.to_send().begin(), call.to_send().end()), terminate.substr(2));
    call.sent(100);
    EXPECT_TRUE(call.to_send().empty());
}

}  // namespace
}  // namespace usher
