// SPDX-License-Identifier: MIT
#include "print.hpp"

#include <errno.h>
#include <string.h>

#include "error_text.hpp"
#include "exit_status.hpp"
#include "kernel.hpp"
#include "log.hpp"

namespace usher::cmd {

namespace {

constexpr int stdout_fd = 1;

constexpr std::string_view license =
    R"(usher: Copyright (c) 2026 the usher authors
It contains parts of musl libc: Copyright (c) 2005-2020 Rich Felker, et al.
Both are under the MIT License:

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in
all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
)";

int print(std::string_view text) {
    return to_int(sys::write(stdout_fd, text) ? ExitCode::success : ExitCode::usher_failed);
}

}  // namespace

int print_help(Command command) {
    char room[4096];
    Line line(room);
    add_help(line, command);
    return print(line.view());
}

int print_version() { return print("usher " USHER_VERSION "\n"); }

int print_license() { return print(license); }

int complain(const BadInput& bad) {
    char room[1024];
    Line line(room);
    add_bad_input(line, bad);
    sys::Log log;
    log.write({.level = Level::error, .event = "usage", .text = line.view()});
    return to_int(ExitCode::usher_failed);
}

int report_failed_start(const sys::SpawnFailure& failure, std::string_view program, sys::Log& log) {
    const bool is_exec = strcmp(failure.stage, "exec") == 0;
    const bool is_absent = failure.number == ENOENT || failure.number == ENOTDIR;
    const ExitCode code = !is_exec    ? ExitCode::usher_failed
                          : is_absent ? ExitCode::not_found
                                      : ExitCode::not_executable;
    char room[512];
    Line text(room);
    text.add(failure.stage).add(' ').add_untrusted(program).add(": ");
    if (failure.interpreter_missing) {
        text.add("interpreter or loader missing");
    } else {
        sys::add_error(text, failure.number);
    }
    if (is_exec && failure.number == ENOENT && program.find('/') == std::string_view::npos) {
        text.add(" in PATH");
    }
    if (!is_exec && failure.number == EAGAIN) text.add(" (a limit on processes is reached)");
    log.write({.level = Level::error,
               .event = "start-failed",
               .text = text.view(),
               .status = to_int(code),
               .name = program});
    return to_int(code);
}

}  // namespace usher::cmd
