// SPDX-License-Identifier: MIT
// Starting real programs. Each test runs in a child of its own, which may block signals and die.
#include "spawn.hpp"
#include "file.hpp"

#include <errno.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <string>
#include <vector>

namespace usher {
namespace {

struct Outcome {
    const char* stage = nullptr;
    int number = 0;
    bool interpreter_missing = false;
    int status = -1;
};

class SpawnTest : public testing::Test {
  protected:
    SpawnTest() {
        char name[] = "/tmp/usher-spawn-XXXXXX";
        directory = mkdtemp(name);
    }
    ~SpawnTest() override {
        for (const std::string& file : files) unlink(file.c_str());
        rmdir(directory.c_str());
    }
    std::string write(const std::string& name, const std::string& content, mode_t mode = 0755) {
        const std::string path = directory + "/" + name;
        std::ofstream(path) << content;
        chmod(path.c_str(), mode);
        files.push_back(path);
        return path;
    }

    Outcome start(std::vector<std::string> words,
                  std::vector<std::string> environment = {"PATH=/bin:/usr/bin"},
                  const std::function<void(sys::SpawnRequest&)>& change = {}) {
        const auto pointers = [](std::vector<std::string>& of) {
            std::vector<char*> list;
            for (std::string& one : of) list.push_back(one.data());
            list.push_back(nullptr);
            return list;
        };
        words.insert(words.begin(), "usher");  // the caller's own word
        const std::vector<char*> argv = pointers(words);
        std::vector<char*> envp = pointers(environment);
        sys::SpawnRequest request{.argv = argv.data() + 1, .envp = envp.data()};
        if (change) change(request);
        const auto before = sys::rt_sigprocmask(sys::MaskHow::set, ~SignalSet{0});
        const sys::Spawned spawned = sys::spawn(request);
        Outcome outcome{
            .stage = spawned.failure.stage.empty() ? nullptr : spawned.failure.stage.view().data(),
            .number = spawned.failure.number,
            .interpreter_missing = spawned.failure.interpreter_missing};
        EXPECT_EQ(waitpid(spawned.pid, &outcome.status, 0), spawned.pid);
        (void)sys::rt_sigprocmask(sys::MaskHow::set, before.value);
        return outcome;
    }
    static void expect_started(const Outcome& outcome, int code) {
        EXPECT_EQ(outcome.stage, nullptr) << outcome.stage << ": " << strerror(outcome.number);
        EXPECT_TRUE(WIFEXITED(outcome.status));
        EXPECT_EQ(WEXITSTATUS(outcome.status), code);
    }
    static void expect_failed(const Outcome& outcome, int number) {
        EXPECT_STREQ(outcome.stage, "exec");
        EXPECT_EQ(outcome.number, number) << strerror(outcome.number);
    }

