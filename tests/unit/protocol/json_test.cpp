// SPDX-License-Identifier: MIT
#include "json.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "text_of.hpp"

namespace usher {
namespace {

using namespace std::string_literals;

// What becomes of each field ("holds", "differs", "missing", one after the other), or what is wrong
// with the document. All of it is checked against what the matcher says besides.
std::string look(const std::string& document, const std::vector<std::string>& texts) {
    std::vector<JsonField> fields;
    for (const std::string& text : texts) {
        const auto field = parse_json_field(text);
        if (!field) return "refused: " + text;
        fields.push_back(*field);
    }
    JsonMatcher matcher(fields);
    for (const char c : document) matcher.feed(c);
    EXPECT_NE(matcher.verdict(), Verdict::done) << document;
    const Verdict verdict = matcher.finish();
    EXPECT_EQ(verdict, matcher.verdict());
    EXPECT_NE(verdict, Verdict::more) << document;
    EXPECT_EQ(verdict == Verdict::done, matcher.reason() == Reason::none) << document;
    if (verdict == Verdict::bad && matcher.reason() != Reason::json_field)
        return text_of(reason_text(matcher.reason()));
    std::string states;
    size_t failed = fields.size();
    for (size_t i = fields.size(); i-- > 0;) {
        const FieldState state = matcher.state(i);
        if (state != FieldState::holds) failed = i;
        const char* const names[] = {"missing", "differs", "holds"};
        states = names[static_cast<int>(state)] + (states.empty() ? "" : " " + states);
    }
    EXPECT_EQ(verdict == Verdict::done, failed == fields.size()) << document;
    EXPECT_TRUE(verdict == Verdict::done || matcher.failed() == failed) << document;
    return states;
}

std::string look(const std::string& document, const auto& text) {
    return look(document, std::vector<std::string>{text});
}

Reason reason_of(const std::string& document) {
    JsonMatcher matcher({});
    for (const char c : document) matcher.feed(c);
    matcher.finish();
    return matcher.reason();
}

std::string repeated(const std::string& text, size_t count) {
    std::string all;
    while (count-- > 0) all += text;
    return all;
}

// The document `[VALUE]`, and what becomes of 0=WANTED.
std::string compare(const std::string& value, const std::string& wanted) {
    return look("[" + value + "]", "0=" + wanted);
}

TEST(JsonField, IsAPathOrAPathAndAValue) {
    const auto alone = parse_json_field("database.connected");
    ASSERT_TRUE(alone);
    EXPECT_EQ(alone->path, "database.connected");
    EXPECT_FALSE(alone->has_value);
    const auto both = parse_json_field("status=UP");
    ASSERT_TRUE(both);
    EXPECT_EQ(both->path, "status");
    EXPECT_EQ(both->value, "UP");
    EXPECT_TRUE(both->has_value);
}

TEST(JsonField, EndsItsPathAtTheFirstEqualsSignWithoutABackslash) {
    const auto field = parse_json_field(R"(a\=b\\=c\=d=e\x)");
    ASSERT_TRUE(field);
    EXPECT_EQ(field->path, R"(a\=b\\)");
    EXPECT_EQ(field->value, R"(c\=d=e\x)");
}

TEST(JsonField, MayHaveAnEmptyValue) {
    const auto field = parse_json_field("a=");
    ASSERT_TRUE(field);
    EXPECT_EQ(field->value, "");
    EXPECT_TRUE(field->has_value);
}

TEST(JsonField, MayHaveEmptyComponents) {
    for (const std::string_view text : {".", "a.", ".a", "a..b", ".=1"})
        EXPECT_TRUE(parse_json_field(text)) << text;
}

TEST(JsonField, NeedsAPath) {
    EXPECT_FALSE(parse_json_field(""));
    EXPECT_FALSE(parse_json_field("=UP"));
}

TEST(JsonField, KnowsThreeEscapesOnly) {
    for (const std::string_view text : {R"(\.)", R"(\=)", R"(\\)", R"(a\.b\=c\\=d)"})
        EXPECT_TRUE(parse_json_field(text)) << text;
    for (const std::string_view text : {R"(\)", R"(a\)", R"(a\\\)", R"(\a)", R"(a\ b=c)", R"(\n)"})
        EXPECT_FALSE(parse_json_field(text)) << text;
}

TEST(JsonField, HasAtMost256Bytes) {
    EXPECT_TRUE(parse_json_field(std::string(256, 'a')));
    EXPECT_TRUE(parse_json_field("a=" + std::string(254, 'b')));
    EXPECT_FALSE(parse_json_field(std::string(257, 'a')));
    EXPECT_FALSE(parse_json_field("a=" + std::string(255, 'b')));
    EXPECT_FALSE(parse_json_field(std::string(256, 'a') + "\\"));
}

TEST(JsonDocument, MayBeAnyValue) {
    for (const char* const document :
         {"{}", "[]", "\"\"", "\"text\"", "0", "-1", "12.5e3", "true", "false", "null"})
        EXPECT_EQ(reason_of(document), Reason::none) << document;
}

TEST(JsonDocument, MayHaveBlanksBetweenItsTokens) {
    EXPECT_EQ(reason_of(" \t\r\n[ 1\t,\n2 , { \"a\" :\r[ ] , \"b\" : { } } ]\n\n"), Reason::none);
    EXPECT_EQ(reason_of(" 7 "), Reason::none);
    EXPECT_EQ(reason_of("\ttrue\n"), Reason::none);
}

TEST(JsonDocument, HasNoOtherBlanks) {
    for (const std::string& blank : {"\f"s, "\v"s, "\0"s, "\xc2\xa0"s, "\xe2\x80\xa8"s,
                                     "\xe3\x80\x80"s, "\x85"s, "\xef\xbb\xbf"s, "\b"s}) {
        EXPECT_EQ(reason_of("[" + blank + "]"), Reason::not_json) << blank;
        EXPECT_EQ(reason_of("[1]" + blank), Reason::not_json) << blank;
        EXPECT_EQ(reason_of("{\"a\"" + blank + ":1}"), Reason::not_json) << blank;
    }
}

TEST(JsonDocument, IsOneValueOnly) {
    for (const char* const document :
         {"[][]",       "{}{}",    "1 2",        "1,",       "[],",   "[]]",  "{}}",
          "\"a\"\"b\"", "\"a\" b", "true false", "truetrue", "null,", "[1]x", "{} #",
          "0 0",        "]",       "}",          ",",        ":",     "1]",   "\"\":1"})
        EXPECT_EQ(reason_of(document), Reason::not_json) << document;
}

TEST(JsonDocument, MayBeginWithOneByteOrderMark) {
    EXPECT_EQ(look("\xef\xbb\xbf{\"a\":1}", "a=1"), "holds");
    EXPECT_EQ(reason_of("\xef\xbb\xbf 1"), Reason::none);
    for (const char* const document :
         {"\xef\xbb\xbf\xef\xbb\xbf{}", " \xef\xbb\xbf{}", "\xef{}", "\xef\xbb{}", "{}\xef\xbb\xbf",
          "[\xef\xbb\xbf]", "\xef\xbf\xbb{}", "\xfe\xff{}", "\xff\xfe{}"})
        EXPECT_EQ(reason_of(document), Reason::not_json) << document;
    for (const char* const document : {"\xef", "\xef\xbb", "\xef\xbb\xbf", "\xef\xbb\xbf "})
        EXPECT_EQ(reason_of(document), Reason::json_cut) << document;
}

TEST(JsonDocument, IsNotInUtf16) {
    EXPECT_EQ(reason_of("\0[\0]"s), Reason::not_json);
    EXPECT_EQ(reason_of("[\0]\0"s), Reason::not_json);
}

TEST(JsonDocument, IsCutShortWhereItCouldGoOn) {
    const std::string whole =
        R"({"k\u00e9\n":[1,-2.5e+10,true,false,null,"é\ud83d\ude00"],"o":{"a":{}}})";
    ASSERT_EQ(reason_of(whole), Reason::none);
    for (size_t end = 0; end < whole.size(); ++end)
        EXPECT_EQ(reason_of(whole.substr(0, end)), Reason::json_cut) << whole.substr(0, end);
}

TEST(JsonDocument, IsCutShortInTheMiddleOfAScalarToo) {
    for (const char* const document :
         {"", " ", "-", "1.", "1e", "1e+", "-0.", "t", "tru", "fals", "nul", "\"", "\"a", "\"\\",
          "\"\\u", "\"\\u123", "\"\xc3", "\"\xf0\x9f\x98"})
        EXPECT_EQ(reason_of(document), Reason::json_cut) << document;
}

TEST(JsonArray, HasCommasBetweenItsItemsOnly) {
    for (const char* const document : {"[]", "[1]", "[1,2]", "[[],[[]]]", "[{},1,\"\",null]"})
        EXPECT_EQ(reason_of(document), Reason::none) << document;
    for (const char* const document :
         {"[1,]", "[,1]", "[,]", "[1,,2]", "[1 2]", "[\"a\" \"b\"]", "[1;2]", "[1:2]", "[1}",
          "[\"a\":1]", "[[] []]", "[1,\n}", "(1)", "[*]", "[a]", "[1,}", "[1 true]", "[-]"})
        EXPECT_EQ(reason_of(document), Reason::not_json) << document;
}

TEST(JsonObject, HasQuotedKeysWithOneColonAndOneValueEach) {
    for (const char* const document :
         {"{}", R"({"a":1})", R"({"":0})", R"({"a":1,"a":1})", R"({"a":{"b":{}},"c":[]})"})
        EXPECT_EQ(reason_of(document), Reason::none) << document;
    for (const char* const document : {R"({"a":1,})",  R"({,"a":1})",      R"({"a":1,,"b":2})",
                                       R"({"a" 1})",   R"({"a":})",        R"({"a"})",
                                       R"({"a",1})",   R"({"a"::1})",      R"({"a":1 "b":2})",
                                       R"({"a":1:2})", R"({a:1})",         R"({'a':1})",
                                       R"({1:1})",     R"({null:1})",      R"({[]:1})",
                                       R"({"a":1])",   R"({"a":1;"b":2})", R"({:1})",
                                       R"({"a"=1})",   R"({{}})",          R"({"a":b})",
                                       R"({"a":1,])",  R"({]})",           R"({"a":1 2})"})
        EXPECT_EQ(reason_of(document), Reason::not_json) << document;
}

TEST(JsonComment, IsNone) {
    for (const char* const document :
         {"/**/1", "1/**/", "[1//\n]", "{/*x*/}", "#\n1", "1 # one", "{}//", "{\"a\":/**/1}"})
        EXPECT_EQ(reason_of(document), Reason::not_json) << document;
}

TEST(JsonWord, IsOneOfThreeInLowerCase) {
    for (const char* const document :
         {"True",      "TRUE",  "trua",   "truee", "tru ",  "[tru]",
          "False",     "fals,", "NULL",   "nil",   "[nul]", "nulll",
          "undefined", "None",  "NaN",    "-NaN",  "[nan]", "Infinity",
          "-Infinity", "inf",   "[-inf]", "yes",   "[t]",   "\xef\xbd\x94rue"})
        EXPECT_EQ(reason_of(document), Reason::not_json) << document;
}

TEST(JsonNumber, HasTheGrammarOfRfc8259) {
    for (const char* const number :
         {"0",     "-0",    "1",       "-1",          "10",    "1234567890", "0.0",
          "-0.5",  "1.0",   "1e1",     "1E1",         "1e+1",  "1E-1",       "0e0",
          "0e+00", "-0e-0", "1.5e007", "123.456e789", "1e400", "-1e-400"}) {
        EXPECT_EQ(reason_of(number), Reason::none) << number;
        EXPECT_EQ(reason_of("["s + number + "]"), Reason::none) << number;
        EXPECT_EQ(reason_of("{\"a\":"s + number + "\n}"), Reason::none) << number;
    }
}

TEST(JsonNumber, IsNothingElse) {
    for (const char* const number : {"00",
                                     "01",
                                     "-01",
                                     "-00",
                                     "012",
                                     "+1",
                                     "++1",
                                     "--1",
                                     "- 1",
                                     "-a",
                                     "1-",
                                     "1+1",
                                     "1a",
                                     ".5",
                                     "-.5",
                                     "1.",
                                     "-1.",
                                     "0.",
                                     "1.e1",
                                     "1..2",
                                     "1.2.3",
                                     "1.2.",
                                     ".",
                                     "1e",
                                     "1E",
                                     "1e+",
                                     "1e-",
                                     "1e+-1",
                                     "1ee1",
                                     "1e1e1",
                                     "1e1.5",
                                     "1e.5",
                                     "0e",
                                     "0e+",
                                     "0x1",
                                     "0x",
                                     "0b1",
                                     "0o7",
                                     "1_000",
                                     "1f",
                                     "1L",
                                     "1'000",
                                     "1 000",
                                     "9.e+",
                                     "-",
                                     "2.e-3",
                                     "\xef\xbc\x91",
                                     "1\xef\xbc\x91",
                                     "1e\xef\xbc\x91",
                                     "0.3\xe9",
                                     "1e1\xe5"})
        EXPECT_EQ(reason_of("["s + number + "]"), Reason::not_json) << number;
}

TEST(JsonNumber, MayBeAsLongAsTheDocument) {
    EXPECT_EQ(reason_of("[" + std::string(100000, '1') + "]"), Reason::none);
    EXPECT_EQ(reason_of("-0." + std::string(100000, '0') + "1e-" + std::string(100000, '9')),
              Reason::none);
}

TEST(JsonString, HasNoControlCharacters) {
    for (int c = 0; c < 0x20; ++c) {
        const std::string raw(1, static_cast<char>(c));
        EXPECT_EQ(reason_of("\"a" + raw + "b\""), Reason::not_json) << c;
        EXPECT_EQ(reason_of("{\"" + raw + "\":1}"), Reason::not_json) << c;
    }
    EXPECT_EQ(compare("\"\x7f\"", "\x7f"), "holds");
}

TEST(JsonString, StandsBetweenDoubleQuotes) {
    for (const char* const document : {"'a'", "`a`", "a", "\\\"a\\\"", "[\"a]",
                                       "\xe2\x80\x9c"
                                       "a\xe2\x80\x9d"})
        EXPECT_NE(reason_of(document), Reason::none) << document;
}

TEST(JsonString, IsComparedDecoded) {
    const struct {
        const char* inside;
        std::string value;
    } cases[] = {
        {"", ""},
        {"UP", "UP"},
        {R"(\"\\\/\b\f\n\r\t)", "\"\\/\b\f\n\r\t"},
        {R"(\u0055\u0050)", "UP"},
        {R"(\u0000)", "\0"s},
        {R"(a\u0000b)", "a\0b"s},
        {R"(\u007f\u0080)", "\x7f\xc2\x80"},
        {R"(\u00e9\u00E9)", "\xc3\xa9\xc3\xa9"},
        {R"(\u07ff\u0800)", "\xdf\xbf\xe0\xa0\x80"},
        {R"(\uD7FF\uE000\uffff)", "\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"},
        {R"(\ud800\udc00)", "\xf0\x90\x80\x80"},
        {R"(\uD83D\uDE00!)", "\xf0\x9f\x98\x80!"},
        {R"(\udbff\udfff)", "\xf4\x8f\xbf\xbf"},
        {R"(\\u0041)", "\\u0041"},
        {R"(\u005c\u0022)", "\\\""},
        {R"(//)", "//"},
        {R"( a, [b] {c}: )", " a, [b] {c}: "},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
    };
    for (const auto& c : cases) {
        EXPECT_EQ(compare("\""s + c.inside + "\"", c.value), "holds") << c.inside;
        EXPECT_EQ(compare("\""s + c.inside + "\"", c.value + "x"), "differs") << c.inside;
        EXPECT_EQ(compare("\""s + c.inside + "x\"", c.value), "differs") << c.inside;
        EXPECT_EQ(compare("\"x"s + c.inside + "\"", c.value), "differs") << c.inside;
        EXPECT_EQ(look("{\"a"s + c.inside + "\":1}", "a"), *c.inside == 0 ? "holds" : "missing");
    }
}

TEST(JsonString, HasNoOtherEscapes) {
    for (const std::string& escape :
         {"\\a"s,     "\\'"s,     "\\x41"s,        "\\0"s,        "\\v"s,        "\\U0041"s,
          "\\ "s,     "\\\n"s,    "\\\0"s,         "\\e"s,        "\\N"s,        "\\u"s,
          "\\u1"s,    "\\u12"s,   "\\u123"s,       "\\u123g"s,    "\\u 123"s,    "\\u+123"s,
          "\\u{41}"s, "\\u-001"s, "\\ud83d\\u12"s, "\\ud83d\\x"s, "\\\xc3\xa9"s, "\\u00\xc3\xa9"s})
        EXPECT_EQ(reason_of("[\"" + escape + "\"]"), Reason::not_json) << escape;
}

TEST(JsonString, IsWellFormedUtf8) {
    for (const char* const good :
         {"\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbb\xbf",
          "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xef\xb7\x90", "\xe2\x80\xa8"}) {
        EXPECT_EQ(compare("\""s + good + "\"", good), "holds") << good;
        EXPECT_EQ(look("{\""s + good + "\":1}", good), "holds") << good;
    }
    const char* const bad[] = {
        "\x80",
        "\xbf",
        "a\xbf",
        "\xc3\xa9\xa9",  // a continuation first
        "\xc0\x80",
        "\xc1\xbf",
        "\xe0\x80\x80",
        "\xe0\x9f\xbf",  // longer than needed
        "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf",  //
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xed\xa0\xbd\xed\xb8\x80",  // surrogates
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xf7\xbf\xbf\xbf",  // over U+10FFFF
        "\xf8\x88\x80\x80\x80",
        "\xfc\x84\x80\x80\x80\x80",
        "\xfe",  // no lead
        "\xff",
        "\xc3",
        "\xe2\x82",
        "\xf0\x9f\x98",
        "\xc3\xc3\xa9",  // cut short
        "\xe2\x82x",
        "\xc3\\n",
        "\xe9",
        "\xf0\x9f\x98\xc3",
        "\xc2 ",  //
    };
    for (const char* const text : bad) {
        EXPECT_EQ(reason_of("\""s + text + "\""), Reason::not_json) << text;
        EXPECT_EQ(reason_of("{\""s + text + "\":1}"), Reason::not_json) << text;
    }
}

TEST(JsonString, EqualsNothingIfItHasHalfASurrogatePair) {
    for (const std::string& half :
         {R"(\ud83d)"s, R"(\ude00)"s, R"(\ude00\ud83d)"s, R"(\ud83d\ud83d)"s,
          R"(\ud800\ud83d\ude00)"s, R"(\ud83d\ude00\ude00)"s, R"(\ud83dx)"s, R"(\ud83d\n)"s,
          R"(\ud83d\u0041)"s, R"(\ud83d\ue000)"s, "\\ud83d\xc3\xa9"s, R"(\udbff)"s, R"(\udfff)"s,
          R"(\ud83d\\u)"s}) {
        for (const char* const value :
             {"", "x", "\n", "A", "\xed\xa0\xbd", "\xed\xb8\x80", "\xff", "\xf0\x9f",
              "\xf0\x9f\x98\x80", "\xef\xbf\xbd", "?", "\xc3\xa9", "\xee\x80\x80"}) {
            EXPECT_EQ(compare("\"" + half + "\"", value), "differs") << half << value;
            EXPECT_EQ(look("{\"" + half + "\":1}", "x"s + value), "missing") << half;
        }
        // It does not spoil what comes after it.
        EXPECT_EQ(look("[\"" + half + "\",\"b\",{\"" + half + "\":1,\"c\":\"d\"}]",
                       {"0", "1=b", "2.c=d"}),
                  "holds holds holds");
    }
}

TEST(JsonValue, NeedsToBeThereAndNeitherFalseNorNullIfNoneIsNamed) {
    for (const char* const value : {"true", "0", "-0.0", "1e5", "\"\"", "\"false\"", "\"null\"",
                                    "[]", "{}", "[false]", "{\"a\":null}"})
        EXPECT_EQ(look("{\"a\":"s + value + "}", "a"), "holds") << value;
    EXPECT_EQ(look(R"({"a":false})", "a"), "differs");
    EXPECT_EQ(look(R"({"a":null})", "a"), "differs");
    EXPECT_EQ(look(R"({"b":true})", "a"), "missing");
}

TEST(JsonValue, IsAWordAsWritten) {
    for (const char* const word : {"true", "false", "null"}) {
        EXPECT_EQ(compare(word, word), "holds");
        EXPECT_EQ(compare("\""s + word + "\"", word), "holds");
        for (const char* const other : {"", "t", "tru", "truex", "True", "1", "0", "nul", "nulll"})
            EXPECT_EQ(compare(word, other), "differs") << word << other;
    }
    EXPECT_EQ(compare("true", "false"), "differs");
    EXPECT_EQ(compare("null", "false"), "differs");
}

TEST(JsonValue, IsNeverAnObjectOrAnArray) {
    for (const char* const value : {"[]", "{}", "[1]", "[\"a\"]", "{\"a\":\"a\"}"}) {
        for (const char* const wanted : {"", "[]", "{}", "1", "a", "[1]", "[", "null"})
            EXPECT_EQ(compare(value, wanted), "differs") << value << wanted;
    }
}

TEST(JsonValue, IsTheSameNumberHoweverItIsWritten) {
    const std::vector<std::vector<std::string>> groups = {
        {"0", "-0", "0.0", "-0.000", "0e5", "0E-5", "0e99999999999999999999", "0.0e-9999999999"},
        {"1", "1.0", "1e0", "10e-1", "0.1e1", "1.000", "0.001E+3", "1e-0", "100e-2", "1e00000"},
        {"-1", "-1.0", "-10e-1", "-0.01e2"},
        {"1.5", "15e-1", "0.15e1", "1.50", "150E-2", "0.0000015e6"},
        {"1200", "1.2e3", "12e2", "1200.0", "120e1", "0.12e4"},
        {"100", "1e2", "1e+2", "100.00", "0.1e3"},
        {"0.001", "1e-3", "0.1e-2", "10e-4"},
        {"9007199254740993", "9007199254740993.0", "9.007199254740993e15"},
        {"9007199254740992"},
        {"0.1"},
        {"0.1000000000000000055511151231257827"},
        {"1e400"},
        {"1e-400"},
        {"1e401", "10e400"},
        {"101"},
        {"1.01"},
        {"11"},
        {"1001"},
        {"1e999999999", "10e999999998"},
        {"1e-999999999", "0.1e-999999998"},
    };
    for (size_t i = 0; i < groups.size(); ++i) {
        for (size_t k = 0; k < groups.size(); ++k) {
            for (const std::string& a : groups[i]) {
                for (const std::string& b : groups[k])
                    EXPECT_EQ(compare(a, b), i == k ? "holds" : "differs") << a << " " << b;
            }
        }
    }
}

TEST(JsonValue, IsComparedToTheLastDigit) {
    const std::string many(250, '7');
    EXPECT_EQ(compare(many, many), "holds");
    EXPECT_EQ(compare(many + ".000", many), "holds");
    EXPECT_EQ(compare(many + std::string(10000, '0') + "e-10000", many), "holds");
    EXPECT_EQ(compare("0." + std::string(10000, '0') + many + "e10250", many), "holds");
    EXPECT_EQ(compare(many + "." + std::string(10000, '0') + "1", many), "differs");
    EXPECT_EQ(compare(many.substr(1) + "8", many), "differs");
    EXPECT_EQ(compare(many + "7", many), "differs");
    EXPECT_EQ(compare("1." + std::string(200000, '0'), "1"), "holds");
    EXPECT_EQ(compare("1." + std::string(200000, '0') + "1", "1"), "differs");
    EXPECT_EQ(compare("1" + std::string(200000, '0'), "1e200000"), "holds");
    EXPECT_EQ(compare("1" + std::string(200000, '0'), "1e199999"), "differs");
    EXPECT_EQ(compare("0." + std::string(200000, '0') + "1", "1e-200001"), "holds");
}

TEST(JsonValue, IsTheTextOfANumberWhoseExponentIsTooLarge) {
    for (const char* const number : {"1e1000000000", "-1.5E+99999999999999999999999999",
                                     "2e-18446744073709551616", "0.1e4294967296"}) {
        EXPECT_EQ(compare(number, number), "holds");
        EXPECT_EQ(compare(number, number + "0"s), "differs");
        EXPECT_EQ(compare(number + "0"s, number), "differs");
    }
    EXPECT_EQ(compare("1e1000000000", "1e1000000001"), "differs");
    EXPECT_EQ(compare("1e18446744073709551616", "1"), "differs");  // 2^64
    EXPECT_EQ(compare("1e4294967296", "1"), "differs");            // 2^32
    EXPECT_EQ(compare("1e-18446744073709551615", "10"), "differs");
    EXPECT_EQ(compare("1" + std::string(200, '0') + "e1000000000", "1e1000000200"), "differs");
}

TEST(JsonNumber, IsNotKnownToBeTheSameOverItsLimits) {
    const auto read = [](const std::string& text) {
        JsonNumber number;
        for (const char c : text) EXPECT_TRUE(number.feed(c)) << text;
        EXPECT_TRUE(number.complete());
        return number;
    };
    const std::string most(256, '3');
    EXPECT_TRUE(read(most) == read(most + ".0"));
    EXPECT_FALSE(read(most + "3") == read(most + "3"));
    EXPECT_TRUE(read("1e999999999") == read("1E+0999999999"));
    EXPECT_FALSE(read("1e1000000000") == read("1e1000000000"));
}

TEST(JsonValue, IsANumberByValueOnlyIfBothAreNumbers) {
    EXPECT_EQ(compare("\"1\"", "1"), "holds");
    EXPECT_EQ(compare("\"1.0\"", "1"), "differs");
    EXPECT_EQ(compare("1", "\"1\""), "differs");
    for (const char* const wanted :
         {"", "+1", "01", "1.", "1 ", " 1", "1x", "0x1", ".1e1", "1e", "true", "1e+", "-"})
        EXPECT_EQ(compare("1", wanted), "differs") << wanted;
    EXPECT_EQ(compare("0", ""), "differs");
    EXPECT_EQ(compare("true", "1"), "differs");
    EXPECT_EQ(compare("false", "0"), "differs");
    EXPECT_EQ(compare("null", "0"), "differs");
    EXPECT_EQ(compare("\"\"", "0"), "differs");
}

TEST(JsonValue, IsANumberAtTheRightPlaceOnly) {
    EXPECT_EQ(look("[2,1,3]", {"0=1", "1=1", "2=1"}), "differs holds differs");
    EXPECT_EQ(look(R"({"a":{"b":1},"c":1.0})", {"a=1", "a.b=1.0", "c=1", "b=1"}),
              "differs holds holds missing");
}

TEST(JsonPath, LeadsThroughObjectsAndArrays) {
    const std::string document =
        R"({"status":"UP","checks":[{"name":"db","ok":true},{"name":"mq","ok":false}],)"
        R"("database":{"connected":true,"pool":{"size":10}},"matrix":[[1,2],[3,[4]]]})";
    EXPECT_EQ(look(document, {"status=UP", "checks.0.name=db", "checks.1.name=mq", "checks.1.ok",
                              "database.connected", "database.pool.size=10", "matrix.1.1.0=4",
                              "matrix.1.0=3"}),
              "holds holds holds differs holds holds holds holds");
    EXPECT_EQ(look(document, {"Status", "checks.2.name", "checks.name", "database.0",
                              "database.connected.x", "status.0", "matrix.1.1.1", "name"}),
              "missing missing missing missing missing missing missing missing");
}

TEST(JsonPath, NamesNothingInAScalarAtTheRoot) {
    for (const char* const document : {"1", "\"a\"", "true", "null", "\"0\""})
        EXPECT_EQ(look(document, {"a", "0", "."}), "missing missing missing") << document;
}

TEST(JsonPath, HasIndicesWithoutLeadingZeros) {
    const std::string document = "[" + repeated("0,", 11) + "\"here\"]";
    EXPECT_EQ(look(document, {"11=here", "011", "-1", "+11", "1e1", "12", "11.", "0=0"}),
              "holds missing missing missing missing missing missing holds");
    EXPECT_EQ(look("[" + repeated("1,", 100000) + "2]", {"99999=1", "100000=2", "100001"}),
              "holds holds missing");
}

TEST(JsonPath, HasDigitsAsKeysInAnObject) {
    EXPECT_EQ(look(R"({"0":"a","01":"b","-1":"c"})", {"0=a", "01=b", "-1=c", "1"}),
              "holds holds holds missing");
}

TEST(JsonPath, MayHaveEmptyKeys) {
    EXPECT_EQ(look(R"({"":{"":1,"a":2},"b":{"":3}})", {".=1", ".a=2", "b.=3", "..", "a."}),
              "holds holds holds missing missing");
    EXPECT_EQ(look(R"({"a":{"":1}})", {"a", "a=1", "a.=1"}), "holds differs holds");
    EXPECT_EQ(look("[[1]]", {".", "0.", "0.0=1"}), "missing missing holds");
}

TEST(JsonPath, MayHaveEscapedCharacters) {
    const std::string document = R"({"a.b":1,"c=d":2,"e\\f":3,"a":{"b":4},"\\":5,".":6,"=":7})";
    EXPECT_EQ(look(document, {R"(a\.b=1)", R"(c\=d=2)", R"(e\\f=3)", "a.b=4", R"(\\=5)", R"(\.=6)",
                              R"(\==7)", R"(a\.b\=)"}),
              "holds holds holds holds holds holds holds missing");
    EXPECT_EQ(look(R"({"a.":{".b":1},"x\\":{"y":2}})", {R"(a\..\.b=1)", R"(x\\.y=2)", "a..b"}),
              "holds holds missing");
}

TEST(JsonPath, IsComparedWithDecodedKeys) {
    EXPECT_EQ(look(R"({"\u0061":1,"\u00e9":2,"\ud83d\ude00":3,"n\n":4,"\u002e":5})",
                   {"a=1", "\xc3\xa9=2", "\xf0\x9f\x98\x80=3", "n\n=4", R"(\.=5)"}),
              "holds holds holds holds holds");
}

TEST(JsonPath, MatchesWholeKeysOnly) {
    EXPECT_EQ(look(R"({"sta":1,"statuses":1,"xstatus":1,"status ":1,"":1})", "status"), "missing");
    EXPECT_EQ(look(R"({"a":{"bc":1},"ab":{"c":1},"a.b":{"c":1}})", "a.b.c"), "missing");
    EXPECT_EQ(look(R"({"a\\.b":1,"a\\":{"b":1}})", R"(a\.b)"), "missing");
}

TEST(JsonPath, IsFollowedFromTheRootOnly) {
    EXPECT_EQ(look(R"({"x":{"a":{"b":1}},"y":[{"a":{"b":1}}]})", "a.b"), "missing");
    EXPECT_EQ(look(R"({"x":{"a":1},"a":2})", "a=2"), "holds");
    EXPECT_EQ(look(R"({"a":2,"x":{"a":1}})", "a=2"), "holds");
    EXPECT_EQ(look(R"({"a":{"x":{"b":1},"b":2,"c":{"b":1}}})", "a.b=2"), "holds");
    EXPECT_EQ(look(R"({"a":{"c":1},"x":{"b":1}})", "a.b"), "missing");
    EXPECT_EQ(look(R"([[],{},[[1]],1])", {"0.0", "1.0", "2.0.0=1", "3=1"}),
              "missing missing holds holds");
}

TEST(JsonPath, MayBeAsDeepAsTheDocument) {
    std::string path = "0";
    for (unsigned i = 1; i < JsonMatcher::deepest; ++i) path += ".0";
    const std::string document = repeated("[", 64) + "7" + repeated("]", 64);
    EXPECT_EQ(look(document, {path + "=7", path, path + ".0"}), "holds holds missing");
    EXPECT_EQ(look("[" + document.substr(2, 125) + "]", path + "=7"), "missing");
    EXPECT_EQ(look(document, std::string(256, '.')), "missing");
}

TEST(JsonKey, CountsTheLastTimeItIsThere) {
    EXPECT_EQ(look(R"({"a":1,"a":2})", {"a=1", "a=2"}), "differs holds");
    EXPECT_EQ(look(R"({"a":1,"b":3,"\u0061":2})", {"a=1", "a=2", "b=3"}), "differs holds holds");
    EXPECT_EQ(look(R"({"a":1,"a":[]})", "a=1"), "differs");
    EXPECT_EQ(look(R"({"a":1,"a":null})", "a"), "differs");
    EXPECT_EQ(look(R"({"a":false,"a":{}})", "a"), "holds");
}

TEST(JsonKey, TakesItsMembersAlongWhenItIsThereAgain) {
    EXPECT_EQ(look(R"({"a":{"b":1},"a":5})", {"a.b", "a=5"}), "missing holds");
    EXPECT_EQ(look(R"({"a":5,"a":{"b":1}})", {"a.b=1", "a=5"}), "holds differs");
    EXPECT_EQ(look(R"({"a":{"b":1},"a":{"c":1}})", {"a.b", "a.c"}), "missing holds");
    EXPECT_EQ(look(R"({"a":{"b":1},"a":{}})", {"a.b", "a"}), "missing holds");
    EXPECT_EQ(look(R"({"a":[1,2,3],"a":[4]})", {"a.0=4", "a.1", "a.2"}), "holds missing missing");
    EXPECT_EQ(look(R"({"a":[1],"a":[]})", "a.0"), "missing");
    EXPECT_EQ(look(R"({"a":{"b":{"c":1},"b":{"c":2}}})", "a.b.c=2"), "holds");
    EXPECT_EQ(look(R"({"a":{"b":{"c":1}},"a":{"b":{}}})", "a.b.c"), "missing");
}

TEST(JsonFields, MayNameTheSamePlaceOrOneWithinAnother) {
    EXPECT_EQ(look(R"({"a":{"b":{"c":1}}})",
                   {"a", "a.b", "a.b.c", "a.b.c=1", "a.b.c=1.0", "a=1", "a.b.c=2", "a.b.c.d"}),
              "holds holds holds holds holds differs differs missing");
}

TEST(JsonFields, AreNamedByTheFirstThatDoesNotHold) {
    const JsonField fields[] = {*parse_json_field("a=1"), *parse_json_field("b=1"),
                                *parse_json_field("c=1")};
    JsonMatcher matcher(fields);
    for (const char c : R"({"a":1,"c":2})"s) matcher.feed(c);
    EXPECT_EQ(matcher.verdict(), Verdict::more);
    EXPECT_EQ(matcher.finish(), Verdict::bad);
    EXPECT_EQ(matcher.reason(), Reason::json_field);
    EXPECT_EQ(matcher.failed(), 1U);
    EXPECT_EQ(matcher.state(2), FieldState::differs);
}

TEST(JsonFields, AreNotAnsweredByADocumentThatIsNoJson) {
    EXPECT_EQ(look(R"({"a":1)", "a=1"), "JSON cut short");
    EXPECT_EQ(look(R"({"a":1,})", "a=1"), "not JSON");
    EXPECT_EQ(look("<html>", "a=1"), "not JSON");
}

TEST(JsonMatcher, TakesADocumentAsLongAsTheLimit) {
    const std::string start = "{\"a\":1}";
    const std::string blanks(JsonMatcher::limit - start.size(), ' ');
    EXPECT_EQ(look(start + blanks, "a=1"), "holds");
    EXPECT_EQ(look(start + blanks + " ", "a=1"), "JSON over 256 KiB");
    EXPECT_EQ(look("\xef\xbb\xbf" + start + blanks, "a=1"), "JSON over 256 KiB");
    const std::string text(JsonMatcher::limit - 2, 'x');
    EXPECT_EQ(reason_of("\"" + text + "\""), Reason::none);
    EXPECT_EQ(reason_of("\"x" + text + "\""), Reason::json_large);
    EXPECT_EQ(reason_of(std::string(JsonMatcher::limit, '1')), Reason::none);
}

TEST(JsonMatcher, TakesADocumentAsDeepAsTheLimit) {
    for (const auto& [open, close] :
         {std::pair{"["s, "]"s}, {"{\"a\":"s, "}"s}, {"[{\"b\":", "}]"}}) {
        const size_t most = open.size() == 1 || open[0] == '{' ? 64 : 32;
        const std::string deepest = repeated(open, most) + "1" + repeated(close, most);
        EXPECT_EQ(reason_of(deepest), Reason::none);
        EXPECT_EQ(reason_of("[" + deepest + "]"), Reason::json_deep);
        EXPECT_EQ(reason_of("{\"a\":" + deepest + "}"), Reason::json_deep);
        EXPECT_EQ(reason_of(repeated(open, 100000)), Reason::json_deep);
    }
    // Beside each other there may be more.
    EXPECT_EQ(reason_of("[" + repeated("[],{},", 1000) + "[]]"), Reason::none);
}

TEST(JsonMatcher, KnowsObjectsFromArraysAtEveryDepth) {
    std::string document = "1";
    std::string path;
    for (int i = 0; i < 64; ++i) {
        const bool object = i % 3 == 0;
        document = object ? "{\"k\":" + document + ",\"l\":0}" : "[" + document + ",0]";
        path = (object ? "k" : "0") + (path.empty() ? "" : "." + path);
    }
    EXPECT_EQ(look(document, path + "=1"), "holds");
}

TEST(JsonMatcher, IsBadAtOnce) {
    const struct {
        std::string document;
        Reason reason;
    } cases[] = {{"[1,]", Reason::not_json},
                 {"x", Reason::not_json},
                 {"\"\xc3\x28", Reason::not_json},
                 {repeated("[", 65), Reason::json_deep},
                 {std::string(JsonMatcher::limit + 1, ' '), Reason::json_large}};
    for (const auto& c : cases) {
        JsonMatcher matcher({});
        for (size_t i = 0; i < c.document.size(); ++i) {
            EXPECT_EQ(matcher.verdict(), Verdict::more) << c.document.substr(0, i);
            matcher.feed(c.document[i]);
        }
        EXPECT_EQ(matcher.verdict(), Verdict::bad) << c.document;
        EXPECT_EQ(matcher.reason(), c.reason) << c.document;
    }
}

TEST(JsonMatcher, KeepsItsVerdict) {
    const auto fed = [](JsonMatcher& matcher, const std::string& text) {
        for (const char c : text) matcher.feed(c);
    };
    JsonMatcher good({});
    fed(good, "{}");
    EXPECT_EQ(good.finish(), Verdict::done);
    fed(good, "garbage");
    EXPECT_EQ(good.finish(), Verdict::done);
    EXPECT_EQ(good.reason(), Reason::none);

    JsonMatcher cut({});
    fed(cut, "{\"a\":");
    EXPECT_EQ(cut.finish(), Verdict::bad);
    fed(cut, "1}");
    EXPECT_EQ(cut.finish(), Verdict::bad);
    EXPECT_EQ(cut.reason(), Reason::json_cut);

    const JsonField field = *parse_json_field("a=1");
    JsonMatcher differs({&field, 1});
    fed(differs, "{\"a\":2}");
    EXPECT_EQ(differs.finish(), Verdict::bad);
    EXPECT_EQ(differs.finish(), Verdict::bad);
    EXPECT_EQ(differs.reason(), Reason::json_field);
    EXPECT_EQ(differs.state(0), FieldState::differs);
}

}  // namespace
}  // namespace usher
