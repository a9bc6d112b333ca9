// SPDX-License-Identifier: MIT
#include "rest.hpp"

#include "signal_process.hpp"

namespace usher::cmd {

namespace {

using Note = Narrator::ProcessList::Note;

struct Telling {
    const Rest& rest;
    int signal;
    Error error{};
    sys::Descendants descendants{};

    template <class Test>
    void tell(int pid, Test is_meant) {
        const auto is_one = [&](int one) {
            return rest.includes(one, descendants) && is_meant(one);
        };
        const Error failure = sys::signal_if(pid, signal, is_one);
        if (failure.number != 0) error = failure;
    }
};

bool walk(sys::Visit visit, void* context) {
    return sys::proc_is_ours() && sys::for_each_process(visit, context);
}

void tell(void* context, int pid) {
    static_cast<Telling*>(context)->tell(pid, [](int) { return true; });
}

// Of a process whose first thread has ended nobody knows; CONT does no harm.
bool may_be_stopped(int pid) {
    const auto stat = sys::read_stat(pid);
    return stat && (stat.value.state == 'T' || (stat.value.state == 'Z' && !stat.value.is_dead()));
}

void continue_one(void* context, int pid) {
    static_cast<Telling*>(context)->tell(pid, may_be_stopped);
}

struct Untold {
    Telling telling;
    int group;
    SignalSet reached_by;

    [[nodiscard]] bool has_not_heard(int pid) const {
        const auto stat = sys::read_stat(pid);
        if (!stat || stat.value.is_dead()) return false;
        if (group != 0 && stat.value.group != group) return true;
        const auto facts = sys::read_signal_facts(pid);
        return facts && !has_heard(reached_by, facts.value);
    }
};

void tell_untold(void* context, int pid) {
    Untold& untold = *static_cast<Untold*>(context);
    untold.telling.tell(pid, [&](int one) { return untold.has_not_heard(one); });
}

struct Stopping {
    Telling telling;
    bool found_any = false;
    bool found_running = false;

    [[nodiscard]] bool is_running(int pid) {
        const auto stat = sys::read_stat(pid);
        if (!stat || stat.value.is_dead()) return false;
        found_any = true;
        const bool is_stopped = stat.value.state == 'T' || stat.value.state == 't';
        if (!is_stopped) found_running = true;
        return !is_stopped;
    }
};

void stop_running(void* context, int pid) {
    Stopping& stopping = *static_cast<Stopping*>(context);
    stopping.telling.tell(pid, [&](int one) { return stopping.is_running(one); });
}

// Who is named in a warning.
struct Naming {
    const Rest& rest;
    bool with_outsiders;  // whoever is no descendant of usher, too
    int stop_signal;      // who ignores or blocks it is told; 0: nobody is
    Narrator::ProcessList& list;
    sys::Descendants descendants{};

    [[nodiscard]] Note note_on(int pid) const {
        if (stop_signal == 0) return Note::none;
        const auto facts = sys::read_signal_facts(pid);
        const SignalFacts known = facts ? facts.value : SignalFacts{};
        if (contains(known.ignored, stop_signal)) return Note::ignores_it;
        return contains(known.blocked, stop_signal) ? Note::blocks_it : Note::none;
    }
};

void name(void* context, int pid) {
    Naming& naming = *static_cast<Naming*>(context);
    if (naming.rest.is_own(pid)) return;
    const auto stat = sys::read_stat(pid);
    if (!stat || stat.value.is_dead()) return;
    const bool descends = naming.descendants.include(pid);
    if (!descends && !naming.with_outsiders) return;
    naming.list.add(pid, stat.value.name, descends ? naming.note_on(pid) : Note::from_outside);
}

}  // namespace

Rest::Walked Rest::send(int signal) const {
    Telling telling{.rest = *this, .signal = signal};
    return walk(tell, &telling) ? Walked(telling.error) : std::nullopt;
}

void Rest::continue_stopped() const {
    Telling telling{.rest = *this, .signal = sig::cont};
    (void)walk(continue_one, &telling);
}

Rest::Walked Rest::tell_unreached(int signal, int group, SignalSet reached_by) const {
    Untold untold{
        .telling = {.rest = *this, .signal = signal}, .group = group, .reached_by = reached_by};
    return walk(tell_untold, &untold) ? Walked(untold.telling.error) : std::nullopt;
}

// What is stopped forks no more. But a signal sent is not a process stopped: one that was in the
// middle of fork(2) finishes it as soon as a kill makes room for one more process. So nobody is
// killed before a walk has found everybody still. The second time is for those whom the kernel
// continued: it does that to a group that loses its last parent.
Rest::Walked Rest::kill(Time deadline) const {
    Walked killed;
    for (int times = 2; times > 0; --times) {
        bool found_any = false;
        if (!stop_all(found_any)) return std::nullopt;
        if (!found_any) break;
        killed = send(sig::kill);
        if (sys::monotonic_clock() >= deadline) break;
    }
    return killed ? killed : Error{};
}

bool Rest::stop_all(bool& found_any) const {
    for (int walks = 5; walks > 0; --walks) {
        Stopping stopping{.telling = {.rest = *this, .signal = sig::stop}};
        if (!walk(stop_running, &stopping)) return false;
        found_any = stopping.found_any;
        if (!stopping.found_running) break;
    }
    return true;
}

bool Rest::name_still_running(int signal, Narrator::ProcessList& list) const {
    Naming naming{.rest = *this, .with_outsiders = false, .stop_signal = signal, .list = list};
    return walk(name, &naming);
}

void Rest::name_survivors(Narrator::ProcessList& list) const {
    Naming naming{.rest = *this, .with_outsiders = is_init_, .stop_signal = 0, .list = list};
    (void)walk(name, &naming);
}

}  // namespace usher::cmd
