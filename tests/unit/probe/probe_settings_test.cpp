// SPDX-License-Identifier: MIT
#include "probe_settings.hpp"

#include <gtest/gtest.h>

#include <string>

namespace usher {
namespace {

using namespace std::string_literals;

// Every status of a list, as `first-last` for what is in one piece; "bad" for a list that is
// refused.
std::string statuses_of(const StatusSet& set) {
    std::string out;
    for (int status = -1; status <= 700; ++status) {
        if (!set.has(status)) continue;
        const int first = status;
        while (set.has(status + 1)) ++status;
        if (!out.empty()) out += ",";
        out += std::to_string(first);
        if (status != first) out += "-" + std::to_string(status);
    }
    return out;
}

std::string listed(std::string_view text) {
    const auto set = parse_status_list(text);
    return set ? statuses_of(*set) : "bad";
}

TEST(parse_status_list, reads_single_statuses_and_ranges) {
    for (const char* text :
         {"200", "100", "599", "200-399", "100-599", "200,204,300-399", "100,599", "127-129"})
        EXPECT_EQ(listed(text), text);
    EXPECT_EQ(listed("200-200"), "200");
    EXPECT_EQ(listed("0200"), "200");
}

TEST(parse_status_list, takes_them_in_any_order_and_more_than_once) {
    EXPECT_EQ(listed("404,200"), "200,404");
    EXPECT_EQ(listed("200,200"), "200");
    EXPECT_EQ(listed("200-250,240-300"), "200-300");
    EXPECT_EQ(listed("191,192,193"), "191-193");
}

TEST(parse_status_list, refuses_what_is_no_list) {
    for (const char* text : {"",         "x",
                             "99",       "600",
                             "99-200",   "200-600",
                             "300-200",  "-1",
                             "200-",     "-200",
                             "200,",     ",200",
                             "200,,204", "200 ",
                             " 200",     "200-300-400",
                             "2xx",      "200;204",
                             "200, 204", "+200",
                             "0",        "20",
                             "2000",     "-",
                             ",",        "18446744073709551816"})
        EXPECT_EQ(listed(text), "bad") << text;
}

TEST(StatusSet, has_nothing_until_something_is_added) {
    EXPECT_EQ(statuses_of(StatusSet()), "");
    EXPECT_FALSE(StatusSet().has(0));
}

TEST(StatusSet, answers_for_any_number) {
    StatusSet set;
    set.add(100, 599);
    for (const int status : {-2147483647 - 1, -1, 0, 99, 600, 639, 640, 641, 999, 2147483647})
        EXPECT_FALSE(set.has(status)) << status;
}

class ProbeOptions : public testing::Test {
  protected:
    // What was wrong, or "" when the option was taken.
    std::string apply(OptionId id, std::string_view value = {}, Command command = Command::probe) {
        ProbeSettings& target = command == Command::wait ? wait : probe;
        BadInput bad;
        const bool taken = apply_probe_option(target, command, id, value, bad);
        if (bad.problem.empty()) {
            EXPECT_TRUE(taken) << value;
            return "";
        }
        EXPECT_FALSE(taken) << value;
        char room[512];
        Writer line(room);
        add_bad_input(line, bad);
        return std::string(line.view());
    }

