// SPDX-License-Identifier: MIT
#include "terminal.hpp"

#include <errno.h>

#include "file.hpp"
#include "kernel.hpp"

namespace usher::sys {

namespace {

// A read from the background fails at once with EIO where SIGTTIN is blocked, as it is in usher. A
// read of nothing takes nothing, and a non-blocking one does not wait for another reader.
bool may_read_terminal() {
    const auto tty = open("/dev/tty", OpenMode::terminal);
    if (!tty) return true;
    const auto got = read(tty.value, {});
    close(tty.value);
    return got || got.error.number != EIO;
}

}  // namespace

Terminal Terminal::find(bool is_init) {
    Terminal terminal;
    terminal.is_init_ = is_init;
    for (int fd = 0; fd <= 2 && terminal.fd_ < 0; ++fd) {
        if (tcgetpgrp(fd)) terminal.fd_ = fd;
    }
    if (terminal.fd_ < 0) {
        const auto opened = open("/dev/tty", OpenMode::terminal);
        if (!opened) return terminal;
        terminal.fd_ = opened.value;
        if (opened.value < 3) {  // one of stdio was closed: its number is not ours to take
            const auto above = dup_above_stdio(opened.value);
            close(opened.value);
            terminal.fd_ = above ? above.value : -1;
        }
    }
    terminal.own_group_ = getpgrp();
    return terminal;
}

// In a PID namespace without a session of its own every group outside has the number 0. Only PID 1
// is one of those, and it needs another way to learn whether it is that one.
bool Terminal::is_own(int group) const {
    if (group != own_group_) return false;
    return group != 0 || (is_init_ && may_read_terminal());
}

bool Terminal::is_ours() const {
    if (fd_ < 0) return false;
    const auto group = tcgetpgrp(fd_);
    return group && is_own(group.value);
}

Foreground Terminal::foreground(int program_group) const {
    if (fd_ < 0) return Foreground::unknown;
    const auto group = tcgetpgrp(fd_);
    if (!group) return Foreground::unknown;
    if (group.value == program_group) return Foreground::program;
    return is_own(group.value) ? Foreground::usher : Foreground::other;
}

bool Terminal::give_to(int group) const {
    return fd_ >= 0 && static_cast<bool>(tcsetpgrp(fd_, group));
}

void Terminal::take_back() const { give_to(own_group_); }

}  // namespace usher::sys
