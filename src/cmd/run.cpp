// SPDX-License-Identifier: MIT
// The run form: what the supervisor decides is done here, to real processes.
#include "run.hpp"

#include <new>

#include "become_user.hpp"
#include "commands.hpp"
#include "exit_status.hpp"
#include "file.hpp"
#include "init.hpp"
#include "memory.hpp"
#include "print.hpp"
#include "release_inherited.hpp"
#include "run_checks.hpp"
#include "start_failure.hpp"

namespace usher::cmd {

namespace {

bool read_environment(RunSettings& settings, char* const* environment, BadInput& bad) {
    for (; *environment != nullptr; ++environment) {
        if (!apply_variable(settings, *environment, bad)) return false;
    }
    return true;
}

// What is wrong with the checks is told before anything is started.
bool fits_checks(const RunSettings& settings, const Invocation& invocation, sys::Log& log,
                 BadInput& bad) {
    if (settings.heal.is_on() || settings.wait.checks.count > 0) {
        return accept_checks(settings, invocation, log, bad);
    }
    bad.where = settings.check_option;
    // The checks of the environment were the outermost usher's.
    return settings.check_option.empty() || settings.nested ||
           refuse(bad, "there is no check that could use it", {}, "--wait-for or --heal CHECK");
}

struct Start {
    const RunSettings& settings;
    const char* program;
    sys::Log& log;
};

int tell_failed_start(void* context, const sys::SpawnFailure& failure) {
    const Start& start = *static_cast<Start*>(context);
    return report_failed_start(failure, start.program, start.settings, start.log);
}

// The format may stand behind the variable that is wrong.
[[gnu::cold, gnu::noinline]] int complain_of_variable(const BadInput& bad,
                                                      char* const* environment) {
    BadInput no_format;
    return complain(bad, read_log_format(environment, no_format).value_or(LogFormat::text));
}

// What does not fit together is known when all was read, of the command line and the environment.
[[gnu::cold, gnu::noinline]] int complain_of_input(const Invocation& invocation, BadInput& bad,
                                                   LogFormat format) {
    bad.where = as_given(bad.where, invocation.words.subspan(1), invocation.environment);
    return complain(bad, format);
}

// Part of the loop, so that the start-up code is not mapped again only to return through it.
[[noreturn, gnu::hot, gnu::noinline]] void supervise_to_the_end(Init& init, int program,
                                                                const char* name) {
    sys::exit(init.supervise(program, name));
}

}  // namespace

int run(const Invocation& invocation) {
    // What is asked for.
    // As long as the container lives it is needed. Not on the stack: the page of variables is
    // written to anyhow.
    alignas(RunSettings) static std::byte room[sizeof(RunSettings)];
    RunSettings& settings = *new (room) RunSettings;
    sys::Log log;
    BadInput bad;
    if (!read_environment(settings, invocation.environment, bad)) {
        return complain_of_variable(bad, invocation.environment);
    }
    const auto line = apply_command_line(settings, invocation.words.subspan(1), bad);
    if (!line) return complain_of_input(invocation, bad, settings.wording.style.format);
    switch (line->request) {
        case RunRequest::help: return print_help(Command::run);
        case RunRequest::version: return print_version();
        case RunRequest::license: return print_license();
        case RunRequest::run: break;
    }
    log.set(settings.wording.style, settings.verbosity);
    if (!fits_checks(settings, invocation, log, bad)) {
        return complain_of_input(invocation, bad, settings.wording.style.format);
    }
    if (settings.notify) {
        settings.notify_socket = take_from_environment(invocation.environment, "NOTIFY_SOCKET");
    }
    warn_of_unknown_variables(invocation.environment, log);
    return run_program(settings, invocation, invocation.words.subspan(line->program + 1), log);
}

int run_program(const RunSettings& settings, const Invocation& invocation,
                std::span<char* const> program, sys::Log& log) {
    // Become what adopts orphans, and what reaps them: an ignored SIGCHLD would leave no zombies,
    // and no exit status either.
    Init init(settings, invocation, log);
    init.prepare();
    const Became became = become_user(settings, invocation, log);
    if (became.code != 0) return became.code;
    init.follow_parent();
    const auto sigchld = sys::sigaction(sig::chld, sys::Disposition::other);
    if (const int code = init.wait_for(invocation); code != 0) return code;

    int cwd = -1;
    if (settings.leaves_cwd_first) {
        const auto opened = sys::open(".", sys::OpenMode::directory);
        if (opened && sys::chdir("/")) cwd = opened.value;
    }
    Start start{.settings = settings, .program = program[0], .log = log};
    const sys::SpawnRequest request{
        .argv = program.data(),
        .envp = invocation.environment,
        .extra_variables = {settings.mark_nested && !settings.nested ? nested_mark : nullptr,
                            became.extra_variable},
        .mask = invocation.mask,
        .sigchld = sigchld ? sigchld.value : sys::Disposition::other,
        .home = settings.home,
        .cwd = cwd,
        .terminal = init.terminal_to_give(),
        .tell = tell_failed_start,
        .context = &start};
    const sys::Spawned spawned = sys::spawn(request);
    if (!spawned.failure.stage.empty()) {
        init.take_terminal_back(spawned.pid);
        return report_failed_start(spawned.failure, program[0], settings, log);
    }

    // From here on nothing but the end of the program may end us.
    release_inherited(init.terminal_fd());
    log.reopen();
    supervise_to_the_end(init, spawned.pid, program[0]);
}

}  // namespace usher::cmd
