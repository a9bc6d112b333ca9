// SPDX-License-Identifier: MIT
#include "dns.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "split_feed.hpp"

namespace usher {
namespace {

using namespace std::string_literals;
using usher_test::as_bytes;
using usher_test::fed_every_way;
using usher_test::from_hex;

std::string show(const AddressList& list) {
    std::string out;
    for (size_t i = 0; i < list.count; ++i) {
        char text[ip_text_limit];
        if (i != 0) out += ' ';
        out += format_ip(list.items[i], text);
    }
    return out;
}

std::string query_for(std::string_view name, DnsType type = DnsType::a, uint16_t id = 0x1234) {
    std::string out(dns_query_limit, '\0');
    const auto length =
        build_dns_query(id, name, type, {reinterpret_cast<uint8_t*>(out.data()), out.size()});
    return length ? out.substr(0, *length) : "none";
}

std::string wire_name(std::string_view name) { return query_for(name).substr(12, name.size() + 2); }
std::string number(unsigned value) {
    return {static_cast<char>(value >> 8), static_cast<char>(value)};
}
std::string record(std::string_view owner, unsigned type, std::string_view rdata,
                   unsigned klass = 1) {
    return std::string(owner) + number(type) + number(klass) + "\0\0\0\x3c"s +
           number(static_cast<unsigned>(rdata.size())) + std::string(rdata);
}
const std::string pointer = "\xc0\x0c";
const std::string query = query_for("db.example");
const std::string query_six = query_for("db.example", DnsType::aaaa);
std::string reply_to(const std::string& query, unsigned flags, unsigned answers,
                     const std::string& records) {
    return query.substr(0, 2) + number(flags) + number(1) + number(answers) + "\0\0\0\0"s +
           query.substr(12) + records;
}
std::string good(unsigned answers, const std::string& records) {
    return reply_to(query, 0x8180, answers, records);
}

struct Parsed {
    DnsReply reply;
    std::string addresses;
};
Parsed parse(const std::string& packet, const std::string& query = query) {
    AddressList list;
    // A copy of its exact size, so that a sanitizer sees a read past its end.
    const std::vector<uint8_t> exact(packet.begin(), packet.end());
    const DnsReply reply = parse_dns_reply(exact, as_bytes(query), list);
    return {reply, show(list)};
}
DnsVerdict verdict(const std::string& packet) { return parse(packet).reply.verdict; }

TEST(DnsQuery, IsARecursiveQuestionWithoutEdns) {
    EXPECT_EQ(query_for("db.example"),
              from_hex("1234 0100 0001 0000 0000 0000 02 6462 07 6578616d706c65 00 0001 0001"));
    EXPECT_EQ(query_for("a", DnsType::aaaa, 0xffff),
              from_hex("ffff 0100 0001 0000 0000 0000 01 61 00 001c 0001"));
    EXPECT_EQ(query_for("db.example."), query_for("db.example"));
    EXPECT_NE(query_for("_srv.x-y"), "none");
}

TEST(DnsQuery, RefusesBadNames) {
    const std::string label(63, 'x');
    EXPECT_NE(query_for(label), "none");
    EXPECT_EQ(query_for(label + "x"), "none");
    const std::string longest = label + "." + label + "." + label + "." + label.substr(0, 61);
    EXPECT_EQ(longest.size(), 253U);
    EXPECT_EQ(query_for(longest).size(), dns_query_limit);
    EXPECT_NE(query_for(longest + "."), "none");
    EXPECT_EQ(query_for(longest + "x"), "none");
    for (const std::string_view name : {"", ".", "..", "a..b", ".a", "a.."})
        EXPECT_EQ(query_for(name), "none") << name;
}

TEST(DnsQuery, MustFitTheBuffer) {
    uint8_t out[dns_query_limit];
    for (size_t room = 0; room < query.size(); ++room)
        EXPECT_FALSE(build_dns_query(1, "db.example", DnsType::a, {out, room}));
    EXPECT_TRUE(build_dns_query(1, "db.example", DnsType::a, {out, query.size()}));
}

TEST(DnsReply, GivesAddressesOfTheFamilyThatWasAskedFor) {
    const std::string records = record(pointer, 1, "\x0a\0\0\1"s) +
                                record(pointer, 28, "\xfd" + std::string(14, '\0') + "\1");
    const Parsed four = parse(good(2, records));
    EXPECT_EQ(four.reply.verdict, DnsVerdict::answer);
    EXPECT_EQ(four.addresses, "10.0.0.1");
    const Parsed six = parse(reply_to(query_six, 0x8180, 2, records), query_six);
    EXPECT_EQ(six.reply.verdict, DnsVerdict::answer);
    EXPECT_EQ(six.addresses, "fd00::1");
}

TEST(DnsReply, TakesAddressesWhateverNameACnameChainGivesThem) {
    const Parsed parsed = parse(good(3, record(pointer, 5, wire_name("other.example")) +
                                            record(wire_name("other.example"), 1, "\1\2\3\4") +
                                            record(wire_name("elsewhere"), 1, "\5\6\7\x08")));
    EXPECT_EQ(parsed.addresses, "1.2.3.4 5.6.7.8");
}

TEST(DnsReply, SkipsRecordsOfOtherTypes) {
    EXPECT_EQ(parse(good(3, record(pointer, 16, "\4text") + record(pointer, 99, "") +
                                record(pointer, 1, "\1\2\3\4")))
                  .addresses,
              "1.2.3.4");
}

TEST(DnsReply, ReadsOnlyAsManyAnswersAsItAnnounces) {
    EXPECT_EQ(
        parse(good(1, record(pointer, 1, "\1\2\3\4") + record(pointer, 1, "\5\6\7\x08"))).addresses,
        "1.2.3.4");
    EXPECT_EQ(verdict(good(2, record(pointer, 1, "\1\2\3\4"))), DnsVerdict::bad);
    EXPECT_EQ(verdict(good(65535, "")), DnsVerdict::bad);
}

TEST(DnsReply, BoundsTheNumberOfAddresses) {
    std::string records;
    for (int i = 0; i < 100; ++i) records += record(pointer, 1, "\1\2\3\4");
    AddressList list;
    parse_dns_reply(as_bytes(good(100, records)), as_bytes(query), list);
    EXPECT_EQ(list.count, 16U);
}

TEST(DnsReply, IsForeignUnlessItAnswersOurQuestion) {
    const std::string records = record(pointer, 1, "\1\2\3\4");
    std::string forged_id = good(1, records);
    forged_id[1] = '\x35';
    std::string a_query = good(1, records);
    a_query[2] = 1;
    std::string notify = good(1, records);
    notify[2] = static_cast<char>(0xa1);
    std::string other_type = good(1, records);
    other_type[query.size() - 3] = 28;
    std::string other_class = good(1, records);
    other_class[query.size() - 1] = 3;
    std::string two_questions = good(1, records);
    two_questions[5] = 2;
    std::string no_question =
        query.substr(0, 2) + from_hex("8180 0000 0001 0000 0000") + record("\0"s, 1, "\1\2\3\4");
    for (const std::string& packet :
         {forged_id, a_query, notify, other_type, other_class, two_questions, no_question,
          reply_to(query_for("dc.example"), 0x8180, 1, records),
          reply_to(query_for("db.examplf"), 0x8180, 1, records),
          reply_to(query_for("db.example.org"), 0x8180, 1, records),
          reply_to(query_for("b.example"), 0x8180, 1, records)}) {
        EXPECT_EQ(verdict(packet), DnsVerdict::foreign);
        EXPECT_EQ(parse(packet).addresses, "");
    }
}

TEST(DnsReply, ComparesNamesWithoutCase) {
    EXPECT_EQ(parse(reply_to(query_for("DB.Example"), 0x8180, 1, record(pointer, 1, "\1\2\3\4")))
                  .addresses,
              "1.2.3.4");
}

TEST(DnsReply, TellsItsCode) {
    for (unsigned code = 0; code < 16; ++code) {
        const Parsed parsed = parse(reply_to(query, 0x8180 | code, 0, ""));
        EXPECT_EQ(parsed.reply.verdict, DnsVerdict::answer);
        EXPECT_EQ(parsed.reply.code, code);
    }
}

TEST(DnsReply, ARefusalMayLeaveOutTheQuestion) {
    EXPECT_EQ(verdict(from_hex("1234 8185 0000 0000 0000 0000")), DnsVerdict::answer);
    EXPECT_EQ(verdict(from_hex("1234 8182 0000 0000 0000 0000")), DnsVerdict::answer);
    EXPECT_EQ(verdict(from_hex("1234 8183 0000 0000 0000 0000")), DnsVerdict::foreign);
    EXPECT_EQ(verdict(from_hex("1234 8180 0000 0000 0000 0000")), DnsVerdict::foreign);
}

TEST(DnsReply, TellsTruncationAndKeepsWhatItHas) {
    const std::string records = record(pointer, 1, "\1\2\3\4") + record(pointer, 1, "\5\6\7\x08");
    const Parsed parsed = parse(reply_to(query, 0x8380, 2, records.substr(0, records.size() - 1)));
    EXPECT_EQ(parsed.reply.verdict, DnsVerdict::answer);
    EXPECT_TRUE(parsed.reply.truncated);
    EXPECT_EQ(parsed.addresses, "1.2.3.4");
}

TEST(DnsReply, EveryCutOfAReplyIsForeignOrBad) {
    const std::string whole = good(2, record(pointer, 5, wire_name("other.example")) +
                                          record(wire_name("other.example"), 1, "\1\2\3\4"));
    EXPECT_EQ(verdict(whole), DnsVerdict::answer);
    for (size_t length = 0; length < whole.size(); ++length)
        EXPECT_NE(verdict(whole.substr(0, length)), DnsVerdict::answer) << length;
}

TEST(DnsReply, RefusesGarbageRecords) {
    for (const std::string& records :
         {record(pointer, 1, "\1\2\3"), record(pointer, 1, "\1\2\3\4\5"),
          record("\x40"
                 "a"s,
                 1, "\1\2\3\4"),
          record("\x80"
                 "a"s,
                 1, "\1\2\3\4"),
          record("\x3f"
                 "a"s,
                 1, "\1\2\3\4"),
          pointer + from_hex("0010 0001 00000000 ffff"), "\xc0"s, std::string(300, '\x01')}) {
        EXPECT_EQ(verdict(good(1, records)), DnsVerdict::bad);
        EXPECT_EQ(parse(good(1, records)).addresses, "");
    }
    const Parsed six =
        parse(reply_to(query_six, 0x8180, 1, record(pointer, 28, "\1\2\3\4")), query_six);
    EXPECT_EQ(six.reply.verdict, DnsVerdict::bad);
    EXPECT_EQ(six.addresses, "");
}

TEST(DnsReply, NeverFollowsACompressionPointer) {
    const std::string here(1, static_cast<char>(query.size()));
    EXPECT_EQ(
        parse(good(2, record("\xc0" + here, 5, "\xc0" + here) + record("\xff\xff", 1, "\1\2\3\4")))
            .addresses,
        "1.2.3.4");
}

std::string resolv(const std::string& text) {
    return fed_every_way(text, [](auto feed_pieces) {
        ResolvConf conf;
        feed_pieces([&](const std::string& piece) { conf.feed(piece); });
        conf.finish();
        AddressList list;
        for (const IpAddress& server : conf.servers()) list.add(server);
        return show(list) + " [" + std::string(conf.search()) + "] " +
               std::to_string(conf.ndots()) + " " + std::to_string(conf.timeout_s()) + " " +
               std::to_string(conf.attempts());
    });
}

TEST(ResolvConf, HasMuslsDefaults) {
    EXPECT_EQ(resolv(""), "127.0.0.1 [] 1 5 2");
    EXPECT_EQ(resolv("# nothing\n; nothing\n\n"), "127.0.0.1 [] 1 5 2");
}

TEST(ResolvConf, ReadsWhatKubernetesWrites) {
    EXPECT_EQ(resolv("search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver "
                     "10.96.0.10\noptions ndots:5\n"),
              "10.96.0.10 [default.svc.cluster.local svc.cluster.local cluster.local] 5 5 2");
}

TEST(ResolvConf, TakesThreeServersOfBothFamilies) {
    EXPECT_EQ(resolv("nameserver 1.1.1.1\nnameserver\t fd00::53 # comment\nnameserver "
                     "bad\nnameserver 1.2.3\nnameserver 8.8.8.8\nnameserver 9.9.9.9"),
              "1.1.1.1 fd00::53 8.8.8.8 [] 1 5 2");
}

TEST(ResolvConf, ReadsOptionsAndCapsThem) {
    EXPECT_EQ(resolv("options ndots:3 timeout:7 attempts:4\n"), "127.0.0.1 [] 3 7 4");
    EXPECT_EQ(resolv("options attempts:99999999999 timeout:99999999999 ndots:99999999999"),
              "127.0.0.1 [] 15 60 10");
    EXPECT_EQ(resolv("options ndots:0\noptions rotate timeout:1\n"), "127.0.0.1 [] 0 1 2");
    EXPECT_EQ(resolv("options ndots: timeout:x attempts:-1"), "127.0.0.1 [] 1 5 2");
    EXPECT_EQ(resolv("options ndots:"), "127.0.0.1 [] 1 5 2");
    EXPECT_EQ(resolv("options attempts:0\n"), "127.0.0.1 [] 1 5 1");
    EXPECT_EQ(resolv("options timeout:0\n"), "127.0.0.1 [] 1 1 2");
}

TEST(ResolvConf, TheLastSearchOrDomainCounts) {
    EXPECT_EQ(resolv("search a b\ndomain c\n"), "127.0.0.1 [c] 1 5 2");
    EXPECT_EQ(resolv("domain c\nsearch  a\tb\n"), "127.0.0.1 [a\tb] 1 5 2");
}

TEST(ResolvConf, IgnoresOddLines) {
    EXPECT_EQ(
        resolv(" nameserver 1.1.1.1\nnameservers 1.1.1.1\nsearchx a\nnameserver\nsearching\n"),
        "127.0.0.1 [] 1 5 2");
    EXPECT_EQ(resolv("search " + std::string(300, 'x') + "\nnameserver 1.1.1.1\n"),
              "1.1.1.1 [] 1 5 2");
    EXPECT_EQ(resolv("nameserver 1.1.1.1 " + std::string(300, 'x') + "\nsearch a"),
              "127.0.0.1 [a] 1 5 2");
}

std::string names(std::string_view name, std::string_view search, std::string_view ndots = "1") {
    ResolvConf conf;
    conf.feed("search " + std::string(search) + "\noptions ndots:" + std::string(ndots) + "\n");
    conf.finish();
    SearchList list(name, conf);
    std::string out;
    for (;;) {
        char buffer[dns_name_limit];
        const std::string_view next = list.next(buffer);
        if (next.empty()) return out;
        out += std::string(next) + ",";
    }
}

TEST(SearchList, TriesEachDomainThenTheNameItself) {
    EXPECT_EQ(names("db", "a.b  c\td"), "db.a.b,db.c,db.d,db,");
    EXPECT_EQ(names("db", ""), "db,");
    EXPECT_EQ(names("db.ns", "svc.local", "5"), "db.ns.svc.local,db.ns,");
}

TEST(SearchList, ComesAfterANameWithEnoughDots) {
    EXPECT_EQ(names("db.ns", "a"), "db.ns,db.ns.a,");
    EXPECT_EQ(names("db", "a b", "0"), "db,db.a,db.b,");
    EXPECT_EQ(names("db.ns", "a b", "2"), "db.ns.a,db.ns.b,db.ns,");
}

TEST(SearchList, IsNotUsedForANameWithAFinalDot) {
    EXPECT_EQ(names("db.", "a"), "db,");
    EXPECT_EQ(names("db.ns.", "a", "5"), "db.ns,");
}

TEST(SearchList, KnowsItsEnd) {
    for (const char* ndots : {"0", "1"}) {
        ResolvConf conf;
        conf.feed("search a b \noptions ndots:"s + ndots + "\n");
        conf.finish();
        SearchList list("db", conf);
        char buffer[dns_name_limit];
        for (int i = 0; i < 3; ++i) {
            EXPECT_FALSE(list.at_end());
            EXPECT_FALSE(list.next(buffer).empty());
        }
        EXPECT_TRUE(list.at_end());
        EXPECT_TRUE(list.next(buffer).empty());
    }
}

TEST(SearchList, HasNoNamesForABadOne) {
    EXPECT_EQ(names("", "a"), "");
    EXPECT_EQ(names(".", "a"), "");
    EXPECT_EQ(names("db..", "a"), "");
}

TEST(SearchList, SkipsADomainThatMakesTheNameTooLong) {
    const std::string name(200, 'n');
    EXPECT_EQ(names(name, std::string(54, 'x') + " y"),
              name + "." + std::string(54, 'x') + "," + name + ".y," + name + ",");
    EXPECT_EQ(names(name, std::string(55, 'x') + " y"), name + ".y," + name + ",");
    EXPECT_EQ(names(std::string(255, 'n'), "x"), std::string(255, 'n') + ",");
    EXPECT_EQ(names(std::string(256, 'n'), "x"), "");
}

TEST(JudgeLookup, TakesTheAddressesOfOneKindWhateverBecomesOfTheOther) {
    for (int i = 0; i <= static_cast<int>(DnsAnswer::addresses); ++i) {
        const auto other = static_cast<DnsAnswer>(i);
        EXPECT_EQ(judge_lookup(DnsAnswer::addresses, other), DnsAnswer::addresses);
        EXPECT_EQ(judge_lookup(other, DnsAnswer::addresses), DnsAnswer::addresses);
        if (other == DnsAnswer::addresses) continue;
        // There is no such name for either kind.
        EXPECT_EQ(judge_lookup(DnsAnswer::no_such_name, other), DnsAnswer::no_such_name);
        EXPECT_EQ(judge_lookup(other, DnsAnswer::no_such_name), DnsAnswer::no_such_name);
    }
    EXPECT_EQ(judge_lookup(DnsAnswer::no_data, DnsAnswer::no_data), DnsAnswer::no_data);
    EXPECT_EQ(judge_lookup(DnsAnswer::no_data, DnsAnswer::none), DnsAnswer::none);
    EXPECT_EQ(judge_lookup(DnsAnswer::failed, DnsAnswer::no_data), DnsAnswer::failed);
    EXPECT_EQ(judge_lookup(DnsAnswer::refused, DnsAnswer::refused), DnsAnswer::refused);
}

TEST(AnswerOf, ReadsTheCode) {
    EXPECT_EQ(answer_of({.code = 0}, true), DnsAnswer::addresses);
    EXPECT_EQ(answer_of({.code = 0}, false), DnsAnswer::no_data);
    EXPECT_EQ(answer_of({.code = 2}, false), DnsAnswer::failed);
    EXPECT_EQ(answer_of({.code = 3}, false), DnsAnswer::no_such_name);
    for (const int code : {1, 4, 5, 6, 9, 15})
        EXPECT_EQ(answer_of({.code = static_cast<std::uint8_t>(code)}, false), DnsAnswer::refused);
}

std::string hosts(std::string_view name, const std::string& text) {
    return fed_every_way(text, [&](auto feed_pieces) {
        HostsMatcher matcher(name);
        AddressList list;
        feed_pieces([&](const std::string& piece) { matcher.feed(piece, list); });
        matcher.finish(list);
        return show(list);
    });
}

const std::string hosts_file =
    "127.0.0.1\tlocalhost\n::1 localhost ip6-localhost\n# 9.9.9.9 db\n10.0.0.1 db.example db # "
    "db2\r\n10.0.0.2 db3 db\n"
    "bad db\n1.2.3 db\nfe80::1%eth0 db\n 10.0.0.9 db\n\n10.0.0.3";

TEST(HostsMatcher, GivesAllAddressesOfANameOrAlias) {
    EXPECT_EQ(hosts("localhost", hosts_file), "127.0.0.1 ::1");
    EXPECT_EQ(hosts("ip6-localhost", hosts_file), "::1");
    EXPECT_EQ(hosts("db", hosts_file), "10.0.0.1 10.0.0.2 10.0.0.9");
    EXPECT_EQ(hosts("db.example", hosts_file), "10.0.0.1");
}

TEST(HostsMatcher, CaresForNoCase) {
    EXPECT_EQ(hosts("DB", hosts_file), "10.0.0.1 10.0.0.2 10.0.0.9");
    EXPECT_EQ(hosts("db", "10.0.0.1 Db\n10.0.0.2 DB[\n10.0.0.3 d\"\n"), "10.0.0.1");
    EXPECT_EQ(hosts("a[", "10.0.0.1 a{\n"), "") << "only letters have a case";
}

TEST(HostsMatcher, MatchesWholeNamesOutsideCommentsOnly) {
    for (const std::string_view name :
         {"db2", "d", "b", "db.", "db4", "127.0.0.1", "", "#", "10.0.0.3"})
        EXPECT_EQ(hosts(name, hosts_file), "") << name;
}

TEST(HostsMatcher, GivesALineOnceAndNeedsNoFinalLineEnd) {
    EXPECT_EQ(hosts("a", "1.1.1.1 a a a"), "1.1.1.1");
    EXPECT_EQ(hosts("a", "1.1.1.1 b\n2.2.2.2 a"), "2.2.2.2");
    EXPECT_EQ(hosts("a", "1.1.1.1 a#b"), "1.1.1.1");
}

TEST(HostsMatcher, TakesLinesOfAnyLength) {
    EXPECT_EQ(
        hosts("z", "1.1.1.1 " + std::string(700, 'x') + " z\n" + std::string(300, '1') + " z\n"),
        "1.1.1.1");
}

}  // namespace
}  // namespace usher