    std::string directory;
    std::vector<std::string> files;
};

TEST_F(SpawnTest, starts_a_program_given_by_its_path) {
    expect_started(start({"/bin/sh", "-c", "exit 7"}), 7);
}

TEST_F(SpawnTest, searches_path) { expect_started(start({"sh", "-c", "exit 7"}), 7); }

TEST_F(SpawnTest, searches_the_default_path_when_there_is_none) {
    expect_started(start({"sh", "-c", "exit 7"}, {}), 7);
    expect_started(start({"sh", "-c", "exit 7"}, {"PATH="}), 7);
}

TEST_F(SpawnTest, goes_on_searching_past_directories_that_are_missing_or_no_directories) {
    write("file", "");
    expect_started(start({"sh", "-c", "exit 7"}, {"PATH=/none:" + directory + "/file:/bin"}), 7);
}

TEST_F(SpawnTest, goes_on_searching_past_a_file_that_is_not_executable) {
    write("sh", "", 0644);
    expect_started(start({"sh", "-c", "exit 7"}, {"PATH=" + directory + ":/bin"}), 7);
}

TEST_F(SpawnTest, says_enoent_of_a_program_that_is_nowhere) {
    expect_failed(start({"no-such-program"}), ENOENT);
    expect_failed(start({"/no/such/program"}), ENOENT);
    expect_failed(start({""}), ENOENT);
}

TEST_F(SpawnTest, says_eacces_of_a_file_that_is_not_executable) {
    expect_failed(start({write("app", "x", 0644)}), EACCES);
    expect_failed(start({"app"}, {"PATH=" + directory}), EACCES);
    expect_failed(start({"/tmp"}), EACCES);
}

TEST_F(SpawnTest, says_that_an_interpreter_is_missing) {
    const Outcome outcome = start({write("app", "#!/no/such/interpreter\n")});
    EXPECT_STREQ(outcome.stage, "exec");
    EXPECT_TRUE(outcome.interpreter_missing);
}

TEST_F(SpawnTest, says_enoexec_of_a_binary_of_no_known_format) {
    expect_failed(start({write("app", std::string("\x7f\0\1\2garbage", 11))}), ENOEXEC);
}

// The errno of the first try stays in the report when /bin/sh then takes the script over, so that
// the start counts as failed ("setpgid": Exec format error, 125) while the script runs.
TEST_F(SpawnTest, has_a_text_file_without_interpreter_run_by_the_shell) {
    expect_started(start({write("app", "test \"$1 $2\" = 'a b' && exit 7\n"), "a", "b"}), 7);
}

TEST_F(SpawnTest, puts_the_program_in_a_group_of_its_own) {
    expect_started(start({"/bin/sh", "-c", "set -- $(cat /proc/$$/stat); test $1 = $5 && exit 7"}),
                   7);
}

TEST_F(SpawnTest, gives_the_program_the_mask_that_was_asked_for) {
    const SignalSet mask = set_of(1) | set_of(33) | set_of(64);
    // Not through a shell: dash clears its mask.
    const auto outcome =
        start({"/bin/grep", "-q", "^SigBlk:.8000000100000001$", "/proc/self/status"}, {},
              [&](sys::SpawnRequest& request) { request.mask = mask; });
    expect_started(outcome, 0);
}

TEST_F(SpawnTest, ignores_sigchld_in_the_program_only_if_asked_to) {
    const std::vector<std::string> words{"/bin/grep", "-q", "SigIgn:.*1[0-9a-f]\\{4\\}$",
                                         "/proc/self/status"};
    EXPECT_EQ(WEXITSTATUS(start(words).status), 1);
    const auto ignored = start(
        words, {}, [](sys::SpawnRequest& request) { request.sigchld = sys::Disposition::ignored; });
    expect_started(ignored, 0);
}

TEST_F(SpawnTest, passes_the_environment_and_more_variables) {
    const auto outcome = start({"/bin/sh", "-c", "test \"$A$B$C\" = 123 && exit 7"}, {"A=1"},
                               [](sys::SpawnRequest& request) {
                                   request.extra_variables = {"B=2", "C=3"};
                               });
    expect_started(outcome, 7);
}

TEST_F(SpawnTest, rewrites_listen_pid_if_it_names_the_caller) {
    const std::string own = "LISTEN_PID=" + std::to_string(getpid());
    expect_started(start({"/bin/sh", "-c", "test $LISTEN_PID = $$ && exit 7"}, {own}), 7);
}

TEST_F(SpawnTest, leaves_another_listen_pid_alone) {
    expect_started(start({"/bin/sh", "-c", "test $LISTEN_PID = 1 && exit 7"}, {"LISTEN_PID=1"}), 7);
    expect_started(start({"/bin/sh", "-c", "test $LISTEN_PID = x && exit 7"}, {"LISTEN_PID=x"}), 7);
}

TEST_F(SpawnTest, passes_on_twenty_thousand_arguments) {
    std::vector<std::string> words{"/bin/sh", "-c", "test $# = 20000 && exit 7", "sh"};
    words.resize(20004, "x");
    expect_started(start(words), 7);
}

TEST_F(SpawnTest, uses_an_empty_entry_of_path_for_the_working_directory) {
    write("here", "#!/bin/sh\nexit 7\n");
    char before[4096];
    ASSERT_NE(getcwd(before, sizeof before), nullptr);
    ASSERT_EQ(chdir(directory.c_str()), 0);
    expect_started(start({"here"}, {"PATH=/none:"}), 7);
    ASSERT_EQ(chdir(before), 0);
}

TEST_F(SpawnTest, skips_directories_whose_paths_are_too_long) {
    expect_started(start({"sh", "-c", "exit 7"}, {"PATH=/" + std::string(5000, 'x') + ":/bin"}), 7);
}

}  // namespace
}  // namespace usher
