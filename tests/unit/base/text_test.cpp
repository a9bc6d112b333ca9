// SPDX-License-Identifier: MIT
#include "text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

namespace usher {
namespace {

using namespace std::string_literals;

TEST(slice, clamps_to_what_is_there) {
    EXPECT_EQ(slice("hello", 1, 3), "ell");
    EXPECT_EQ(slice("hello", 3), "lo");
    EXPECT_EQ(slice("hello", 3, 99), "lo");
    EXPECT_EQ(slice("hello", 5), "");
    EXPECT_EQ(slice("hello", 99, 99), "");
    EXPECT_EQ(slice("", 0, 1), "");
}

TEST(take_until, cuts_at_the_first_separator) {
    std::string_view rest = "a:b::c";
    EXPECT_EQ(take_until(rest, ':'), "a");
    EXPECT_EQ(rest, "b::c");
    EXPECT_EQ(take_until(rest, ':'), "b");
    EXPECT_EQ(take_until(rest, ':'), "");
    EXPECT_EQ(rest, "c");
    EXPECT_EQ(take_until(rest, ':'), "c");
    EXPECT_EQ(rest, "");
    EXPECT_EQ(take_until(rest, ':'), "");
}

TEST(take_word, takes_what_stands_between_blanks) {
    std::string_view rest = " \tone\r\n two ";
    EXPECT_EQ(take_word(rest), "one");
    EXPECT_EQ(take_word(rest), "two");
    EXPECT_EQ(take_word(rest), "");
    EXPECT_EQ(take_word(rest), "");
}

TEST(equal_ignoring_case, compares_letters_only_of_equal_length) {
    EXPECT_TRUE(equal_ignoring_case("SigTerm", "sIGtERM"));
    EXPECT_TRUE(equal_ignoring_case("", ""));
    EXPECT_FALSE(equal_ignoring_case("TERM", "TER"));
    EXPECT_FALSE(equal_ignoring_case("[", "{"));
    EXPECT_FALSE(equal_ignoring_case("@", "`"));
}

TEST(letters, change_case_only_if_they_are_letters) {
    for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        const bool upper = byte >= 'A' && byte <= 'Z';
        const bool lower = byte >= 'a' && byte <= 'z';
        EXPECT_EQ(to_lower(c), upper ? static_cast<char>(byte + 32) : c) << byte;
        EXPECT_EQ(to_upper(c), lower ? static_cast<char>(byte - 32) : c) << byte;
        EXPECT_EQ(is_digit(c), byte >= '0' && byte <= '9') << byte;
    }
}

TEST(writer, joins_text_and_numbers) {
    char room[64];
    Writer line(room);
    line.add("pid ").add(42).add(',').add(-7).add(' ').add(std::int64_t{1} << 40);
    EXPECT_EQ(line.view(), "pid 42,-7 1099511627776");
    EXPECT_EQ(line.size(), line.view().size());
    EXPECT_TRUE(line.fits());
}

TEST(writer, drops_what_does_not_fit_and_writes_nothing_past_its_room) {
    char room[9] = "########";
    Writer line(std::span(room, 5));
    line.add("abc").add("defgh").add('x').add(12345).add_json("\"").add_untrusted("\x01");
    EXPECT_EQ(line.view(), "abcde");
    EXPECT_FALSE(line.fits());
    EXPECT_EQ(std::string_view(room + 5), "###");
}

// What `write` puts into `room` bytes; those behind it must stay as they were.
template <typename Write>
std::string written(std::size_t room, Write write) {
    std::string out(room + 8, '#');
    Writer to{std::span<char>(out).first(room)};
    write(to);
    EXPECT_EQ(out.substr(room), "########");
    return out.substr(0, to.size());
}

TEST(writer, takes_bytes_as_they_are) {
    EXPECT_EQ(
        written(16,
                [](Writer& to) { to.add_byte(0xff).add_raw("ab\0c"s).add_raw("").add_byte(0); }),
        "\xff"s + "ab\0c\0"s);
}

TEST(writer, fills_a_buffer_of_bytes_as_well) {
    std::uint8_t out[3] = {};
    Writer to{std::span<std::uint8_t>(out)};
    to.add_raw("a\x80");
    EXPECT_EQ(out[0], 'a');
    EXPECT_EQ(out[1], 0x80);
    EXPECT_EQ(out[2], 0);
}

TEST(writer, remembers_that_something_did_not_fit) {
    EXPECT_EQ(written(3,
                      [](Writer& to) {
                          to.add_raw("abc");
                          EXPECT_TRUE(to.fits());
                          to.add_raw("");
                          EXPECT_TRUE(to.fits());
                          to.add('d');
                          EXPECT_FALSE(to.fits());
                      }),
              "abc");
    EXPECT_EQ(written(2, [](Writer& to) { to.add_raw("abc"); }), "ab");
}

TEST(writer, puts_the_high_byte_first) {
    EXPECT_EQ(written(9, [](Writer& to) { to.add_big_endian(0x12345678, 4); }), "\x12\x34\x56\x78");
    EXPECT_EQ(written(9, [](Writer& to) { to.add_big_endian(0x12345678, 3); }), "\x34\x56\x78");
    EXPECT_EQ(written(9, [](Writer& to) { to.add_big_endian(1, 2); }), "\0\1"s);
    EXPECT_EQ(written(9, [](Writer& to) { to.add_big_endian(0xffffffff, 1); }), "\xff");
    EXPECT_EQ(written(9, [](Writer& to) { to.add_big_endian(1, 0); }), "");
}

TEST(writer, writes_hexadecimal_without_leading_zeros) {
    EXPECT_EQ(written(40, [](Writer& to) { to.add_hex(0xdeadbeef); }), "deadbeef");
    EXPECT_EQ(written(40, [](Writer& to) { to.add_hex(0); }), "0");
    EXPECT_EQ(written(40, [](Writer& to) { to.add_hex(0x10a); }), "10a");
}

TEST(writer, replaces_a_byte_that_was_added_before_and_nothing_past_its_end) {
    EXPECT_EQ(written(4,
                      [](Writer& to) {
                          to.add("abcd");
                          to.patch(0, 'x');
                          to.patch(3, 'y');
                          to.patch(4, 'z');
                          to.patch(static_cast<std::size_t>(-1), 'z');
                      }),
              "xbcy");
}

TEST(hex_value, knows_the_digits_of_both_cases_and_nothing_else) {
    const std::string low = "0123456789abcdef";
    const std::string high = "0123456789ABCDEF";
    for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        const std::size_t digit = std::min(low.find(c), high.find(c));
        EXPECT_EQ(hex_value(c), digit == std::string::npos ? -1 : static_cast<int>(digit)) << byte;
    }
}

