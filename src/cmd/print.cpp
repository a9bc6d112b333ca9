// SPDX-License-Identifier: MIT
#include "print.hpp"

#include <errno.h>

#include "error_text.hpp"
#include "exit_status.hpp"
#include "kernel.hpp"
#include "log.hpp"
#include "packed_text.hpp"

namespace usher::cmd {

namespace {

constexpr int stdout_fd = 1;
constexpr int stderr_fd = 2;

constexpr const char* license_title =
    packed<"MIT License\n\nCopyright (c) 2026 the usher authors\n\n">;
constexpr const char* licenses_title = packed<R"(usher: Copyright (c) 2026 the usher authors
It contains parts of musl libc: Copyright (c) 2005-2020 Rich Felker, et al.
Both are under the MIT License:

)">;
constexpr const char* license =
    packed<R"(Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
)">;

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

int print_version() { return print("usher " USHER_VERSION " (" USHER_BUILD ")\n"); }

int print_license() {
    char room[2048];
    Line line(room);
    line.add(licenses_title).add(license);
    return print(line.view());
}

int complain(const BadInput& bad) {
    char room[1024];
    Line line(room);
    add_bad_input(line, bad);
    sys::Log log;
    log.write({.level = Level::error, .event = "usage", .text = line.view()});
    return to_int(ExitCode::usher_failed);
}

int report_failed_start(const sys::SpawnFailure& failure, std::string_view program,
                        const RunSettings& settings, sys::Log& log) {
    const bool is_exec = equal(failure.stage, "exec");
    const bool is_absent = failure.number == ENOENT || failure.number == ENOTDIR;
    const int code = !is_exec    ? settings.failed_code
                     : is_absent ? settings.not_found_code
                                 : settings.not_executable_code;
    char room[512];
    Line text(room);
    if (log.format() != LogFormat::dumb_init) text.add(failure.stage).add(' ');
    text.add_untrusted(program).add(log.format() == LogFormat::tini ? " failed: " : ": ");
    if (failure.interpreter_missing) {
        text.add(packed<"interpreter or loader missing">);
    } else {
        sys::add_error(text, failure.number);
    }
    const bool is_peer = log.format() > LogFormat::json;
    if (is_exec && failure.number == ENOENT && !has(program, '/') && !is_peer) {
        text.add(" in PATH");
    }
    if (!is_exec && failure.number == EAGAIN)
        text.add(packed<" (a limit on processes is reached)">);
    log.write({.level = Level::error,
               .event = "start-failed",
               .text = text.view(),
               .status = code,
               .name = program});
    return code;
}

namespace {

// "tini version ...", "dumb-init v...": Docker and podman look for the first two words of it.
void add_peer_version(Line& line, Command peer) {
    line.add(peer == Command::tini        ? "tini version 0.19.0"
             : peer == Command::dumb_init ? "dumb-init v1.2.5"
                                          : "tini version 0.1.7_catatonit");
}

void add_peer_help(Line& line, Command peer, std::string_view name) {
    if (peer == Command::tini) line.add_untrusted(name).add(" (");
    if (peer != Command::catatonit) {
        add_peer_version(line, peer);
        line.add(peer == Command::tini ? ")\n" : "\n");
    }
    add_help(line, peer);
}

// A letter that is no option is told as getopt tells it.
void add_bad_option(Line& line, std::string_view name, const BadInput& bad) {
    line.add_untrusted(name).add(": ");
    if (equal(bad.problem, unknown_option) &&
        (bad.where.data() != nullptr || bad.word.size() == 2)) {
        line.add(packed<"invalid option -- '">)
            .add_untrusted(slice(bad.word, bad.word.size() - 1))
            .add('\'');
    } else {
        add_bad_input(line, bad);
    }
    line.add('\n');
}

}  // namespace

int print_for_peer(Command peer, PeerRequest request, std::string_view name, const BadInput& bad,
                   sys::Log& log) {
    while (has(name, '/')) take_until(name, '/');
    char room[4096];
    Line line(room);
    const bool failed = request >= PeerRequest::no_program;
    switch (request) {
        case PeerRequest::license: line.add(license_title).add(license); break;
        case PeerRequest::version:
            add_peer_version(line, peer);
            line.add('\n');
            break;
        case PeerRequest::bad_value:
            line.add(packed<"Not a valid option for ">)
                .add(bad.where)
                .add(": ")
                .add_untrusted(bad.word);
            break;
        case PeerRequest::reserved: line.add(packed<"CATATONIT_LOG must not be set">); break;
        case PeerRequest::bad_rewrite:
            line.add(packed<"Usage: -r option takes FROM:TO, numbers of signals: FROM 1 to 31, TO "
                            "0 to 31.\n"
                            "It can be given more than once.\nSee dumb-init --help.\n">);
            break;
        case PeerRequest::bad_option: add_bad_option(line, name, bad); break;
        default: break;
    }
    if (request == PeerRequest::bad_value || request == PeerRequest::reserved) {
        log.write({.level = Level::error, .event = "usage", .text = line.view()});
        return to_int(ExitCode::unhealthy);
    }
    const bool no_program = request == PeerRequest::no_program;
    if (no_program && peer == Command::catatonit) {
        log.write({.level = Level::error, .event = "usage", .text = "missing program name"});
    }
    if (request == PeerRequest::help || (failed && peer == Command::tini)) {
        add_peer_help(line, peer, name);
    } else if (no_program || (failed && peer == Command::catatonit)) {
        add_usage(line, peer);
        if (peer == Command::dumb_init) line.add(packed<"See dumb-init --help.\n">);
    }
    const bool on_stderr = failed || peer == Command::dumb_init ||
                           (peer == Command::catatonit && request == PeerRequest::help);
    (void)sys::write(on_stderr ? stderr_fd : stdout_fd, line.view());
    return failed ? 1 : 0;
}

}  // namespace usher::cmd
