// SPDX-License-Identifier: MIT
#include "prober.hpp"

#include <errno.h>

#include <algorithm>
#include <new>

#include "ending_signals.hpp"
#include "error_text.hpp"
#include "file.hpp"
#include "find_usher.hpp"
#include "log_record.hpp"
#include "number.hpp"
#include "proc.hpp"

namespace usher::cmd {

namespace {

constexpr SignalSet waited_for = ending_signals | set_of(sig::chld);
constexpr std::size_t longest_result = 256;
constexpr std::size_t longest_check = 140;  // of it: the rest is for what is wrong

constexpr Duration without_signalfd = 20 * millisecond;

// Clocks of two machines, or a file system's coarse one, may differ by this much.
constexpr Duration future_tolerance = 5 * second;

// -infinite to infinite, however absurd a file's time is.
Duration age_of(Time modified) {
    Duration age = 0;
    if (__builtin_sub_overflow(sys::wall_clock(), modified, &age) || age < -infinite) {
        return modified < 0 ? infinite : -infinite;
    }
    return age;
}

// The number in a pid file: blanks around it and further lines do not count. 0: it has none.
int pid_in(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    text = take_until(text, '\n');
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return static_cast<int>(parse_number(text, INT32_MAX).value_or(0));
}

// 0: there is none, and `detail` says why. What the file holds is not told: it may be any file.
int read_pid_file(std::string_view name, Outcome& outcome) {
    Writer& detail = outcome.detail;
    char path[sys::path_max];
    Writer line(path);
    line.add_raw(name).add('\0');
    char room[64];
    const auto length = sys::read_file(path, room);
    if (!length) {
        sys::add_error(detail.add("pid file: "), length.error.number);
        outcome.was_made = !sys::is_shortage(length.error.number);
        return 0;
    }
    const std::string_view text(room, length.value);
    // Of what did not fit the end may be missing.
    const bool is_whole = text.size() < sizeof room || has(text, '\n');
    const int pid = is_whole ? pid_in(text) : 0;
    if (pid == 0) detail.add("pid file: not a pid");
    return pid;
}

bool is_zombie(int pid, char state) {
    if (state != 'Z' && state != 'X') return false;
    const auto stat = sys::read_stat(pid);  // whose other threads may live on
    return !stat || stat.value.is_dead();
}

void add_seconds(Writer& line, Duration duration) {
    add_duration(line, duration / second * second);
}

}  // namespace

Prober& Prober::make(const Invocation& invocation, const ProbeSettings& settings) {
    // Not on the stack, which may be small (ulimit -s), and of what is here only what is used
    // becomes resident.
    [[gnu::section(".bss.cold")]] alignas(Prober) static std::byte room[sizeof(Prober)];
    return *new (room) Prober(invocation, settings);
}

Prober::Prober(const Invocation& invocation, const ProbeSettings& settings)
    : invocation_(invocation), settings_(settings) {
    (void)sys::rt_sigprocmask(sys::MaskHow::set, invocation.mask | waited_for | write_signals);
    const auto fd = sys::signalfd(waited_for);
    if (fd) signals_ = fd.value;
    // Of stdio one may be closed. What we open must not become what we print to.
    for (int filler = fd ? fd.value : 0; filler >= 0 && filler <= sys::stderr_fd;) {
        const auto opened = sys::open("/dev/null", sys::OpenMode::log);
        filler = opened ? opened.value : -1;
    }
}

bool Prober::add(const Check& check, BadInput& bad) {
    if (count_ == most_checks) return refuse(bad, "one check too many:", check.text, "up to 16");
    (new (&slots_[count_++]) Slot)->check = check;
    return true;
}

bool Prober::add_program(char* const* argv, BadInput& bad) {
    program_ = argv;
    return add({.kind = CheckKind::program, .text = *argv}, bad);
}

CheckNeeds Prober::needs() const {
    CheckNeeds needs;
    for (std::size_t i = 0; i < count_; ++i) needs.add(slots_[i].check);
    return needs;
}

int Prober::run(Time deadline) {
    // A certificate that was renewed since the last try; while it cannot be read, the old one
    // counts.
    BadInput ignored;
    if (has_tls && has_run_ && needs().tls) (void)sys::prepare_tls(settings_.tls, ignored);
    has_run_ = true;
    const Time started = sys::monotonic_clock();
    for (std::size_t i = 0; i < count_; ++i) start(slots_[i], started, deadline);
    while (true) {
        const Time before = sys::monotonic_clock();
        note_ends(before - started);
        if (!any_pending()) return 0;
        Interests interests;
        gather(interests);
        wait_for(interests, before, deadline);
        const Time now = sys::monotonic_clock();
        if (const int signal = take_signals(); signal != 0) {
            program_check_.kill_all("interrupted");
            return signal;
        }
        if (now >= deadline) {
            for (Slot& slot : std::span(slots_).first(count_)) {
                slot.was_cut = slot.outcome.health == Health::pending;
            }
            program_check_.kill_all("timed out");
        }
        step(interests, now);
    }
}

void Prober::drain() {
    while (!any_pending()) {  // as after a signal, which ended run()
        Interests interests;
        gather(interests);
        if (interests.first[count_] == 1) return;
        wait_for(interests, sys::monotonic_clock(), infinite);
        if (interests.fds[0].revents != 0) return;
        step(interests, sys::monotonic_clock());
    }
}

void Prober::gather(Interests& interests) const {
    std::size_t used = 1;
    for (std::size_t i = 0; i < count_; ++i) {
        interests.first[i] = used;
        used += slots_[i].network.interests(std::span(interests.fds).subspan(used));
        interests.wake = std::min(interests.wake, slots_[i].network.wake());
    }
    interests.first[count_] = used;
}

// Until something is ready, or the time for the next step has come.
void Prober::wait_for(Interests& interests, Time now, Time deadline) const {
    const Time wake = std::min(interests.wake, deadline);
    const auto ready = poll(std::span(interests.fds).first(interests.first[count_]),
                            wake == infinite ? infinite : std::max<Time>(wake - now, 0));
    // EINTR, after being stopped and continued: nothing is ready, but the clock went on. Any other
    // error must not make us spin.
    if (!ready) sys::nanosleep(millisecond);
}

void Prober::step(const Interests& interests, Time now) {
    const std::span fds(interests.fds);
    for (std::size_t i = 0; i < count_; ++i) {
        const std::size_t first = interests.first[i];
        // What the check before has computed for TLS takes time.
        if (has_tls && i > 0) now = sys::monotonic_clock();
        slots_[i].network.step(fds.subspan(first, interests.first[i + 1] - first), now);
    }
}

bool Prober::any_pending() const {
    for (std::size_t i = 0; i < count_; ++i) {
        if (slots_[i].outcome.health == Health::pending) return true;
    }
    return false;
}

void Prober::note_ends(Duration took) {
    for (std::size_t i = 0; i < count_; ++i) {
        Outcome& outcome = slots_[i].outcome;
        if (outcome.health != Health::pending && outcome.took < 0) outcome.took = took;
    }
}

int Prober::take_signals() {
    while (true) {
        const auto received = sys::rt_sigtimedwait(waited_for, 0);
        if (!received) {
            // Refused, and so the signal is still there: not to spin then.
            if (received.error.number != EAGAIN) sys::nanosleep(millisecond);
            return 0;
        }
        if (received.value.signal == sig::chld) {
            (void)program_check_.reap();
        } else if (ends_command(received.value.signal)) {
            return received.value.signal;
        }
    }
}

Result<Done> Prober::poll(std::span<sys::PollFd> fds, Duration timeout) const {
    fds[0] = {.fd = signals_, .events = sys::poll_in};
    // Where signalfd is refused (seccomp), a signal wakes nobody.
    if (signals_ < 0) timeout = std::min(timeout, without_signalfd);
    return sys::poll(fds, timeout);
}

int Prober::pause(Time end) {
    while (true) {
        if (const int signal = take_signals(); signal != 0) return signal;
        const Time now = sys::monotonic_clock();
        if (now >= end) return 0;
        sys::PollFd fd[1];
        if (!poll(fd, end - now)) sys::nanosleep(millisecond);
    }
}

void Prober::start(Slot& slot, Time now, Time deadline) {
    slot.was_cut = false;
    slot.before.cut(0);
    if (slot.outcome.health == Health::unhealthy) slot.before.add_raw(slot.outcome.detail.view());
    slot.outcome.reset();
    slot.outcome.took = -1;
    switch (slot.check.kind) {
        case CheckKind::http:
        case CheckKind::tcp:
        case CheckKind::grpc:
        case CheckKind::redis:
        case CheckKind::postgres:
        case CheckKind::mysql:
            return slot.network.start(slot.check, settings_, slot.outcome, now, deadline);
        case CheckKind::file: return settle_file(slot);
        case CheckKind::pid: return settle_pid(slot);
        case CheckKind::ready:
        case CheckKind::live: return settle_state(slot);
        case CheckKind::program: return program_check_.start(program_, invocation_, slot.outcome);
    }
}

void Prober::settle_file(Slot& slot) {
    char path[sys::path_max];
    Writer line(path);
    line.add_raw(slot.check.target).add('\0');
    const auto facts = sys::statx(path);
    if (!facts) {
        sys::add_error(slot.outcome.settle(Health::unhealthy).add("file: "), facts.error.number);
        slot.outcome.was_made = !sys::is_shortage(facts.error.number);
        return;
    }
    const Duration age = age_of(facts.value.modified);
    const bool has_limit = slot.check.max_age != infinite;
    Writer& detail = slot.outcome.settle(Health::unhealthy);
    if (has_limit && age < -future_tolerance) {
        add_seconds(detail.add("file: modified "), -age);
        detail.add(" in the future");
    } else if (has_limit && age > slot.check.max_age) {
        add_seconds(detail.add("file: "), age);
        detail.add(" old, want at most ");
        add_duration(detail, slot.check.max_age);
    } else if (facts.value.size < slot.check.min_size) {
        detail.add("file: ").add(static_cast<std::int64_t>(facts.value.size));
        detail.add(" bytes, want at least ").add(static_cast<std::int64_t>(slot.check.min_size));
    } else {
        add_seconds(slot.outcome.settle(Health::healthy).add("modified "),
                    std::max<Duration>(age, 0));
        detail.add(" ago");
    }
}

void Prober::settle_pid(Slot& slot) {
    int pid = slot.check.pid;
    Writer& detail = slot.outcome.settle(Health::unhealthy);
    if (!slot.check.target.empty()) {
        pid = read_pid_file(slot.check.target, slot.outcome);
        if (pid == 0) return;
    }
    bool is_alive = false;
    if (sys::proc_is_ours()) {
        const auto status = sys::read_thread_status(pid);
        if (status && status.value.process != pid) {
            detail.add(pid).add(" is a thread of process ").add(status.value.process);
            return;
        }
        if (status && is_zombie(pid, status.value.state)) {
            detail.add("process ").add(pid).add(" is a zombie");
            return;
        }
        if (!status && sys::is_shortage(status.error.number)) {
            sys::add_error(detail.add("pid: "), status.error.number);
            slot.outcome.was_made = false;
            return;
        }
        is_alive = static_cast<bool>(status);
    } else {
        const auto exists = sys::kill(pid, 0);
        is_alive = exists || exists.error.number == EPERM;
    }
    if (is_alive) {
        slot.outcome.settle(Health::healthy).add("process ").add(pid);
    } else {
        detail.add("no process ").add(pid);
    }
}

void Prober::settle_state(Slot& slot) {
    const auto found = sys::find_usher();
    if (!found) {
        slot.outcome.settle(Health::unhealthy).add(sys::why_not_found(found.error));
        return;
    }
    const State state = found.value.state;
    const bool wants_running = slot.check.kind == CheckKind::ready;
    const bool good = wants_running ? state == State::running : state != State::killing;
    slot.outcome.settle(good ? Health::healthy : Health::unhealthy).add(state_name(state));
}

bool Prober::is_healthy(std::size_t index) const {
    const Health wanted = settings_.invert ? Health::unhealthy : Health::healthy;
    return slots_[index].outcome.health == wanted;
}

bool Prober::all_healthy() const {
    for (std::size_t i = 0; i < count_; ++i) {
        if (!is_healthy(i)) return false;
    }
    return true;
}

bool Prober::any_misused() const {
    for (std::size_t i = 0; i < count_; ++i) {
        if (is_misused(i)) return true;
    }
    return false;
}

bool Prober::all_made() const {
    for (std::size_t i = 0; i < count_; ++i) {
        if (!slots_[i].outcome.was_made) return false;
    }
    return true;
}

void Prober::add_result(Writer& line, std::size_t index) const {
    const Slot& slot = slots_[index];
    const bool passed = slot.outcome.health == Health::healthy;
    const bool healthy = is_healthy(index);
    char room[longest_result - 1];
    Writer text(room);
    text.add(healthy ? Literal("healthy ") : Literal("unhealthy "))
        .add_untrusted(slice(slot.check.text, 0, longest_check));
    if (settings_.invert) text.add(" (--not)");
    const bool has_colon = text.view().back() == ':';  // "ready:"
    if (!has_colon && (!passed || settings_.invert)) text.add(':');
    // A time makes each failure a new event for those who tell them apart by their text.
    const bool is_timed = slot.outcome.timed && (healthy || settings_.verbosity > 0);
    std::string_view detail = slot.outcome.detail.view();
    if (!is_timed && detail.ends_with(',')) detail.remove_suffix(1);
    if (!detail.empty()) text.add(' ').add_untrusted(detail);
    if (is_timed) text.add(" in ").add(slot.outcome.took / millisecond).add("ms");
    line.add_raw(text.view()).add('\n');
}

bool Prober::has_changed(std::size_t index) {
    Slot& slot = slots_[index];
    // FNV-1a of the detail: a mark, not a proof, and four bytes in place of a copy.
    std::uint32_t mark = 2166136261U + static_cast<std::uint32_t>(slot.outcome.health);
    for (const char c : slot.outcome.detail.view()) {
        if (slot.check.kind == CheckKind::file && is_digit(c)) continue;
        mark = (mark ^ static_cast<unsigned char>(c)) * 16777619U;
    }
    const bool changed = mark != slot.last_told;
    slot.last_told = mark;
    return changed;
}

void Prober::restore_complete() {
    for (Slot& slot : std::span(slots_).first(count_)) {
        if (!slot.was_cut || slot.before.size() == 0) continue;
        slot.outcome.settle(Health::unhealthy).add_raw(slot.before.view());
    }
}

}  // namespace usher::cmd
