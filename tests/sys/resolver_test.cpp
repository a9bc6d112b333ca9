// SPDX-License-Identifier: MIT
// The resolver against faked name servers.
#include "resolver.hpp"

#include <errno.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "dns_reply.hpp"
#include "fake_network.hpp"

namespace usher {
namespace {

using namespace test;
using sys::Resolver;
using Texts = std::vector<std::string>;

constexpr char server[] = "10.0.0.2:53";
constexpr char other_server[] = "10.0.0.3:53";

class ResolverTest : public testing::Test {
  protected:
    ResolverTest() {
        new_kernel();
        configure("nameserver 10.0.0.2\n");
    }
    // Whatever became of it, nothing must stay open.
    ~ResolverTest() override {
        resolver.reset();
        EXPECT_EQ(network().open_sockets(), 0);
        EXPECT_EQ(kernel().open_fds, (std::set<int>{0, 1, 2}));
    }

    static void configure(const char* text) { kernel().files["/etc/resolv.conf"] = text; }

    // The addresses found, or why there are none.
    Texts look_up(std::string_view name) {
        resolver->start(name, kernel().now);
        for (int steps = 0; resolver->state() == Resolver::State::running; ++steps) {
            if (steps == 20000) {
                ADD_FAILURE() << "the lookup never ends";
                return {"hangs"};
            }
            sys::PollFd fds[Resolver::most_fds];
            const std::size_t used = resolver->interests(fds);
            const Duration timeout = std::max<Duration>(resolver->wake() - kernel().now, 0);
            EXPECT_TRUE(sys::poll(std::span(fds).first(used), timeout));
            resolver->step(std::span<const sys::PollFd>(fds).first(used), kernel().now);
        }
        EXPECT_EQ(resolver->wake(), infinite);
        sys::PollFd fds[Resolver::most_fds];
        EXPECT_EQ(resolver->interests(fds), 0U);
        if (resolver->state() == Resolver::State::failed)
            return {std::string(resolver->failure().view())};
        Texts found;
        for (std::size_t i = 0; i < resolver->addresses().count; ++i) {
            char room[ip_text_limit];
            found.emplace_back(format_ip(resolver->addresses().items[i], room));
        }
        return found;
    }

    static Texts questions() {
        Texts all;
        for (const Asked& one : network().asked) all.push_back(question_of(one.query));
        return all;
    }
    static Texts asked_servers() {
        Texts all;
        for (const Asked& one : network().asked) all.push_back(one.to);
        return all;
    }
    static Duration elapsed() { return kernel().now - kernel().start_time; }

    // By TCP `reply` follows its length; `cut` bytes of it are kept back.
    static Peer tcp_server(const Answer& answer) {
        return {.on_bytes = [answer](Connection& connection) {
            if (connection.request.size() < 14) return;
            const std::string reply = dns_reply(connection.request.substr(2), answer);
            connection.say({static_cast<char>(reply.size() >> 8), static_cast<char>(reply.size())});
            connection.say(reply);
        }};
    }
    // Says by UDP only that there is more, and this one address.
    static void truncate(const std::string& address = "10.9.9.9") {
        network().servers[server] = knows({{"app", {.addresses = {address}, .truncated = true}}});
    }

