// SPDX-License-Identifier: MIT
// Windows of the launch, the end and the shutdown: no terminal, and no pid that is another's.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "windows.hpp"

namespace races {

using namespace lab;

namespace {

constexpr const char* forwards[] = {"main", "group", "all"};
constexpr const char* verbosities[] = {"-q", "-v", "-vv"};

std::string after_us(std::int64_t offset) { return std::to_string(offset / us) + " us"; }

// How long it takes until the program runs: three of four launches are faster.
std::int64_t launch_time(const Setting& setting, Window& window) {
    constexpr int tries = 20;
    std::vector<std::int64_t> times;
    for (int i = 0; i < tries; ++i) {
        board->ready = 0;
        Life life = launch(setting);
        if (!wait_until([] { return board->ready != 0; })) window.fail("never ready");
        times.push_back(now() - life.begin);
        ::kill(life.pid, SIGKILL);
        wait_for_end(life);
        close(life.pidfd);
        ::kill(-1, SIGKILL);  // what a subreaper left
        while (waitpid(-1, nullptr, __WALL) > 0) {
        }
    }
    board->ready = 0;
    std::sort(times.begin(), times.end());
    return std::min(times[tries * 3 / 4], 5 * ms);
}

}  // namespace

void start() {
    Window window("start");
    Setting usual{.program = role({"take"})};
    const std::int64_t width = launch_time(usual, window) * 5 / 4;
    constexpr int deadly[] = {SIGTERM, SIGTERM, SIGINT, SIGHUP,    SIGQUIT, SIGUSR1,
                              SIGALRM, 33,      rtmin,  rtmin + 3, rtmax};
    while (window.next(1200)) {
        Chance& chance = window.chance();
        const int sig = chance.one_of(deadly);
        const bool dies = chance.below(2) == 0;
        const Setting setting{.pid1 = chance.below(2) == 0,
                              .blocked = chance.below(2) == 0,
                              .init = {"-f", chance.one_of(forwards), chance.one_of(verbosities)},
                              .program = role({dies ? "die" : "take"})};
        board->exit_on = all_signals;
        const std::int64_t offset = window.offset(0, width);
        window.about(setting, "signal " + std::to_string(sig) + ", " + after_us(offset) +
                                  " after the launch" + (setting.blocked ? ", all blocked" : "") +
                                  (setting.pid1 ? ", PID 1" : ""));
        Life life = launch(setting);
        spin_until(life.begin + offset);
        const bool early = !setting.blocked && !blocks_everything(life.pid);
        const bool was_ready = board->ready != 0;
        send(life, sig);
        if (early && setting.pid1) {
            // The kernel drops what a PID 1 has not blocked yet. It must not be worse than dropped.
            if (!wait_until([&] { return board->ready != 0 || has_ended(life); })) {
                window.fail("never ready");
            }
            send(life, sig);
        }
        const int status = window.finish(life);
        window.tally(early       ? "before usher's mask"
                     : was_ready ? "to a running program"
                                 : "during the launch");
        // Where nothing is blocked it may come before the program takes it.
        const int forwarded = exited(dies ? 128 + sig : sig);
        const int unprepared = setting.blocked ? forwarded : exited(128 + sig);
        const int direct = early && !setting.pid1 ? sig : forwarded;
        window.expect_status(status, {forwarded, unprepared, direct});
    }
}

void end() {
    Window window("end");
    constexpr int deadly[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, rtmin + 3};
    while (window.next(1500)) {
        Chance& chance = window.chance();
        const Setting setting{.pid1 = chance.below(2) == 0,
                              .init = {"-f", chance.one_of(forwards), chance.one_of(verbosities)},
                              .program = role({"end", "7"})};
        const int first = chance.one_of(deadly);
        const int second = chance.one_of(deadly);
        const std::int64_t offset = window.offset(-100 * us, 500 * us);
        window.about(setting, "signals " + std::to_string(first) + " and " +
                                  std::to_string(second) + ", " + after_us(offset) +
                                  " after the word to end");
        Life life = launch(setting);
        wait_until([] { return board->ready != 0; });
        const std::int64_t moment = now() + 120 * us;
        if (offset < 0) {
            spin_until(moment + offset);
            send(life, first);
        }
        spin_until(moment);
        set(board->go, 1);
        if (offset >= 0) {
            spin_until(moment + offset);
            send(life, first);
        }
        send(life, second);
        const int status = window.finish(life);
        window.tally(status == exited(7) ? "ended by itself" : "ended by the signal");
        window.expect_status(status, {exited(7), exited(128 + first), exited(128 + second)});
    }
}

void stop() {
    Window window("stop");
    Setting usual{.program = role({"take"})};
    const std::int64_t width = launch_time(usual, window) * 5 / 4;
    while (window.next(600)) {
        Chance& chance = window.chance();
        const bool pid1 = chance.below(2) == 0;
        const int sig = chance.below(2) == 0 ? SIGTERM : SIGHUP;
        const std::string forward = chance.one_of(forwards);
        const std::string verbosity = chance.one_of(verbosities);
        if (chance.below(2) == 0) {
            // usher itself is stopped from outside, and continued.
            const Setting setting{
                .pid1 = pid1, .init = {"-f", forward, verbosity}, .program = role({"die"})};
            const std::int64_t offset = window.offset(0, width);
            const std::int64_t pause = chance.below(300) * us;
            window.about(setting, "usher stopped " + after_us(offset) + " after the launch for " +
                                      after_us(pause));
            Life life = launch(setting);
            spin_until(life.begin + offset);
            send(life, SIGSTOP);
            send(life, sig);
            spin_until(life.begin + offset + pause);
            send(life, SIGCONT);
            window.tally("usher");
            window.expect_status(window.finish(life), {exited(128 + sig)});
            continue;
        }
        // The program stops itself around the signal that must end it. Unless PID 1, which has CONT
        // for a TSTP at once, usher need not know of more than one stop.
        const int by = chance.below(2) == 0 ? SIGSTOP : SIGTSTP;
        const int times = by == SIGTSTP && pid1 ? 1 + chance.below(20) : 1 + chance.below(3);
        const Setting setting{
            .pid1 = pid1,
            .init = {"-f", forward, verbosity},
            .program = role({"stop-self", std::to_string(by), std::to_string(times)})};
        const std::int64_t offset = window.offset(-100 * us, 400 * us);
        window.about(setting, "the program stops itself by " + std::to_string(by) + ", signal " +
                                  std::to_string(sig) + " " + after_us(offset) + " later");
        Life life = launch(setting);
        wait_until([] { return board->ready != 0; });
        const std::int64_t moment = now() + 120 * us;
        if (offset < 0) {
            spin_until(moment + offset);
            send(life, sig);
        }
        spin_until(moment);
        set(board->go, 1);
        if (offset >= 0) {
            spin_until(moment + offset);
            send(life, sig);
        }
        const int status = window.finish(life);
        window.tally(by == SIGSTOP ? "the program by STOP" : "the program by TSTP");
        window.expect_status(status, {exited(128 + sig)});
    }
}

namespace {

// Two stop signals inside a long delay: the second ends it, and one alone is forwarded.
void drain_twice(Window& window) {
    Chance& chance = window.chance();
    const Setting setting{.pid1 = chance.below(2) == 0,
                          .init = {"-d", "1h", "-f", chance.one_of(forwards)},
                          .program = role({"take"})};
    board->exit_on = bit(rtmax);
    const bool term_first = chance.below(2) == 0;
    const int first = term_first ? SIGTERM : SIGINT;
    const int second = term_first ? SIGINT : SIGTERM;
    const std::int64_t offset = window.offset(0, 300 * us);
    window.about(setting, "two stop signals, " + after_us(offset) + " between them");
    Life life = launch(setting);
    wait_until([] { return board->ready != 0; });
    const std::int64_t moment = now();
    send(life, first);
    send(life, SIGUSR1);  // is forwarded at once
    spin_until(moment + offset);
    send(life, second);
    const auto stops = [] { return board->got[SIGTERM] + board->got[SIGINT]; };
    if (!wait_until([&] { return stops() > 0 && board->got[SIGUSR1] > 0; })) {
        window.fail("the second signal does not end the delay");
    }
    send(life, rtmax);
    window.expect_status(window.finish(life), {exited(rtmax)});
    window.expect(stops() == 1, "forwarded " + std::to_string(stops()) + " stop signals, want 1");
    window.expect(board->got[SIGUSR1] == 1, "SIGUSR1 did not come once");
    window.tally("second signal");
}

// The second stop signal around the end of the delay: it is forwarded, in place of the first one or
// behind it.
void drain_ends(Window& window) {
    Chance& chance = window.chance();
    const Setting setting{.pid1 = chance.below(2) == 0,
                          .init = {"-d", "1ms", "-f", chance.one_of(forwards)},
                          .program = role({"take"})};
    board->exit_on = bit(rtmax);
    const std::int64_t offset = window.offset(700 * us, 1400 * us);
    window.about(setting, "a delay of 1 ms, INT " + after_us(offset) + " after TERM");
    Life life = launch(setting);
    wait_until([] { return board->ready != 0; });
    const std::int64_t moment = now();
    send(life, SIGTERM);
    spin_until(moment + offset);
    send(life, SIGINT);
    // Both may wait when usher looks. Lower numbers come first: INT begins the delay, TERM ends it.
    const auto came = [] { return board->got[SIGINT] + board->got[SIGTERM] > 0; };
    if (!wait_until(came)) window.fail("no stop signal was forwarded");
    send(life, rtmax);
    window.expect_status(window.finish(life), {exited(rtmax)});
    window.expect(board->got[SIGTERM] <= 1 && board->got[SIGINT] <= 1, "one came twice");
    window.tally(board->got[SIGTERM] > 0 ? "delay over" : "delay ended");
}

// The program ends by itself in the delay, around the second stop signal.
void drain_and_end(Window& window) {
    Chance& chance = window.chance();
    const Setting setting{.pid1 = chance.below(2) == 0,
                          .init = {"-d", "1h", "-f", chance.one_of(forwards)},
                          .program = role({"end", "7"})};
    const std::int64_t offset = window.offset(-100 * us, 300 * us);
    window.about(setting, "INT " + after_us(offset) + " after the program's end while draining");
    Life life = launch(setting);
    wait_until([] { return board->ready != 0; });
    send(life, SIGTERM);
    const std::int64_t moment = now() + 120 * us;
    if (offset < 0) {
        spin_until(moment + offset);
        send(life, SIGINT);
    }
    spin_until(moment);
    set(board->go, 1);
    if (offset >= 0) {
        spin_until(moment + offset);
        send(life, SIGINT);
    }
    const int status = window.finish(life);
    window.expect_status(status, {exited(7), exited(128 + SIGINT), exited(128 + SIGTERM)});
    window.tally(status == exited(7) ? "ended first" : "told first");
}

}  // namespace

void drain() {
    Window window("drain");
    while (window.next(900)) {
        switch (window.round() % 3) {
            case 0: drain_twice(window); break;
            case 1: drain_ends(window); break;
            default: drain_and_end(window);
        }
    }
}

void grace() {
    Window window("grace");
    while (window.next(600)) {
        Chance& chance = window.chance();
        const bool pid1 = chance.below(2) == 0;
        const std::string late = std::to_string(window.offset(500 * us, 1600 * us));
        Setting setting{.pid1 = pid1, .proc = pid1 && chance.below(4) == 0};
        switch (window.round() % 4) {
            case 0:
                // The main process ends about when the grace does.
                setting.init = {"-q", "-t", "1ms"};
                setting.program = role({"end-after", "15", late, "9"});
                break;
            case 1:
                // The last orphan ends about when the linger does.
                setting.init = {"-q", "--linger", "1ms", "--linger-signal", "0"};
                setting.program = role({"leave", "3", late, "5"});
                break;
            case 2:
                // The main process is gone, the grace ends the linger.
                setting.init = {"-q", "-t", "1ms", "--linger", "1h", "--linger-signal", "0"};
                setting.program = role({"leave", "2", late, "5"});
                break;
            default:
                // Nothing but KILL ends them.
                setting.init = {"-q", "-t", "1h", "--linger", "1ms"};
                setting.program = role({"leave-deaf", "3", "5"});
        }
        window.about(setting, "SIGTERM; " + late + " ns");
        Life life = launch(setting);
        wait_until([] { return board->ready != 0; });
        send(life, SIGTERM);
        const int status = window.finish(life);
        if (window.round() % 4 == 0) {
            window.tally(status == exited(9) ? "ended in time" : "killed");
            window.expect_status(status, {exited(9), exited(128 + SIGKILL)});
        } else {
            // TERM may meet the main process before it has ended; it is blocked there.
            window.tally("main had ended");
            window.expect_status(status, {exited(5)});
        }
    }
}

void storm() {
    Window window("storm");
    while (window.next(80)) {
        Chance& chance = window.chance();
        const Setting setting{
            .pid1 = chance.below(2) == 0,
            .init = {"-f", "main", "--linger", "10ms", chance.one_of(verbosities)},
            .program = role({"storm", "5", "400", std::to_string(chance.next() % 1000000)})};
        board->exit_on = bit(SIGTERM);
        constexpr int sent = 60;
        window.about(setting, "60 real-time signals amid stops and ends");
        Life life = launch(setting);
        wait_until([] { return board->ready != 0; });
        set(board->go, 1);
        int expected[65] = {};
        for (int i = 0; i < sent; ++i) {
            const int sig = rtmin + chance.below(20);
            ++expected[sig];
            send(life, sig);
            spin_until(now() + chance.below(60) * us);
        }
        if (!wait_until([] { return board->over != 0; })) window.fail("the storm does not end");
        const auto came = [] {
            int count = 0;
            for (int sig = rtmin; sig <= rtmax; ++sig) count += board->got[sig];
            return count;
        };
        if (chance.below(2) == 0) {
            // Real-time signals are kept for a program that is stopped, each of them.
            send(life, SIGCONT);
            if (!wait_until([&] { return came() >= sent; })) {
                window.fail("of 60 signals came " + std::to_string(came()));
            }
            for (int sig = rtmin; sig < rtmax; ++sig) {
                window.expect(board->got[sig] == expected[sig],
                              "signal " + std::to_string(sig) + " came " +
                                  std::to_string(board->got[sig].load()) + " times of " +
                                  std::to_string(expected[sig]));
            }
            const auto zombie = [&] {
                const auto children = children_of(life.pid);
                return std::any_of(children.begin(), children.end(), is_zombie);
            };
            if (!wait_until([&] { return !zombie(); })) window.fail("a zombie stays");
            window.tally("continued");
        } else {
            window.tally("ended while it may be stopped");
        }
        send(life, SIGTERM);
        window.expect_status(window.finish(life), {exited(SIGTERM)});
    }
}

}  // namespace races
