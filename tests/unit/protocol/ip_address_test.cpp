// SPDX-License-Identifier: MIT
#include "ip_address.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace usher {
namespace {

std::string format(const IpAddress& address) {
    char out[ip_text_limit];
    return std::string(format_ip(address, out));
}
std::string round_trip(std::string_view text) {
    const std::optional<IpAddress> address = parse_ip(text);
    return address ? format(*address) : "none";
}

TEST(IpAddress, ReadsDottedQuads) {
    for (const std::string_view text : {"0.0.0.0", "127.0.0.1", "255.255.255.255", "10.20.30.40"}) {
        EXPECT_EQ(round_trip(text), text);
        EXPECT_FALSE(parse_ip(text)->v6);
    }
}

TEST(IpAddress, RefusesOtherFormsOfIpv4) {
    for (const std::string_view text :
         {"",          ".",         "1",        "1.2",       "1.2.3",
          "1.2.3.",    "1.2.3.4.",  ".1.2.3.4", "1..2.3",    "1.2.3.4.5",
          "256.1.1.1", "1.2.3.-4",  "1.2.3.+4", "1.2.3. 4",  "01.2.3.4",
          "1.2.3.00",  "0x1.2.3.4", "1.2.3.4a", "localhost", "99999999999.1.1.1"})
        EXPECT_EQ(round_trip(text), "none") << text;
}

TEST(IpAddress, ReadsAndShortensIpv6) {
    const struct {
        std::string_view text, canonical;
    } cases[] = {
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"0:0:0:0:0:0:0:1", "::1"},
        {"2001:0DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"1:0:0:2:0:0:0:3", "1:0:0:2::3"},
        {"1:0:0:2:3:0:0:4", "1::2:3:0:0:4"},
        {"fe80::1:2", "fe80::1:2"},
        {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        {"0:0:3:4:5:6:0:0", "::3:4:5:6:0:0"},
        {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
        {"::ffff:10.0.0.1", "::ffff:a00:1"},
        {"::FFFF:0a00:0001", "::ffff:a00:1"},
        {"::ffff:0:0", "::ffff:0:0"},
        {"::1.2.3.4", "::102:304"},
        {"64:ff9b::1.2.3.4", "64:ff9b::102:304"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    };
    for (const auto& c : cases) {
        EXPECT_EQ(round_trip(c.text), c.canonical) << c.text;
        EXPECT_TRUE(parse_ip(c.text) && parse_ip(c.text)->v6) << c.text;
    }
}

TEST(IpAddress, RefusesMalformedIpv6) {
    for (const std::string_view text : {":",
                                        ":::",
                                        "1:",
                                        ":1",
                                        "1:2",
                                        "::1::",
                                        "1::2::3",
                                        "12345::",
                                        "1:2:3:4:5:6:7",
                                        "1:2:3:4:5:6:7:8:9",
                                        "1:2:3:4:5:6:7:8::",
                                        "::1:2:3:4:5:6:7:8",
                                        "1:2:3:4:5:6:7:1.2.3.4",
                                        "::1.2.3",
                                        "::1.2.3.4:5",
                                        "::1.2.3.4.5",
                                        "::g",
                                        "::1%lo",
                                        "::1%1",
                                        "[::1]",
                                        "1.2.3.4::",
                                        "::1 ",
                                        " ::1",
                                        "1:::2",
                                        "::-1",
                                        "::00001"})
        EXPECT_EQ(round_trip(text), "none") << text;
}

TEST(IpAddress, AgreesWithInetPtonAndInetNtopOnEveryShape) {
    // Every pattern of zero and non-zero groups.
    for (unsigned pattern = 0; pattern < 256; ++pattern) {
        IpAddress address{true, {}};
        for (unsigned i = 0; i < 8; ++i)
            if (pattern >> i & 1U) address.bytes[2 * i + 1] = static_cast<uint8_t>(i + 1);
        EXPECT_EQ(parse_ip(format(address)), address);
        IpAddress other{true, {}};
        ASSERT_EQ(inet_pton(AF_INET6, format(address).c_str(), other.bytes.data()), 1);
        EXPECT_EQ(other, address);
    }
}

TEST(IpAddress, NeedsRoomForItsText) {
    const IpAddress address = *parse_ip("127.0.0.1");
    char out[9];
    EXPECT_EQ(format_ip(address, out), "127.0.0.1");
    EXPECT_EQ(format_ip(address, std::span<char>(out, 8)), "");
}

TEST(AddressList, DropsWhatDoesNotFit) {
    AddressList list;
    for (int i = 0; i < 100; ++i) list.add({});
    EXPECT_EQ(list.count, list.items.size());
}

TEST(ParseScopedIp, TakesAZoneBehindAnIpv6Address) {
    for (const char* text : {"fe80::1%eth0", "::1%lo", "fe80::1%2", "fe80::1%fifteen-letters"}) {
        const auto address = parse_scoped_ip(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(std::string(address->zone.data()),
                  std::string(text).substr(std::string(text).find('%') + 1));
    }
    EXPECT_EQ(parse_scoped_ip("fe80::1"), parse_ip("fe80::1"));
    EXPECT_EQ(parse_scoped_ip("10.0.0.1"), parse_ip("10.0.0.1"));
    EXPECT_NE(parse_scoped_ip("fe80::1%a"), parse_scoped_ip("fe80::1%b"));
    for (const char* text : {"fe80::1%", "%lo", "10.0.0.1%lo", "fe80::1%sixteen-letters-",
                             "fe80::1%a\tb", "fe80::1%\xc3\xa9", "::1::%lo"})
        EXPECT_FALSE(parse_scoped_ip(text)) << text;
}

}  // namespace
}  // namespace usher
