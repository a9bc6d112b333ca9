// SPDX-License-Identifier: MIT
#include "peer.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "supervisor.hpp"

namespace usher {
namespace {

using Words = std::vector<std::string>;

using Kind = PeerTask::Kind;

struct Got {
    PeerTask task;
    RunSettings settings;
    std::string answer;
};

constexpr int own_pid = 7;

Got call(Peer peer, const Words& words, const Words& environment = {}) {
    // The words outlive what points into them.
    static std::vector<Words> kept;
    std::vector<char*> pointers;
    for (std::string& word : kept.emplace_back(words)) pointers.push_back(word.data());
    std::vector<char*> variables;
    for (std::string& entry : kept.emplace_back(environment)) variables.push_back(entry.data());
    variables.push_back(nullptr);
    Got got{};
    char room[4096];
    Writer answer(room);
    got.task = apply_peer(
        peer,
        {.name = "/sbin/x", .words = pointers, .environment = variables.data(), .pid = own_pid},
        got.settings, answer);
    got.answer = answer.view();
    return got;
}

void expect_answer(const Got& got, const std::string& answer) {
    EXPECT_EQ(got.task.kind, Kind::answer);
    EXPECT_EQ(got.answer, answer);
    EXPECT_FALSE(got.task.on_stderr);
    EXPECT_EQ(got.task.exit_code, 0);
}

void expect_complaint(const Got& got, int exit_code, const std::string& beginning) {
    EXPECT_EQ(got.task.kind, Kind::answer);
    EXPECT_EQ(got.answer.substr(0, beginning.size()), beginning);
    EXPECT_TRUE(got.task.on_stderr);
    EXPECT_EQ(got.task.exit_code, exit_code);
}

Got tini(const Words& words, const Words& environment = {}) {
    return call(Peer::tini, words, environment);
}
Got dumb_init(const Words& words, const Words& environment = {}) {
    return call(Peer::dumb_init, words, environment);
}
Got catatonit(const Words& words, const Words& environment = {}) {
    return call(Peer::catatonit, words, environment);
}

TEST(peer_called, knows_each_name_whatever_folder_it_is_in) {
    EXPECT_EQ(peer_called("tini"), Peer::tini);
    EXPECT_EQ(peer_called("/sbin/tini-static"), Peer::tini);
    EXPECT_EQ(peer_called("/sbin/docker-init"), Peer::tini);
    EXPECT_EQ(peer_called("./dumb-init"), Peer::dumb_init);
    EXPECT_EQ(peer_called("/usr/libexec/catatonit"), Peer::catatonit);
    EXPECT_EQ(peer_called("/usr/local/bin/gosu"), Peer::gosu);
    EXPECT_EQ(peer_called("su-exec"), Peer::su_exec);
}

TEST(peer_called, takes_any_other_name_for_usher) {
    for (const char* name : {"", "/", "usher", "/run/podman-init", "tini2", "tin", "TINI", "tini/",
                             "status", "probe", "/tini/usher"}) {
        EXPECT_EQ(peer_called(name), std::nullopt) << name;
    }
}

TEST(tini, forwards_to_the_child_alone_and_leaves_at_once) {
    const Got got = tini({"--", "app"});
    EXPECT_EQ(got.task.kind, Kind::run);
    EXPECT_EQ(got.task.program, 1U);
    EXPECT_EQ(got.settings.forward, Forward::main);
    EXPECT_EQ(got.settings.linger, 0);
    EXPECT_FALSE(got.settings.subreaper);
    EXPECT_FALSE(got.settings.term_at_end);
    EXPECT_EQ(got.settings.verbosity, 0);
    EXPECT_EQ(got.settings.failed_code, 1);
    EXPECT_EQ(got.settings.not_found_code, 127);
}

TEST(tini, waits_for_no_fault_and_no_terminal_stop_but_tstp) {
    const SignalSet waited = tini({"app"}).settings.waited_for;
    for (int signal = 1; signal <= signal_count; ++signal) {
        const bool left =
            contains(fault_signals, signal) || signal == sig::ttin || signal == sig::ttou;
        EXPECT_EQ(contains(waited, signal), !left) << signal;
    }
}

TEST(tini, takes_its_options_also_combined) {
    const Got got = tini({"-gsvvw", "-pSIGKILL", "-e", "143", "-e5", "app", "-g"});
    EXPECT_EQ(got.task.kind, Kind::run);
    EXPECT_EQ(got.task.program, 5U);
    EXPECT_EQ(got.settings.forward, Forward::group);
    EXPECT_TRUE(got.settings.subreaper);
    EXPECT_TRUE(got.settings.warn_reaped);
    EXPECT_EQ(got.settings.verbosity, 2);
    EXPECT_EQ(got.settings.parent_death, sig::kill);
    EXPECT_EQ(got.settings.exit_code[143], 0);
    EXPECT_EQ(got.settings.exit_code[5], 0);
    EXPECT_EQ(got.settings.exit_code[6], 6);
}

TEST(tini, takes_every_number_that_the_c_library_reads_for_e) {
    for (const char* text : {"5", "05", "+5", " 5"}) {
        EXPECT_EQ(tini({"-e", text, "app"}).settings.exit_code[5], 0) << text;
    }
    EXPECT_EQ(tini({"-e", "", "app"}).settings.exit_code[0], 0);
    for (const char* text : {"5x", "256", "-1", "x", "0x5", "99999999999999999999", " "}) {
        const Got got = tini({"-e", text, "app"});
        expect_complaint(got, 1,
                         std::string("[FATAL tini (7)] Not a valid option for -e: ") + text);
    }
}

TEST(tini, takes_full_names_only_for_p) {
    for (const char* text : {"SIGTERM", "SIGHUP", "SIGSYS", "SIGXFSZ"}) {
        EXPECT_EQ(tini({"-p", text, "app"}).task.kind, Kind::run) << text;
    }
    for (const char* text : {"TERM", "15", "sigterm", "SIGPWR", "SIGIO", "SIGSTKFLT", "SIGCLD",
                             "SIGRTMIN", "", "SIG"}) {
        const Got got = tini({"-p", text, "app"});
        expect_complaint(got, 1,
                         std::string("[FATAL tini (7)] Not a valid option for -p: ") + text);
    }
}

TEST(tini, reads_its_variables_by_their_being_there) {
    const Got got = tini({"app"}, {"TINI_SUBREAPER=", "TINI_KILL_PROCESS_GROUP=0"});
    EXPECT_TRUE(got.settings.subreaper);
    EXPECT_EQ(got.settings.forward, Forward::group);
}

TEST(tini, lets_the_variable_win_over_v) {
    EXPECT_EQ(tini({"-vvv", "app"}, {"TINI_VERBOSITY=1"}).settings.verbosity, 0);
    EXPECT_EQ(tini({"app"}, {"TINI_VERBOSITY=3"}).settings.verbosity, 2);
    EXPECT_EQ(tini({"app"}, {"TINI_VERBOSITY=x"}).settings.verbosity, -1);
    EXPECT_EQ(tini({"app"}, {"TINI_VERBOSITY="}).settings.verbosity, -1);
}

TEST(tini, knows_version_only_as_the_sole_word) {
    expect_answer(tini({"--version"}), "tini version 0.19.0\n");
    expect_complaint(tini({"--version", "x"}), 1, "x: invalid option -- '-'\nx (tini version");
    expect_complaint(tini({"-s", "--version"}), 1, "x: invalid option -- '-'\n");
}

TEST(tini, ignores_ushers_own_variables) {
    EXPECT_EQ(tini({"app"}, {"USHER_GRACE=5s", "USHER_FORWARD=all"}).settings.forward,
              Forward::main);
}

TEST(every_peer, wants_a_program) {
    for (const Peer peer : {Peer::tini, Peer::dumb_init, Peer::catatonit}) {
        const char* const usage = peer == Peer::tini ? "x (tini version 0.19.0)\nUsage: tini "
                                  : peer == Peer::dumb_init
                                      ? "Usage: /sbin/x "
                                      : "ERROR (catatonit:7): missing program";
        expect_complaint(call(peer, {}), 1, usage);
        expect_complaint(call(peer, {"--"}), 1, usage);
        expect_complaint(call(peer, {"-x", "app"}), 1, "x: invalid option -- 'x'\n");
    }
}

TEST(dumb_init, gives_the_program_a_session_and_tells_the_group_at_the_end) {
    const Got got = dumb_init({"app"});
    EXPECT_EQ(got.settings.home, Home::session);
    EXPECT_EQ(got.settings.forward, Forward::group);
    EXPECT_TRUE(got.settings.term_at_end);
    EXPECT_TRUE(got.settings.stops_with_program);
    EXPECT_EQ(got.settings.rewrite[sig::tstp], sig::stop);
    EXPECT_EQ(got.settings.rewrite[sig::ttin], sig::stop);
    EXPECT_EQ(got.settings.rewrite[sig::ttou], sig::stop);
    EXPECT_EQ(got.settings.not_found_code, 2);
    EXPECT_LT(got.settings.verbosity, 0);
}

TEST(dumb_init, single_child_stays_in_our_group) {
    for (const Got& got :
         {dumb_init({"-c", "app"}), dumb_init({"--single-child", "app"}),
          dumb_init({"--si", "app"}), dumb_init({"app"}, {"DUMB_INIT_SETSID=0"})}) {
        EXPECT_EQ(got.task.kind, Kind::run);
        EXPECT_EQ(got.settings.home, Home::shared);
        EXPECT_EQ(got.settings.forward, Forward::main);
        EXPECT_FALSE(got.settings.term_at_end);
        EXPECT_EQ(got.settings.rewrite[sig::tstp], sig::tstp);
    }
    EXPECT_EQ(dumb_init({"app"}, {"DUMB_INIT_SETSID=00"}).settings.home, Home::session);
}

TEST(dumb_init, rewrites_by_numbers) {
    EXPECT_EQ(dumb_init({"-r", "15:2", "app"}).settings.rewrite[15], 2);
    EXPECT_EQ(dumb_init({"-r15:12abc", "app"}).settings.rewrite[15], 12);
    EXPECT_EQ(dumb_init({"--rewrite=15:0", "app"}).settings.rewrite[15], 0);
    EXPECT_EQ(dumb_init({"--rewrite", " 15: +2", "app"}).settings.rewrite[15], 2);
    EXPECT_EQ(dumb_init({"-r", "20:20", "app"}).settings.rewrite[sig::tstp], sig::tstp);
    for (const char* text : {"0:1", "32:1", "31:32", "TERM:INT", "15", "15:", ":2", "15:-1", ""}) {
        expect_complaint(dumb_init({"-r", text, "app"}), 1, "Usage: -r option takes");
    }
}

TEST(dumb_init, takes_the_beginning_of_a_long_option_if_only_one_begins_so) {
    EXPECT_EQ(dumb_init({"--verb", "app"}).settings.verbosity, 2);
    EXPECT_EQ(dumb_init({"--vers"}).answer, "dumb-init v1.2.5\n");
    EXPECT_TRUE(dumb_init({"--vers"}).task.on_stderr);
    EXPECT_EQ(dumb_init({"--vers"}).task.exit_code, 0);
    expect_complaint(dumb_init({"--ver"}), 1, "x: unknown option '--ver'");
    expect_complaint(dumb_init({"--help=3"}), 1, "x: --help: takes no value, but got '3'");
}

TEST(dumb_init, takes_its_variables_at_their_exact_values) {
    EXPECT_EQ(dumb_init({"app"}, {"DUMB_INIT_DEBUG=1"}).settings.verbosity, 2);
    EXPECT_EQ(dumb_init({"app"}, {"DUMB_INIT_DEBUG=yes"}).settings.verbosity, -1);
}

TEST(catatonit, is_always_a_subreaper_and_forwards_to_the_child) {
    const Got got = catatonit({"app"});
    EXPECT_TRUE(got.settings.subreaper);
    EXPECT_EQ(got.settings.forward, Forward::main);
    EXPECT_FALSE(contains(got.settings.waited_for, sig::tstp));
    EXPECT_EQ(got.settings.not_found_code, 1);
    EXPECT_EQ(got.settings.not_executable_code, 1);
    EXPECT_EQ(catatonit({"-g", "app"}).settings.forward, Forward::group);
}

TEST(catatonit, pauses_without_a_program) {
    EXPECT_EQ(catatonit({"-P"}).task.kind, Kind::pause);
    EXPECT_EQ(catatonit({"-P", "app"}).task.kind, Kind::pause);
}

TEST(catatonit, refuses_the_reserved_variable_before_all_else) {
    expect_complaint(catatonit({"-V"}, {"CATATONIT_LOG="}), 1,
                     "ERROR (catatonit:7): CATATONIT_LOG must not be set\n");
    EXPECT_EQ(catatonit({"app"}, {"CATATONIT_DEBUG="}).settings.verbosity, 2);
}

Actions after_start(const RunSettings& settings, const Event& event) {
    Supervisor supervisor(settings, false);
    (void)supervisor.on({.kind = EventKind::started});
    return supervisor.on(event);
}

TEST(dumb_init, sends_term_as_rewritten_when_the_program_ends_and_leaves) {
    const Got got = dumb_init({"-r", "15:3", "app"});
    const Actions actions = after_start(got.settings, {.kind = EventKind::main_ended, .status = 0});
    ASSERT_EQ(actions.size(), 2U);
    EXPECT_EQ(actions.begin()[0], (Action{ActionKind::to_group, sig::quit}));
    EXPECT_EQ(actions.begin()[1], (Action{ActionKind::leave}));
}

TEST(dumb_init, stops_itself_behind_the_program) {
    const Got got = dumb_init({"app"});
    const Actions actions =
        after_start(got.settings, {.kind = EventKind::other_signal, .signal = sig::tstp});
    ASSERT_EQ(actions.size(), 2U);
    EXPECT_EQ(actions.begin()[0], (Action{ActionKind::to_group, sig::stop}));
    EXPECT_EQ(actions.begin()[1], (Action{ActionKind::halt_self}));
}

TEST(tini, sends_nothing_when_the_program_ends) {
    const Got got = tini({"app"});
    const Actions actions = after_start(got.settings, {.kind = EventKind::main_ended, .status = 0});
    ASSERT_EQ(actions.size(), 1U);
    EXPECT_EQ(actions.begin()[0], (Action{ActionKind::leave}));
}

TEST(gosu, takes_a_user_and_a_program_and_no_options_behind_them) {
    for (const Peer peer : {Peer::gosu, Peer::su_exec}) {
        const Got got = call(peer, {"app:www", "id", "-u"});
        EXPECT_EQ(got.task.kind, Kind::become);
        EXPECT_EQ(got.task.user, "app:www");
        EXPECT_EQ(got.task.program, 1U);
        EXPECT_EQ(call(peer, {"--", "id"}).task.user, "--");
        EXPECT_EQ(call(peer, {"", "id"}).task.user, "");
    }
}

TEST(gosu, prints_its_help_and_version) {
    for (const char* word : {"--help", "-h", "-?"}) {
        const Got got = call(Peer::gosu, {word, "id"});
        expect_answer(got, got.answer);
        EXPECT_EQ(got.answer.find("Usage: x user-spec command [args]\n   eg: x tianon bash\n"), 0U);
    }
    expect_answer(call(Peer::gosu, {"-v"}), "1.14 (usher)\n");
    expect_answer(call(Peer::gosu, {"--version", "id"}), "1.14 (usher)\n");
}

TEST(gosu, without_a_program_it_is_called_wrongly_and_su_exec_is_not) {
    expect_complaint(call(Peer::gosu, {}), 1, "Usage: x user-spec command [args]\n");
    expect_complaint(call(Peer::gosu, {"app"}), 1, "Usage: x ");
    for (const Words& words : {Words{}, Words{"app"}}) {
        expect_answer(call(Peer::su_exec, words), "Usage: /sbin/x user-spec command [args]\n");
    }
}

TEST(gosu, has_a_sentence_of_its_own_for_each_failure) {
    std::set<std::string> sentences;
    for (int i = 0; i <= static_cast<int>(BecomeProblem::not_executed); ++i) {
        const auto problem = static_cast<BecomeProblem>(i);
        const auto sentence = std::string(become_sentence(Peer::gosu, problem).view());
        EXPECT_TRUE(sentences.insert(sentence).second) << sentence;
        EXPECT_EQ(sentence.find("error: "), 0U) << sentence;
        EXPECT_EQ(sentence.back(), '\n');
        const auto of_su_exec = become_sentence(Peer::su_exec, problem).view();
        EXPECT_EQ(of_su_exec.find("su-exec: "), 0U) << of_su_exec;
        EXPECT_EQ(of_su_exec.back(), '\n');
    }
}

}  // namespace
}  // namespace usher
