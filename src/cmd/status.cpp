// SPDX-License-Identifier: MIT
#include "commands.hpp"
#include "exit_status.hpp"
#include "file.hpp"
#include "find_usher.hpp"
#include "kernel.hpp"
#include "print.hpp"

namespace usher::cmd {

namespace {

int print_status(const sys::FoundUsher& found, bool as_json) {
    char room[80];
    Writer line(room);
    if (as_json) {
        line.add("{\"pid\":").add(found.pid).add(",\"state\":\"").add(state_name(found.state));
        if (const auto wellness = sys::find_wellness(found.pid)) {
            line.add("\",\"health\":\"").add(wellness_name(*wellness));
        }
        line.add("\"}\n");
    } else {
        line.add(state_name(found.state)).add('\n');
    }
    return to_int(sys::write(sys::stdout_fd, line.view()) ? ExitCode::success
                                                          : ExitCode::usher_failed);
}

}  // namespace

int status(const Invocation& invocation) {
    OptionReader reader(Command::status, invocation.words.subspan(2));
    bool as_json = false;
    while (const Option* option = reader.next()) {
        if (option->id == OptionId::help) return print_help(Command::status);
        as_json = true;
    }
    if (!reader.bad().problem.empty()) return complain(reader.bad(), invocation.log_format);
    if (reader.used() + 2 < invocation.words.size()) {
        return complain({.problem = "takes no argument, but got",
                         .where = "status",
                         .word = invocation.words[reader.used() + 2]},
                        invocation.log_format);
    }
    sys::Log log(invocation.log_format, 0);
    warn_of_unknown_variables(invocation.environment, log);
    const auto found = sys::find_usher();
    if (found) return print_status(found.value, as_json);
    char room[128];
    Writer text(room);
    text.add("status: ").add(sys::why_not_found(found.error));
    log.write({.level = Level::error, .event = "not-found", .text = text.view()});
    return to_int(ExitCode::unhealthy);
}

}  // namespace usher::cmd
