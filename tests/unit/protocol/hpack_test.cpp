// SPDX-License-Identifier: MIT
#include "hpack.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "split_feed.hpp"

namespace usher {
namespace {

using namespace std::string_literals;
using usher_test::from_hex;

// Decodes blocks with one decoder; each field of interest becomes "name=value;", an error "bad".
class Decoder {
  public:
    std::string block(std::string_view bytes) {
        std::string out;
        for (const char c : bytes) {
            const HpackDecoder::Step step = decoder_.feed(static_cast<uint8_t>(c));
            if (step == HpackDecoder::Step::bad) return out + "bad";
            if (step == HpackDecoder::Step::field) {
                out += std::to_string(static_cast<int>(decoder_.name())) + "=" +
                       std::string(decoder_.value()) + ";";
            }
        }
        return decoder_.end_block() ? out : out + "cut";
    }
    std::string hex(std::string_view text) { return block(from_hex(text)); }

  private:
    HpackDecoder decoder_;
};

// 0 :status, 1 grpc-status, 2 grpc-message, 3 content-type.
std::string once(std::string_view bytes) { return Decoder().block(bytes); }
std::string once_hex(std::string_view hex) { return Decoder().hex(hex); }

std::string text(std::string_view s) {
    return std::string(1, static_cast<char>(s.size())) + std::string(s);
}

TEST(Hpack, ReadsTheLiteralsOfRfc7541C2) {
    // custom-key: custom-header, then :path, password and :method: none of interest, all
    // well-formed.
    EXPECT_EQ(once_hex("400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572"), "");
    EXPECT_EQ(once_hex("040c 2f73 616d 706c 652f 7061 7468"), "");
    EXPECT_EQ(once_hex("1008 7061 7373 776f 7264 0673 6563 7265 74"), "");
    EXPECT_EQ(once_hex("82"), "");
}

TEST(Hpack, ReadsTheRequestsOfRfc7541C3AndC4) {
    Decoder plain;
    EXPECT_EQ(plain.hex("8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d"), "");
    EXPECT_EQ(plain.hex("8286 84be 5808 6e6f 2d63 6163 6865"), "");
    EXPECT_EQ(plain.hex("8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65"),
              "");
    EXPECT_EQ(plain.hex("be"), "");  // 3 entries now
    EXPECT_EQ(plain.hex("c0"), "");
    EXPECT_EQ(plain.hex("c1"), "bad");
    Decoder huffman;
    EXPECT_EQ(huffman.hex("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff"), "");
    EXPECT_EQ(huffman.hex("8286 84be 5886 a8eb 1064 9cbf"), "");
    EXPECT_EQ(huffman.hex("8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf"), "");
    EXPECT_EQ(huffman.hex("c0"), "");
    EXPECT_EQ(huffman.hex("c1"), "bad");
}

// The responses of C.5 and C.6 assume a table of 256 bytes, which the first byte here (size update)
// sets.
TEST(Hpack, ReadsTheResponsesOfRfc7541C5) {
    Decoder decoder;
    EXPECT_EQ(
        decoder.hex(
            "3fe101 4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 "
            "3133 2032 303a "
            "3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d"),
        "0=302;");
    EXPECT_EQ(decoder.hex("4803 3330 37c1 c0bf"), "0=307;");
    EXPECT_EQ(decoder.hex("88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 "
                          "3220 474d 54c0 5a04 677a "
                          "6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 "
                          "5851 5745 4f49 553b 206d "
                          "6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31"),
              "0=200;");
    EXPECT_EQ(decoder.hex("c0"), "");  // set-cookie, content-encoding, date are left
    EXPECT_EQ(decoder.hex("c1"), "bad");
}

TEST(Hpack, ReadsTheResponsesOfRfc7541C6) {
    Decoder decoder;
    EXPECT_EQ(decoder.hex("3fe101 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 "
                          "0b81 66e0 82a6 2d1b ff6e "
                          "919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3"),
              "0=302;");
    EXPECT_EQ(decoder.hex("4883 640e ffc1 c0bf"), "0=307;");
    EXPECT_EQ(decoder.hex("88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a "
                          "839b d9ab 77ad 94e7 821d d7f2 "
                          "e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 "
                          "65c0 03ed 4ee5 b106 3d50 07"),
              "0=200;");
    EXPECT_EQ(decoder.hex("c0"), "");
    EXPECT_EQ(decoder.hex("c1"), "bad");
}

TEST(Hpack, KnowsTheStatusesOfTheStaticTable) {
    EXPECT_EQ(once("\x88\x89\x8a\x8b\x8c\x8d\x8e"), "0=200;0=204;0=206;0=304;0=400;0=404;0=500;");
    EXPECT_EQ(once("\x87\x8f"), "");
    EXPECT_EQ(once("\x9f"), "3=;");
}

TEST(Hpack, ReadsLiteralsOfEveryKind) {
    for (const char kind : {'\x00', '\x10', '\x40'}) {
        std::string name(1, kind);
        EXPECT_EQ(once(name + text("grpc-status") + text("13")), "1=13;");
        EXPECT_EQ(once(name + text("grpc-message") + text("oops")), "2=oops;");
        EXPECT_EQ(once(name + text(":status") + text("502")), "0=502;");
        EXPECT_EQ(once(name + text("content-type") + text("")), "3=;");
        EXPECT_EQ(once(name + text("grpc-statu") + text("1")), "");
        EXPECT_EQ(once(name + text("grpc-statusx") + text("1")), "");
        EXPECT_EQ(once(name + text("") + text("1")), "");
        EXPECT_EQ(once(name + text("grpc-message-too-long") + text("1")), "");
    }
    EXPECT_EQ(once("\x0f\x10" + text("application/grpc")), "3=application/grpc;");
    EXPECT_EQ(once("\x5f" + text("a")), "3=a;");
    EXPECT_EQ(once("\x08" + text("299")), "0=299;");
}

TEST(Hpack, CutsALongValueAndReadsOn) {
    const std::string value(400, 'v');
    const std::string length = "\x7f\x91\x02";  // 127 + 273
    EXPECT_EQ(once("\0"s + text("grpc-message") + length + value + "\x88"),
              "2=" + std::string(HpackDecoder::value_limit, 'v') + ";0=200;");
}

TEST(Hpack, DecodesEveryHuffmanSymbol) {
    // All 256 octets in one string, as an independent encoder (Python's hpack) writes them.
    const std::string huffman = from_hex(
        "ffc7fffd8fffffe2fffffe3fffffe4fffffe5fffffe6fffffe7fffffe8ffffeafffffff3fffffa7fffffabffff"
        "ffdfff"
        "ffebfffffecfffffedfffffeefffffefffffff0ffffff1ffffff2fffffffbfffffcffffffd3fffffd7fffffdbf"
        "ffffdf"
        "fffffe3fffffe7fffffebfffffed4fe3f9ffaffcabf1febfafefe7fdfd2cbb00089969b71d79fb9f7fff20ffbf"
        "f3ff50"
        "ddbd7f061c58f265cd9f469d5af66dddbf871e5f9cff7ff7fffc3ff9ffe45fff4719242cb34e6e9d68a6a3d7da"
        "c426de"
        "fe3cfaf7fffbfe7ffbffdffffffcfffe6ffff4bfff9ffffa3fffd3ffff53fffd5ffffb3fffeb7fffdaffffb7ff"
        "ff73ff"
        "feeffffdeffffebffffbfffffd9ffffdbfffebffffe0ffffeeffffc3ffff8bffff1ffffe4fffee7fffb1ffff97"
        "fffd9f"
        "fffcdffff9fffffbffffdafffeeffff4ffffb7fffee7fffe8ffffd3fffdeffffd5fffeeffffbdffffe1fffdfff"
        "ff7fff"
        "ff5ffffecffff07fff87fffe0ffff17fffedffff87ffff77fffeffffeaffff8bfffe3ffff93ffff87fffcbffff"
        "37ffff"
        "1fffff83ffffe1fffebfffe3ffff3fffff2ffffa3ffffd9fffff17ffffc7fffff27ffffdefffffbffffff2ffff"
        "f8ffff"
        "fb7fff97fff8fffffe6fffffc1fffff87ffffe7fffffc5ffffe5fffe4ffff2fffffd1fffff4ffffffefffffe3f"
        "ffffc9"
        "fffff97fffb3ffffcffffb7fffcdffff4ffff9ffffd1ffffcffffeaffffafffffddffffeffffff4fffff5fffff"
        "abffff"
        "a7ffffd7fffff9bffffecfffffb7fffff3fffffe8fffffd3fffffabfffff5fffffff7ffffecfffffdbfffffbbf"
        "ffff7f"
        "fffff0fffffbbf");
    std::string all;
    for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
    std::string length;  // 7-bit prefix integer
    size_t rest = huffman.size() - 127;
    length += '\xff';
    for (; rest >= 128; rest >>= 7) length += static_cast<char>(rest | 0x80);
    length += static_cast<char>(rest);
    EXPECT_EQ(once("\0"s + text("grpc-message") + length + huffman), "2=" + all + ";");
}

TEST(Hpack, RefusesBadHuffmanPadding) {
    const std::string name = "\0"s + text("grpc-status");
    EXPECT_EQ(once(name + "\x81\x07"), "1=0;");             // '0' is 00000, then 111
    EXPECT_EQ(once(name + "\x81\x06"), "bad");              // padding not all ones
    EXPECT_EQ(once(name + "\x82\x07\xff"), "bad");          // eight bits of padding and more
    EXPECT_EQ(once(name + "\x81\xff"), "bad");              // nothing but padding, a byte of it
    EXPECT_EQ(once(name + "\x84\xff\xff\xff\xff"), "bad");  // EOS
    EXPECT_EQ(once(name + "\x84\xff\xff\xff\xfc"), "bad");
    EXPECT_EQ(once(name + "\x80"), "1=;");
}

TEST(Hpack, RefusesBadIntegers) {
    EXPECT_EQ(once("\xff\xff\xff\xff\xff\xff\xff"), "bad");
    EXPECT_EQ(once("\xff\x80\x80\x80\x80\x80\x00"s), "bad");
    EXPECT_EQ(once("\x0f\xff\xff\xff\xff\x0f"), "bad");
    EXPECT_EQ(once("\x7f\xff\xff\xff\xff\x7f"), "bad");
    EXPECT_EQ(once("\x40\x7f\xff\xff\xff\xff\x0f"), "bad");
    EXPECT_EQ(once("\x40\x7f\xff\xff\xff\x01"), "bad");  // a string of 2 MiB
}

TEST(Hpack, RefusesBadIndexes) {
    EXPECT_EQ(once("\x80"), "bad");
    EXPECT_EQ(once("\xbe"), "bad");  // 62: the dynamic table is empty
    EXPECT_EQ(once("\xbd"), "");     // 61, the last static one
    EXPECT_EQ(once("\xff\x80\x01"), "bad");
    EXPECT_EQ(once("\x7f\x00"s + text("x")), "bad");
}

TEST(Hpack, TellsABlockThatEndsInsideAField) {
    EXPECT_EQ(once("\x48"), "cut");
    EXPECT_EQ(once("\x48\x03\x32"), "cut");
    EXPECT_EQ(once("\xff"), "cut");
    EXPECT_EQ(once("\x40\x01"), "cut");
    EXPECT_EQ(once("\x40\x01x"), "cut");
}

TEST(Hpack, TakesSizeUpdatesAtTheBeginningOnly) {
    EXPECT_EQ(once("\x20\x88"), "0=200;");
    EXPECT_EQ(once("\x20\x3f\xe1\x1f\x88"), "0=200;");  // 0, then 4096
    EXPECT_EQ(once("\x3f\xe2\x1f"), "bad");             // 4097
    EXPECT_EQ(once("\x88\x20"), "0=200;bad");
    Decoder decoder;
    EXPECT_EQ(decoder.block("\x88"), "0=200;");
    EXPECT_EQ(decoder.block("\x20\x88"), "0=200;");
}

TEST(Hpack, RefersToTheDynamicTable) {
    Decoder decoder;
    EXPECT_EQ(decoder.block("\x40" + text("grpc-status") + text("5")), "1=5;");
    EXPECT_EQ(decoder.block("\x40" + text("x-other") + text("y")), "");
    EXPECT_EQ(decoder.block("\xbf"), "1=5;");  // the older entry
    EXPECT_EQ(decoder.block("\xbe"), "");
    EXPECT_EQ(decoder.block("\x7f\x00"s + text("7")), "1=7;");  // 63: its name, and a new entry
    EXPECT_EQ(decoder.block("\xbe"), "1=7;");
    EXPECT_EQ(decoder.block("\xc0"), "1=5;");
    EXPECT_EQ(decoder.block("\x0f\x2f" + text("8")), "1=8;");  // 62, not added
    EXPECT_EQ(decoder.block("\xc1"), "bad");
}

TEST(Hpack, CutsStoredValues) {
    Decoder decoder;
    const std::string value(60, 'm');
    EXPECT_EQ(decoder.block("\x40" + text("grpc-message") + text(value)), "2=" + value + ";");
    EXPECT_EQ(decoder.block("\xbe"), "2=" + value.substr(0, HpackDecoder::stored_limit) + ";");
}

TEST(Hpack, EvictsTheOldestEntries) {
    Decoder decoder;
    decoder.block("\x3f\x4f");  // 31 + 79 = 110 bytes: two entries of 1 + 1 + 32, or three
    decoder.block("\x40" + text("a") + text("1"));
    decoder.block("\x40" + text("b") + text("2"));
    decoder.block("\x40" + text("c") + text("3"));
    EXPECT_EQ(decoder.block("\xc0"), "");
    decoder.block("\x40" + text("d") + text("4"));
    EXPECT_EQ(decoder.block("\xc1"), "bad");
}

TEST(Hpack, AnEntryLargerThanTheTableEmptiesIt) {
    Decoder decoder;
    decoder.block("\x3f\x4f");
    decoder.block("\x40" + text("a") + text("1"));
    EXPECT_EQ(decoder.block("\x40" + text("b") + text(std::string(100, 'x'))), "");
    EXPECT_EQ(decoder.block("\xbe"), "bad");
}

TEST(Hpack, HoldsAFullTableOfTheSmallestEntries) {
    Decoder decoder;
    for (int i = 0; i < 300; ++i) EXPECT_EQ(decoder.block("\x40\x00\x00"s), "");
    EXPECT_EQ(decoder.hex("ff3e"), "");  // 61 + 128
    EXPECT_EQ(decoder.hex("ff3f"), "bad");
}

TEST(Hpack, ATableOfSizeZeroKeepsNothing) {
    Decoder decoder;
    EXPECT_EQ(decoder.block("\x20\x40" + text("grpc-status") + text("5")), "1=5;");
    EXPECT_EQ(decoder.block("\xbe"), "bad");
}

TEST(HpackWriter, WritesWhatTheDecoderReads) {
    uint8_t out[600];
    Writer to{std::span<uint8_t>(out)};
    HpackWriter writer(to);
    const std::string big(300, 'x');
    writer.indexed(8);
    writer.literal(31, "application/grpc");
    writer.literal("grpc-message", big);
    writer.literal("grpc-status", "");
    ASSERT_TRUE(to.fits());
    EXPECT_EQ(once({reinterpret_cast<char*>(out), to.size()}),
              "0=200;3=application/grpc;2=" + big.substr(0, HpackDecoder::value_limit) + ";1=;");
}

}  // namespace
}  // namespace usher
