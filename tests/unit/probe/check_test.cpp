// SPDX-License-Identifier: MIT
#include "check.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace usher {
namespace {

using namespace std::string_literals;

constexpr Duration minute = 60 * second;

// The line that a user would read, or "" when there was nothing wrong.
std::string said(const BadInput& bad) {
    if (bad.problem.empty()) return "";
    char room[512];
    Writer line(room);
    add_bad_input(line, bad);
    return std::string(line.view());
}

Check good(std::string_view text) {
    Check check;
    BadInput bad;
    EXPECT_TRUE(parse_check(text, check, bad)) << text;
    EXPECT_EQ(said(bad), "") << text;
    EXPECT_EQ(check.text, text);
    return check;
}

std::string refusal(std::string_view text) {
    Check check;
    BadInput bad;
    EXPECT_FALSE(parse_check(text, check, bad)) << text;
    return said(bad);
}

struct TcpCase {
    const char* text;
    const char* host;
    int port;
    const char* authority;
    const char* target;
};

void expect_endpoint(const TcpCase& c, CheckKind kind) {
    const Check check = good(c.text);
    EXPECT_EQ(check.kind, kind) << c.text;
    EXPECT_FALSE(check.endpoint.is_unix) << c.text;
    EXPECT_EQ(check.endpoint.host, c.host) << c.text;
    EXPECT_EQ(check.endpoint.port, c.port) << c.text;
    EXPECT_EQ(check.endpoint.authority, c.authority) << c.text;
    EXPECT_EQ(check.target, c.target) << c.text;
}

void expect_unix(const char* text, CheckKind kind, std::string_view path, const char* target) {
    const Check check = good(text);
    EXPECT_EQ(check.kind, kind) << text;
    EXPECT_TRUE(check.endpoint.is_unix) << text;
    EXPECT_EQ(check.endpoint.path, path) << text;
    EXPECT_EQ(check.endpoint.authority, "localhost") << text;
    EXPECT_EQ(check.target, target) << text;
}

TEST(parse_check, reads_an_http_check) {
    const TcpCase cases[] = {
        {"http://app:8080/healthz", "app", 8080, "app:8080", "/healthz"},
        {"http://app/healthz", "app", 80, "app", "/healthz"},
        {"http://app", "app", 80, "app", "/"},
        {"http://app:81", "app", 81, "app:81", "/"},
        {"http://app:81/", "app", 81, "app:81", "/"},
        {"http://app/a//b?c=d&e=/f", "app", 80, "app", "/a//b?c=d&e=/f"},
        {"http://127.0.0.1:1/x", "127.0.0.1", 1, "127.0.0.1:1", "/x"},
        {"http://[::1]/x", "::1", 80, "[::1]", "/x"},
        {"http://[::1]:65535/x", "::1", 65535, "[::1]:65535", "/x"},
        {"http:///x", "", 80, "", "/x"},
    };
    for (const TcpCase& c : cases) expect_endpoint(c, CheckKind::http);
}

TEST(parse_check, takes_a_port_alone_for_http_on_this_container) {
    const TcpCase cases[] = {
        {":8080", "", 8080, ":8080", "/"},
        {":8080/", "", 8080, ":8080", "/"},
        {":8080/healthz?x=:y", "", 8080, ":8080", "/healthz?x=:y"},
    };
    for (const TcpCase& c : cases) expect_endpoint(c, CheckKind::http);
}

TEST(parse_check, drops_the_fragment_of_a_url) {
    EXPECT_EQ(good("http://app/x?y#z#/").target, "/x?y");
    EXPECT_EQ(good("http://app/#").target, "/");
}

TEST(parse_check, reads_a_tcp_check) {
    const TcpCase cases[] = {
        {"tcp://db:5432", "db", 5432, "db:5432", ""},
        {"tcp://:5432", "", 5432, ":5432", ""},
        {"tcp://[fe80::1]:1", "fe80::1", 1, "[fe80::1]:1", ""},
        {"tcp://db:0000001", "db", 1, "db:0000001", ""},
    };
    for (const TcpCase& c : cases) expect_endpoint(c, CheckKind::tcp);
}

TEST(parse_check, reads_a_grpc_check) {
    const TcpCase cases[] = {
        {"grpc://app:50051", "app", 50051, "app:50051", ""},
        {"grpc://app:50051/", "app", 50051, "app:50051", ""},
        {"grpc://app:50051/my.Service", "app", 50051, "app:50051", "my.Service"},
        {"grpc://:50051/a/b", "", 50051, ":50051", "a/b"},
        {"grpc://[::1]:50051/s", "::1", 50051, "[::1]:50051", "s"},
    };
    for (const TcpCase& c : cases) expect_endpoint(c, CheckKind::grpc);
}

TEST(parse_check, reads_unix_sockets) {
    expect_unix("unix:/run/app.sock", CheckKind::tcp, "/run/app.sock", "");
    expect_unix("unix:@app", CheckKind::tcp, "@app", "");
    expect_unix("http://unix:/run/app.sock", CheckKind::http, "/run/app.sock", "/");
    expect_unix("http://unix:/run/app.sock:/healthz", CheckKind::http, "/run/app.sock", "/healthz");
    expect_unix("http://unix:@app:/healthz?a=b#c", CheckKind::http, "@app", "/healthz?a=b");
    expect_unix("grpc://unix:/run/app.sock", CheckKind::grpc, "/run/app.sock", "");
    expect_unix("grpc://unix:/run/app.sock:/my.Service", CheckKind::grpc, "/run/app.sock",
                "my.Service");
}

TEST(parse_check, takes_the_whole_of_a_tcp_check_s_unix_path_for_the_path) {
    EXPECT_EQ(good("unix:/run/a:/b").endpoint.path, "/run/a:/b");
}

TEST(parse_check, bounds_a_unix_path_by_what_the_kernel_takes) {
    const std::string longest = "/" + std::string(longest_unix_path - 1, 'x');
    EXPECT_EQ(good("unix:" + longest).endpoint.path, longest);
    EXPECT_EQ(refusal("unix:" + longest + "x"),
              "not a unix socket '" + longest +
                  "x'; accepted: unix:/PATH or unix:@NAME, up to 107 bytes");
}

TEST(parse_check, refuses_what_is_no_unix_socket) {
    for (const std::string path : {"", "/", "@", "run/app.sock"}) {
        const std::string says =
            "not a unix socket '" + path + "'; accepted: unix:/PATH or unix:@NAME, up to 107 bytes";
        for (const char* scheme : {"unix:", "http://unix:", "grpc://unix:"}) {
            const std::string got = refusal(scheme + path);
            if (path.empty()) {
                EXPECT_EQ(got.rfind("not a unix socket", 0), 0U) << scheme << ": " << got;
            } else {
                EXPECT_EQ(got, says) << scheme;
            }
        }
    }
}

TEST(parse_check, refuses_a_port_that_is_none) {
    const struct {
        std::string text;
        std::string port;
    } cases[] = {
        {":0", "0"},
        {":65536", "65536"},
        {":x/", "x"},
        {"http://app:-1/x", "-1"},
        {"http://app:80x", "80x"},
        {"http://app:99999999999999999999/", "99999999999999999999"},
        {"tcp://app:0", "0"},
        {"tcp://app:5432/x", "5432/x"},
        {"tcp://app:1:2", "1:2"},
        {"tcp://::1", ":1"},
        {"tcp://[::1]:+1", "+1"},
        {"grpc://app: 1", " 1"},
    };
    for (const auto& c : cases) {
        EXPECT_EQ(refusal(c.text), "not a port '" + c.port + "'; accepted: 1 to 65535") << c.text;
    }
    for (const char* text : {":", ":/x", "http://app:/x", "tcp://app:", "tcp://[::1]:", "grpc://:"})
        EXPECT_EQ(refusal(text).rfind("not a port", 0), 0U) << text << ": " << refusal(text);
}

TEST(parse_check, wants_a_port_where_none_is_usual) {
    const std::string forms = "; accepted: HOST:PORT, [IPv6]:PORT or unix:/SOCKET";
    EXPECT_EQ(refusal("tcp://app"), "needs a port 'app'" + forms);
    EXPECT_EQ(refusal("tcp://[::1]"), "needs a port '[::1]'" + forms);
    EXPECT_EQ(refusal("grpc://app"), "needs a port 'app'" + forms);
    EXPECT_EQ(refusal("grpc://app/service"), "needs a port 'app'" + forms);
    EXPECT_EQ(refusal("tcp://").rfind("needs a port", 0), 0U);
}

TEST(parse_check, refuses_brackets_around_anything_but_an_ipv6_address) {
    for (const std::string host :
         {"[]:1", "[app]:1", "[127.0.0.1]:1", "[::1]1", "[::1]x:1", "[[::1]]:1", "[fe80::1%]:1",
          "[127.0.0.1%eth0]:1", "[fe80::1%e h]:1"}) {
        EXPECT_EQ(refusal("tcp://" + host),
                  "not a host '" + host + "'; accepted: HOST:PORT, [IPv6]:PORT or unix:/SOCKET");
        EXPECT_EQ(refusal("http://" + host + "/x"),
                  "not a host '" + host + "'; accepted: HOST:PORT, [IPv6]:PORT or unix:/SOCKET");
    }
}

TEST(parse_check, refuses_a_bracket_that_never_closes) {
    for (const char* text : {"http://[::1/x", "http://[::1:1/x", "tcp://[::1", "grpc://[::1:1"})
        EXPECT_EQ(refusal(text).rfind("not a host", 0), 0U) << text;
}

TEST(parse_check, refuses_a_path_that_cannot_be_sent) {
    EXPECT_EQ(refusal(":80/\xc3\xa9"),
              "not a path '/?"
              "?'; accepted: printable ASCII without blanks");
    EXPECT_EQ(refusal(":80/a b"), "not a path '/a b'; accepted: printable ASCII without blanks");
    EXPECT_EQ(refusal("http://unix:/run/app.sock:/a b"),
              "not a path '/a b'; accepted: printable ASCII without blanks");
}

TEST(parse_check, reads_a_file_check) {
    const Check check = good("file:/tmp/healthy");
    EXPECT_EQ(check.kind, CheckKind::file);
    EXPECT_EQ(check.target, "/tmp/healthy");
    EXPECT_EQ(check.max_age, infinite);
    EXPECT_EQ(check.min_size, 0U);
}

TEST(parse_check, reads_the_conditions_of_a_file_check) {
    const Check both = good("file:/a?max-age=1m30s&min-size=42");
    EXPECT_EQ(both.target, "/a");
    EXPECT_EQ(both.max_age, minute + 30 * second);
    EXPECT_EQ(both.min_size, 42U);
    const Check swapped = good("file:/a?min-size=0&max-age=0.5");
    EXPECT_EQ(swapped.max_age, second / 2);
    EXPECT_EQ(swapped.min_size, 0U);
    EXPECT_EQ(good("file:/a?max-age=1&max-age=2").max_age, 2 * second);
    EXPECT_EQ(good("file:/a?min-size=9223372036854775807").min_size, 9223372036854775807U);
}

TEST(parse_check, refuses_conditions_that_it_does_not_know) {
    for (const std::string condition :
         {"", "max-age", "max-age=", "max-age=x", "max-age=inf", "max-age=-1",
          "min-size=", "min-size=1k", "min-size=-1", "min-size=9223372036854775808", "min-size=1=2",
          "age=1", "Max-Age=1", "max-age=1,min-size=1"}) {
        const std::string says =
            "not a condition '" + condition + "'; accepted: max-age=DURATION, min-size=BYTES";
        EXPECT_EQ(refusal("file:/a?" + condition), says);
        EXPECT_EQ(refusal("file:/a?max-age=1&" + condition), says);
        EXPECT_EQ(refusal("file:/a?" + condition + "&min-size=1"), says);
    }
}

TEST(parse_check, wants_the_path_of_a_file) {
    EXPECT_EQ(refusal("file:"), "needs a path 'file:'; accepted: file:/PATH");
    EXPECT_EQ(refusal("file:relative"), "needs a path 'file:relative'; accepted: file:/PATH");
    EXPECT_EQ(refusal("file:?max-age=1"), "needs a path 'file:?max-age=1'; accepted: file:/PATH");
}

TEST(parse_check, reads_a_pid_check) {
    const Check by_file = good("pid:/run/app.pid");
    EXPECT_EQ(by_file.kind, CheckKind::pid);
    EXPECT_EQ(by_file.target, "/run/app.pid");
    EXPECT_EQ(by_file.pid, 0);
    const Check by_number = good("pid:2147483647");
    EXPECT_EQ(by_number.kind, CheckKind::pid);
    EXPECT_EQ(by_number.target, "");
    EXPECT_EQ(by_number.pid, 2147483647);
}

TEST(parse_check, refuses_what_is_no_pid) {
    for (const std::string pid : {"0", "-1", "+1", "1x", "2147483648", "self", "run/app.pid"})
        EXPECT_EQ(refusal("pid:" + pid), "not a pid '" + pid + "'; accepted: pid:/PATH or pid:N");
    EXPECT_EQ(refusal("pid:").rfind("not a pid", 0), 0U) << refusal("pid:");
}

TEST(parse_check, reads_the_checks_of_usher_s_own_state) {
    EXPECT_EQ(good("ready:").kind, CheckKind::ready);
    EXPECT_EQ(good("live:").kind, CheckKind::live);
}

const std::string all_forms =
    "; accepted: http://HOST[:PORT]/PATH, https://HOST[:PORT]/PATH, :PORT/PATH, tcp://HOST:PORT, "
    "tls://HOST:PORT, unix:/SOCKET, grpc://HOST:PORT[/SERVICE], grpcs://HOST:PORT[/SERVICE], "
    "redis://HOST, postgres://HOST, mysql://HOST, file:/PATH, pid:/PATH, ready:, live:";

TEST(parse_check, reads_the_checks_of_databases) {
    expect_endpoint({"redis://db:7000", "db", 7000, "db:7000", ""}, CheckKind::redis);
    expect_endpoint({"redis://db/3", "db", 6379, "db", "3"}, CheckKind::redis);
    expect_endpoint({"redis://", "", 6379, "", ""}, CheckKind::redis);
    expect_endpoint({"redis://[::1]:1", "::1", 1, "[::1]:1", ""}, CheckKind::redis);
    expect_endpoint({"postgres://db", "db", 5432, "db", ""}, CheckKind::postgres);
    expect_endpoint({"postgresql://db:1/shop?sslmode=off", "db", 1, "db:1", "shop"},
                    CheckKind::postgres);
    expect_endpoint({"postgres://db?sslmode=off", "db", 5432, "db", ""}, CheckKind::postgres);
    expect_endpoint({"MySQL://db/shop", "db", 3306, "db", "shop"}, CheckKind::mysql);
    expect_unix("redis://unix:/run/r.sock", CheckKind::redis, "/run/r.sock", "");
    expect_unix("postgres://unix:/run/.s.PGSQL.5432:/shop", CheckKind::postgres,
                "/run/.s.PGSQL.5432", "shop");
    expect_unix("mysql://unix:/run/m.sock", CheckKind::mysql, "/run/m.sock", "");
    EXPECT_EQ(refusal("redis://db:secret"), "not a port '...'; accepted: 1 to 65535");
    EXPECT_EQ(refusal("redis://db:$SECRET"), "not a port '...'; accepted: 1 to 65535");
    EXPECT_EQ(refusal("redis://db:70000"), "not a port '70000'; accepted: 1 to 65535");
    EXPECT_EQ(refusal("mysql://me@db").find("me"), std::string::npos);
    EXPECT_EQ(refusal("mysql://a b"),
              "not a host 'a b'; accepted: HOST:PORT, [IPv6]:PORT or unix:/SOCKET");
}

TEST(parse_check, refuses_what_is_no_check_and_says_what_is_one) {
    for (const std::string text : {"app", "http:/app", "ftp://app", "ready:now", "live:/", " :80",
                                   "app:http", "a b:80", "99999", ""})
        EXPECT_EQ(refusal(text), "unknown check '" + text + "'" + all_forms);
}

TEST(parse_check, knows_frequent_slips_and_says_what_was_meant) {
    const struct {
        const char* text;
        const char* says;
    } cases[] = {
        {"localhost:8080",
         "unknown check 'localhost:8080'; did you mean http://localhost:8080/ or "
         "tcp://localhost:8080?"},
        {"[::1]:80", "unknown check '[::1]:80'; did you mean http://[::1]:80/ or tcp://[::1]:80?"},
        {"db:5432/x", "unknown check 'db:5432/x'; did you mean http://db:5432/x?"},
        {"8080", "unknown check '8080'; did you mean :8080/ or tcp://:8080?"},
        {"/healthz",
         "unknown check '/healthz'; a path needs a port, as in :8080/healthz; a file is "
         "file:/healthz"},
        {"ready", "unknown check 'ready'; did you mean ready:?"},
        {"live", "unknown check 'live'; did you mean live:?"},
        {":$PORT/x", "not a port '$PORT'; write ${PORT}: there is no shell here"},
        {"tcp://db:$DB_PORT", "not a port '$DB_PORT'; write ${DB_PORT}: there is no shell here"},
        {"tcp://$HOST:80", "not a host '$HOST:80'; write ${HOST}: there is no shell here"},
    };
    for (const auto& c : cases) EXPECT_EQ(refusal(c.text), c.says);
}

TEST(parse_check, prints_no_password) {
    const std::string says = "no user:password@; use -H 'Authorization: ...'";
    EXPECT_EQ(refusal("http://user:hunter2@h/"), says);
    EXPECT_EQ(refusal("http://hunter2@h/"), says);
    EXPECT_EQ(refusal("http://user:hun/ter2@h/"), says);
    EXPECT_EQ(refusal("http://user:hun?ter2@h/"), says);
    EXPECT_EQ(refusal("grpc://user:hunter2@h:1"), says);
    for (const char* text : {"tcp://user:hunter2@h:1", "tcp://user@hunter2@h:x", ":hunter2@h/",
                             "https://user:hunter2@h/", "amqp://user:hunter2@h:5672/",
                             "amqp://user:hunter2\n@h:5672/"})
        EXPECT_EQ(refusal(text).find("hunter2"), std::string::npos) << refusal(text);
    EXPECT_EQ(good("http://h/users/@me").target, "/users/@me");
}

TEST(parse_check, takes_a_scheme_in_any_case) {
    EXPECT_EQ(good("HTTP://app/").kind, CheckKind::http);
    EXPECT_EQ(good("Http://UNIX:/run/a:/x").endpoint.path, "/run/a");
    EXPECT_EQ(good("TCP://app:1").kind, CheckKind::tcp);
    EXPECT_EQ(good("Grpc://app:1").kind, CheckKind::grpc);
    EXPECT_EQ(good("FILE:/a").kind, CheckKind::file);
    EXPECT_EQ(good("Ready:").kind, CheckKind::ready);
}

TEST(parse_check, takes_only_the_letters_of_a_host_s_name) {
    EXPECT_EQ(good("tcp://my_db-1.svc:1").endpoint.host, "my_db-1.svc");
    for (const std::string host : {"local host", "a,b", "a!b", "caf\xc3\xa9", "a%20b", "a\\b"}) {
        EXPECT_EQ(refusal("http://" + host + "/").rfind("not a host '", 0), 0U) << host;
        EXPECT_EQ(refusal("tcp://" + host + ":1").rfind("not a host '", 0), 0U) << host;
        EXPECT_EQ(refusal("grpc://" + host + ":1").rfind("not a host '", 0), 0U) << host;
    }
}

TEST(parse_check, keeps_the_zone_of_an_ipv6_address) {
    const Check plain = good("http://[fe80::1%eth0]:80/");
    EXPECT_EQ(plain.endpoint.host, "fe80::1");
    EXPECT_EQ(plain.endpoint.zone, "eth0");
    EXPECT_EQ(good("tcp://[fe80::1%25eth0]:80").endpoint.zone, "eth0");
    EXPECT_EQ(good("tcp://[fe80::1%25]:80").endpoint.zone, "25");
    EXPECT_EQ(good("tcp://[fe80::1]:80").endpoint.zone, "");
}

std::string whole(std::string_view text) {
    char room[64];
    Writer out(room);
    return std::string(with_path(text, out));
}

TEST(with_path, adds_the_slash_before_a_query) {
    EXPECT_EQ(whole("http://localhost?x"), "http://localhost/?x");
    EXPECT_EQ(whole("HTTP://localhost:1?x=/y"), "HTTP://localhost:1/?x=/y");
    EXPECT_EQ(good("http://localhost/?x").target, "/?x");
    for (const char* text :
         {"http://a/?x", "http://a", "http://a#?", "file:/a?max-age=1s", "?", ""})
        EXPECT_EQ(whole(text), text);
}

TEST(parse_check, refuses_control_characters_wherever_they_stand) {
    for (const std::string& text : {"http://a/\nb"s, "tcp://a\r:1"s, "file:/a\tb"s, ":80/\x7f"s,
                                    "unix:/a\0b"s, "grpc://a:1/\x1b[31m"s})
        EXPECT_EQ(refusal(text).rfind("unknown check '", 0), 0U) << text;
}

TEST(parse_check, knows_tls) {
    const Check https = good("HTTPS://app/x");
    EXPECT_TRUE(https.kind == CheckKind::http && https.uses_tls);
    EXPECT_EQ(https.endpoint.port, 443);
    EXPECT_EQ(https.target, "/x");
    EXPECT_EQ(good("https://unix:/run/a.sock:/x").endpoint.path, "/run/a.sock");
    const Check grpcs = good("grpcs://app:1/service");
    EXPECT_TRUE(grpcs.kind == CheckKind::grpc && grpcs.uses_tls);
    EXPECT_EQ(grpcs.target, "service");
    for (const char* text : {"tls://app:1", "tls://unix:/run/a.sock", "tls://[::1]:1"}) {
        const Check tls = good(text);
        EXPECT_TRUE(tls.kind == CheckKind::tcp && tls.uses_tls) << text;
    }
    for (const char* text : {"http://app/", "grpc://app:1", "tcp://app:1", "redis://app"})
        EXPECT_FALSE(good(text).uses_tls) << text;
    EXPECT_EQ(refusal("tls://app"),
              "needs a port 'app'; accepted: HOST:PORT, [IPv6]:PORT or unix:/SOCKET");
    EXPECT_EQ(refusal("grpcs://app"), refusal("grpc://app"));
}

TEST(parse_check, says_where_options_go) {
    for (const std::string text : {"-t", "--timeout=1s", "-"})
        EXPECT_EQ(refusal(text), "an option where a check is wanted: '" + text +
                                     "'; accepted: [OPTIONS] CHECK...");
}

TEST(parse_check, keeps_nothing_of_the_check_before) {
    Check check;
    BadInput bad;
    ASSERT_TRUE(parse_check("http://unix:/run/app.sock:/x", check, bad));
    ASSERT_TRUE(parse_check("tcp://a:1", check, bad));
    EXPECT_FALSE(check.endpoint.is_unix);
    EXPECT_EQ(check.endpoint.path, "");
    EXPECT_EQ(check.target, "");
    ASSERT_TRUE(parse_check("file:/a?max-age=1&min-size=1", check, bad));
    ASSERT_TRUE(parse_check("file:/b", check, bad));
    EXPECT_EQ(check.max_age, infinite);
    EXPECT_EQ(check.min_size, 0U);
}

}  // namespace
}  // namespace usher
