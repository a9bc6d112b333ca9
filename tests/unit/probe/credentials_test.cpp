// SPDX-License-Identifier: MIT
#include "credentials.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace usher {
namespace {

struct Parts {
    std::string scheme;
    std::string user;      // "none": there is none
    std::string password;  // the same
    std::string rest;
    bool operator==(const Parts&) const = default;
    friend std::ostream& operator<<(std::ostream& out, const Parts& parts) {
        return out << parts.scheme << " | " << parts.user << " | " << parts.password << " | "
                   << parts.rest;
    }
};

std::string or_none(std::string_view text) {
    return text.data() == nullptr ? "none" : std::string(text);
}

Parts split(std::string_view text) {
    const SplitCheck parts = split_check(text);
    return {std::string(parts.scheme), or_none(parts.user), or_none(parts.password),
            std::string(parts.rest)};
}

TEST(split_check, cuts_user_and_password_out_of_a_database_s_check) {
    EXPECT_EQ(split("redis://me:secret@db:1"), (Parts{"redis://", "me", "secret", "db:1"}));
    EXPECT_EQ(split("redis://:secret@db"), (Parts{"redis://", "", "secret", "db"}));
    EXPECT_EQ(split("redis://me:@db"), (Parts{"redis://", "me", "", "db"}));
    EXPECT_EQ(split("postgres://app@db/x"), (Parts{"postgres://", "app", "none", "db/x"}));
    EXPECT_EQ(split("PostgreSQL://app@db"), (Parts{"PostgreSQL://", "app", "none", "db"}));
    EXPECT_EQ(split("mysql://@db"), (Parts{"mysql://", "", "none", "db"}));
}

TEST(split_check, leaves_a_check_without_them_as_it_is) {
    EXPECT_EQ(split("redis://db"), (Parts{"redis://", "none", "none", "db"}));
    EXPECT_EQ(split("http://a@b/?c"), (Parts{"", "none", "none", "http://a@b/?c"}));
    EXPECT_EQ(split("redis:/a@b"), (Parts{"", "none", "none", "redis:/a@b"}));
    EXPECT_EQ(split(""), (Parts{"", "none", "none", ""}));
}

TEST(split_check, knows_that_a_socket_s_path_may_have_an_at_sign) {
    EXPECT_EQ(split("redis://unix:/run/a@b"), (Parts{"redis://", "none", "none", "unix:/run/a@b"}));
    EXPECT_EQ(split("mysql://me@unix:/run/a@b"),
              (Parts{"mysql://", "me", "none", "unix:/run/a@b"}));
}

TEST(split_check, takes_the_last_at_sign_for_a_password_may_have_any_character) {
    EXPECT_EQ(split("redis://:p@ss/w:rd@db"), (Parts{"redis://", "", "p@ss/w:rd", "db"}));
}

TEST(split_check, drops_what_is_for_other_clients) {
    EXPECT_EQ(split("postgres://a:b@h/x?password=c&x=d@e"),
              (Parts{"postgres://", "a", "b", "h/x"}));
    EXPECT_EQ(split("redis://${H:-a?b}?c"), (Parts{"redis://", "none", "none", "${H:-a?b}"}));
}

TEST(split_check, looks_for_nothing_within_a_variable) {
    EXPECT_EQ(split("redis://:${PW:-a@b}@db"), (Parts{"redis://", "", "${PW:-a@b}", "db"}));
    EXPECT_EQ(split("redis://${U:-me}:x@db"), (Parts{"redis://", "${U:-me}", "x", "db"}));
    EXPECT_EQ(split("postgres://${U:-me}@db"), (Parts{"postgres://", "${U:-me}", "none", "db"}));
    EXPECT_EQ(split("redis://${HOST:-a@b}"), (Parts{"redis://", "none", "none", "${HOST:-a@b}"}));
    EXPECT_EQ(split("redis://${HOST@b"), (Parts{"redis://", "none", "none", "${HOST@b"}));
}

TEST(is_written_out, what_is_not_in_a_variable) {
    for (const char* text : {"x", "$PW", "a:b", "${PW:-x}"}) EXPECT_TRUE(is_written_out(text));
    for (const char* text : {"", "${PW}", "${PW:-}", "a${PW}"}) EXPECT_FALSE(is_written_out(text));
}

TEST(hide_secrets, in_a_word_that_may_have_a_password) {
    for (const char* text : {"me:x@tcp(db)", "host=db PASSWORD=x", "jdbc:x?password=y", "@"}) {
        BadInput bad{.problem = "bad", .word = text, .hint = "so", .hint_word = text};
        hide_secrets(bad);
        EXPECT_EQ(bad.word, "...");
        EXPECT_TRUE(bad.hint.empty());
    }
    for (const char* text : {"", "localhost:80", "pass"}) {
        BadInput bad{.problem = "bad", .word = text};
        hide_secrets(bad);
        EXPECT_EQ(bad.word, text);
    }
}

std::string decoded(std::string_view text, bool with_environment = true, std::size_t room = 64) {
    std::string raw = "PW=p%41${X}:@/";
    std::array<char*, 2> environment = {raw.data(), nullptr};
    std::string buffer(room, '\0');
    Writer line{std::span<char>(buffer)};
    BadInput bad;
    if (!decode_credential(text, with_environment ? environment.data() : nullptr, line, bad)) {
        return std::string(bad.problem.view());
    }
    return std::string(line.view());
}

TEST(decode_credential, decodes_what_is_written_and_takes_a_variable_as_it_is) {
    EXPECT_EQ(decoded(""), "");
    EXPECT_EQ(decoded("a%20b%2fc%2F"), "a b/c/");
    EXPECT_EQ(decoded("${PW}"), "p%41${X}:@/");
    EXPECT_EQ(decoded("%61${PW}%62"), "ap%41${X}:@/b");
    EXPECT_EQ(decoded("${NONE:-a%41}"), "a%41");
}

TEST(decode_credential, leaves_what_is_no_code) {
    for (const char* text : {"%", "%4", "%4g", "%%", "100%", "$PW", "{PW}"}) {
        EXPECT_EQ(decoded(text), text);
    }
}

TEST(decode_credential, without_an_environment_expands_nothing) {
    EXPECT_EQ(decoded("${PW}%41", false), "${PW}A");
}

TEST(decode_credential, says_what_is_wrong) {
    EXPECT_EQ(decoded("${NONE}"), "variable is not set:");
    EXPECT_EQ(decoded("a${PW"), "no closing brace in");
    EXPECT_EQ(decoded("0123456789", true, 9), "too long: user or password");
    EXPECT_EQ(decoded("0123456789", true, 10), "0123456789");
}

}  // namespace
}  // namespace usher
