// SPDX-License-Identifier: MIT
// Keys at each microsecond of the launch and of the end, while the terminal changes hands.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "windows.hpp"

namespace races {

using namespace lab;

namespace {

enum class Place {
    shell,   // a job of an interactive shell: in a group of its own, continued when it stops
    script,  // in the group of who started it, which leads the session
    init     // PID 1, and leads the session itself
};
constexpr char ctrl_c = 3;
constexpr char ctrl_z = 26;

struct Pty {
    int master = -1;
    int slave = -1;
    Pty() {
        master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (master < 0 || unlockpt(master) != 0) return;
        slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    }
    ~Pty() {
        close(master);
        if (slave >= 0) close(slave);
    }
    Pty(const Pty&) = delete;
    Pty& operator=(const Pty&) = delete;
    void type(char key) const {
        if (write(master, &key, 1) != 1) std::perror("races: a key");
    }
};

// The leader of the session: starts usher, brings it back when it stops, and tells at its end whose
// the terminal is.
[[noreturn]] void lead(const Setting& setting, Place place, int slave) {
    change_mask(SIG_SETMASK, all_signals);  // TTOU, too: tcsetpgrp must not stop us
    setsid();
    ioctl(slave, TIOCSCTTY, 0);
    for (int fd = 0; fd < 2; ++fd) dup2(slave, fd);
    const bool is_job = place == Place::shell;
    const pid_t pid = fork();
    if (pid == 0) {
        if (is_job) {
            setpgid(0, 0);
            tcsetpgrp(0, getpid());
        }
        board->moment = now();  // before it a key is not for usher
        become_init(setting);
    }
    const pid_t group = is_job ? pid : getpgrp();
    if (is_job) {
        setpgid(pid, pid);
        tcsetpgrp(0, pid);
    }
    int status = 0;
    while (waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status)) {
        board->foreground = tcgetpgrp(0) == group ? 1 : 0;
        tcsetpgrp(0, group);
        ::kill(-pid, SIGCONT);
        set(board->stopped, board->stopped + 1);
    }
    board->foreground = tcgetpgrp(0) == group ? 1 : 0;
    board->status = status;
    set(board->ended, 1);
    _exit(0);
}

Life start(const Setting& setting, Place place, const Pty& pty) {
    if (place == Place::init) {
        board->moment = now();
        Setting with_terminal = setting;
        with_terminal.terminal = pty.slave;
        return launch(with_terminal);
    }
    Life life;
    life.begin = now();
    life.pid = fork();
    if (life.pid == 0) lead(setting, place, pty.slave);
    life.pidfd = open_pidfd(life.pid);
    while (board->moment == 0) {
    }
    return life;
}

}  // namespace

void tty() {
    Window window("tty");
    constexpr Place places[] = {Place::shell, Place::script, Place::init};
    constexpr const char* names[] = {"a shell's job", "in a script", "PID 1"};
    while (window.next(600)) {
        Chance& chance = window.chance();
        const Place place = chance.one_of(places);
        const bool at_end = chance.below(4) == 0;
        const bool stops = !at_end && place != Place::script && chance.below(2) == 0;
        const Setting setting{.pid1 = place == Place::init,
                              .blocked = false,
                              .init = {"-q"},
                              .program = at_end ? role({"end", "7"}) : role({"die"})};
        const std::int64_t offset =
            at_end ? window.offset(-100 * us, 400 * us) : window.offset(0, 2500 * us);
        window.about(setting, std::string(names[static_cast<int>(place)]) +
                                  (stops ? ", ^Z " : ", ^C ") + std::to_string(offset / us) +
                                  (at_end ? " us after the program was told to end"
                                          : " us after the launch"));
        const Pty pty;
        Life life = start(setting, place, pty);
        const auto ready = [&] { return board->ready != 0 || has_ended(life); };
        if (at_end) {
            wait_until(ready);
            const std::int64_t moment = now() + 120 * us;
            if (offset < 0) {
                spin_until(moment + offset);
                pty.type(ctrl_c);
            }
            spin_until(moment);
            set(board->go, 1);
            spin_until(moment + offset);
            if (offset >= 0) pty.type(ctrl_c);
        } else {
            spin_until(board->moment + offset);
            pty.type(stops ? ctrl_z : ctrl_c);
            const auto seen = [&] { return board->stopped != 0 || has_ended(life); };
            if (stops && place == Place::shell && !wait_until(seen)) {
                window.fail("the shell never sees the stop");
            }
            if (place == Place::init) {
                // What comes before PID 1 has blocked it the kernel drops.
                if (!wait_until(ready)) window.fail("never ready");
            }
            if (stops || place == Place::init) pty.type(ctrl_c);
        }
        int status = window.finish(life);
        if (status >= 0 && place != Place::init) {
            status = board->status;
            window.expect(board->foreground == 1, "the terminal was not given back");
        }
        window.tally(names[static_cast<int>(place)] + std::string(at_end  ? " at its end"
                                                                  : stops ? " ^Z"
                                                                          : " ^C"));
        const int ended = at_end ? exited(7) : exited(128 + SIGINT);
        const int direct = place == Place::init ? ended : SIGINT;
        window.expect_status(status, {exited(128 + SIGINT), ended, direct});
    }
}

}  // namespace races