TEST(is_control, means_c0_and_del) {
    for (int byte = 0; byte < 256; ++byte)
        EXPECT_EQ(is_control(static_cast<char>(byte)), byte < 0x20 || byte == 0x7f) << byte;
}

TEST(has_control, looks_at_every_byte) {
    EXPECT_FALSE(has_control(""));
    EXPECT_FALSE(has_control(" ~\x80\xff"));
    for (const std::string& text : {"\n"s, "ab\0"s, "\x1f"s, "a\x7f"s, "\tab"s}) {
        EXPECT_TRUE(has_control(text));
    }
}

TEST(last_component, is_what_stands_behind_the_last_slash) {
    EXPECT_EQ(last_component("/usr/bin/tini"), "tini");
    EXPECT_EQ(last_component("tini"), "tini");
    EXPECT_EQ(last_component("tini/"), "");
    EXPECT_EQ(last_component(""), "");
}

TEST(writer, of_no_room_holds_nothing) {
    Writer line(std::span<char>{});
    line.add("abc").add(1);
    EXPECT_EQ(line.view(), "");
    EXPECT_FALSE(line.fits());
}

TEST(writer, can_be_cut_back_but_not_forward) {
    char room[16];
    Writer line(room);
    line.add("abcdef");
    line.cut(9);
    EXPECT_EQ(line.view(), "abcdef");
    line.cut(2);
    EXPECT_EQ(line.view(), "ab");
    EXPECT_EQ(line.add("z").view(), "abz");
}

TEST(writer, pads_numbers_with_zeros) {
    char room[128];
    Writer line(room);
    line.add_padded(7, 3).add(' ').add_padded(1234, 3).add(' ').add_padded(0, 2);
    line.add(' ').add_padded(std::numeric_limits<std::int64_t>::min(), 1);
    line.add(' ').add_padded(std::numeric_limits<std::int64_t>::max(), 1);
    EXPECT_EQ(line.view(), "007 1234 00 -9223372036854775808 9223372036854775807");
}

TEST(writer, makes_untrusted_bytes_harmless) {
    for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        char room[8];
        Writer line(room);
        line.add_untrusted({&c, 1});
        EXPECT_EQ(line.view(), std::string(1, byte >= 0x20 && byte < 0x7f ? c : '?')) << byte;
    }
}

TEST(writer, escapes_every_byte_for_json) {
    for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        char room[8];
        Writer line(room);
        line.add_json({&c, 1});
        std::string expected(1, c);
        if (c == '"' || c == '\\') expected = std::string("\\") + c;
        if (byte < 0x20 || byte == 0x7f) {
            char escape[8];
            snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(byte));
            expected = escape;
        }
        if (byte > 0x7f) expected = "?";
        EXPECT_EQ(line.view(), expected) << byte;
    }
}

}  // namespace
}  // namespace usher
