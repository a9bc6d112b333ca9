// SPDX-License-Identifier: MIT
// One http, tcp or grpc check against faked peers.
#include "network_check.hpp"

#include <errno.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "dns_reply.hpp"
#include "fake_network.hpp"

namespace usher {
namespace {

using namespace test;
using namespace std::string_literals;
using cmd::Health;
using cmd::NetworkCheck;
using Texts = std::vector<std::string>;

constexpr char loopback[] = "127.0.0.1:80";
constexpr char loopback6[] = "[::1]:80";
constexpr char server[] = "10.0.0.2:53";
constexpr char socket_path[] = "unix:/run/app.sock";
constexpr Duration timeout = 3 * second;

const std::string ok = "HTTP/1.1 200 OK\r\n";

class NetworkCheckTest : public testing::Test {
  protected:
    NetworkCheckTest() {
        new_kernel();
        kernel().files["/etc/resolv.conf"] = "nameserver 10.0.0.2\n";
    }
    ~NetworkCheckTest() override {
        checked.reset();
        EXPECT_EQ(kernel().open_fds, (std::set<int>{0, 1, 2})) << "something stayed open";
    }

    void start(std::string_view text, Time deadline) {
        BadInput bad;
        EXPECT_TRUE(parse_check(text, check, bad)) << text;
        outcome.reset();
        checked->start(check, settings, outcome, kernel().now, deadline);
    }

    // The verdict and the detail, as the result line has them. What is read after the verdict may
    // not change them.
    std::string run(std::string_view text, Duration time = timeout) {
        start(text, after(kernel().now, time));
        settled_at = -1;
        std::string settled;
        for (int steps = 0; settled_at < 0 || checked->wake() != infinite; ++steps) {
            if (steps == 20000) {
                ADD_FAILURE() << "the check never ends";
                return "hangs";
            }
            if (!step()) return "hangs";
            if (settled_at >= 0 || outcome.health == Health::pending) continue;
            settled_at = now();
            settled = result();
        }
        sys::PollFd fds[NetworkCheck::most_fds];
        EXPECT_EQ(checked->interests(fds), 0U);
        EXPECT_EQ(checked->wake(), infinite);
        EXPECT_EQ(result(), settled) << "changed after the verdict";
        EXPECT_EQ(network().open_sockets(), 0) << "open after the end";
        return settled;
    }

    // False: it would wait for ever.
    bool step() {
        if (outcome.health != Health::pending && checked->wake() == infinite) return true;
        sys::PollFd fds[NetworkCheck::most_fds];
        const std::size_t used = checked->interests(fds);
        const Time wake = checked->wake();
        const Duration wait = wake == infinite ? wake : std::max<Duration>(wake - now(), 0);
        EXPECT_TRUE(sys::poll(std::span(fds).first(used), wait));
        if (kernel().hung) return false;
        checked->step(std::span<const sys::PollFd>(fds).first(used), now());
        return true;
    }

    [[nodiscard]] std::string result() const {
        constexpr const char* words[] = {"pending ", "healthy ", "unhealthy ", "misused "};
        return words[static_cast<int>(outcome.health)] + std::string(outcome.detail.view());
    }

    static Time now() { return kernel().now; }
    // Up to the verdict of the last run, and what was read after it.
    [[nodiscard]] Duration elapsed() const { return settled_at - kernel().start_time; }
    [[nodiscard]] Duration drained_for() const { return now() - settled_at; }
    // A peer that says `reply` once it has read the end of a request.
    static Peer says(const std::string& reply, Duration later = 0) {
        return {.on_bytes = [reply, later](Connection& connection) {
            if (connection.request.ends_with("\r\n\r\n")) connection.say(reply, later);
        }};
    }