    std::unique_ptr<Resolver> resolver = std::make_unique<Resolver>();
};

TEST_F(ResolverTest, finds_a_name_in_the_hosts_file_and_asks_nobody) {
    kernel().files["/etc/hosts"] =
        "127.0.0.1 localhost\n10.1.1.1 web app # the app\nfd00::1\tapp\n10.1.1.3 apps\n";
    network().servers[server] = knows({{"app", {.addresses = {"10.9.9.9"}}}});
    EXPECT_EQ(look_up("app"), (Texts{"10.1.1.1", "fd00::1"}));
    EXPECT_TRUE(network().asked.empty());
}

TEST_F(ResolverTest, asks_for_a_and_aaaa_at_once_and_takes_them_in_turn) {
    network().servers[server] =
        knows({{"app", {.addresses = {"10.0.0.7", "fd00::7", "10.0.0.8", "fd00::8", "10.0.0.9"}}}});
    EXPECT_EQ(look_up("app"), (Texts{"10.0.0.7", "fd00::7", "10.0.0.8", "fd00::8", "10.0.0.9"}));
    EXPECT_EQ(questions(), (Texts{"app A", "app AAAA"}));
    EXPECT_EQ(network().asked[0].at, network().asked[1].at);
    EXPECT_EQ(elapsed(), 0);
}

TEST_F(ResolverTest, finds_a_name_that_has_addresses_of_one_kind_only) {
    network().servers[server] = knows({{"four", {.addresses = {"10.0.0.7"}}},  //
                                       {"six", {.addresses = {"fd00::7"}}}});
    EXPECT_EQ(look_up("four"), Texts{"10.0.0.7"});
    EXPECT_EQ(look_up("six"), Texts{"fd00::7"});
}

TEST_F(ResolverTest, leaves_room_for_the_other_kind_when_there_are_many_addresses) {
    Answer many;
    for (int i = 1; i <= 16; ++i) {
        many.addresses.push_back("10.0.0." + std::to_string(i));
        many.addresses.push_back("fd00::" + std::to_string(i));
    }
    network().servers[server] = knows({{"app", many}});
    const Texts found = look_up("app");
    ASSERT_EQ(found.size(), 16U);
    EXPECT_EQ(std::count_if(found.begin(), found.end(),
                            [](const std::string& text) { return text[0] == 'f'; }),
              8);
}

TEST_F(ResolverTest, asks_127_0_0_1_where_nothing_is_configured) {
    kernel().files.clear();
    network().servers["127.0.0.1:53"] = knows({{"app", {.addresses = {"10.0.0.7"}}}});
    EXPECT_EQ(look_up("app"), Texts{"10.0.0.7"});
}

TEST_F(ResolverTest, goes_through_the_search_list) {
    configure("search a.example b.example\nnameserver 10.0.0.2\n");
    network().servers[server] = knows({{"app.b.example", {.addresses = {"10.0.0.7"}}}});
    EXPECT_EQ(look_up("app"), Texts{"10.0.0.7"});
    EXPECT_EQ(questions(), (Texts{"app.a.example A", "app.a.example AAAA", "app.b.example A",
                                  "app.b.example AAAA"}));
}

TEST_F(ResolverTest, asks_for_the_name_itself_at_the_end_of_the_search_list) {
    configure("search a.example\nnameserver 10.0.0.2\n");
    network().servers[server] = knows({{"app", {.addresses = {"10.0.0.7"}}}});
    EXPECT_EQ(look_up("app"), Texts{"10.0.0.7"});
}

TEST_F(ResolverTest, asks_for_a_name_with_dots_as_it_is_before_the_search_list) {
    configure("search a.example\nnameserver 10.0.0.2\n");
    network().servers[server] = knows({});
    EXPECT_EQ(look_up("app.example"), Texts{"no such name"});
    EXPECT_EQ(questions(), (Texts{"app.example A", "app.example AAAA", "app.example.a.example A",
                                  "app.example.a.example AAAA"}));
    network().servers[server] = knows({{"db.prod.a.example", {.addresses = {"10.0.0.7"}}}});
    EXPECT_EQ(look_up("db.prod"), Texts{"10.0.0.7"});
}

TEST_F(ResolverTest, searches_for_one_label_although_ndots_is_0) {
    configure("search a.example\nnameserver 10.0.0.2\noptions ndots:0\n");
    network().servers[server] = knows({{"app.a.example", {.addresses = {"10.0.0.7"}}}});
    EXPECT_EQ(look_up("app"), Texts{"10.0.0.7"});
    EXPECT_EQ(questions().front(), "app A");
}

TEST_F(ResolverTest, says_that_there_is_no_such_name) {
    configure("search a.example\nnameserver 10.0.0.2\n");
    network().servers[server] = knows({});
    EXPECT_EQ(look_up("app"), Texts{"no such name"});
    EXPECT_EQ(network().asked.size(), 4U);
    EXPECT_EQ(elapsed(), 0);
}

TEST_F(ResolverTest, does_not_ask_for_what_is_no_name) {
    for (const std::string& name : {std::string("a..b"), std::string("..b"), std::string("a.."),
                                    std::string("."), std::string(64, 'x')}) {
        EXPECT_EQ(look_up(name), Texts{"no such name"}) << name;
    }
    EXPECT_TRUE(network().asked.empty());
}

TEST_F(ResolverTest, passes_over_a_domain_in_which_the_name_has_no_address) {
    configure("search a.example\nnameserver 10.0.0.2\n");
    network().servers[server] =
        knows({{"app.a.example", {}}, {"app", {.addresses = {"10.0.0.7"}}}});
    EXPECT_EQ(look_up("app"), Texts{"10.0.0.7"});
    network().servers[server] = knows({{"app.a.example", {}}});
    EXPECT_EQ(look_up("app"), Texts{"the name has no address"});
}

TEST_F(ResolverTest, passes_over_a_domain_whose_server_fails_or_refuses) {
    configure("search a.example b.example\nnameserver 10.0.0.2\n");
    for (const int code : {server_failure, refused, 4}) {
        network().servers[server] = knows(
            {{"app.a.example", {.code = code}}, {"app.b.example", {.addresses = {"10.0.0.7"}}}});
        EXPECT_EQ(look_up("app"), Texts{"10.0.0.7"}) << code;
        EXPECT_EQ(elapsed(), 0) << code;
        network().servers[server] = knows({{"app.a.example", {.code = code}}});
        EXPECT_EQ(look_up("app"), Texts{code == server_failure ? "no answer from the name servers"
                                                               : "the name server refused"});
        EXPECT_EQ(elapsed(), 0) << code;
    }
}

TEST_F(ResolverTest, asks_a_server_that_failed_again_at_once) {
    int failures = 0;
    network().servers[server] = [&failures](const std::string& query) -> std::vector<Reply> {
        const bool fails = failures++ < 3;
        return {{dns_reply(
            query, fails ? Answer{.code = server_failure} : Answer{.addresses = {"10.0.0.7"}})}};
    };
    EXPECT_EQ(look_up("app"), Texts{"10.0.0.7"});
    EXPECT_EQ(network().asked.size(), 2U + 3U);
    EXPECT_EQ(elapsed(), 0);
}

TEST_F(ResolverTest, does_not_ask_a_server_that_always_fails_for_ever) {
    network().servers[server] = [](const std::string& query) -> std::vector<Reply> {
        return {{dns_reply(query, {.code = server_failure})}};
    };
    EXPECT_EQ(look_up("app"), Texts{"no answer from the name servers"});
    EXPECT_EQ(network().asked.size(), 2U * 2U + 4U);  // two attempts, four times more at once
    EXPECT_EQ(elapsed(), 5 * second);
}

TEST_F(ResolverTest, waits_for_another_server_when_one_refuses) {
    configure("nameserver 10.0.0.2\nnameserver 10.0.0.3\n");
    network().servers[server] = [](const std::string& query) -> std::vector<Reply> {
        return {{dns_reply(query, {.code = refused})}};
    };
    network().servers[other_server] = knows({{"app", {.addresses = {"10.0.0.7"}}}}, second);
    EXPECT_EQ(look_up("app"), Texts{"10.0.0.7"});
    EXPECT_EQ(elapsed(), second);
}

TEST_F(ResolverTest, asks_all_servers_at_once_and_takes_the_first_answer) {
    configure("nameserver 10.0.0.2\nnameserver 10.0.0.3\n");
    network().servers[server] = knows({{"app", {.addresses = {"10.0.0.8"}}}}, 2 * second);
    network().servers[other_server] =
        knows({{"app", {.addresses = {"10.0.0.7"}}}}, 100 * millisecond);
    EXPECT_EQ(look_up("app"), Texts{"10.0.0.7"});
    EXPECT_EQ(asked_servers(), (Texts{server, other_server, server, other_server}));
    EXPECT_EQ(elapsed(), 100 * millisecond);
}

TEST_F(ResolverTest, asks_once_more_and_then_gives_up) {
    EXPECT_EQ(look_up("app"), Texts{"no answer from the name servers"});
    EXPECT_EQ(elapsed(), 5 * second);
    ASSERT_EQ(network().asked.size(), 4U);
    EXPECT_EQ(network().asked[1].at, 0);
    EXPECT_EQ(network().asked[2].at, 2500 * millisecond);
    EXPECT_LE(network().polls, 3);
}

TEST_F(ResolverTest, keeps_to_the_timeout_and_the_attempts_of_the_configuration) {
    configure("nameserver 10.0.0.2\noptions timeout:3 attempts:3\n");
    EXPECT_EQ(look_up("app"), Texts{"no answer from the name servers"});
    EXPECT_EQ(elapsed(), 3 * second);
    ASSERT_EQ(network().asked.size(), 6U);
    EXPECT_EQ(network().asked[2].at, second);
    EXPECT_EQ(network().asked[4].at, 2 * second);
}

TEST_F(ResolverTest, asks_once_more_only_for_what_was_not_answered) {
    bool first = true;
    network().servers[server] = [&first](const std::string& query) -> std::vector<Reply> {
        const bool lost = first && question_of(query) == "app A";
        if (lost) first = false;
        return lost ? std::vector<Reply>{}
                    : std::vector<Reply>{{dns_reply(query, {.addresses = {"10.0.0.7"}})}};
    };
    EXPECT_EQ(look_up("app"), Texts{"10.0.0.7"});
    EXPECT_EQ(questions(), (Texts{"app A", "app AAAA", "app A"}));
    EXPECT_EQ(elapsed(), 2500 * millisecond);
}

TEST_F(ResolverTest, takes_an_address_although_the_other_kind_is_never_answered) {
    for (const char* lost : {"app AAAA", "app A"}) {
        const Time begin = kernel().now;
        network().servers[server] = [lost](const std::string& query) -> std::vector<Reply> {
            if (question_of(query) == lost) return {};
            return {{dns_reply(query, {.addresses = {"10.0.0.7", "fd00::7"}})}};
        };
        EXPECT_EQ(look_up("app"), Texts{lost == std::string("app A") ? "fd00::7" : "10.0.0.7"});
        EXPECT_EQ(kernel().now - begin, Resolver::patience);
    }
}

TEST_F(ResolverTest, takes_an_address_although_the_other_kind_fails) {
    for (const int code : {no_such_name, server_failure, refused, 4}) {
        network().servers[server] = [code](const std::string& query) -> std::vector<Reply> {
            if (question_of(query) == "app AAAA") return {{dns_reply(query, {.code = code})}};
            return {{dns_reply(query, {.addresses = {"10.0.0.7"}})}};
        };
        EXPECT_EQ(look_up("app"), Texts{"10.0.0.7"}) << code;
        EXPECT_EQ(elapsed(), 0) << code;
    }
}

TEST_F(ResolverTest, waits_for_the_other_kind_of_address_for_a_moment) {
    network().servers[server] = [](const std::string& query) -> std::vector<Reply> {
        const bool is_v6 = question_of(query) == "app AAAA";
        return {{.bytes = dns_reply(query, {.addresses = {"10.0.0.7", "fd00::7"}}),
                 .later = is_v6 ? second / 2 : 0}};
    };
    EXPECT_EQ(look_up("app"), (Texts{"10.0.0.7", "fd00::7"}));
    EXPECT_EQ(elapsed(), second / 2);
}

TEST_F(ResolverTest, a_server_that_does_not_have_the_name_waits_for_one_that_does) {
    configure("nameserver 10.0.0.2\nnameserver 10.0.0.3\n");
    const std::map<std::string, Answer> zones[] = {{}, {{"app", {}}}};
    for (const auto& zone : zones) {
        for (const bool is_first : {true, false}) {
            network().servers[is_first ? server : other_server] = knows(zone);
            network().servers[is_first ? other_server : server] =
                knows({{"app", {.addresses = {"10.0.0.7", "fd00::7"}}}}, second / 2);
            EXPECT_EQ(look_up("app"), (Texts{"10.0.0.7", "fd00::7"}));
        }
    }
}

TEST_F(ResolverTest, a_silent_server_is_waited_for_once_when_another_does_not_have_the_name) {
    configure("search a.example b.example c.example\nnameserver 10.0.0.3\nnameserver 10.0.0.2\n");
    network().servers[server] = knows({{"app.c.example", {.addresses = {"10.0.0.7"}}}});
    EXPECT_EQ(look_up("app"), Texts{"10.0.0.7"});
    EXPECT_EQ(elapsed(), Resolver::patience);
    EXPECT_EQ(look_up("other"), Texts{"no such name"});
    EXPECT_EQ(elapsed(), 2 * Resolver::patience) << "a new lookup is patient again";
}

TEST_F(ResolverTest, tells_at_once_that_all_servers_refuse) {
    configure("nameserver 10.0.0.2\nnameserver 10.0.0.3\n");
    for (const char* address : {server, other_server}) {
        network().servers[address] = [](const std::string& query) -> std::vector<Reply> {
            return {{dns_reply(query, {.code = refused})}};
        };
    }
    EXPECT_EQ(look_up("app"), Texts{"the name server refused"});
    EXPECT_EQ(elapsed(), 0);
}

TEST_F(ResolverTest, has_no_answer_at_once_where_sending_is_not_possible) {
    network().sendto_error = ENETUNREACH;
    EXPECT_EQ(look_up("app"), Texts{"no answer from the name servers"});
    EXPECT_EQ(elapsed(), 0);
}

TEST_F(ResolverTest, has_no_answer_at_once_where_nobody_listens) {
    configure("search a.example b.example\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n");
    network().closed_ports = {server, other_server};
    EXPECT_EQ(look_up("app"), Texts{"no answer from the name servers"});
    EXPECT_EQ(elapsed(), 0);
    network().connect_errors = {{server, ENETUNREACH}, {other_server, EINVAL}};
    EXPECT_EQ(look_up("app"), Texts{"no answer from the name servers"});
    EXPECT_EQ(elapsed(), 0);
}

TEST_F(ResolverTest, does_not_wait_for_a_server_where_nobody_listens) {
    configure("search a.example\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n");
    network().closed_ports = {server};
    network().servers[other_server] = knows({{"app", {.addresses = {"10.0.0.7"}}}}, second);
    EXPECT_EQ(look_up("app"), Texts{"10.0.0.7"});
    EXPECT_EQ(elapsed(), 2 * second) << "two names, a second each";
}

TEST_F(ResolverTest, keeps_to_its_time_when_a_server_fails_and_then_is_gone) {
    network().servers[server] = [](const std::string& query) -> std::vector<Reply> {
        network().closed_ports = {server};
        return {{dns_reply(query, {.code = server_failure})}};
    };
    EXPECT_EQ(look_up("app"), Texts{"no answer from the name servers"});
    EXPECT_LE(network().polls, 10);
}

TEST_F(ResolverTest, asks_a_server_with_a_zone) {
    configure("nameserver ::1%lo\n");
    network().servers["[::1%lo]:53"] = knows({{"app", {.addresses = {"10.0.0.7"}}}});
    EXPECT_EQ(look_up("app"), Texts{"10.0.0.7"});
}

TEST_F(ResolverTest, finds_a_name_in_the_hosts_file_in_any_case) {
    kernel().files["/etc/hosts"] = "10.1.1.1 Web APP\n";
    EXPECT_EQ(look_up("app"), Texts{"10.1.1.1"});
    EXPECT_EQ(look_up("wEB"), Texts{"10.1.1.1"});
}

TEST_F(ResolverTest, takes_a_timeout_of_0_for_a_second) {
    configure("nameserver 10.0.0.2\noptions timeout:0\n");
    network().servers[server] = knows({{"app", {.addresses = {"10.0.0.7"}}}}, 400 * millisecond);
    EXPECT_EQ(look_up("app"), Texts{"10.0.0.7"});
    network().servers.clear();
    EXPECT_EQ(look_up("app"), Texts{"no answer from the name servers"});
    EXPECT_EQ(elapsed(), 1400 * millisecond);
}

TEST_F(ResolverTest, ignores_replies_from_strangers) {
    network().servers[server] = [](const std::string& query) -> std::vector<Reply> {
        const std::string wrong = dns_reply(query, {.addresses = {"10.6.6.6", "fd00::666"}});
        const std::string right = dns_reply(query, {.addresses = {"10.0.0.7"}});
        return {{.bytes = wrong, .from = "10.0.0.66:53"},
                {.bytes = wrong, .from = "10.0.0.2:5353"},
                {.bytes = right, .later = millisecond}};
    };
    EXPECT_EQ(look_up("app"), Texts{"10.0.0.7"});
}

TEST_F(ResolverTest, ignores_replies_to_what_it_did_not_ask) {
    network().servers[server] = [](const std::string& query) -> std::vector<Reply> {
        std::string other_id = dns_reply(query, {.addresses = {"10.6.6.6", "fd00::666"}});
        other_id[1] = static_cast<char>(other_id[1] ^ 0x40);
        std::string other_name = dns_reply(query, {.addresses = {"10.6.6.6", "fd00::666"}});
        other_name[13] = 'b';
        return {{other_id}, {other_name}, {query},
                {""},       {"x"},        {dns_reply(query, {.addresses = {"10.0.0.7"}})}};
    };
    EXPECT_EQ(look_up("app"), Texts{"10.0.0.7"});
    EXPECT_EQ(elapsed(), 0);
}

TEST_F(ResolverTest, keeps_to_its_time_in_a_flood_of_what_it_did_not_ask) {
    network().servers[server] = [](const std::string& query) {
        std::vector<Reply> flood;
        if (question_of(query) == "app A" && kernel().now == kernel().start_time) {
            for (Duration at = 0; at < 6 * second; at += 2 * millisecond) {
                flood.push_back({.bytes = "x", .later = at});
            }
        }
        return flood;
    };
    EXPECT_EQ(look_up("app"), Texts{"no answer from the name servers"});
    EXPECT_EQ(elapsed(), 5 * second);
}

TEST_F(ResolverTest, reads_on_after_a_datagram_that_could_not_be_read) {
    network().recvfrom_errors = {EAGAIN, EINTR};
    network().servers[server] = knows({{"app", {.addresses = {"10.0.0.7"}}}});
    EXPECT_EQ(look_up("app"), Texts{"10.0.0.7"});
}

TEST_F(ResolverTest, does_not_spin_where_reading_is_refused) {
    network().recvfrom_always = EPERM;
    EXPECT_EQ(look_up("app"), Texts{"no answer from the name servers"});
    EXPECT_LE(elapsed(), 5 * second + millisecond);
    EXPECT_LE(network().polls, 5001);
}

TEST_F(ResolverTest, gets_the_whole_of_a_cut_reply_by_tcp) {
    truncate();
    network().peers[server] = tcp_server({.addresses = {"10.0.0.7", "10.0.0.8", "fd00::7"}});
    EXPECT_EQ(look_up("app"), (Texts{"10.0.0.7", "fd00::7", "10.0.0.8"}));
    EXPECT_EQ(network().connected, (Texts{server, server}));
}

TEST_F(ResolverTest, puts_a_tcp_reply_together_from_its_pieces) {
    truncate();
    network().peers[server] = {.on_bytes = [](Connection& connection) {
        const std::string reply =
            dns_reply(connection.request.substr(2), {.addresses = {"10.0.0.7"}});
        Duration later = 0;
        connection.say(std::string(1, 0), later += millisecond);
        connection.say(std::string(1, static_cast<char>(reply.size())), later += millisecond);
        for (const char c : reply) connection.say(std::string(1, c), later += millisecond);
    }};
    EXPECT_EQ(look_up("app"), Texts{"10.0.0.7"});
}

TEST_F(ResolverTest, makes_do_with_the_cut_reply_when_tcp_is_refused) {
    truncate();
    EXPECT_EQ(look_up("app"), Texts{"10.9.9.9"});
    network().peers[server] = {.refuses_with = EPERM, .answers_at_once = true};
    EXPECT_EQ(look_up("app"), Texts{"10.9.9.9"});
    EXPECT_EQ(elapsed(), 0);
}

TEST_F(ResolverTest, makes_do_with_the_cut_reply_when_the_tcp_server_hangs) {
    truncate();
    network().peers[server] = {};
    EXPECT_EQ(look_up("app"), Texts{"10.9.9.9"});
    EXPECT_EQ(elapsed(), 5 * second);
    network().peers[server] = {.answers_after = infinite};
    EXPECT_EQ(look_up("app"), Texts{"10.9.9.9"});
    EXPECT_EQ(elapsed(), 10 * second);
    EXPECT_LE(network().polls, 20);
}

TEST_F(ResolverTest, makes_do_with_the_cut_reply_when_tcp_breaks_off) {
    truncate();
    for (const int number : {0, ECONNRESET}) {
        network().peers[server] = {.on_bytes = [number](Connection& connection) {
            connection.say("\1");
            if (number == 0) connection.close(millisecond);
            if (number != 0) connection.reset(number, millisecond);
        }};
        EXPECT_EQ(look_up("app"), Texts{"10.9.9.9"}) << number;
    }
}

TEST_F(ResolverTest, makes_do_with_the_cut_reply_when_the_tcp_reply_is_to_another_question) {
    truncate();
    network().peers[server] = {.on_bytes = [](Connection& connection) {
        std::string query = connection.request.substr(2);
        query[0] = static_cast<char>(query[0] ^ 0x40);
        const std::string reply = dns_reply(query, {.addresses = {"10.6.6.6"}});
        connection.say({0, static_cast<char>(reply.size())});
        connection.say(reply);
    }};
    EXPECT_EQ(look_up("app"), Texts{"10.9.9.9"});
}

TEST_F(ResolverTest, goes_on_with_tcp_after_an_interruption) {
    truncate();
    network().peers[server] = tcp_server({.addresses = {"10.0.0.7"}});
    network().peers[server].recv_errors = {EINTR, EAGAIN};
    EXPECT_EQ(look_up("app"), Texts{"10.0.0.7"});
}

TEST_F(ResolverTest, does_not_ask_by_udp_while_it_reads_by_tcp) {
    truncate();
    network().peers[server] = {};
    look_up("app");
    EXPECT_EQ(network().asked.size(), 2U);
}

TEST_F(ResolverTest, closes_a_tcp_connection_once_its_reply_is_there) {
    network().servers[server] = [](const std::string& query) -> std::vector<Reply> {
        if (question_of(query) == "app AAAA") return {{dns_reply(query, {}), second}};
        return {{dns_reply(query, {.truncated = true})}};
    };
    network().peers[server] = tcp_server({.addresses = {"10.0.0.7"}});
    int open_sockets = 0;
    kernel().at(second / 2, [&open_sockets] { open_sockets = network().open_sockets(); });
    EXPECT_EQ(look_up("app"), Texts{"10.0.0.7"});
    EXPECT_EQ(open_sockets, 1);
    EXPECT_EQ(elapsed(), second);
}

TEST_F(ResolverTest, takes_what_fits_of_a_tcp_reply_that_is_too_large) {
    truncate();
    network().peers[server] = {.on_bytes = [](Connection& connection) {
        Answer answer;
        for (int i = 0; i < 250; ++i) answer.addresses.push_back("10.0.1." + std::to_string(i));
        std::string reply = dns_reply(connection.request.substr(2), answer);
        reply.resize(6000);
        connection.say({static_cast<char>(6000 >> 8), static_cast<char>(6000 & 0xff)});
        connection.say(reply);
    }};
    const Texts found = look_up("app");
    ASSERT_EQ(found.size(), 16U);
    EXPECT_EQ(found[15], "10.0.1.15");
}

TEST_F(ResolverTest, asks_servers_of_both_families) {
    configure("nameserver fd00::2\nnameserver 10.0.0.2\n");
    network().servers[server] = knows({{"app", {.addresses = {"10.0.0.7"}}}});
    EXPECT_EQ(look_up("app"), Texts{"10.0.0.7"});
    EXPECT_EQ(asked_servers(), (Texts{"[fd00::2]:53", server, "[fd00::2]:53", server}));
}

TEST_F(ResolverTest, asks_a_server_of_ipv6) {
    configure("nameserver fd00::2\n");
    network().servers["[fd00::2]:53"] = knows({{"app", {.addresses = {"10.0.0.7"}}}});
    EXPECT_EQ(look_up("app"), Texts{"10.0.0.7"});
}

TEST_F(ResolverTest, leaves_servers_of_ipv6_out_where_there_is_no_ipv6) {
    configure("nameserver fd00::2\nnameserver 10.0.0.2\n");
    network().no_v6 = true;
    network().servers[server] = knows({{"app", {.addresses = {"10.0.0.7"}}}});
    EXPECT_EQ(look_up("app"), Texts{"10.0.0.7"});
    EXPECT_EQ(asked_servers(), (Texts{server, server}));
}

TEST_F(ResolverTest, has_no_answer_when_all_servers_need_the_ipv6_that_is_not_there) {
    configure("nameserver fd00::2\n");
    network().no_v6 = true;
    EXPECT_EQ(look_up("app"), Texts{"no answer from the name servers"});
    EXPECT_TRUE(network().asked.empty());
}

TEST_F(ResolverTest, says_that_it_has_no_socket) {
    network().no_sockets = EMFILE;
    EXPECT_EQ(look_up("app"), Texts{"no socket for the name server"});
}

TEST_F(ResolverTest, closes_its_sockets_when_it_is_given_up) {
    truncate();
    network().peers[server] = {};
    resolver->start("app", kernel().now);
    sys::PollFd fds[Resolver::most_fds];
    for (int i = 0; i < 3; ++i) {
        const std::size_t used = resolver->interests(fds);
        EXPECT_TRUE(sys::poll(std::span(fds).first(used), 0));
        resolver->step(std::span<const sys::PollFd>(fds).first(used), kernel().now);
    }
    EXPECT_EQ(network().open_sockets(), 3);
    // The destructor has the rest.
}

TEST_F(ResolverTest, uses_another_id_for_each_query) {
    configure("search a.example b.example\nnameserver 10.0.0.2\n");
    network().servers[server] = knows({});
    look_up("app");
    std::set<std::string> ids;
    for (const Asked& one : network().asked) ids.insert(one.query.substr(0, 2));
    EXPECT_EQ(ids.size(), 6U);
}

}  // namespace
}  // namespace usher
