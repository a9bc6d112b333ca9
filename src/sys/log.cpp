// SPDX-License-Identifier: MIT
#include "log.hpp"

#include <errno.h>

#include "file.hpp"
#include "kernel.hpp"
#include "socket.hpp"

namespace usher::sys {

namespace {

// Below PIPE_BUF (4096, pipe(7)): a write to a pipe is then whole or not at all.
constexpr std::size_t longest_line = 2560;

}  // namespace

// Not in line: there are many, and each sets all the words of a style.
[[gnu::noinline]] Log::Log(int fd) : fd_(fd) {}
[[gnu::cold, gnu::noinline]] Log::Log(LogFormat format, int verbosity) : Log() {
    style_.format = format;
    verbosity_ = verbosity;
}

void Log::write(const Record& record) {
    if (!enabled(record.level)) return;
    char room[longest_line];
    Writer line(room);
    const Time now = wall_clock();
    if (style_.chatter_on_stdout) use(record.level > Level::warning ? stdout_fd : stderr_fd);
    if (lost_ > 0) {
        char text_room[64];
        Writer text(text_room);
        text.add(lost_).add(" log lines were lost: stderr was full");
        add_record(line, {.level = Level::warning, .event = "lost", .text = text.view()}, style_,
                   now, getpid());
    }
    add_record(line, record, style_, now, getpid());
    if (!line.fits()) {
        line.cut(longest_line - 1);
        line.add('\n');
    }
    if (put(line.view())) {
        lost_ = 0;
    } else {
        ++lost_;
    }
}

// Another descriptor may want another way.
void Log::use(int fd) {
    if (fd == fd_) return;
    fd_ = fd;
    way_ = Way::file;
    if (reopened_ >= 0) close(reopened_);
    reopened_ = -1;
}

Result<std::size_t> Log::try_way(std::string_view text) {
    switch (way_) {
        case Way::file:
            // A disk does not keep us waiting; anything else without a file position might.
            if (is_seekable(fd_)) return write_once(fd_, text);
            break;
        case Way::socket: return send_nonblocking(fd_, text);
        case Way::nowait: return write_nonblocking(fd_, text);
        case Way::reopened:
            if (reopened_ < 0) {
                char path[24];
                Writer(path).add("/proc/self/fd/").add(fd_).add('\0');
                const auto fd = open(path, OpenMode::log);
                if (!fd) break;
                reopened_ = fd.value;
            }
            return write_once(reopened_, text);
        case Way::splice: return splice_into_pipe(fd_, text);
        case Way::terminal: {
            // Another user's, after su or gosu. Unlike a pipe it does not fill up between these two
            // calls: only we, our program and a ^S write to it or stop it.
            PollFd fd[1] = {{.fd = fd_, .events = poll_out}};
            if (!tcgetpgrp(fd_) || !poll(fd, 0)) break;
            if ((fd[0].revents & poll_out) == 0) return Error{.number = EAGAIN};
            return write_once(fd_, text);
        }
        case Way::none: break;
    }
    return Error{.number = EOPNOTSUPP};
}

bool Log::put(std::string_view text) {
    while (true) {
        const auto written = try_way(text);
        if (written) return written.value == text.size();
        const int number = written.error.number;
        // A full pipe, a reader that is gone, a full disk, a closed stderr: this line is lost.
        const bool unsupported = number == EOPNOTSUPP || number == ENOTSOCK || number == ENOSYS ||
                                 number == EINVAL || number == EPERM ||
                                 (number == EBADF && way_ == Way::splice);
        if (!unsupported || way_ == Way::none) return false;
        way_ = static_cast<Way>(static_cast<int>(way_) + 1);
    }
}

}  // namespace usher::sys
