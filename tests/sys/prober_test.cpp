// SPDX-License-Identifier: MIT
// The loop of `usher probe` and `usher wait`: many checks at once, on the faked kernel and network.
#include "prober.hpp"

#include <errno.h>
#include <gtest/gtest.h>

#include <deque>
#include <new>

#include "dns_reply.hpp"
#include "fake_network.hpp"

namespace usher {
namespace {

using namespace test;
using cmd::Prober;

constexpr int self = 99;
constexpr int usr1 = 10;
constexpr int intr = 2;
constexpr int term = 15;
constexpr char server[] = "10.0.0.2:53";
constexpr Duration timeout = 3 * second;

const std::string ok = "HTTP/1.1 200 OK\r\n";

class ProberTest : public testing::Test {
  protected:
    ProberTest() {
        new_kernel().self = self;
        kernel().start({.pid = 1, .parent = -1, .name = "usher:running"});
        kernel().start({.pid = self, .parent = 1, .name = "usher"});
        kernel().files["/etc/resolv.conf"] = "nameserver 10.0.0.2\n";
        kernel().wall = 1'000'000 * second;
    }

    // It has no destructor: it ends with the process.
    Prober& prober() {
        alignas(Prober) static std::byte room[sizeof(Prober)];
        if (made == nullptr) made = new (room) Prober(invocation, settings);
        return *made;
    }

    void add(const std::string& text) {
        BadInput bad;
        texts.push_back(text);  // it must outlive the prober
        Check check;
        EXPECT_TRUE(parse_check(texts.back(), check, bad)) << text;
        EXPECT_TRUE(prober().add(check, bad)) << text;
        EXPECT_TRUE(bad.problem.empty()) << text;
    }

    int run(Duration time = timeout) {
        const int signal = prober().run(after(kernel().now, time));
        EXPECT_FALSE(kernel().hung);
        return signal;
    }

    std::string result(std::size_t index = 0) {
        char room[512];
        Writer line(room);
        prober().add_result(line, index);
        return std::string(line.view());
    }

    // The result line of this check alone.
    std::string result_of(const std::string& text) {
        made = nullptr;
        add(text);
        EXPECT_EQ(run(), 0) << text;
        return result();
    }

    static Duration elapsed() { return kernel().now - kernel().start_time; }
    static void raise_at(Time at, int signal) {
        kernel().at(at, [signal] { kernel().raise(signal); });
    }
    static void hang(const std::string& address) {
        network().peers[address] = {.answers_after = infinite};
    }
    static void modify(const char* path, Duration ago, std::uint64_t size = 0) {
        network().facts[path] = {.size = size, .modified = kernel().wall - ago};
    }

