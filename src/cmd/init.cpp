// SPDX-License-Identifier: MIT
#include "init.hpp"

#include <errno.h>

#include <algorithm>

#include "ending_signals.hpp"
#include "exit_status.hpp"
#include "file.hpp"
#include "memory.hpp"
#include "notify.hpp"
#include "proc.hpp"
#include "wait_for.hpp"

namespace usher::cmd {

namespace {

constexpr int everybody = -1;
constexpr int own_group = 0;
constexpr Duration after_failure = 100 * millisecond;

bool is_gone(int pid) {
    const auto alive = sys::kill(pid, 0);
    return !alive && alive.error.number == ESRCH;
}

void set_comm(State state) {
    char room[16];
    Writer(room).add("usher:").add(state_name(state)).add('\0');
    (void)sys::set_name(room);
}

bool continue_pending() {
    const auto pending = sys::rt_sigpending();
    return pending && contains(pending.value, sig::cont);
}

}  // namespace

Init::Init(const RunSettings& settings, const Invocation& invocation, sys::Log& log)
    : settings_(settings),
      narrator_(settings, log),
      self_(sys::getpid()),
      parent_(settings.parent_death != 0 ? sys::getppid() : 0),
      is_init_(self_ == 1),
      watcher_(settings, invocation, narrator_),
      rest_(is_init_, self_, watcher_),
      supervisor_(settings, is_init_) {}

void Init::prepare() {
    set_comm(State::starting);
    const bool adopts = is_init_ || (settings_.subreaper && sys::set_child_subreaper()) ||
                        sys::is_child_subreaper();
    if (!adopts) {
        narrator_.no_subreaper();
    }
    if (!is_init_ && settings_.advises) look_at_parent();
    if (settings_.use_terminal) terminal_ = sys::Terminal::find(is_init_);
}

void Init::follow_parent() {
    if (settings_.parent_death == 0) return;
    const auto asked = sys::set_parent_death_signal(settings_.parent_death);
    if (!asked) narrator_.no_parent_death();
    // It may have died before the kernel knew of our wish. Parent 0 is outside the namespace, and
    // stays 0 whatever happens to it.
    if (sys::getppid() != parent_) (void)sys::kill(self_, settings_.parent_death);
}

// A shell that is PID 1 and waits for us does not pass on what the engine sends it.
void Init::look_at_parent() {
    if (sys::getppid() != 1 || !sys::proc_is_ours()) return;
    const auto stat = sys::read_stat(1);
    if (!stat) return;
    constexpr char shells[][8] = {"sh", "bash", "dash", "ash", "ksh", "zsh", "busybox"};
    const std::string_view name = stat.value.name;
    for (const auto& shell : shells) {
        if (name == Literal::of_table(shell)) narrator_.shell_is_init(name);
    }
}

int Init::wait_for(const Invocation& invocation) {
    if (settings_.wait.checks.count == 0) return 0;
    show_state(0);
    return wait_for_checks(settings_, invocation, narrator_);
}

int Init::terminal_to_give() const { return terminal_.is_ours() ? terminal_.fd() : -1; }

void Init::take_terminal_back(int program_group) const {
    if (terminal_.foreground(program_group) == Foreground::program) terminal_.take_back();
}

int Init::supervise(int program, std::string_view name) {
    program_ = program;
    narrator_.started(program, name);
    dispatch({.kind = EventKind::started});
    sys::release_start_up();
    while (!left_) step();
    // Who adopts it need not reap what it does not know.
    if (!is_init_ && watcher_.pid() != 0) watcher_.reap();
    return supervisor_.exit_code();
}

// One wait, and what came of it. Without a deadline it lasts until a signal comes.
void Init::step() {
    const Time deadline =
        std::min(std::min(supervisor_.deadline(), resume_limit_.due()), watcher_.due());
    Duration timeout = look_again_ ? after_failure : infinite;
    if (deadline != infinite) {
        const Time now = sys::monotonic_clock();
        // A flood of signals must not keep the clock from being looked at.
        if (now >= resume_limit_.due()) return resume();
        if (now >= watcher_.due()) {
            watcher_.ring(now);
            return look_at_watcher();
        }
        if (now >= deadline) return dispatch({.kind = EventKind::deadline});
        if (deadline - now < timeout) timeout = deadline - now;
    }
    if (resumed_ != 0) {
        const int signal = resumed_;
        resumed_ = 0;
        return dispatch_seen(EventKind::resumed, {}, signal);
    }
    const auto received = sys::rt_sigtimedwait(settings_.waited_for, timeout);
    if (received) return receive(received.value);
    if (received.error.number == EINTR) return;
    // EAGAIN: the time is up. Anything else no kernel says; if one does, go on without spinning.
    if (received.error.number != EAGAIN) sys::nanosleep(after_failure);
    if (look_again_ || received.error.number != EAGAIN) reap();
}

void Init::receive(const sys::Received& received) {
    const int signal = received.signal;
    if (signal == sig::chld) {
        narrator_.child_news();
        reap();
        return look_at_watcher();
    }
    if (signal == Watcher::end_signal && settings_.heal.is_on()) {
        // What a process sent may have become one signal with the watcher's news.
        look_at_watcher();
        if (left_ || received.code > 0) return;
    }
    // A program in our own process group got what the keyboard sends from the terminal itself.
    constexpr SignalSet keyboard = set_of(sig::intr) | set_of(sig::quit) | set_of(sig::winch);
    if (settings_.home == Home::shared && received.code > 0 && contains(keyboard, signal)) return;
    const Origin origin{.code = received.code,
                        .itself = received.code == 0 && received.pid == self_};
    if (!concerns_program(signal, origin)) return;
    const bool is_stop = asks_for_shutdown(settings_, received);
    const State before = supervisor_.state();
    if (is_stop || signal == sig::hup) {
        // Lower numbers are received first: the news that the program was stopped (SIGCHLD) may
        // still wait behind, and decides whether it needs a SIGCONT as well.
        reap();
        if (left_) return;
    }
    narrator_.received(received);
    dispatch(
        {.kind = is_stop ? EventKind::stop_signal : EventKind::other_signal,
         .signal = signal,
         .foreground = signal == sig::cont ? terminal_.foreground(program_) : Foreground::unknown,
         .by_kernel = received.code > 0,
         .with_the_end = before < State::lingering && supervisor_.state() == State::lingering});
    if (signal == sig::hup && !supervisor_.program_stopped()) {
        // It may have been stopped after that look and before it was told. After a stop signal each
        // stop is answered; a program that outlives a HUP may be stopped by who likes to.
        reap();
        if (supervisor_.program_stopped()) resume();
    }
}

// SIGCHLD tells of its stops, too.
void Init::look_at_watcher() {
    if (watcher_.pid() == 0 || left_ || !watcher_.look()) return;
    // A program that ended meanwhile has its own status.
    reap();
    if (left_ || supervisor_.state() != State::running) return;
    narrator_.unhealthy();
    dispatch({.kind = EventKind::unhealthy});
}

// SIGCHLD says that something happened, not how much: ask until nothing is left to tell.
void Init::reap() {
    look_again_ = false;
    std::optional<int> main_status;
    std::optional<int> last_status;
    while (true) {
        const auto waited = sys::wait_any(watcher_.pid() == 0);
        if (!waited && waited.error.number == ECHILD &&
            (main_status || !supervisor_.program_alive() || is_gone(program_))) {
            return dispatch({.kind = EventKind::nobody_left,
                             .status = main_status,
                             .last_status = last_status,
                             .foreground = terminal_.foreground(program_)});
        }
        if (!waited) look_again_ = true;
        if (!waited || waited.value.pid == 0) break;
        const auto [pid, status] = waited.value;
        const bool is_main = pid == program_ && supervisor_.program_alive() && !main_status;
        if (has_continued(status)) {
            if (is_main) {
                resume_limit_.forget();
                dispatch({.kind = EventKind::program_continued});
            }
        } else if (has_stopped(status)) {
            if (is_main) {
                dispatch_seen(EventKind::program_stopped, {}, stop_signal_of(status));
            }
        } else {
            last_status = status;
            if (is_main) {
                main_status = status;
                resume_limit_.forget();
                narrator_.main_ended(pid, status);
            } else {
                narrator_.reaped(pid, status);
            }
        }
    }
    if (main_status) {
        dispatch_seen(EventKind::main_ended, main_status);
    } else if (last_status) {
        dispatch({.kind = EventKind::somebody_ended, .last_status = last_status});
    }
}

// With a look at the terminal.
void Init::dispatch_seen(EventKind kind, std::optional<int> status, int signal) {
    dispatch({.kind = kind,
              .signal = signal,
              .status = status,
              .foreground = terminal_.foreground(program_)});
}

void Init::dispatch(Event&& event) {
    if (needs_time(event.kind)) event.now = sys::monotonic_clock();
    const Actions actions = supervisor_.on(event);
    // Before the program hears of it: a probe must see the drain first.
    show_state(event.now);
    for (const Action& action : actions) perform(action);
}

void Init::show_state(Time now) {
    const State state = supervisor_.state();
    if (state == shown_) return;
    shown_ = state;
    if (state != State::running) watcher_.stop();
    if (state != State::ended) set_comm(state);
    if (!settings_.notify_socket.empty()) notify(state);
    narrator_.entered(state, supervisor_, now);
    // What it tells the manager comes after our own word.
    if (state == State::running) watcher_.start();
}

// What the service manager wants to know; with --heal the watcher tells it of the readiness.
void Init::notify(State state) {
    char room[48];
    Writer text(room);
    if (state == State::running && !settings_.heal.is_on()) text.add("READY=1\n");
    if (state > State::running) text.add("STOPPING=1\n");
    text.add("STATUS=").add(state_name(state));
    const auto told = sys::notify(settings_.notify_socket, text.view());
    if (!told) narrator_.not_notified(told.error);
}

void Init::perform(const Action& action) {
    switch (action.kind) {
        case ActionKind::to_main:
            return narrator_.sent(Whom::process, program_, action.signal,
                                  sys::kill(program_, action.signal).error);
        case ActionKind::to_group: return send_to_group(action.signal);
        case ActionKind::to_all: return send_to_all(action.signal);
        case ActionKind::resume: return resume();
        case ActionKind::give_terminal: terminal_.give_to(program_); return;
        case ActionKind::take_terminal: return terminal_.take_back();
        case ActionKind::stop_self: return stop(self_, action.signal);
        case ActionKind::halt_self: (void)sys::kill(self_, sig::stop); return;
        case ActionKind::stop_group: return stop(own_group, action.signal);
        case ActionKind::tell_rest:
            send_to_all(action.signal);
            // What is stopped would hear of it only when it is continued.
            return rest_.continue_stopped();
        case ActionKind::tell_unreached:
            tell_unreached(action.signal);
            return rest_.continue_stopped();
        case ActionKind::name_still_running:
            name_still_running(action.signal);
            return rest_.continue_stopped();
        case ActionKind::name_survivors: return name_survivors();
        case ActionKind::kill_rest: return send_to_all(sig::kill);
        case ActionKind::leave: left_ = true; return;
    }
}

void Init::resume() {
    if (!resume_limit_.allows(sys::monotonic_clock())) return;
    if (settings_.forward == Forward::all) return send_to_all(sig::cont);
    return send_to_group(sig::cont);
}

// The main process has not been reaped, so its pid and group are its own.
void Init::send_to_group(int signal) {
    const auto sent = sys::kill(-program_, signal);
    narrator_.sent(Whom::group, program_, signal, sent.error);
    // Once the main process has been reaped its pid may be another's.
    if (sent || sent.error.number != ESRCH || !supervisor_.program_alive()) return;
    narrator_.sent(Whom::process, program_, signal, sys::kill(program_, signal).error);
}

// To everything that is left. Only PID 1 may say "everybody"; in a host's PID namespace that would
// be the host.
void Init::send_to_all(int signal) {
    if (is_init_) {
        narrator_.sent(Whom::everybody, 0, signal, sys::kill(everybody, signal).error);
        return;
    }
    const auto walked =
        signal == sig::kill ? rest_.kill(supervisor_.deadline()) : rest_.send(signal);
    if (walked) return narrator_.sent(Whom::descendants, 0, signal, *walked);
    narrator_.sent(Whom::group, program_, signal, sys::kill(-program_, signal).error);
}

// To those who are left and whom no forwarded stop signal has reached: many a program takes a
// second TERM for "force".
void Init::tell_unreached(int signal) {
    const SignalSet reached_by = supervisor_.reached_by();
    const bool to_everybody = settings_.forward == Forward::all;
    const bool group_is_gone = !to_everybody && is_gone(-program_);
    if (reached_by == 0 || group_is_gone) return send_to_all(signal);
    const auto walked = rest_.tell_unreached(signal, to_everybody ? 0 : program_, reached_by);
    if (!walked) return narrator_.tells_nobody(signal);
    narrator_.sent(Whom::unreached, 0, signal, *walked);
}

void Init::name_still_running(int signal) {
    if (!narrator_.asks_for_survivors()) return;
    Narrator::ProcessList list;
    if (rest_.name_still_running(signal, list)) narrator_.still_running(list, signal);
}

void Init::name_survivors() {
    if (!narrator_.asks_for_survivors()) return;
    Narrator::ProcessList list;
    rest_.name_survivors(list);
    narrator_.killing(list);
}

// As the terminal's ^Z would: by that signal, so that the shell outside sees a stopped job. The
// kernel ignores it in an orphaned process group, where nobody could bring us back.
void Init::stop(int whom, int signal) {
    // Not by SIGSTOP, which would stop usher even there.
    const int by = signal == sig::stop ? sig::tstp : signal;
    (void)sys::rt_sigprocmask(sys::MaskHow::unblock, set_of(by));
    // It would discard a SIGCONT that is pending, and that may be the answer to this very stop.
    if (!continue_pending()) (void)sys::kill(whom, by);
    (void)sys::rt_sigprocmask(sys::MaskHow::block, set_of(by));
    if (!continue_pending()) resumed_ = signal;
}

}  // namespace usher::cmd
