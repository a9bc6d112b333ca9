// SPDX-License-Identifier: MIT
#include "mysql.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "split_feed.hpp"
#include "text_of.hpp"

namespace usher {
namespace {

using namespace std::string_literals;
using usher_test::fed_every_way;
using usher_test::from_hex;

struct Outcome {
    Verdict verdict = Verdict::more;
    Reason reason = Reason::none;
    std::string message = {};
    std::string to_send = {};
    bool operator==(const Outcome&) const = default;
    friend std::ostream& operator<<(std::ostream& out, const Outcome& o) {
        return out << int(o.verdict) << " '" << text_of(reason_text(o.reason)) << "' '" << o.message
                   << "' sends " << ::testing::PrintToString(o.to_send);
    }
};

Outcome read(std::string_view reply, bool eof = false, std::string_view user = {}) {
    return fed_every_way(reply, [&](auto feed_pieces) {
        MysqlCall call(user);
        feed_pieces([&](const std::string& piece) { call.feed(usher_test::as_bytes(piece)); });
        if (eof) call.finish();
        return Outcome{call.verdict(), call.reason(), std::string(call.message()),
                       std::string(call.to_send().begin(), call.to_send().end())};
    });
}

// Three bytes of length, the lowest first; the number in sequence.
std::string packet(int sequence, const std::string& payload) {
    return std::string{static_cast<char>(payload.size()), static_cast<char>(payload.size() >> 8),
                       static_cast<char>(payload.size() >> 16), static_cast<char>(sequence)} +
           payload;
}
std::string greeting_of(const std::string& version, const std::string& low = "\xff\xf7"s,
                        const std::string& high = "\xff\x81"s) {
    return packet(0, "\x0a" + version + "\0\x0f\0\0\0"s + "12345678\0"s + low + "\x2d\x02\0"s +
                         high + "\x15"s + std::string(10, '\0') +
                         "123456789012\0mysql_native_password\0"s);
}
// MariaDB 10.11 says that it is no MySQL by not offering CLIENT_LONG_PASSWORD.
const std::string greeting = greeting_of("5.5.5-10.11.19-MariaDB", "\xfe\xf7");
const std::string ok = packet(2, "\0\0\0\2\0\0\0"s);
const std::string quit = "\1\0\0\0\1"s;

std::string error(int sequence, int code, const std::string& text) {
    return packet(
        sequence,
        std::string{'\xff', static_cast<char>(code), static_cast<char>(code >> 8)} + text);
}
std::string switch_to(const std::string& method) {
    return packet(2, "\xfe" + method + "\0"s + "12345678901234567890\0"s);
}

Outcome more(const std::string& to_send = {}) { return {.to_send = to_send}; }
Outcome done(const std::string& message, const std::string& to_send = {}) {
    return {Verdict::done, Reason::none, message, to_send};
}
Outcome not_ready(const std::string& message) { return {Verdict::bad, Reason::not_ready, message}; }
Outcome bad(Reason reason) { return {Verdict::bad, reason}; }

// HandshakeResponse41: flags, packets below 16 MiB, utf8mb4_general_ci, filler; user, no password,
// method.
std::string response(const std::string& flags, const std::string& user,
                     const std::string& method = "mysql_native_password\0"s) {
    return packet(1, from_hex(flags) + "\xff\xff\xff\0\x2d"s + std::string(23, '\0') + user +
                         "\0\0"s + method);
}

TEST(MysqlRequest, IsEmptyForTheServerSpeaksFirst) {
    EXPECT_EQ(MysqlCall::request("", {}), 0U);
    EXPECT_EQ(MysqlCall::request(std::string(MysqlCall::user_limit, 'u'), {}), 0U);
    EXPECT_EQ(MysqlCall::request(std::string(MysqlCall::user_limit + 1, 'u'), {}), std::nullopt);
    EXPECT_EQ(MysqlCall::request("a\0b"s, {}), std::nullopt);
}

TEST(MysqlCall, AnswersAGreeting) {
    EXPECT_EQ(read(greeting), more(response("00 82 08 00", "")));
    EXPECT_EQ(read(greeting, false, "app"), more(response("00 82 08 00", "app")));
}

TEST(MysqlCall, SaysNoMoreThanTheServerOffers) {
    EXPECT_EQ(read(greeting_of("8.0.36"), false, "app"), more(response("01 82 08 00", "app")));
    EXPECT_EQ(read(greeting_of("x", "\x00\x02"s, "\0\0"s)), more(response("00 02 00 00", "", "")));
    EXPECT_EQ(read(greeting_of("x", "\xff\xff"s, "\xf7\xff"s)),
              more(response("01 82 00 00", "", "")));
    // A greeting that ends with the lower capabilities.
    EXPECT_EQ(read(packet(0, "\x0a"s + "5.0\0\1\0\0\0"s + "12345678\0\xff\xff"s)),
              more(response("01 82 00 00", "", "")));
}

TEST(MysqlCall, SendsTheLongestUserWhole) {
    const std::string user(MysqlCall::user_limit, 'u');
    EXPECT_EQ(read(greeting, false, user), more(response("00 82 08 00", user)));
}

TEST(MysqlCall, GoesOnInTheServersSequence) {
    std::string odd = greeting;
    odd[3] = '\xff';
    EXPECT_EQ(read(odd).to_send.substr(0, 4), "\x38\0\0\0"s);
}

TEST(MysqlCall, IsDoneAndQuitsWhereItIsLetIn) {
    EXPECT_EQ(read(greeting + ok), done("", quit));
    EXPECT_EQ(read(greeting + ok + ok), done("", quit));
}

TEST(MysqlCall, IsDoneWhereItIsRefused) {
    const std::string denied = "Access denied for user 'app'@'localhost' (using password: NO)";
    EXPECT_EQ(read(greeting + error(2, 1045, "#28000" + denied)), done("1045 " + denied));
    EXPECT_EQ(read(greeting + error(2, 1045, denied)), done("1045 " + denied));
    for (const int code : {1045, 1698, 3118, 3159, 4151})
        EXPECT_EQ(read(greeting + error(2, code, "#HY000no")), done(std::to_string(code) + " no"));
    EXPECT_EQ(read(greeting + error(2, 9999, "#28P01no")), done("9999 no"));
}

TEST(MysqlCall, IsNotReadyWithAnyOtherError) {
    EXPECT_EQ(read(greeting + error(2, 1040, "#08004Too many connections")),
              not_ready("1040 Too many connections"));
    EXPECT_EQ(read(greeting + error(2, 1053, "#08S01Server shutdown in progress")),
              not_ready("1053 Server shutdown in progress"));
    EXPECT_EQ(read(greeting + error(2, 65535, "")), not_ready("65535 "));
}

TEST(MysqlCall, IsNotReadyWithAnErrorInPlaceOfTheGreeting) {
    EXPECT_EQ(read(error(0, 1040, "Too many connections")), not_ready("1040 Too many connections"));
    EXPECT_EQ(read(error(0, 1040, "#08004Too many connections")),
              not_ready("1040 Too many connections"));
    EXPECT_EQ(read(error(1, 1129, "Host 'x' is blocked")), not_ready("1129 Host 'x' is blocked"));
    EXPECT_EQ(read(error(0, 1045, "#28000no")), not_ready("1045 no"));
}

TEST(MysqlCall, KeepsTheFirst96BytesOfALongText) {
    EXPECT_EQ(read(error(0, 1040, std::string(91, 'x'))),
              not_ready("1040 " + std::string(91, 'x')));
    EXPECT_EQ(read(error(0, 1040, std::string(512, 'x'))),
              not_ready("1040 " + std::string(91, 'x')));
}

TEST(MysqlCall, ReadsAnErrorThatEndsEarly) {
    EXPECT_EQ(read(error(0, 1040, "")), not_ready("1040 "));
    EXPECT_EQ(read(error(0, 1040, "#08")), not_ready("1040 "));
    EXPECT_EQ(read(greeting + error(2, 1, "#28")), done("1 "));
    EXPECT_EQ(read(packet(0, "\xff\x10")), bad(Reason::not_mysql));
    EXPECT_EQ(read(packet(0, "\xff")), bad(Reason::not_mysql));
}

// An empty packet, the next in sequence; then COM_QUIT.
TEST(MysqlCall, AnswersASwitchOfTheMethodWithAnEmptyPassword) {
    for (const char* method : {"mysql_native_password", "caching_sha2_password", "dialog", ""})
        EXPECT_EQ(read(greeting + switch_to(method)), done("", "\0\0\0\3"s + quit)) << method;
    EXPECT_EQ(read(greeting + packet(2, "\xfe")), done("", "\0\0\0\3"s + quit));
}

TEST(MysqlCall, SendsEd25519ASignatureOfTheRightLength) {
    EXPECT_EQ(read(greeting + switch_to("client_ed25519")),
              done("", packet(3, std::string(64, '\0')) + quit));
}

TEST(MysqlCall, IsDoneWithMoreAuthenticationData) {
    EXPECT_EQ(read(greeting + packet(2, "\1\4")), done(""));
}

TEST(MysqlCall, BoundsPackets) {
    EXPECT_EQ(read(packet(0, "\x0a" + std::string(1023, 'x'))), bad(Reason::not_mysql))
        << "without capabilities";
    EXPECT_EQ(read(packet(0, "\x0a" + std::string(1022, 'x'))), bad(Reason::not_mysql));
    EXPECT_EQ(read("\0\4\0\0"s), more()) << "1024";
    EXPECT_EQ(read("\1\4\0\0"s), bad(Reason::not_mysql));
    EXPECT_EQ(read("\0\0\1\0"s), bad(Reason::not_mysql));
    EXPECT_EQ(read("\0\0\0\0"s), bad(Reason::not_mysql));
    EXPECT_EQ(read(greeting + "\1\4\0\2"s), bad(Reason::not_mysql));
}

TEST(MysqlCall, RefusesOtherGreetings) {
    EXPECT_EQ(read(packet(0, "\x09"s + "3.20\0\1\0\0\0"s + "12345678\0"s)), bad(Reason::not_mysql));
    EXPECT_EQ(read(greeting_of("4.0", "\x00\x01"s)), bad(Reason::not_mysql)) << "no protocol 4.1";
    EXPECT_EQ(read(greeting_of("")), more(response("01 82 08 00", "")));
    EXPECT_EQ(read(packet(0, "\x0a")), bad(Reason::not_mysql));
    EXPECT_EQ(read(ok), bad(Reason::not_mysql));
    EXPECT_EQ(read(switch_to("x")), bad(Reason::not_mysql));
}

TEST(MysqlCall, RefusesOtherAnswers) {
    EXPECT_EQ(read(greeting + greeting), bad(Reason::not_mysql));
    for (const char* payload : {"\x02", "\xfb", "\xfd", "x"})
        EXPECT_EQ(read(greeting + packet(2, payload)), bad(Reason::not_mysql));
}

TEST(MysqlCall, RefusesOtherProtocols) {
    for (const std::string& reply :
         {"HTTP/1.1 400 Bad Request\r\n"s, "-ERR unknown command\r\n"s, "SSH-2.0-x\r\n"s,
          "220 smtp\r\n"s, "RFB 003.008\n"s, "\0\0\0\4\0\0\0\0\0"s})
        EXPECT_EQ(read(reply), bad(Reason::not_mysql)) << reply;
}

TEST(MysqlCall, KnowsTlsFromItsFirstBytes) {
    EXPECT_EQ(read("\x15\x03\x01\0\x02\x02\x46"s), bad(Reason::tls));
    EXPECT_EQ(read("\x16\x03\x03\0"s), bad(Reason::tls));
    EXPECT_EQ(read("\x15\x03"), more()) << "it may be a length";
}

TEST(MysqlCall, ReadsAPacketAsLongAsATlsTypeIs) {
    EXPECT_EQ(read(error(0, 1040, std::string(18, 'x'))),
              not_ready("1040 " + std::string(18, 'x')));
    EXPECT_EQ(read(error(0, 1040, std::string(19, 'x'))),
              not_ready("1040 " + std::string(19, 'x')));
}

TEST(MysqlCall, TellsAnEmptyReplyFromATruncatedOne) {
    EXPECT_EQ(read("", true), bad(Reason::closed));
    const std::string whole = greeting + ok;
    for (size_t cut = 1; cut < whole.size(); ++cut)
        EXPECT_EQ(read(whole.substr(0, cut), true), bad(Reason::truncated)) << cut;
    EXPECT_EQ(read(whole, true), done("", quit));
}

TEST(MysqlCall, OwesItsAnswerUntilItIsSent) {
    MysqlCall call("app");
    call.feed(usher_test::as_bytes(greeting));
    const size_t length = call.to_send().size();
    call.sent(1);
    EXPECT_EQ(call.to_send().size(), length - 1);
    call.sent(length);
    EXPECT_TRUE(call.to_send().empty());
    call.feed(usher_test::as_bytes(ok));
    EXPECT_EQ(std::string(call.to_send().begin(), call.to_send().end()), quit);
}

}  // namespace
}  // namespace usher
