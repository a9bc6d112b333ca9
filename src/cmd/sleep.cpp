// SPDX-License-Identifier: MIT
// `usher sleep`: the preStop hook of images without a shell.
#include <errno.h>

#include "commands.hpp"
#include "ending_signals.hpp"
#include "exit_status.hpp"
#include "kernel.hpp"
#include "print.hpp"

namespace usher::cmd {

namespace {

// Until the time is up (0) or a signal ends it (128 + its number). Being stopped and continued does
// not make it longer.
int sleep_until(Time end) {
    while (true) {
        const Time now = sys::monotonic_clock();
        if (now >= end) return to_int(ExitCode::success);
        const auto received =
            sys::rt_sigtimedwait(ending_signals, end == infinite ? infinite : end - now);
        if (received && ends_command(received.value.signal)) {
            return code_of_signal(received.value.signal);
        }
        if (received) continue;
        // A kernel that refuses to wait (seccomp) must not make us spin.
        if (received.error.number != EAGAIN) sys::nanosleep(millisecond);
    }
}

}  // namespace

int sleep(const Invocation& invocation) {
    OptionReader reader(Command::sleep, invocation.words.subspan(2));
    if (reader.next() != nullptr) return print_help(Command::sleep);
    if (!reader.bad().problem.empty()) return complain(reader.bad(), invocation.log_format);
    const auto words = invocation.words.subspan(2 + reader.used());
    constexpr const char* forms = "5, 0.5, 250ms, 1m30s, 2h, 1d, infinity; several are added";
    if (words.empty()) {
        return complain({.problem = "needs how long", .accepted = forms, .where = "sleep"},
                        invocation.log_format);
    }
    Duration sum = 0;
    for (const char* const word : words) {
        const auto duration = parse_sleep_time(word);
        if (!duration) {
            return complain(
                {.problem = "not a time", .accepted = forms, .where = "sleep", .word = word},
                invocation.log_format);
        }
        sum = after(sum, *duration);
    }
    sys::Log log(invocation.log_format, 0);
    warn_of_unknown_variables(invocation.environment, log);
    // The others do what they did to whoever called us; these must end even a PID 1.
    (void)sys::rt_sigprocmask(sys::MaskHow::set, invocation.mask | ending_signals);
    return sleep_until(after(sys::monotonic_clock(), sum));
}

}  // namespace usher::cmd