    ProbeSettings probe{Command::probe};
    ProbeSettings wait{Command::wait};
};

TEST_F(ProbeOptions, begin_with_their_defaults) {
    for (const ProbeSettings* settings : {&probe, &wait}) {
        EXPECT_EQ(settings->interval, 500 * millisecond);
        EXPECT_EQ(settings->status_list, "200-399");
        EXPECT_EQ(statuses_of(settings->statuses), "200-399");
        EXPECT_EQ(settings->method, "GET");
        EXPECT_EQ(settings->header_count, 0U);
        EXPECT_EQ(settings->host, "");
        EXPECT_EQ(settings->contains, "");
        EXPECT_FALSE(settings->invert);
        EXPECT_EQ(settings->verbosity, 0);
    }
}

TEST_F(ProbeOptions, give_wait_more_time_and_leave_to_ask_others) {
    EXPECT_EQ(probe.timeout, 3 * second);
    EXPECT_EQ(wait.timeout, 30 * second);
    EXPECT_FALSE(probe.allow_remote);
    EXPECT_TRUE(wait.allow_remote);
}

TEST_F(ProbeOptions, take_a_timeout) {
    EXPECT_EQ(apply(OptionId::timeout, "250ms"), "");
    EXPECT_EQ(probe.timeout, 250 * millisecond);
    EXPECT_EQ(apply(OptionId::timeout, "1m", Command::wait), "");
    EXPECT_EQ(wait.timeout, 60 * second);
}

TEST_F(ProbeOptions, let_only_wait_go_on_for_ever) {
    for (const char* text : {"inf", "0"}) {
        wait.timeout = second;
        EXPECT_EQ(apply(OptionId::timeout, text, Command::wait), "") << text;
        EXPECT_EQ(wait.timeout, infinite) << text;
    }
    EXPECT_EQ(apply(OptionId::timeout, "0"), "not a time to wait '0'; accepted: more than 0");
    EXPECT_EQ(apply(OptionId::timeout, "0ms"), "not a time to wait '0ms'; accepted: more than 0");
    EXPECT_EQ(apply(OptionId::timeout, "inf"),
              "not a duration 'inf'; accepted: 250ms, 5s, 1m30s, 2h, 1d, 0.5 (seconds)");
}

TEST_F(ProbeOptions, refuse_what_is_no_duration) {
    EXPECT_EQ(apply(OptionId::timeout, "5x"),
              "not a duration '5x'; accepted: 250ms, 5s, 1m30s, 2h, 1d, 0.5 (seconds)");
    EXPECT_EQ(apply(OptionId::timeout, "-1", Command::wait),
              "not a duration '-1'; accepted: 250ms, 5s, 1m30s, 2h, 1d, 0.5 (seconds), inf");
    EXPECT_EQ(apply(OptionId::interval, "x", Command::wait),
              "not a duration 'x'; accepted: 250ms, 5s, 1m30s, 2h, 1d, 0.5 (seconds)");
    EXPECT_EQ(apply(OptionId::interval, "inf", Command::wait),
              "not a duration 'inf'; accepted: 250ms, 5s, 1m30s, 2h, 1d, 0.5 (seconds)");
    EXPECT_EQ(probe.timeout, 3 * second);
    EXPECT_EQ(wait.timeout, 30 * second);
    EXPECT_EQ(wait.interval, 500 * millisecond);
}

TEST_F(ProbeOptions, take_an_interval) {
    EXPECT_EQ(apply(OptionId::interval, "2s", Command::wait), "");
    EXPECT_EQ(wait.interval, 2 * second);
    EXPECT_EQ(apply(OptionId::interval, "0", Command::wait), "");
    EXPECT_EQ(wait.interval, 10 * millisecond);
}

TEST_F(ProbeOptions, take_a_time_for_one_try) {
    EXPECT_EQ(wait.try_timeout, 10 * second);
    EXPECT_EQ(apply(OptionId::try_timeout, "2s", Command::wait), "");
    EXPECT_EQ(wait.try_timeout, 2 * second);
    EXPECT_EQ(apply(OptionId::try_timeout, "inf", Command::wait), "");
    EXPECT_EQ(wait.try_timeout, infinite);
    EXPECT_NE(apply(OptionId::try_timeout, "0", Command::wait), "");
    EXPECT_NE(apply(OptionId::try_timeout, "soon", Command::wait), "");
}

TEST_F(ProbeOptions, take_statuses_in_place_of_the_default_ones) {
    EXPECT_EQ(apply(OptionId::status, "204,401"), "");
    EXPECT_EQ(statuses_of(probe.statuses), "204,401");
    EXPECT_EQ(probe.status_list, "204,401");
    EXPECT_EQ(apply(OptionId::status, "500"), "");
    EXPECT_EQ(statuses_of(probe.statuses), "500");
}

TEST_F(ProbeOptions, refuse_what_is_no_list_of_statuses) {
    EXPECT_EQ(apply(OptionId::status, "2xx"),
              "not a list of statuses '2xx'; accepted: 200,204,300-399 within 100-599");
    EXPECT_EQ(probe.status_list, "200-399");
    EXPECT_EQ(statuses_of(probe.statuses), "200-399");
}

TEST_F(ProbeOptions, take_a_method) {
    EXPECT_EQ(apply(OptionId::method, "HEAD"), "");
    EXPECT_EQ(probe.method, "HEAD");
    EXPECT_EQ(apply(OptionId::method, "M-SEARCH"), "");
}

TEST_F(ProbeOptions, refuse_what_is_no_method) {
    EXPECT_EQ(apply(OptionId::method, "G T"), "not a method 'G T'; accepted: GET, HEAD, POST, ...");
    EXPECT_NE(apply(OptionId::method, ""), "");
    EXPECT_NE(apply(OptionId::method, "GET\r\n"), "");
}

TEST_F(ProbeOptions, collect_headers) {
    EXPECT_EQ(apply(OptionId::header, "A: b"), "");
    EXPECT_EQ(apply(OptionId::header, "A: b"), "");
    EXPECT_EQ(apply(OptionId::header, "Empty:"), "");
    ASSERT_EQ(probe.header_count, 3U);
    EXPECT_EQ(probe.headers[0], "A: b");
    EXPECT_EQ(probe.headers[1], "A: b");
    EXPECT_EQ(probe.headers[2], "Empty:");
}

TEST_F(ProbeOptions, refuse_what_is_no_header) {
    for (const std::string text : {"A", ": secret", "A b: secret"}) {
        EXPECT_EQ(apply(OptionId::header, text),
                  "not a header '" + text.substr(0, text.find(':')) + "'; accepted: 'Name: value'");
    }
    EXPECT_NE(apply(OptionId::header, ""), "");
    EXPECT_NE(apply(OptionId::header, "A: b\r\nC: d"), "");
    EXPECT_EQ(probe.header_count, 0U);
}

TEST_F(ProbeOptions, refuse_a_ninth_header) {
    for (std::size_t i = 0; i < ProbeSettings::most_headers; ++i)
        EXPECT_EQ(apply(OptionId::header, "A: b"), "");
    EXPECT_EQ(apply(OptionId::header, "Ninth: x"),
              "one header too many: 'Ninth: x'; accepted: up to 8");
    EXPECT_EQ(probe.header_count, ProbeSettings::most_headers);
}

TEST_F(ProbeOptions, take_a_host) {
    EXPECT_EQ(apply(OptionId::host, "example.org:8080"), "");
    EXPECT_EQ(probe.host, "example.org:8080");
}

TEST_F(ProbeOptions, refuse_what_is_no_host) {
    EXPECT_EQ(apply(OptionId::host, "").rfind("not a host", 0), 0U);
    EXPECT_EQ(apply(OptionId::host, "a\r\nB: c").rfind("not a host 'a", 0), 0U);
    EXPECT_NE(apply(OptionId::host, "a\0b"s), "");
}

TEST_F(ProbeOptions, take_a_text_to_look_for) {
    const std::string longest(ProbeSettings::longest_needle, 'x');
    EXPECT_EQ(apply(OptionId::contains, longest), "");
    EXPECT_EQ(probe.contains, longest);
    EXPECT_EQ(apply(OptionId::contains, "\n\1"), "");
    EXPECT_EQ(probe.contains, "\n\1");
}

TEST_F(ProbeOptions, refuse_a_text_that_is_empty_or_too_long) {
    EXPECT_EQ(apply(OptionId::contains, "").rfind("cannot search for", 0), 0U);
    const std::string too_long(ProbeSettings::longest_needle + 1, 'x');
    EXPECT_EQ(apply(OptionId::contains, too_long),
              "cannot search for '" + too_long + "'; accepted: 1 to 256 bytes");
    EXPECT_EQ(probe.contains, "");
}

TEST_F(ProbeOptions, turn_the_verdict_round) {
    EXPECT_EQ(apply(OptionId::invert), "");
    EXPECT_TRUE(probe.invert);
}

TEST_F(ProbeOptions, allow_other_hosts) {
    EXPECT_EQ(apply(OptionId::allow_remote), "");
    EXPECT_TRUE(probe.allow_remote);
}

TEST_F(ProbeOptions, count_how_much_is_to_be_said) {
    EXPECT_EQ(apply(OptionId::verbose), "");
    EXPECT_EQ(apply(OptionId::verbose), "");
    EXPECT_EQ(probe.verbosity, 2);
    EXPECT_EQ(apply(OptionId::quiet), "");
    EXPECT_EQ(apply(OptionId::quiet), "");
    EXPECT_EQ(apply(OptionId::quiet), "");
    EXPECT_EQ(probe.verbosity, -1);
}

TEST_F(ProbeOptions, of_json_fields_are_up_to_8) {
    for (int i = 0; i < 8; ++i) EXPECT_EQ(apply(OptionId::json_field, "a.b=c"), "");
    EXPECT_EQ(probe.fields().size(), 8U);
    EXPECT_EQ(probe.fields()[7].path, "a.b");
    EXPECT_EQ(probe.fields()[7].value, "c");
    EXPECT_EQ(apply(OptionId::json_field, "x"), "one field too many: 'x'; accepted: up to 8");
}

TEST_F(ProbeOptions, of_json_fields_have_a_path) {
    for (const char* text : {"", "=1", "a\\b"}) {
        EXPECT_EQ(apply(OptionId::json_field, text),
                  "not a field '" + std::string(text) +
                      "'; accepted: PATH[=VALUE] such as status=UP, up to 256 bytes");
    }
}

std::string unfit(const ProbeSettings& settings, const CheckNeeds& needs) {
    BadInput bad;
    if (options_fit(settings, needs, bad)) return "";
    char room[256];
    Writer line(room);
    add_bad_input(line, bad);
    return std::string(line.view());
}

std::string unfit(std::initializer_list<std::pair<OptionId, const char*>> given, bool any_http,
                  bool any_grpc, bool any_tls = false) {
    ProbeSettings settings(Command::probe);
    for (const auto& [id, spelling] : given) note_option(settings, id, spelling);
    return unfit(settings, {.http = any_http, .grpc = any_grpc, .tls = any_tls});
}

TEST(options_fit, when_one_of_the_checks_can_use_them) {
    for (const auto& given :
         {std::pair{OptionId::status, "--status"}, std::pair{OptionId::method, "--method"},
          std::pair{OptionId::contains, "--contains"},
          std::pair{OptionId::json_field, "--json-field"}}) {
        EXPECT_EQ(unfit({given}, true, false), "");
        const std::string says = std::string(given.second) +
                                 ": no check of this call can use it; accepted: http://, "
                                 ":PORT/PATH";
        EXPECT_EQ(unfit({given}, false, false), says);
        EXPECT_EQ(unfit({given}, false, true), says);
    }
    for (const auto& given :
         {std::pair{OptionId::header, "-H"}, std::pair{OptionId::host, "--host"}}) {
        EXPECT_EQ(unfit({given}, true, false) + unfit({given}, false, true), "");
        EXPECT_EQ(unfit({given}, false, false),
                  std::string(given.second) +
                      ": no check of this call can use it; accepted: http://, :PORT/PATH, grpc://");
    }
}

TEST(options_fit, of_tls_when_a_check_speaks_it) {
    for (const auto& given : {std::pair{OptionId::tls_ca_cert, "--tls-ca-cert"},
                              std::pair{OptionId::tls_client_cert, "--tls-client-cert"},
                              std::pair{OptionId::tls_client_key, "--tls-client-key"},
                              std::pair{OptionId::tls_server_name, "--tls-server-name"},
                              std::pair{OptionId::tls_no_verify, "-k"}}) {
        EXPECT_EQ(unfit({given}, false, false, true), "");
        EXPECT_EQ(unfit({given}, true, true), std::string(given.second) +
                                                  ": no check of this call can use it; accepted: "
                                                  "https://, grpcs://, tls://");
    }
}

TEST(options_fit, of_tls_when_they_agree) {
    ProbeSettings settings(Command::probe);
    settings.tls.client_cert = "c";
    EXPECT_EQ(unfit(settings, {.tls = true}),
              "--tls-client-cert: is of no use alone; accepted: --tls-client-cert and "
              "--tls-client-key");
    settings.tls.client_key = "k";
    settings.tls.ca_cert = "ca";
    EXPECT_EQ(unfit(settings, {.tls = true}), "");
    settings.tls.client_cert = {};
    EXPECT_EQ(unfit(settings, {.tls = true}),
              "--tls-client-key: is of no use alone; accepted: --tls-client-cert and "
              "--tls-client-key");
    settings.tls.client_key = {};
    settings.tls.no_verify = true;
    EXPECT_EQ(unfit(settings, {.tls = true}),
              "--tls-no-verify: contradicts --tls-ca-cert; accepted: one of them");
}

TEST(options_fit, any_check_when_they_are_not_about_a_request) {
    EXPECT_EQ(unfit({{OptionId::timeout, "-t"},
                     {OptionId::invert, "--not"},
                     {OptionId::verbose, "-v"},
                     {OptionId::quiet, "-q"},
                     {OptionId::allow_remote, "--allow-remote"},
                     {OptionId::interval, "--interval"}},
                    false, false),
              "");
}

}  // namespace
}  // namespace usher
