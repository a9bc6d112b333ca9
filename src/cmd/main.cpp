// SPDX-License-Identifier: MIT
#include <unistd.h>

#include "commands.hpp"
#include "exit_status.hpp"
#include "kernel.hpp"
#include "memory.hpp"
#include "print.hpp"

namespace {

using namespace usher;

[[gnu::cold, gnu::noinline]] int run_subcommand(Command command, cmd::Invocation invocation) {
    BadInput bad;
    const auto format = cmd::read_log_format(invocation.environment, bad);
    if (!format) return cmd::complain(bad, LogFormat::text);
    invocation.log_format = *format;
    switch (command) {
        case Command::run: break;
        case Command::probe: return cmd::probe(invocation);
        case Command::wait: return cmd::wait(invocation);
        case Command::sleep: return cmd::sleep(invocation);
        case Command::status: return cmd::status(invocation);
        case Command::install: return cmd::install(invocation);
    }
    return cmd::run(invocation);
}

int dispatch(const cmd::Invocation& invocation) {
    // A subcommand is known only as the very first word: `usher -- status` runs a program.
    const auto words = invocation.words;
    const auto peer = words.empty() ? std::nullopt : peer_called(words[0]);
    if (peer) return cmd::imitate(*peer, invocation);
    const auto command = words.size() > 1 ? find_command(words[1]) : std::nullopt;
    return command ? run_subcommand(*command, invocation) : cmd::run(invocation);
}

}  // namespace

int main(int argc, char** argv) {
    // Before anything else. The kernel drops a signal that PID 1 neither blocks nor handles, and
    // anywhere else it would end usher: from here on each one waits until it is asked for.
    const auto inherited = sys::rt_sigprocmask(sys::MaskHow::set, all_signals);
    sys::protect_relocated_data();
    // A seccomp profile may refuse: without it signals would be lost, or end usher.
    if (!inherited) sys::exit(cmd::complain({.problem = "cannot block signals"}, LogFormat::text));
    if (argc < 1) sys::exit(to_int(ExitCode::usher_failed));  // execve with no argv at all
    const cmd::Invocation invocation{.words = {argv, static_cast<std::size_t>(argc)},
                                     .environment = environ,
                                     .mask = inherited.value};
    sys::exit(dispatch(invocation));
}
