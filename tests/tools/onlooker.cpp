// SPDX-License-Identifier: MIT
//
// onlooker REPORT STEP...: a program on a terminal. It does the steps and appends lines to the file
// REPORT; it never writes to the terminal unless a step says so.
//
// It takes HUP, INT, QUIT, USR1, USR2, TERM, CONT and WINCH: `got SIG u|k`, sent by a
// user's process or by the kernel. All others are default.
//
//   foreground    `foreground yes|no|ERRNO`: is this process's group the terminal's? (/dev/tty)
//   size          `size ROWS COLUMNS`, of /dev/tty
//   read          reads fd 0 once: `read N BYTES` without the newline, or `read error ERRNO`
//   read-tty      the same from /dev/tty
//   write:TEXT    writes <TEXT> and a newline to fd 1: `wrote N`, or `write error ERRNO`
//   write-tty:TEXT   the same to /dev/tty
//   modes         sets the terminal modes as they are (TCSETS, from /dev/tty): `modes 0|ERRNO`
//   say:TEXT      `said TEXT`
//   until:SIG     waits until SIG has come; each time that it comes ends one such step
//   raise:SIG     sends SIG to itself;  raise-group:SIG to its group
//   default:SIG   the default action for SIG again;  ignore:SIG ignores it
//   exit:CODE     ends. At the end of the steps it waits for ever.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

int report_fd = -1;
volatile sig_atomic_t came[65];

void say(const std::string& line) {
    const std::string text = line + "\n";
    if (write(report_fd, text.data(), text.size()) < 0) _exit(98);
}

// One write a line, and no allocation: it runs in a signal handler.
void on_signal(int sig, siginfo_t* info, void*) {
    const int saved = errno;
    char text[32] = "got ";
    char* at = text + 4;
    if (sig >= 10) *at++ = static_cast<char>('0' + sig / 10);
    *at++ = static_cast<char>('0' + sig % 10);
    *at++ = ' ';
    *at++ = info->si_code > 0 ? 'k' : 'u';  // by the kernel, by a user's process
    *at++ = '\n';
    if (write(report_fd, text, static_cast<std::size_t>(at - text)) < 0) _exit(98);
    came[sig] = came[sig] + 1;
    errno = saved;
}

int tty() {
    static int fd = -1;
    if (fd < 0) fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
    return fd;
}

std::string foreground() {
    if (tty() < 0) return std::to_string(errno);
    const pid_t group = tcgetpgrp(tty());
    if (group < 0) return std::to_string(errno);
    return group == getpgrp() ? "yes" : "no";
}

std::string size() {
    winsize w{};
    if (ioctl(tty(), TIOCGWINSZ, &w) != 0) return "error " + std::to_string(errno);
    return std::to_string(w.ws_row) + " " + std::to_string(w.ws_col);
}

std::string read_line(int fd) {
    char text[4096];
    const ssize_t n = read(fd, text, sizeof text);
    if (n < 0) return "error " + std::to_string(errno);
    std::string_view got(text, static_cast<std::size_t>(n));
    if (got.ends_with('\n')) got.remove_suffix(1);
    return std::to_string(n) + " " + std::string(got);
}

std::string write_line(int fd, std::string_view text) {
    const std::string line = "<" + std::string(text) + ">\n";
    const ssize_t n = write(fd, line.data(), line.size());
    if (n < 0) return "write error " + std::to_string(errno);
    return "wrote " + std::to_string(n);
}

std::string modes() {
    termios now{};
    if (tcgetattr(tty(), &now) != 0) return std::to_string(errno);
    return std::to_string(tcsetattr(tty(), TCSANOW, &now) == 0 ? 0 : errno);
}

void until(int sig) {
    static int used[65];
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    ++used[sig];
    while (came[sig] < used[sig]) sigsuspend(&before);
    sigprocmask(SIG_SETMASK, &before, nullptr);
}

void step(std::string_view word) {
    const std::size_t colon = word.find(':');
    const std::string_view name = word.substr(0, colon);
    const std::string value(colon == std::string_view::npos ? "" : word.substr(colon + 1));
    const int number = std::atoi(value.c_str());
    if (name == "foreground") return say("foreground " + foreground());
    if (name == "size") return say("size " + size());
    if (name == "read") return say("read " + read_line(0));
    if (name == "read-tty") return say("read " + read_line(tty()));
    if (name == "write") return say(write_line(1, value));
    if (name == "write-tty") return say(write_line(tty(), value));
    if (name == "modes") return say("modes " + modes());
    if (name == "say") return say("said " + value);
    if (name == "until") return until(number);
    if (name == "raise") return static_cast<void>(kill(getpid(), number));
    if (name == "raise-group") return static_cast<void>(kill(0, number));
    if (name == "default") return static_cast<void>(std::signal(number, SIG_DFL));
    if (name == "ignore") return static_cast<void>(std::signal(number, SIG_IGN));
    if (name == "exit") _exit(number);
    say("unknown step " + std::string(word));
    _exit(98);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fputs("onlooker: see the top of onlooker.cpp\n", stderr);
        return 98;
    }
    report_fd = open(argv[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (report_fd < 0) {
        std::fprintf(stderr, "onlooker: %s: %s\n", argv[1], std::strerror(errno));
        return 98;
    }
    struct sigaction action {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    for (const int sig : {SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTERM, SIGCONT, SIGWINCH}) {
        sigaction(sig, &action, nullptr);
    }
    say("started");
    for (char** word = argv + 2; *word != nullptr; ++word) step(*word);
    for (;;) pause();
}
