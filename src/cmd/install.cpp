// SPDX-License-Identifier: MIT
// `usher install`: puts a copy of itself where another image or container finds it.
#include <errno.h>

#include "commands.hpp"
#include "error_text.hpp"
#include "exit_status.hpp"
#include "file.hpp"
#include "kernel.hpp"
#include "print.hpp"

namespace usher::cmd {

namespace {

constexpr unsigned for_everybody = 0755;

struct Failure {
    Literal stage{};  ///< empty: there is none
    int number = 0;
};

Failure copy(int from, int to) {
    char room[4096];
    while (true) {
        const auto got = sys::read(from, room);
        if (!got) return {.stage = "read", .number = got.error.number};
        if (got.value == 0) return {};
        const auto written = sys::write(to, std::string_view(room, got.value));
        if (!written) return {.stage = "write", .number = written.error.number};
    }
}

// Its content is on the disk before its name is.
Failure finish(int fd) {
    if (const auto set = sys::fchmod(fd, for_everybody); !set) {
        return {.stage = "chmod", .number = set.error.number};
    }
    const auto synced = sys::fsync(fd);
    // Not every file system can.
    if (!synced && synced.error.number != EINVAL) {
        return {.stage = "fsync", .number = synced.error.number};
    }
    return {};
}

// Under another name until it is complete: whoever starts it meanwhile gets the old one or the new.
Failure install_as(const char* path, const char* beside) {
    const auto from = sys::open("/proc/self/exe", sys::OpenMode::read);
    if (!from) return {.stage = "open /proc/self/exe", .number = from.error.number};
    const auto to = sys::create(beside);
    if (!to) return {.stage = "create", .number = to.error.number};
    Failure failure = copy(from.value, to.value);
    if (failure.stage.empty()) failure = finish(to.value);
    sys::close(to.value);
    if (failure.stage.empty()) {
        const auto renamed = sys::rename(beside, path);
        if (renamed) return {};
        // The kernel has several words for it.
        const bool is_folder = static_cast<bool>(sys::open(path, sys::OpenMode::directory));
        failure = {.stage = "rename", .number = is_folder ? EISDIR : renamed.error.number};
    }
    (void)sys::unlink(beside);
    return failure;
}

// In the same folder, so that it can be renamed; short, whatever the name.
void add_name_beside(Writer& line, std::string_view path) {
    line.add_raw(slice(path, 0, path.rfind('/') + 1)).add(".usher.");
    line.add(static_cast<int>(sys::random_number() >> 1)).add('\0');
}

int report(const Failure& failure, std::string_view path, LogFormat format) {
    char room[512];
    Writer text(room);
    text.add("install ").add_untrusted(slice(path, 0, 300)).add(": ").add(failure.stage).add(": ");
    sys::add_error(text, failure.number);
    if (failure.number == EISDIR) text.add("; write the name of a file, such as /shared/usher");
    sys::Log log(format, 0);
    log.write({.level = Level::error, .event = "install", .text = text.view()});
    return to_int(ExitCode::usher_failed);
}

}  // namespace

int install(const Invocation& invocation) {
    OptionReader reader(Command::install, invocation.words.subspan(2));
    if (reader.next() != nullptr) return print_help(Command::install);
    if (!reader.bad().problem.empty()) return complain(reader.bad(), invocation.log_format);
    const auto words = invocation.words.subspan(2 + reader.used());
    constexpr Literal form = "PATH such as /shared/usher";
    if (words.empty() || *words[0] == 0) {
        return complain({.problem = "needs where to", .accepted = form, .where = "install"},
                        invocation.log_format);
    }
    if (words.size() > 1) {
        return complain({.problem = "one word too many:",
                         .accepted = form,
                         .where = "install",
                         .word = words[1]},
                        invocation.log_format);
    }
    sys::Log log(invocation.log_format, 0);
    warn_of_unknown_variables(invocation.environment, log);
    char room[sys::path_max];
    Writer beside(room);
    add_name_beside(beside, words[0]);
    const Failure failure = beside.fits() ? install_as(words[0], room)
                                          : Failure{.stage = "create", .number = ENAMETOOLONG};
    return failure.stage.empty() ? to_int(ExitCode::success)
                                 : report(failure, words[0], invocation.log_format);
}

}  // namespace usher::cmd
