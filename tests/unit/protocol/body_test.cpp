// SPDX-License-Identifier: MIT
#include "body.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace usher {
namespace {

struct Found {
    Verdict at_once;  // when all was fed,
    Verdict at_end;   // and when the body was over
    Reason reason;
    bool operator==(const Found&) const = default;
};

Found look(std::string_view body, std::string_view needle, std::vector<std::string> texts = {}) {
    std::vector<JsonField> fields;
    for (const std::string& text : texts) fields.push_back(*parse_json_field(text));
    BodySearch search(needle, fields);
    for (const char c : body) search.feed(c);
    const Verdict at_once = search.verdict();
    search.finish();
    return {at_once, search.verdict(), search.reason()};
}

constexpr Verdict more = Verdict::more, done = Verdict::done, bad = Verdict::bad;

TEST(BodySearch, is_done_before_it_begins_where_nothing_is_looked_for) {
    EXPECT_EQ(look("", ""), (Found{done, done, Reason::none}));
    EXPECT_EQ(look("anything", ""), (Found{done, done, Reason::none}));
}

TEST(BodySearch, is_done_as_soon_as_a_text_was_found) {
    EXPECT_EQ(look("all is well", "is w"), (Found{done, done, Reason::none}));
    EXPECT_EQ(look("all is wel", "is well"), (Found{more, bad, Reason::not_found}));
}

TEST(BodySearch, reads_json_to_its_end) {
    EXPECT_EQ(look(R"({"a":1})", "", {"a=1"}), (Found{more, done, Reason::none}));
    EXPECT_EQ(look(R"({"a":2})", "", {"a=1"}), (Found{more, bad, Reason::json_field}));
    EXPECT_EQ(look(R"({"a":1)", "", {"a=1"}), (Found{more, bad, Reason::json_cut}));
    EXPECT_EQ(look(R"({"a":1}x)", "", {"a=1"}), (Found{bad, bad, Reason::not_json}));
    EXPECT_EQ(look("", "", {"a"}), (Found{more, bad, Reason::json_cut}));
}

TEST(BodySearch, wants_both_a_text_and_fields) {
    EXPECT_EQ(look(R"({"a":1})", "a", {"a=1"}), (Found{more, done, Reason::none}));
    EXPECT_EQ(look(R"({"a":1})", "b", {"a=1"}), (Found{more, bad, Reason::not_found}));
    EXPECT_EQ(look(R"({"a":1})", "a", {"b"}), (Found{more, bad, Reason::json_field}));
    EXPECT_EQ(look("no", "no", {"b"}), (Found{bad, bad, Reason::not_json}));
}

TEST(BodySearch, of_several_fields_tells_the_first_that_does_not_hold) {
    const std::vector<JsonField> fields = {*parse_json_field("a"), *parse_json_field("b"),
                                           *parse_json_field("c")};
    BodySearch search("", fields);
    for (const char c : std::string_view(R"({"c":null,"a":0})")) search.feed(c);
    search.finish();
    EXPECT_EQ(search.json().failed(), 1U);
    EXPECT_EQ(search.json().state(1), FieldState::missing);
    EXPECT_EQ(search.json().state(2), FieldState::differs);
}

TEST(BodySearch, looks_for_the_text_in_64_kib_and_for_fields_in_256) {
    const std::string filler(BodySearch::text_limit, ' ');
    EXPECT_EQ(look(filler + R"({"a":1})", "", {"a"}), (Found{more, done, Reason::none}));
    EXPECT_EQ(look(filler + R"({"a":1})", "a", {"a"}), (Found{bad, bad, Reason::not_found}));
}

}  // namespace
}  // namespace usher