    cmd::Invocation invocation;
    ProbeSettings settings{Command::probe};
    Prober* made = nullptr;
    std::deque<std::string> texts;
};

// Files.

TEST_F(ProberTest, a_file_that_is_there_is_healthy) {
    modify("/tmp/ok", 90 * second);
    EXPECT_EQ(result_of("file:/tmp/ok"), "healthy file:/tmp/ok modified 90s ago\n");
    EXPECT_EQ(elapsed(), 0);
    EXPECT_EQ(network().polls, 0);
}

TEST_F(ProberTest, a_file_that_is_not_there_is_unhealthy) {
    EXPECT_EQ(result_of("file:/tmp/ok"),
              "unhealthy file:/tmp/ok: file: No such file or directory\n");
    network().statx_errors["/closed/ok"] = EACCES;
    EXPECT_EQ(result_of("file:/closed/ok"), "unhealthy file:/closed/ok: file: Permission denied\n");
}

TEST_F(ProberTest, a_file_may_be_as_old_as_was_asked_for) {
    modify("/a", 10 * second);
    EXPECT_EQ(result_of("file:/a?max-age=10s"), "healthy file:/a?max-age=10s modified 10s ago\n");
    modify("/a", 10 * second + 1);
    EXPECT_EQ(result_of("file:/a?max-age=10s"),
              "unhealthy file:/a?max-age=10s: file: 10s old, want at most 10s\n");
    modify("/a", 3600 * second);
    EXPECT_EQ(result_of("file:/a?max-age=10s"),
              "unhealthy file:/a?max-age=10s: file: 3600s old, want at most 10s\n");
}

TEST_F(ProberTest, a_file_must_be_as_large_as_was_asked_for) {
    modify("/a", 0, 42);
    EXPECT_EQ(result_of("file:/a?min-size=42"), "healthy file:/a?min-size=42 modified 0s ago\n");
    EXPECT_EQ(result_of("file:/a?min-size=43"),
              "unhealthy file:/a?min-size=43: file: 42 bytes, want at least 43\n");
}

TEST_F(ProberTest, a_file_from_the_near_future_is_new) {
    modify("/a", -5 * second);
    EXPECT_EQ(result_of("file:/a?max-age=1s"), "healthy file:/a?max-age=1s modified 0s ago\n");
}

TEST_F(ProberTest, a_file_from_the_far_future_is_unhealthy_where_age_counts) {
    modify("/a", -5 * second - 1);
    EXPECT_EQ(result_of("file:/a?max-age=1s"),
              "unhealthy file:/a?max-age=1s: file: modified 5s in the future\n");
    EXPECT_EQ(result_of("file:/a"), "healthy file:/a modified 0s ago\n");
}

TEST_F(ProberTest, an_absurd_time_of_a_file_overflows_nothing) {
    for (const Time modified : {INT64_MIN, INT64_MIN + 1, -infinite / 2, infinite}) {
        network().facts["/a"] = {.modified = modified};
        EXPECT_EQ(result_of("file:/a").rfind("healthy file:/a modified ", 0), 0U);
        const std::string line = result_of("file:/a?max-age=1s");
        EXPECT_NE(line.find(modified < 0 ? "s old, want at most 1s" : "s in the future"),
                  std::string::npos)
            << line;
    }
}

TEST_F(ProberTest, a_path_that_is_too_long_is_unhealthy) {
    for (const std::size_t length : {4095U, 4096U, 10000U}) {
        const std::string path = "/" + std::string(length - 1, 'x');
        const std::string line = result_of("file:" + path);
        EXPECT_EQ(line.rfind("unhealthy file:/xxx", 0), 0U) << length;
        const bool fits = length < 4096;
        EXPECT_NE(line.find(fits ? "No such file" : "File name too long"), std::string::npos)
            << line;
        EXPECT_EQ(result_of("pid:" + path).rfind("unhealthy pid:/xxx", 0), 0U) << length;
    }
}

// Processes.

TEST_F(ProberTest, a_process_that_lives_is_healthy) {
    kernel().start({.pid = 42});
    EXPECT_EQ(result_of("pid:42"), "healthy pid:42 process 42\n");
}

TEST_F(ProberTest, a_process_that_does_not_live_is_unhealthy) {
    EXPECT_EQ(result_of("pid:42"), "unhealthy pid:42: no process 42\n");
}

TEST_F(ProberTest, a_zombie_is_unhealthy) {
    kernel().start({.pid = 42, .parent = 1, .state = 'Z'});
    EXPECT_EQ(result_of("pid:42"), "unhealthy pid:42: process 42 is a zombie\n");
}

TEST_F(ProberTest, a_process_whose_first_thread_has_ended_lives_while_another_does) {
    kernel().start({.pid = 42, .parent = 1, .state = 'Z', .threads = 2});
    EXPECT_EQ(result_of("pid:42"), "healthy pid:42 process 42\n");
}

TEST_F(ProberTest, a_thread_is_no_process) {
    kernel().start({.pid = 43, .thread_of = 42});
    EXPECT_EQ(result_of("pid:43"), "unhealthy pid:43: 43 is a thread of process 42\n");
}

TEST_F(ProberTest, a_pid_file_names_the_process) {
    kernel().start({.pid = 42});
    for (const char* content :
         {"42", "42\n", "42 \r\n", "42\nmore\n", "0042\n", "  42", "\t\n 42\n"}) {
        kernel().files["/run/app.pid"] = content;
        EXPECT_EQ(result_of("pid:/run/app.pid"), "healthy pid:/run/app.pid process 42\n")
            << content;
    }
    kernel().files["/run/app.pid"] = "43\n";
    EXPECT_EQ(result_of("pid:/run/app.pid"), "unhealthy pid:/run/app.pid: no process 43\n");
}

TEST_F(ProberTest, a_pid_file_that_is_not_there_is_unhealthy) {
    EXPECT_EQ(result_of("pid:/run/app.pid"),
              "unhealthy pid:/run/app.pid: pid file: No such file or directory\n");
}

TEST_F(ProberTest, a_pid_file_without_a_pid_is_unhealthy) {
    kernel().start({.pid = 12});
    // The last one does not fit, and might go on with another digit.
    for (const std::string& content :
         {std::string(), std::string("\n"), std::string("0\n"), std::string("-1\n"),
          std::string("secret"), std::string("4 2"), std::string("2147483648"),
          std::string(62, ' ') + "123"}) {
        kernel().files["/run/app.pid"] = content;
        EXPECT_EQ(result_of("pid:/run/app.pid"),
                  "unhealthy pid:/run/app.pid: pid file: not a pid\n");
    }
}

TEST_F(ProberTest, without_proc_a_signal_of_0_tells_whether_a_process_lives) {
    kernel().proc_mounted = false;
    kernel().start({.pid = 42});
    EXPECT_EQ(result_of("pid:42"), "healthy pid:42 process 42\n");
    EXPECT_EQ(result_of("pid:43"), "unhealthy pid:43: no process 43\n");
    kernel().kill_errors[42] = EPERM;  // another user's
    EXPECT_EQ(result_of("pid:42"), "healthy pid:42 process 42\n");
    EXPECT_TRUE(kernel().sent.empty());
}

TEST_F(ProberTest, another_container_s_proc_is_not_asked) {
    kernel().proc_self = 4711;
    kernel().start({.pid = 42, .parent = 1, .state = 'Z'});
    EXPECT_EQ(result_of("pid:42"), "healthy pid:42 process 42\n");  // a zombie can be signalled
}

// The state of usher itself.

TEST_F(ProberTest, ready_means_that_the_program_runs) {
    EXPECT_EQ(result_of("ready:"), "healthy ready: running\n");
    for (const std::string state : {"starting", "draining", "stopping", "lingering", "killing"}) {
        kernel().processes[1].name = "usher:" + state;
        EXPECT_EQ(result_of("ready:"), "unhealthy ready: " + state + "\n");
    }
}

TEST_F(ProberTest, live_means_that_it_is_not_being_killed) {
    for (const std::string state : {"starting", "running", "draining", "stopping", "lingering"}) {
        kernel().processes[1].name = "usher:" + state;
        EXPECT_EQ(result_of("live:"), "healthy live: " + state + "\n");
    }
    kernel().processes[1].name = "usher:killing";
    EXPECT_EQ(result_of("live:"), "unhealthy live: killing\n");
}

TEST_F(ProberTest, without_an_usher_there_is_no_state) {
    kernel().processes[1].name = "tini";
    EXPECT_EQ(result_of("ready:"), "unhealthy ready: no usher is the init of this container\n");
    kernel().proc_mounted = false;
    EXPECT_EQ(result_of("live:"),
              "unhealthy live: /proc is not mounted here, or not this container's\n");
}

// Many at once.

TEST_F(ProberTest, all_checks_run_at_the_same_time) {
    for (int i = 1; i <= 4; ++i) {
        const std::string address = "127.0.0." + std::to_string(i) + ":80";
        network().peers[address] = {.answers_after = i * 100 * millisecond};
        add("tcp://" + address);
    }
    EXPECT_EQ(network().connected.size(), 0U);
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(network().connect_times, (std::vector<Duration>{0, 0, 0, 0}));
    EXPECT_EQ(elapsed(), 400 * millisecond);
    EXPECT_TRUE(prober().all_healthy());
}

TEST_F(ProberTest, one_deadline_ends_all_of_them) {
    settings.allow_remote = true;
    hang("127.0.0.1:1");
    network().peers["127.0.0.1:2"] = {};
    network().peers["127.0.0.1:3"] = {.window = 1};
    network().peers["unix:/s"] = {.refuses_with = EAGAIN};
    add("tcp://127.0.0.1:1");
    add("http://127.0.0.1:2/");
    add("http://127.0.0.1:3/");
    add("tcp://app:4");
    add("unix:/s");
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(elapsed(), timeout);
    EXPECT_EQ(result(0), "unhealthy tcp://127.0.0.1:1: connect: timed out\n");
    EXPECT_EQ(result(1), "unhealthy http://127.0.0.1:2/: reply: timed out\n");
    EXPECT_EQ(result(2), "unhealthy http://127.0.0.1:3/: send: timed out\n");
    EXPECT_EQ(result(3), "unhealthy tcp://app:4: resolve: timed out\n");
    EXPECT_EQ(result(4), "unhealthy unix:/s: connect: backlog full, timed out\n");
    for (const auto& [fd, socket] : network().sockets)
        EXPECT_NE(socket.kind, FakeNetwork::Socket::Kind::stream) << fd;
}

TEST_F(ProberTest, a_check_that_hangs_does_not_change_the_others) {
    hang("127.0.0.1:1");
    network().peers["127.0.0.1:2"] = {.answers_after = 40 * millisecond};
    modify("/a", 0);
    add("tcp://127.0.0.1:1");
    add("tcp://127.0.0.1:2");
    add("file:/a");
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(result(1), "healthy tcp://127.0.0.1:2 in 40ms\n");
    EXPECT_EQ(result(2), "healthy file:/a modified 0s ago\n");
    EXPECT_FALSE(prober().all_healthy());
}

TEST_F(ProberTest, waits_no_longer_than_for_the_slowest_check) {
    network().peers["127.0.0.1:1"] = {.answers_after = 90 * millisecond};
    add("tcp://127.0.0.1:1");
    add("tcp://127.0.0.2:1");
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(elapsed(), 90 * millisecond);
    EXPECT_LE(network().polls, 3);
    EXPECT_EQ(result(1), "unhealthy tcp://127.0.0.2:1: connect: Connection refused\n");
}

TEST_F(ProberTest, wakes_up_for_the_check_that_has_something_to_do_first) {
    hang("127.0.0.1:1");
    network().peers["[::1]:1"] = {};
    network().peers["unix:/s"] = {.refuses_with = EAGAIN};
    kernel().at(95 * millisecond, [] { network().peers["unix:/s"].refuses_with = 0; });
    add("tcp://localhost:1");
    add("unix:/s");
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(result(0), "healthy tcp://localhost:1 in 250ms\n");
    EXPECT_EQ(result(1), "healthy unix:/s in 100ms\n");
}

TEST_F(ProberTest, has_room_for_as_many_lookups_as_checks) {
    settings.allow_remote = true;
    network().servers[server] = [](const std::string& query) -> std::vector<Reply> {
        return {{dns_reply(query, {.addresses = {"10.0.0.7"}, .truncated = true})}};
    };
    network().peers[server] = {};  // and by TCP it hangs
    for (std::size_t i = 0; i < Prober::most_checks; ++i) {
        add("tcp://app" + std::to_string(i) + ":1");
    }
    int most = 0;
    kernel().at(second, [&most] { most = network().open_sockets(); });
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(most, 16 * 3 + 1);
    EXPECT_EQ(result(15), "unhealthy tcp://app15:1: resolve: timed out\n");
}

TEST_F(ProberTest, refuses_a_seventeenth_check) {
    for (std::size_t i = 0; i < Prober::most_checks; ++i) add("ready:");
    BadInput bad;
    EXPECT_FALSE(prober().add({.kind = CheckKind::live, .text = "live:"}, bad));
    char room[128];
    Writer line(room);
    add_bad_input(line, bad);
    EXPECT_EQ(line.view(), "one check too many: 'live:'; accepted: up to 16");
    EXPECT_EQ(prober().count(), Prober::most_checks);
    char word[] = "true";
    char* const program[] = {word, nullptr};
    BadInput bad_program;
    EXPECT_FALSE(prober().add_program(program, bad_program));
    EXPECT_EQ(bad_program.word, "true");
}

TEST_F(ProberTest, can_try_again_and_gives_each_try_its_time) {
    hang("127.0.0.1:80");
    add("tcp://127.0.0.1:80");
    EXPECT_EQ(run(second), 0);
    EXPECT_EQ(result(), "unhealthy tcp://127.0.0.1:80: connect: timed out\n");
    network().peers["127.0.0.1:80"] = {.answers_after = 20 * millisecond};
    EXPECT_EQ(run(second), 0);
    EXPECT_EQ(result(), "healthy tcp://127.0.0.1:80 in 20ms\n");
    EXPECT_TRUE(prober().all_healthy());
}

TEST_F(ProberTest, without_a_deadline_it_waits_as_long_as_it_takes) {
    network().peers["127.0.0.1:80"] = {.answers_after = 3600 * second};
    add("tcp://127.0.0.1:80");
    EXPECT_EQ(run(infinite), 0);
    EXPECT_EQ(result(), "healthy tcp://127.0.0.1:80 in 3600000ms\n");
    EXPECT_LE(network().polls, 2);
}

// Signals.

TEST_F(ProberTest, a_signal_ends_a_run) {
    hang("127.0.0.1:80");
    add("tcp://127.0.0.1:80");
    raise_at(second, term);
    EXPECT_EQ(run(), term);
    EXPECT_LE(elapsed(), second + millisecond);
    raise_at(2 * second, intr);
    EXPECT_EQ(run(), intr);
    EXPECT_LE(elapsed(), 2 * second + millisecond);
}

TEST_F(ProberTest, a_signal_from_before_the_run_ends_it) {
    hang("127.0.0.1:80");
    add("tcp://127.0.0.1:80");
    kernel().raise(term);
    EXPECT_EQ(run(), term);
    EXPECT_LE(elapsed(), millisecond);
}

TEST_F(ProberTest, where_signalfd_is_refused_a_signal_still_ends_a_run) {
    network().no_signalfd = EPERM;
    hang("127.0.0.1:80");
    add("tcp://127.0.0.1:80");
    raise_at(second + millisecond, term);
    EXPECT_EQ(run(), term);
    EXPECT_LE(elapsed(), second + 25 * millisecond);
    EXPECT_LE(network().polls, 60);
}

TEST_F(ProberTest, a_child_that_ends_is_reaped_and_ends_nothing) {
    hang("127.0.0.1:80");
    add("tcp://127.0.0.1:80");
    kernel().start({.pid = 200});
    kernel().start({.pid = 201});
    kernel().at(second, [] {
        kernel().end(200, ended(0));
        kernel().end(201, ended(1));
    });
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(kernel().processes.count(200) + kernel().processes.count(201), 0U);
    EXPECT_EQ(elapsed(), timeout);
    EXPECT_LE(network().polls, 4);
}

TEST_F(ProberTest, a_signal_behind_sigchld_is_seen_at_once) {
    hang("127.0.0.1:80");
    add("tcp://127.0.0.1:80");
    raise_at(second, sig::chld);
    raise_at(second, term);
    EXPECT_EQ(run(), term);
    EXPECT_LE(elapsed(), second + millisecond);
}

TEST_F(ProberTest, blocks_only_what_was_blocked_and_what_it_waits_for) {
    invocation.mask = set_of(usr1);
    prober();
    EXPECT_EQ(kernel().blocked, set_of(usr1) | set_of(term) | set_of(intr) | set_of(sig::quit) |
                                    set_of(sig::hup) | set_of(sig::chld) | set_of(sig::pipe) |
                                    set_of(sig::xfsz));
}

TEST_F(ProberTest, where_receiving_a_signal_is_refused_it_does_not_spin) {
    hang("127.0.0.1:80");
    add("tcp://127.0.0.1:80");
    kernel().sigtimedwait_always = EPERM;
    raise_at(second, term);
    EXPECT_EQ(run(), 0);
    EXPECT_LE(elapsed(), timeout + millisecond);
    EXPECT_LE(network().polls, 2005);
}

TEST_F(ProberTest, a_pause_ends_at_its_time_or_with_a_signal) {
    EXPECT_EQ(prober().pause(kernel().now + second), 0);
    EXPECT_EQ(elapsed(), second);
    raise_at(1500 * millisecond, term);
    EXPECT_EQ(prober().pause(kernel().now + second), term);
    EXPECT_LE(elapsed(), 1501 * millisecond);
    EXPECT_LE(network().polls, 3);
}

TEST_F(ProberTest, a_pause_of_no_time_still_sees_a_signal) {
    prober();
    EXPECT_EQ(prober().pause(0), 0);
    kernel().raise(intr);
    EXPECT_EQ(prober().pause(0), intr);
    EXPECT_EQ(network().polls, 0);
}

TEST_F(ProberTest, a_pause_does_not_spin_when_poll_fails) {
    network().poll_always = EINVAL;
    EXPECT_EQ(prober().pause(kernel().now + second), 0);
    EXPECT_EQ(elapsed(), second);
    EXPECT_LE(network().polls, 1000);
}

// Errors of poll.

TEST_F(ProberTest, an_interrupted_poll_changes_nothing) {
    network().peers["127.0.0.1:80"] = {.answers_after = 40 * millisecond};
    network().poll_errors = {EINTR, EINTR, EINTR};
    add("tcp://127.0.0.1:80");
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(result(), "healthy tcp://127.0.0.1:80 in 40ms\n");
}

TEST_F(ProberTest, being_interrupted_again_and_again_does_not_put_the_deadline_off) {
    hang("127.0.0.1:80");
    network().poll_always = EINTR;
    add("tcp://127.0.0.1:80");
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(elapsed(), timeout);
    EXPECT_EQ(result(), "unhealthy tcp://127.0.0.1:80: connect: timed out\n");
    EXPECT_LE(network().polls, 3000);
}

TEST_F(ProberTest, a_poll_that_is_refused_does_not_make_it_spin) {
    for (const int number : {EINVAL, ENOMEM, EPERM, ENOSYS}) {
        new_network();
        made = nullptr;
        hang("127.0.0.1:80");
        network().poll_always = number;
        add("tcp://127.0.0.1:80");
        const Time before = kernel().now;
        EXPECT_EQ(run(), 0) << number;
        EXPECT_EQ(kernel().now - before, timeout) << number;
        EXPECT_LE(network().polls, 3000) << number;
        if (kernel().hung) break;
    }
}

TEST_F(ProberTest, a_signal_ends_a_run_although_poll_is_refused) {
    hang("127.0.0.1:80");
    network().poll_always = EINVAL;
    add("tcp://127.0.0.1:80");
    raise_at(second, term);
    EXPECT_EQ(run(), term);
    EXPECT_LE(elapsed(), second + 2 * millisecond);
}

// Closed standard descriptors.

TEST_F(ProberTest, what_it_opens_does_not_become_what_it_prints_to) {
    kernel().open_fds.clear();
    kernel().next_open_fd = 0;
    hang("127.0.0.1:80");
    add("tcp://127.0.0.1:80");
    kernel().at(second, [] {
        for (const auto& [fd, socket] : network().sockets) {
            const bool is_connection = socket.kind == FakeNetwork::Socket::Kind::stream;
            EXPECT_TRUE(!is_connection || fd >= 3) << fd;
        }
    });
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(network().sockets.count(1) + network().sockets.count(2), 0U);
}

// Until it fills them also where signalfd is refused.
TEST_F(ProberTest, what_it_opens_does_not_become_what_it_prints_to_without_signalfd) {
    network().no_signalfd = EPERM;
    kernel().open_fds.clear();
    kernel().next_open_fd = 0;
    hang("127.0.0.1:80");
    add("tcp://127.0.0.1:80");
    kernel().at(second, [] {
        for (const auto& [fd, socket] : network().sockets) EXPECT_GE(fd, 3);
    });
    EXPECT_EQ(run(), 0);
}

TEST_F(ProberTest, opens_nothing_when_all_of_them_are_there) {
    prober();
    EXPECT_EQ(kernel().opens, 0);
}

// Results.

TEST_F(ProberTest, a_result_line_has_at_most_256_bytes) {
    const std::string needle(256, 'n');
    settings.contains = needle;
    settings.invert = true;
    const std::string text = "http://127.0.0.1/" + std::string(3000, 'x');
    network().peers["127.0.0.1:80"] = {.on_bytes = [](Connection& connection) {
        connection.say("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
    }};
    const std::string line = result_of(text);
    EXPECT_LE(line.size(), 256U);
    EXPECT_GE(line.size(), 250U);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    EXPECT_NE(line.find(" (--not): reply: text not found 'nnn"), std::string::npos) << line;
}

TEST_F(ProberTest, a_result_line_is_one_line_of_printable_ascii) {
    settings.contains = "\x1b[2J\n\xc3\xa9";
    network().peers["127.0.0.1:80"] = {.on_bytes = [](Connection& connection) {
        connection.say("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
    }};
    EXPECT_EQ(result_of("http://127.0.0.1/x"),
              "unhealthy http://127.0.0.1/x: reply: text not found '?[2J???"
              "'\n");  // in two: no trigraph
}

TEST_F(ProberTest, not_turns_the_verdict_round) {
    settings.invert = true;
    modify("/a", 0);
    EXPECT_EQ(result_of("file:/a"), "unhealthy file:/a (--not): modified 0s ago\n");
    EXPECT_FALSE(prober().all_healthy());
    EXPECT_EQ(result_of("file:/b"), "healthy file:/b (--not): file: No such file or directory\n");
    EXPECT_TRUE(prober().all_healthy());
    EXPECT_EQ(result_of("ready:"), "unhealthy ready: (--not): running\n");
}

TEST_F(ProberTest, a_misused_check_is_never_healthy) {
    for (const bool invert : {false, true}) {
        settings.invert = invert;
        EXPECT_EQ(result_of("tcp://10.0.0.7:1"),
                  std::string("unhealthy tcp://10.0.0.7:1") + (invert ? " (--not)" : "") +
                      ": not this container's own address: 10.0.0.7 (--allow-remote permits it)\n");
        EXPECT_TRUE(prober().any_misused());
        EXPECT_FALSE(prober().all_healthy());
    }
    EXPECT_EQ(result_of("ready:").rfind("unhealthy ready: (--not)", 0), 0U);
    EXPECT_FALSE(prober().any_misused());
}

TEST_F(ProberTest, tells_whether_a_result_has_changed) {
    add("file:/a");
    add("file:/b");
    EXPECT_EQ(run(), 0);
    EXPECT_TRUE(prober().has_changed(0));
    EXPECT_FALSE(prober().has_changed(0));
    EXPECT_TRUE(prober().has_changed(1));
    modify("/a", 0);
    EXPECT_EQ(run(), 0);
    EXPECT_TRUE(prober().has_changed(0));
    EXPECT_FALSE(prober().has_changed(1));
}

TEST_F(ProberTest, the_age_of_a_file_is_no_new_result) {
    modify("/a", 60 * second);
    add("file:/a?max-age=1s");
    EXPECT_EQ(run(), 0);
    EXPECT_TRUE(prober().has_changed(0));
    kernel().wall += second;
    EXPECT_EQ(run(), 0);
    EXPECT_FALSE(prober().has_changed(0));
}

TEST_F(ProberTest, a_try_that_the_deadline_cut_off_fails_for_the_reason_before) {
    add("tcp://127.0.0.1:80");
    EXPECT_EQ(run(second), 0);
    hang("127.0.0.1:80");
    EXPECT_EQ(run(second), 0);
    prober().restore_complete();
    EXPECT_EQ(result(), "unhealthy tcp://127.0.0.1:80: connect: Connection refused\n");
}

TEST_F(ProberTest, a_first_try_that_was_cut_off_has_no_other_reason) {
    hang("127.0.0.1:80");
    add("tcp://127.0.0.1:80");
    EXPECT_EQ(run(second), 0);
    prober().restore_complete();
    EXPECT_EQ(result(), "unhealthy tcp://127.0.0.1:80: connect: timed out\n");
}

TEST_F(ProberTest, a_failing_line_has_its_time_only_when_more_is_asked_for) {
    hang("127.0.0.1:80");
    settings.verbosity = 1;
    add("tcp://127.0.0.1:80");
    EXPECT_EQ(run(second), 0);
    EXPECT_EQ(result(), "unhealthy tcp://127.0.0.1:80: connect: timed out in 1000ms\n");
}

TEST_F(ProberTest, no_checks_are_over_at_once) {
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(elapsed(), 0);
    EXPECT_EQ(network().polls, 0);
}

// After the verdict.

// A server whose reply ends `later` than it begins.
test::Peer answers_slowly(Duration later) {
    return {.on_bytes = [later](Connection& connection) {
        connection.say(ok + "Content-Length: 1\r\n\r\n");
        connection.say("x", later);
    }};
}

TEST_F(ProberTest, is_done_when_all_is_settled_and_reads_the_rest_when_asked_to) {
    network().peers["127.0.0.1:1"] = answers_slowly(100 * millisecond);
    network().peers["127.0.0.1:2"] = answers_slowly(50 * millisecond);
    add("http://127.0.0.1:1/");
    add("http://127.0.0.1:2/");
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(elapsed(), 0);
    const int before = network().open_sockets();
    prober().drain();
    EXPECT_EQ(elapsed(), 100 * millisecond);
    EXPECT_EQ(network().open_sockets(), before - 2);
    EXPECT_EQ(result(0), "healthy http://127.0.0.1:1/ 200 in 0ms\n");
}

TEST_F(ProberTest, reads_the_rest_of_one_reply_while_another_check_goes_on) {
    network().peers["127.0.0.1:1"] = answers_slowly(100 * millisecond);
    network().peers["127.0.0.1:2"] = {.answers_after = second};
    add("http://127.0.0.1:1/");
    add("tcp://127.0.0.1:2");
    int open_sockets = 0;
    kernel().at(second / 2, [&open_sockets] { open_sockets = network().open_sockets(); });
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(elapsed(), second);
    EXPECT_EQ(open_sockets, 2) << "the signals', and the one that is being connected";
    EXPECT_EQ(result(0), "healthy http://127.0.0.1:1/ 200 in 0ms\n");
    prober().drain();
    EXPECT_EQ(elapsed(), second);
}

TEST_F(ProberTest, a_signal_ends_the_reading_and_is_left_for_who_asks) {
    network().peers["127.0.0.1:1"] = answers_slowly(200 * millisecond);
    add("http://127.0.0.1:1/");
    EXPECT_EQ(run(), 0);
    raise_at(50 * millisecond, term);
    prober().drain();
    EXPECT_EQ(elapsed(), 50 * millisecond);
    EXPECT_EQ(prober().pause(kernel().now), term);
}

TEST_F(ProberTest, reads_on_where_signalfd_is_refused) {
    network().no_signalfd = ENOSYS;
    network().peers["127.0.0.1:1"] = answers_slowly(200 * millisecond);
    add("http://127.0.0.1:1/");
    EXPECT_EQ(run(), 0);
    prober().drain();
    EXPECT_EQ(elapsed(), 200 * millisecond);
    EXPECT_EQ(network().open_sockets(), 0);
}

TEST_F(ProberTest, does_not_wait_for_a_check_that_a_signal_cut_short) {
    network().peers["127.0.0.1:1"] = answers_slowly(200 * millisecond);
    hang("127.0.0.1:2");
    add("http://127.0.0.1:1/");
    add("tcp://127.0.0.1:2");
    raise_at(50 * millisecond, term);
    EXPECT_EQ(run(), term);
    prober().drain();
    EXPECT_LE(elapsed(), 51 * millisecond);
}

}  // namespace
}  // namespace usher