    ProbeSettings settings{Command::probe};
    Check check;
    cmd::Outcome outcome;
    Time settled_at = -1;
    std::unique_ptr<NetworkCheck> checked = std::make_unique<NetworkCheck>();
};

// Connecting.

TEST_F(NetworkCheckTest, a_tcp_check_is_healthy_once_connected) {
    network().peers[loopback] = {.answers_after = 40 * millisecond};
    EXPECT_EQ(run("tcp://localhost:80"), "healthy ");
    EXPECT_EQ(elapsed(), 40 * millisecond);
    EXPECT_TRUE(outcome.timed);
}

TEST_F(NetworkCheckTest, a_refused_connection_is_unhealthy) {
    EXPECT_EQ(run("tcp://127.0.0.1:80"), "unhealthy connect: Connection refused");
    EXPECT_FALSE(outcome.timed);
}

TEST_F(NetworkCheckTest, localhost_means_both_loopback_addresses_and_nobody_is_asked) {
    for (const char* text : {"tcp://localhost:80", "tcp://LocalHost:80", "tcp://:80"}) {
        network().connected.clear();
        EXPECT_EQ(run(text), "unhealthy connect: Connection refused") << text;
        EXPECT_EQ(network().connected, (Texts{loopback, loopback6})) << text;
    }
    EXPECT_TRUE(network().asked.empty());
}

TEST_F(NetworkCheckTest, the_second_address_is_tried_when_the_first_refuses) {
    network().peers[loopback6] = says(ok);
    EXPECT_EQ(run(":80/"), "healthy 200");
    EXPECT_EQ(elapsed(), 0);
}

TEST_F(NetworkCheckTest, the_second_address_is_tried_when_the_first_fails_at_once) {
    network().peers[loopback] = {.refuses_with = ENETUNREACH, .answers_at_once = true};
    network().peers[loopback6] = says(ok);
    EXPECT_EQ(run(":80/"), "healthy 200");
}

TEST_F(NetworkCheckTest, beside_an_address_that_hangs_the_next_one_is_tried) {
    network().peers[loopback] = {.answers_after = infinite};
    network().peers[loopback6] = says(ok);
    EXPECT_EQ(run(":80/"), "healthy 200");
    EXPECT_EQ(elapsed(), NetworkCheck::attempt_delay);
}

TEST_F(NetworkCheckTest, an_address_that_is_slow_is_not_given_up_for_the_next_one) {
    network().peers[loopback] = says(ok);
    network().peers[loopback].answers_after = timeout - 100 * millisecond;
    network().peers[loopback6] = {.answers_after = infinite};
    EXPECT_EQ(run(":80/"), "healthy 200");
    EXPECT_EQ(elapsed(), timeout - 100 * millisecond);
    network().peers[loopback6] = {.refuses_with = ECONNREFUSED, .answers_after = second};
    EXPECT_EQ(run(":80/"), "healthy 200");
    network().peers.erase(loopback6);
    EXPECT_EQ(run(":80/"), "healthy 200");
}

TEST_F(NetworkCheckTest, the_first_address_that_connects_wins_and_the_others_are_closed) {
    for (const bool first_wins : {true, false}) {
        network().peers[first_wins ? loopback : loopback6] = {.answers_after = second};
        network().peers[first_wins ? loopback6 : loopback] = {.answers_after = 2 * second};
        for (const char* address : {loopback, loopback6}) {
            network().peers[address].on_connect = [first_wins, address](Connection& connection) {
                EXPECT_EQ(address, first_wins ? loopback : loopback6);
                connection.say(ok, second);
            };
        }
        kernel().at(after(now() - kernel().start_time, 1900 * millisecond),
                    [] { EXPECT_EQ(network().open_sockets(), 1); });
        EXPECT_EQ(run(":80/"), "healthy 200");
    }
}

TEST_F(NetworkCheckTest, the_next_address_is_tried_as_soon_as_one_fails) {
    network().peers[loopback] = {.refuses_with = EHOSTUNREACH, .answers_after = 10 * millisecond};
    network().peers[loopback6] = says(ok);
    EXPECT_EQ(run(":80/"), "healthy 200");
    EXPECT_EQ(elapsed(), 10 * millisecond);
}

TEST_F(NetworkCheckTest, of_many_addresses_that_hang_four_are_tried_side_by_side) {
    settings.allow_remote = true;
    Answer many;
    for (int i = 1; i <= 7; ++i) {
        many.addresses.push_back("10.0.0." + std::to_string(i));
        network().peers[many.addresses.back() + ":80"] = {.answers_after = infinite};
    }
    network().servers[server] = knows({{"app", many}});
    kernel().at(800 * millisecond, [] { EXPECT_EQ(network().open_sockets(), 4); });
    kernel().at(2900 * millisecond, [] { EXPECT_EQ(network().open_sockets(), 4); });
    network().peers["10.0.0.7:80"] = says(ok);
    EXPECT_EQ(run("http://app/", 3 * second), "healthy 200");
    EXPECT_EQ(network().connect_times.size(), 7U);
    EXPECT_EQ(network().connect_times[3], 750 * millisecond);
    EXPECT_GT(network().connect_times[4], second);
    EXPECT_LT(elapsed(), 2700 * millisecond);
}

TEST_F(NetworkCheckTest, addresses_that_all_hang_are_begun_one_after_the_other) {
    settings.allow_remote = true;
    network().servers[server] =
        knows({{"app", {.addresses = {"10.0.0.7", "10.0.0.8", "10.0.0.9"}}}});
    for (const char* address : {"10.0.0.7:80", "10.0.0.8:80", "10.0.0.9:80"})
        network().peers[address] = {.answers_after = infinite};
    EXPECT_EQ(run("tcp://app:80"), "unhealthy connect: timed out");
    EXPECT_EQ(network().connect_times,
              (std::vector<Duration>{0, 250 * millisecond, 500 * millisecond}));
    EXPECT_EQ(elapsed(), timeout);
}

TEST_F(NetworkCheckTest, when_all_addresses_fail_the_first_one_s_error_is_told) {
    network().peers[loopback] = {.refuses_with = EHOSTUNREACH, .answers_after = millisecond};
    network().peers[loopback6] = {.refuses_with = EACCES, .answers_at_once = true};
    EXPECT_EQ(run("tcp://localhost:80"), "unhealthy connect: No route to host");
    network().peers[loopback] = {.refuses_with = EACCES, .answers_at_once = true};
    network().peers[loopback6] = {.refuses_with = EHOSTUNREACH, .answers_after = millisecond};
    EXPECT_EQ(run("tcp://localhost:80"), "unhealthy connect: Permission denied");
}

TEST_F(NetworkCheckTest, a_connection_to_itself_is_a_refused_one) {
    network().peers[loopback] = {.is_oneself = true};
    EXPECT_EQ(run("tcp://127.0.0.1:80"), "unhealthy connect: Connection refused");
    EXPECT_EQ(network().resets, Texts{loopback});
    network().peers[loopback6] = says(ok);
    EXPECT_EQ(run(":80/"), "healthy 200");
    network().resets.clear();
    EXPECT_EQ(run("tcp://127.0.0.1:80", 0), "unhealthy connect: timed out");
    EXPECT_EQ(network().resets, Texts{loopback}) << "no TIME-WAIT when the time is up, either";
}

TEST_F(NetworkCheckTest, a_container_without_ipv6_has_one_loopback_address) {
    network().no_v6 = true;
    EXPECT_EQ(run("tcp://localhost:80"), "unhealthy connect: Connection refused");
    network().peers[loopback] = {};
    EXPECT_EQ(run("tcp://localhost:80"), "healthy ");
}

TEST_F(NetworkCheckTest, a_missing_socket_is_unhealthy) {
    network().no_sockets = EMFILE;
    EXPECT_EQ(run("tcp://127.0.0.1:80"), "unhealthy connect: Too many open files");
}

TEST_F(NetworkCheckTest, a_unix_socket_is_connected_to) {
    network().peers[socket_path] = says(ok);
    EXPECT_EQ(run(socket_path), "healthy ");
    EXPECT_EQ(run("http://unix:/run/app.sock:/healthz"), "healthy 200");
    EXPECT_EQ(network().connected, (Texts{socket_path, socket_path}));
}

TEST_F(NetworkCheckTest, a_unix_socket_that_is_not_there_is_unhealthy) {
    EXPECT_EQ(run(socket_path), "unhealthy connect: No such file or directory");
}

TEST_F(NetworkCheckTest, a_unix_socket_with_a_full_backlog_is_tried_until_it_has_room) {
    network().peers[socket_path] = {.refuses_with = EAGAIN};
    kernel().at(95 * millisecond, [] { network().peers[socket_path].refuses_with = 0; });
    EXPECT_EQ(run(socket_path), "healthy ");
    EXPECT_EQ(elapsed(), 100 * millisecond);
    EXPECT_EQ(network().connected.size(), 11U);
}

TEST_F(NetworkCheckTest, a_unix_socket_that_goes_away_while_its_backlog_is_full_is_unhealthy) {
    network().peers[socket_path] = {.refuses_with = EAGAIN};
    kernel().at(95 * millisecond, [] { network().peers.erase(socket_path); });
    EXPECT_EQ(run(socket_path), "unhealthy connect: No such file or directory");
}

TEST_F(NetworkCheckTest, a_full_backlog_is_no_reason_to_wait_on_tcp) {
    network().peers[loopback] = {.refuses_with = EAGAIN, .answers_at_once = true};
    EXPECT_EQ(run("tcp://127.0.0.1:80"), "unhealthy connect: Resource temporarily unavailable");
}

// The deadline, in each phase.

TEST_F(NetworkCheckTest, the_deadline_while_resolving_is_told) {
    settings.allow_remote = true;
    EXPECT_EQ(run("tcp://app:80"), "unhealthy resolve: timed out");
    EXPECT_EQ(elapsed(), timeout);
    EXPECT_TRUE(outcome.timed);
}

TEST_F(NetworkCheckTest, the_deadline_while_connecting_is_told) {
    network().peers[loopback] = {.answers_after = infinite};
    EXPECT_EQ(run("tcp://127.0.0.1:80"), "unhealthy connect: timed out");
    EXPECT_EQ(elapsed(), timeout);
    EXPECT_LE(network().polls, 2);
}

TEST_F(NetworkCheckTest, the_deadline_at_a_full_backlog_is_told) {
    network().peers[socket_path] = {.refuses_with = EAGAIN};
    EXPECT_EQ(run(socket_path), "unhealthy connect: backlog full, timed out");
    EXPECT_EQ(elapsed(), timeout);
    EXPECT_LE(network().polls, 301);
}

TEST_F(NetworkCheckTest, the_deadline_while_sending_is_told) {
    network().peers[loopback] = {.window = 10};
    EXPECT_EQ(run(":80/"), "unhealthy send: timed out");
    EXPECT_EQ(elapsed(), timeout);
    EXPECT_LE(network().polls, 3);
}

TEST_F(NetworkCheckTest, the_deadline_while_waiting_for_the_reply_is_told) {
    network().peers[loopback] = {};
    EXPECT_EQ(run(":80/"), "unhealthy reply: timed out");
    EXPECT_EQ(elapsed(), timeout);
    EXPECT_LE(network().polls, 3);
}

TEST_F(NetworkCheckTest, a_peer_that_drips_does_not_put_the_deadline_off) {
    settings.contains = "y";
    network().peers[loopback] = {.on_connect = [](Connection& connection) {
        connection.say("HTTP/1.1 200 OK\r\n\r\n");
        for (int i = 0; i < 1000; ++i) connection.say("x", i * 10 * millisecond);
    }};
    EXPECT_EQ(run(":80/"), "unhealthy reply: timed out");
    EXPECT_EQ(elapsed(), timeout);
}

TEST_F(NetworkCheckTest, all_phases_share_one_deadline) {
    settings.allow_remote = true;
    network().servers[server] = knows({{"app", {.addresses = {"10.0.0.7"}}}}, second);
    network().peers["10.0.0.7:80"] = says(ok, second);
    network().peers["10.0.0.7:80"].answers_after = 999 * millisecond;
    EXPECT_EQ(run("http://app/"), "healthy 200");
    EXPECT_EQ(elapsed(), 2999 * millisecond);
    network().peers["10.0.0.7:80"].answers_after = second;
    EXPECT_EQ(run("http://app/"), "unhealthy reply: timed out");
}

TEST_F(NetworkCheckTest, a_time_that_is_up_already_ends_it) {
    network().peers[loopback] = says(ok);
    EXPECT_EQ(run(":80/", 0), "unhealthy connect: timed out");
}

TEST_F(NetworkCheckTest, without_a_deadline_it_waits_as_long_as_it_takes) {
    network().peers[loopback] = says(ok, 3600 * second);
    EXPECT_EQ(run(":80/", infinite), "healthy 200");
    EXPECT_EQ(elapsed(), 3600 * second);
}

// Sending and receiving.

TEST_F(NetworkCheckTest, the_request_is_what_the_options_say) {
    std::string request;
    network().peers[loopback] = says(ok);
    network().peers[loopback].on_bytes = [&](Connection& connection) {
        request = connection.request;
        connection.say("HTTP/1.1 204 No\r\n");
    };
    settings.method = "HEAD";
    settings.host = "example.org";
    settings.headers[0] = "X-A: b";
    settings.header_count = 1;
    EXPECT_EQ(run(":80/x?y#z"), "healthy 204");
    EXPECT_EQ(request.rfind("HEAD /x?y HTTP/1.1\r\nHost: example.org\r\nUser-Agent: usher/", 0), 0U)
        << request;
    EXPECT_NE(request.find("\r\nX-A: b\r\n\r\n"), std::string::npos) << request;
}

TEST_F(NetworkCheckTest, the_host_is_the_check_s_own_where_it_has_one) {
    const struct {
        const char* check;
        const char* host;
        const char* peer;
    } cases[] = {{":80/", "localhost", loopback},
                 {":8080/x", "localhost:8080", "127.0.0.1:8080"},
                 {"http://:8080/", "localhost:8080", "127.0.0.1:8080"},
                 {"http://LocalHost:8080/", "LocalHost:8080", "127.0.0.1:8080"},
                 {"http://[::1]:8080/", "[::1]:8080", "[::1]:8080"},
                 {"http://[::1]/", "[::1]", loopback6},
                 {"http://127.0.0.1/", "127.0.0.1", loopback},
                 {"http://127.0.0.1:80/", "127.0.0.1:80", loopback},
                 {"http://[::1]:80/", "[::1]:80", loopback6},
                 {"http://unix:/run/app.sock:/", "localhost", socket_path}};
    for (const auto& c : cases) {
        std::string request;
        network().peers[c.peer] = says(ok);
        network().peers[c.peer].on_bytes = [&](Connection& connection) {
            request = connection.request;
            connection.say(ok);
        };
        EXPECT_EQ(run(c.check), "healthy 200") << c.check;
        EXPECT_NE(request.find("\r\nHost: "s + c.host + "\r\n"), std::string::npos) << request;
    }
}

TEST_F(NetworkCheckTest, a_request_that_is_taken_in_pieces_arrives_whole) {
    network().peers[loopback] = says(ok);
    network().peers[loopback].longest_send = 3;
    EXPECT_EQ(run(":80/"), "healthy 200");
}

TEST_F(NetworkCheckTest, a_request_waits_for_room_in_the_peer) {
    network().peers[loopback] = says(ok);
    network().peers[loopback].window = 10;
    kernel().at(second, [] { network().peers[loopback].window = SIZE_MAX; });
    EXPECT_EQ(run(":80/"), "healthy 200");
    EXPECT_EQ(elapsed(), second);
}

TEST_F(NetworkCheckTest, an_interruption_of_sending_or_receiving_changes_nothing) {
    network().peers[loopback] = says(ok);
    network().peers[loopback].send_errors = {EINTR, EAGAIN};
    network().peers[loopback].recv_errors = {EINTR, EAGAIN};
    EXPECT_EQ(run(":80/"), "healthy 200");
}

TEST_F(NetworkCheckTest, an_answer_counts_although_the_request_could_not_be_sent) {
    network().peers[loopback] = {.send_errors = {EPIPE}, .on_connect = [](Connection& connection) {
                                     connection.say("HTTP/1.1 503 Busy\r\n");
                                     connection.close();
                                 }};
    EXPECT_EQ(run(":80/"), "unhealthy status 503, want 200-399,");
}

TEST_F(NetworkCheckTest, a_peer_that_closes_without_a_reply_is_unhealthy) {
    network().peers[loopback] = {.on_bytes = [](Connection& connection) { connection.close(); }};
    EXPECT_EQ(run(":80/"), "unhealthy reply: closed without a reply (does it speak TLS?)");
}

TEST_F(NetworkCheckTest, a_peer_that_closes_in_the_middle_of_its_reply_is_unhealthy) {
    network().peers[loopback] = {.on_bytes = [](Connection& connection) {
        connection.say("HTTP/1.1 200");
        connection.close(second);
    }};
    EXPECT_EQ(run(":80/"), "unhealthy reply: reply cut short");
    EXPECT_EQ(elapsed(), second);
}

TEST_F(NetworkCheckTest, a_peer_that_resets_the_connection_is_unhealthy) {
    network().peers[loopback] = {
        .on_bytes = [](Connection& connection) { connection.reset(ECONNRESET, millisecond); }};
    EXPECT_EQ(run(":80/"), "unhealthy reply: Connection reset by peer");
}

// Verdicts.

TEST_F(NetworkCheckTest, an_http_reply_is_read_from_its_pieces) {
    network().peers[loopback] = {.on_bytes = [](Connection& connection) {
        Duration later = 0;
        for (const char c : ok) connection.say(std::string(1, c), later += millisecond);
    }};
    EXPECT_EQ(run(":80/"), "healthy 200");
}

TEST_F(NetworkCheckTest, a_status_that_is_not_wanted_is_unhealthy) {
    network().peers[loopback] = says("HTTP/1.1 404 Not Found\r\n");
    EXPECT_EQ(run(":80/"), "unhealthy status 404, want 200-399,");
    EXPECT_TRUE(outcome.timed);
}

TEST_F(NetworkCheckTest, a_status_that_was_asked_for_is_healthy) {
    BadInput bad;
    ASSERT_TRUE(apply_probe_option(settings, Command::probe, OptionId::status, "404", bad));
    network().peers[loopback] = says("HTTP/1.1 404 Not Found\r\n");
    EXPECT_EQ(run(":80/"), "healthy 404");
    network().peers[loopback] = says(ok);
    EXPECT_EQ(run(":80/"), "unhealthy status 200, want 404,");
}

TEST_F(NetworkCheckTest, a_redirect_that_is_not_wanted_is_explained) {
    BadInput bad;
    ASSERT_TRUE(apply_probe_option(settings, Command::probe, OptionId::status, "200", bad));
    network().peers[loopback] = says("HTTP/1.1 302 Found\r\n");
    EXPECT_EQ(run(":80/"), "unhealthy status 302 (a redirect, which is not followed), want 200,");
}

TEST_F(NetworkCheckTest, a_text_is_looked_for_in_the_body) {
    settings.contains = "ready";
    network().peers[loopback] = says("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nis ready");
    EXPECT_EQ(run(":80/"), "healthy 200");
    network().peers[loopback] = says("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnot");
    EXPECT_EQ(run(":80/"), "unhealthy reply: text not found 'ready'");
}

TEST_F(NetworkCheckTest, a_wrong_status_counts_for_more_than_the_text) {
    settings.contains = "ready";
    network().peers[loopback] = says("HTTP/1.1 500 No\r\nContent-Length: 5\r\n\r\nready");
    EXPECT_EQ(run(":80/"), "unhealthy status 500, want 200-399,");
}

// After the verdict.

TEST_F(NetworkCheckTest, the_rest_of_a_reply_is_read_to_its_end_after_the_verdict) {
    const std::string replies[] = {
        ok + "Content-Length: 100\r\n\r\n" + std::string(100, 'x'),
        "HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\n" + std::string(100, 'x'),
        ok + "Transfer-Encoding: chunked\r\n\r\n40\r\n" + std::string(64, 'x') +
            "\r\n0\r\nTrailer: yes\r\n\r\n"};
    for (const std::string& reply : replies) {
        network().peers[loopback] = {.on_bytes = [&reply](Connection& connection) {
            Duration later = 0;
            for (const char c : reply) connection.say(std::string(1, c), later += millisecond);
        }};
        run(":80/");
        EXPECT_EQ(drained_for(),
                  static_cast<Duration>(reply.size() - reply.find('\n') - 1) * millisecond)
            << reply;
    }
}

TEST_F(NetworkCheckTest, the_rest_of_a_reply_is_read_until_the_peer_closes) {
    network().peers[loopback] = {.on_bytes = [](Connection& connection) {
        connection.say(ok + "\r\nbody");
        connection.close(100 * millisecond);
    }};
    EXPECT_EQ(run(":80/"), "healthy 200");
    EXPECT_EQ(drained_for(), 100 * millisecond);
    network().peers[loopback].on_bytes = [](Connection& connection) {
        connection.say(ok + "\r\nbody");
        connection.reset(ECONNRESET, 100 * millisecond);
    };
    EXPECT_EQ(run(":80/"), "healthy 200");
    EXPECT_EQ(drained_for(), 100 * millisecond);
}

TEST_F(NetworkCheckTest, a_reply_that_does_not_end_is_read_for_a_quarter_of_a_second) {
    network().peers[loopback] = says(ok);
    EXPECT_EQ(run(":80/"), "healthy 200");
    EXPECT_EQ(elapsed(), 0);
    EXPECT_EQ(drained_for(), NetworkCheck::drain_time);
    network().peers[loopback] = says(ok, timeout - 10 * millisecond);
    EXPECT_EQ(run(":80/"), "healthy 200");
    EXPECT_EQ(drained_for(), 10 * millisecond) << "the deadline comes first";
}

TEST_F(NetworkCheckTest, no_more_than_a_mebibyte_is_read_after_the_verdict) {
    std::size_t left = 0;
    network().peers[loopback] = {.on_bytes = [&left](Connection& connection) {
        left = 2 * NetworkCheck::drain_limit;
        for (Duration at = 0; left > 0; left -= 4096, at += 100'000)
            connection.say(std::string(4096, 'x'), at);
    }};
    settings.contains = "y";
    network().peers[loopback].on_connect = [](Connection& connection) {
        connection.say(ok + "\r\n");
    };
    EXPECT_EQ(run(":80/"), "unhealthy reply: text not found 'y'");
    EXPECT_EQ(drained_for(), 256 * 100'000);
}

TEST_F(NetworkCheckTest, what_is_no_http_is_not_read_on) {
    network().peers[loopback] = says("SSH-2.0-OpenSSH_9.2\r\n");
    EXPECT_EQ(run(":80/"), "unhealthy reply: not an HTTP reply");
    EXPECT_EQ(drained_for(), 0);
}

TEST_F(NetworkCheckTest, what_is_no_http_is_unhealthy) {
    network().peers[loopback] = says("\x15\x03\x01\x00\x02\x02\x46"s);
    EXPECT_EQ(run(":80/"), "unhealthy reply: the peer speaks TLS, not plaintext");
    network().peers[loopback] = says("SSH-2.0-OpenSSH_9.2\r\n");
    EXPECT_EQ(run(":80/"), "unhealthy reply: not an HTTP reply");
}

TEST_F(NetworkCheckTest, a_request_that_cannot_be_made_is_misused) {
    const std::string longest = ":80/" + std::string(4096, 'x');
    EXPECT_EQ(run(longest), "misused not a request: over 4096 bytes, or control characters");
    const std::string service = "grpc://:80/" + std::string(4096, 'x');
    EXPECT_EQ(run(service), "misused not a request: over 4096 bytes, or control characters");
    EXPECT_TRUE(network().connected.empty());
}

// gRPC.

std::string frame(char type, char flags, char stream, const std::string& payload) {
    return "\0\0"s + static_cast<char>(payload.size()) + type + flags + "\0\0\0"s + stream +
           payload;
}

std::string field(const std::string& name, const std::string& value) {
    return "\0"s + static_cast<char>(name.size()) + name + static_cast<char>(value.size()) + value;
}

// Frames of HTTP/2: 0 DATA, 1 HEADERS (flag 4: complete, 1: the last), 4 SETTINGS, 6 PING.
std::string grpc_reply(char serving, const std::string& status = "0") {
    return frame(4, 0, 0, "") + frame(1, 4, 1, "\x88" + field("content-type", "application/grpc")) +
           frame(0, 0, 1, "\0\0\0\0\2\x08"s + serving) +
           frame(1, 5, 1, field("grpc-status", status) + field("grpc-message", "too busy"));
}

// Answers once, to the first bytes: the client's flight is one write.
Peer grpc_says(const std::string& reply) {
    return {.on_bytes = [reply, answered = false](Connection& connection) mutable {
        if (!std::exchange(answered, true)) connection.say(reply);
    }};
}

TEST_F(NetworkCheckTest, a_grpc_service_that_serves_is_healthy) {
    network().peers[loopback] = grpc_says(grpc_reply(1));
    EXPECT_EQ(run("grpc://localhost:80/my.Service"), "healthy SERVING");
    EXPECT_TRUE(outcome.timed);
}

TEST_F(NetworkCheckTest, headers_are_metadata_of_a_grpc_call) {
    std::string request;
    network().peers[loopback].on_bytes = [&](Connection& connection) {
        request = connection.request;
        connection.close();
    };
    settings.headers[0] = "X-Token: secret";
    settings.header_count = 1;
    run("grpc://127.0.0.1:80");
    EXPECT_NE(request.find("\x07x-token\x06secret"), std::string::npos);
    settings.headers[1] = "Grpc-Secret: secret";
    settings.header_count = 2;
    EXPECT_EQ(run("grpc://127.0.0.1:80"),
              "misused no metadata of gRPC: header 'Grpc-Secret' (want a name of your own, and "
              "printable ASCII)");
    EXPECT_EQ(network().connected.size(), 1U);
}

TEST_F(NetworkCheckTest, the_authority_of_grpc_has_its_port) {
    const struct {
        const char* check;
        const char* authority;
        const char* peer;
    } cases[] = {{"grpc://:80", "\x0clocalhost:80", loopback},
                 {"grpc://[::1]:80", "\x08[::1]:80", loopback6},
                 {"grpc://unix:/run/app.sock", "\x09localhost", socket_path}};
    for (const auto& c : cases) {
        std::string request;
        network().peers[c.peer].on_bytes = [&](Connection& connection) {
            request = connection.request;
            connection.close();
        };
        run(c.check);
        EXPECT_NE(request.find("\x01"s + c.authority + "\x0f"), std::string::npos) << c.check;
    }
}

TEST_F(NetworkCheckTest, a_grpc_service_that_does_not_serve_is_unhealthy) {
    network().peers[loopback] = grpc_says(grpc_reply(2));
    EXPECT_EQ(run("grpc://localhost:80"), "unhealthy NOT_SERVING");
}

TEST_F(NetworkCheckTest, a_grpc_call_that_fails_is_unhealthy) {
    network().peers[loopback] = grpc_says(grpc_reply(1, "14"));
    EXPECT_EQ(run("grpc://localhost:80"),
              "unhealthy reply: the call failed: 14 UNAVAILABLE: too busy");
    network().peers[loopback] = grpc_says(grpc_reply(1, "99"));
    EXPECT_EQ(run("grpc://localhost:80"), "unhealthy reply: the call failed: 99: too busy");
}

TEST_F(NetworkCheckTest, a_grpc_server_that_goes_away_is_unhealthy) {
    network().peers[loopback] =
        grpc_says(frame(4, 0, 0, "") + frame(7, 0, 0, "\0\0\0\0\0\0\0\x0b"s));
    EXPECT_EQ(run("grpc://localhost:80"), "unhealthy reply: GOAWAY, code 11");
    network().peers[loopback] = grpc_says(frame(4, 0, 0, "") + frame(3, 0, 1, "\0\0\0\7"s));
    EXPECT_EQ(run("grpc://localhost:80"), "unhealthy reply: stream reset, code 7");
}

TEST_F(NetworkCheckTest, an_http2_server_without_grpc_is_unhealthy) {
    network().peers[loopback] = grpc_says(frame(4, 0, 0, "") + frame(1, 5, 1, "\x8d"));
    EXPECT_EQ(run("grpc://localhost:80"),
              "unhealthy reply: an HTTP reply, not gRPC, HTTP status 404");
}

TEST_F(NetworkCheckTest, a_grpc_peer_that_closes_is_unhealthy) {
    network().peers[loopback] = {.on_bytes = [](Connection& connection) { connection.close(); }};
    EXPECT_EQ(run("grpc://localhost:80"),
              "unhealthy reply: closed without a reply (does it speak TLS?)");
}

TEST_F(NetworkCheckTest, what_a_grpc_peer_is_owed_is_sent) {
    const std::string ping = "12345678";
    std::string after_request;
    network().peers[loopback] = {.on_bytes = [&, request = std::size_t{0}](Connection& c) mutable {
        if (request == 0) {
            request = c.request.size();
            c.say(frame(4, 0, 0, "") + frame(6, 0, 0, ping));
            c.say(grpc_reply(1).substr(9), second);
        }
        after_request = c.request.substr(request);
    }};
    EXPECT_EQ(run("grpc://localhost:80"), "healthy SERVING");
    EXPECT_EQ(after_request, frame(4, 1, 0, "") + frame(6, 1, 0, ping));
}

TEST_F(NetworkCheckTest, a_grpc_peer_that_takes_nothing_more_may_still_answer) {
    network().peers[loopback] = grpc_says(grpc_reply(1));
    network().peers[loopback].on_bytes = [](Connection& connection) {
        network().peers[loopback].window = connection.request.size();
        connection.say(frame(4, 0, 0, ""));
        connection.say(grpc_reply(1).substr(9), second);
    };
    EXPECT_EQ(run("grpc://localhost:80"), "healthy SERVING");
    EXPECT_LE(network().polls, 5);
}

// Names, and whose addresses they are.

TEST_F(NetworkCheckTest, an_address_of_another_host_is_refused) {
    EXPECT_EQ(run("tcp://10.0.0.7:80"),
              "misused not this container's own address: 10.0.0.7 (--allow-remote permits it)");
    EXPECT_TRUE(network().connected.empty());
}

TEST_F(NetworkCheckTest, a_name_of_another_host_is_refused) {
    network().servers[server] = knows({{"app", {.addresses = {"fd00::7"}}}});
    EXPECT_EQ(run("http://app/"),
              "misused not this container's own address: fd00::7 (--allow-remote permits it)");
    EXPECT_TRUE(network().connected.empty());
}

TEST_F(NetworkCheckTest, one_foreign_address_of_a_name_is_one_too_many) {
    network().own_addresses = {"10.0.0.7"};
    network().servers[server] = knows({{"app", {.addresses = {"10.0.0.7", "10.0.0.8"}}}});
    EXPECT_EQ(run("http://app/").rfind("misused not this container's own address: 10.0.0.8", 0),
              0U);
    EXPECT_TRUE(network().connected.empty());
}

TEST_F(NetworkCheckTest, an_address_of_this_container_is_not_another_host) {
    network().own_addresses = {"10.0.0.7"};
    network().peers["10.0.0.7:80"] = {};
    EXPECT_EQ(run("tcp://10.0.0.7:80"), "healthy ");
}

TEST_F(NetworkCheckTest, another_host_is_asked_where_that_is_allowed) {
    settings.allow_remote = true;
    network().peers["10.0.0.7:80"] = {};
    EXPECT_EQ(run("tcp://10.0.0.7:80"), "healthy ");
}

TEST_F(NetworkCheckTest, a_name_in_the_hosts_file_needs_no_name_server) {
    kernel().files["/etc/hosts"] = "127.0.0.1 app\n";
    network().peers[loopback] = {};
    EXPECT_EQ(run("tcp://app:80"), "healthy ");
    EXPECT_TRUE(network().asked.empty());
}

TEST_F(NetworkCheckTest, a_name_that_nobody_knows_is_unhealthy) {
    network().servers[server] = knows({});
    EXPECT_EQ(run("tcp://app:80"), "unhealthy resolve: no such name");
    EXPECT_FALSE(outcome.timed);
}

TEST_F(NetworkCheckTest, a_lookup_that_fails_at_once_is_unhealthy) {
    network().no_sockets = EMFILE;
    EXPECT_EQ(run("tcp://app:80"), "unhealthy resolve: no socket for the name server");
}

TEST_F(NetworkCheckTest, the_sockets_of_the_name_server_are_closed_before_it_connects) {
    settings.allow_remote = true;
    network().servers[server] = knows({{"app", {.addresses = {"10.0.0.7"}}}});
    network().peers["10.0.0.7:80"] = {
        .on_connect = [](Connection&) { EXPECT_EQ(network().open_sockets(), 1); }};
    EXPECT_EQ(run("tcp://app:80"), "healthy ");
}

// Again, and being watched.

TEST_F(NetworkCheckTest, a_check_can_be_run_again_with_another_end) {
    EXPECT_EQ(run(":80/"), "unhealthy connect: Connection refused");
    network().peers[loopback6] = says(ok);
    EXPECT_EQ(run(":80/"), "healthy 200");
    network().peers[loopback6] = says("HTTP/1.1 500 No\r\n");
    EXPECT_EQ(run(":80/"), "unhealthy status 500, want 200-399,");
    network().peers[loopback6] = {};
    EXPECT_EQ(run(":80/"), "unhealthy reply: timed out");
    network().peers.clear();
    EXPECT_EQ(run(":80/"), "unhealthy connect: Connection refused");
}

TEST_F(NetworkCheckTest, starting_again_in_the_middle_closes_the_connection) {
    network().peers[loopback] = {.answers_after = infinite};
    start(":80/", now() + timeout);
    start(":80/", now() + timeout);
    EXPECT_EQ(network().open_sockets(), 1);
}

TEST_F(NetworkCheckTest, verbose_tells_each_step_and_when) {
    settings.verbosity = 1;
    settings.allow_remote = true;
    network().servers[server] = knows({{"app", {.addresses = {"10.0.0.7"}}}}, 5 * millisecond);
    network().peers["10.0.0.7:80"] = says(ok);
    network().peers["10.0.0.7:80"].answers_after = 7 * millisecond;
    EXPECT_EQ(run("http://app/"), "healthy 200");
    EXPECT_EQ(kernel().log,
              "http://app/: resolving at 0ms\n"
              "http://app/: connecting to 10.0.0.7 at 5ms\n"
              "http://app/: connected at 12ms\n"
              "http://app/: sent at 12ms\n");
}

TEST_F(NetworkCheckTest, says_nothing_by_itself) {
    network().peers[loopback] = says(ok);
    EXPECT_EQ(run(":80/"), "healthy 200");
    EXPECT_EQ(kernel().log + kernel().standard_output, "");
}

// Databases: the words are those of the codecs' own tests.

TEST_F(NetworkCheckTest, redis_that_answers_is_healthy) {
    network().peers[loopback] = {.on_bytes = [](Connection& connection) {
        if (connection.request == "*1\r\n$4\r\nPING\r\n") connection.say("+PONG\r\n", 0);
    }};
    EXPECT_EQ(run("redis://:80"), "healthy PONG");
    EXPECT_EQ(elapsed(), 0);
    EXPECT_EQ(drained_for(), 0);
}

TEST_F(NetworkCheckTest, redis_that_loads_is_unhealthy_for_its_own_reason) {
    network().peers[loopback] = {.on_bytes = [](Connection& connection) {
        connection.say("-LOADING Redis is loading\x1b\r\n", 0);
    }};
    EXPECT_EQ(run("redis://:80"), "unhealthy LOADING Redis is loading?");
}

TEST_F(NetworkCheckTest, postgres_that_lets_us_in_gets_a_farewell_and_may_answer_it) {
    std::string heard;
    network().peers[loopback] = {.on_bytes = [&heard](Connection& connection) {
        heard = connection.request;
        if (heard.size() == 41) connection.say(std::string("R\0\0\0\x08\0\0\0\0", 9), 0);
    }};
    EXPECT_EQ(run("postgres://:80"), "healthy ");
    EXPECT_EQ(elapsed(), 0);
    EXPECT_EQ(heard.substr(41), std::string("X\0\0\0\x04", 5));
    EXPECT_EQ(drained_for(), NetworkCheck::drain_time);  // this one does not close
}

TEST_F(NetworkCheckTest, postgres_that_wants_a_password_is_left_at_once) {
    network().peers[loopback] = {.on_bytes = [](Connection& connection) {
        connection.say(std::string("R\0\0\0\x0c\0\0\0\x05salt", 13), 0);
    }};
    EXPECT_EQ(run("postgres://:80"), "healthy ");
    EXPECT_EQ(drained_for(), 0);
}

TEST_F(NetworkCheckTest, a_database_that_says_nothing_is_given_up_in_time) {
    network().peers[loopback] = {};
    for (const char* text : {"redis://:80", "postgres://:80", "mysql://:80"}) {
        EXPECT_EQ(run(text), "unhealthy reply: timed out") << text;
    }
}

TEST_F(NetworkCheckTest, what_is_no_database_is_told) {
    network().peers[loopback] = {.on_bytes = [](Connection& connection) {
        connection.say("HTTP/1.1 400 Bad Request\r\n\r\n", 0);
    }};
    EXPECT_EQ(run("redis://:80"), "unhealthy reply: not a Redis reply");
    EXPECT_EQ(run("postgres://:80"), "unhealthy reply: not a PostgreSQL reply");
}

TEST_F(NetworkCheckTest, a_user_that_is_no_user_is_misuse) {
    network().peers[loopback] = {};
    BadInput bad;
    ASSERT_TRUE(parse_check("postgres://:80", check, bad));
    check.user = std::string_view("a\0b", 3);
    outcome.reset();
    checked->start(check, settings, outcome, now(), after(now(), timeout));
    EXPECT_EQ(result(), "misused not a request: over 4096 bytes, or control characters");
}

}  // namespace
}  // namespace usher
