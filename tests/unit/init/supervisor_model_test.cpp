// SPDX-License-Identifier: MIT
// Every run that the supervisor can be led through, not some of them. From the start each event
// that the loop could report is tried at each moment that could matter (at once, just before a
// deadline, at it, after it), and so on from each state that comes out, until nothing new does.
// Deadlines never move, so there are finitely many moments, finitely many states, and the
// exploration covers sequences of any length. Each step is held to what must be true of all.
//
// Two runs are taken for one only if all bytes of the supervisor and all that the observer knows
// are equal: then everything that follows is equal, too. (Bytes of padding may differ and count one
// state twice; they can never make one of two.)
#include "supervisor.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <deque>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "exit_status.hpp"

namespace usher {
namespace {

using enum EventKind;
using A = ActionKind;

constexpr Duration s = second;
constexpr Duration lateness = 1 * s;       // by which an event may be told after its deadline
constexpr Duration long_after = 1000 * s;  // something happens when nothing was due
constexpr int counted_depth = 8;

constexpr int exited(int code) { return code << 8; }

/// What somebody knows who watches a run from outside. Only integers of one size: no padding.
struct World {
    Time now = 0;
    Time asked = infinite;       ///< when the first stop signal came
    Time grace_from = infinite;  ///< when the first one was forwarded
    Time main_end = infinite;
    std::int64_t held = 0;   ///< the latest stop signal, while draining
    std::int64_t code = -1;  ///< how the main process ended, as a shell tells it; -1: unknown
    std::int64_t alive = 1, is_stopped = 0, killed = 0, left = 0;
    std::int64_t is_daemon = 0;  ///< the main process ended with 0, and the rest is what runs
    std::int64_t is_healing = 0;
    std::int64_t heard = 0;  ///< SignalSet: stop signals that the program's group was sent
};

struct Node {
    Supervisor supervisor;
    World world;
};
static_assert(std::is_trivially_copyable_v<Node>, "its bytes are all there is to it");

struct Key {
    std::array<char, sizeof(Node)> bytes;
    explicit Key(const Node& node) {
        std::memcpy(bytes.data(), static_cast<const void*>(&node), sizeof node);
    }
    bool operator==(const Key&) const = default;
};
struct KeyHash {
    std::size_t operator()(const Key& key) const {
        return std::hash<std::string_view>()({key.bytes.data(), key.bytes.size()});
    }
};

// To whom --forward names.
bool is_sent(const Action& action) {
    return action.kind == A::to_main || action.kind == A::to_group || action.kind == A::to_all;
}

int count_of(const Actions& actions, A kind) {
    return static_cast<int>(std::count_if(actions.begin(), actions.end(),
                                          [kind](const Action& a) { return a.kind == kind; }));
}
bool has(const Actions& actions, A kind) { return count_of(actions, kind) > 0; }
bool has(const Actions& actions, A kind, int signal) {
    return std::find(actions.begin(), actions.end(), Action{kind, signal}) != actions.end();
}

int count_sent(const Actions& actions) {
    return static_cast<int>(std::count_if(actions.begin(), actions.end(), is_sent));
}
bool has_sent(const Actions& actions) { return count_sent(actions) > 0; }
bool has_sent(const Actions& actions, int signal) {
    return std::any_of(actions.begin(), actions.end(), [signal](const Action& action) {
        return is_sent(action) && action.signal == signal;
    });
}

// Everything that the loop could report to the supervisor, with every fact that could matter.
std::vector<Event> all_events(const RunSettings& settings) {
    std::vector<Event> events;
    constexpr Foreground all[] = {Foreground::unknown, Foreground::usher, Foreground::program,
                                  Foreground::other};
    const auto add_signal = [&](int signal, Foreground foreground, bool by_kernel) {
        const bool is_stop = contains(settings.stop_signals, signal);
        events.push_back({.kind = is_stop ? stop_signal : other_signal,
                          .signal = signal,
                          .foreground = foreground,
                          .by_kernel = by_kernel});
    };
    for (const int signal : {sig::hup, sig::intr, sig::quit, sig::term}) {
        add_signal(signal, Foreground::unknown, false);
    }
    for (const bool by_kernel : {false, true}) {
        add_signal(sig::tstp, Foreground::unknown, by_kernel);
    }
    for (const Foreground foreground : all) {
        add_signal(sig::cont, foreground, false);
        for (const int signal : {sig::stop, sig::tstp, sig::ttin}) {
            events.push_back({.kind = program_stopped, .signal = signal, .foreground = foreground});
            events.push_back({.kind = resumed, .signal = signal, .foreground = foreground});
        }
    }
    for (const Foreground foreground : {Foreground::unknown, Foreground::program}) {
        for (const int status : {exited(0), exited(3), int{sig::kill}}) {
            events.push_back({.kind = main_ended, .status = status, .foreground = foreground});
            events.push_back({.kind = nobody_left, .status = status, .foreground = foreground});
        }
        events.push_back({.kind = nobody_left, .foreground = foreground});
    }
    events.push_back({.kind = program_continued});
    events.push_back({.kind = somebody_ended});
    if (settings.heal.is_on()) events.push_back({.kind = unhealthy});
    events.push_back({.kind = started});
    events.push_back({.kind = deadline});
    return events;
}

struct Totals {
    long settings = 0;
    long states = 0;
    long steps = 0;         ///< a state, an event and a moment
    double sequences = 0;   ///< of up to counted_depth events after the start
    std::size_t depth = 0;  ///< events to the state that is farthest from the start
};

class Model {
  public:
    Model(const RunSettings& settings, bool is_init)
        : settings_(settings), is_init_(is_init), events_(all_events(settings)) {}

    void explore(Totals& totals) {
        Node first{.supervisor = Supervisor(settings_, is_init_), .world = {}};
        first.supervisor.on({.kind = started});
        EXPECT_EQ(first.supervisor.state(), State::running);
        reach(first, {});
        for (std::size_t at = 0; at < nodes_.size() && broken_ == nullptr; ++at) {
            check_that_time_ends_it(at);
            for (const Event& event : events_) try_at_each_moment(at, event);
        }
        ++totals.settings;
        totals.states += static_cast<long>(nodes_.size());
        totals.sequences += count_sequences();
        for (const auto& next : edges_) totals.steps += static_cast<long>(next.size());
        totals.depth = std::max(totals.depth, came_by_.back().depth);
    }

  private:
    struct Origin {
        std::size_t from = 0;
        std::size_t depth = 0;
        Event event{};
    };

    std::size_t reach(const Node& node, Origin origin) {
        const auto [found, is_new] = known_.try_emplace(Key(node), nodes_.size());
        if (is_new) {
            nodes_.push_back(node);
            came_by_.push_back(origin);
            edges_.emplace_back();
        }
        return found->second;
    }

    static bool can_happen(const Event& event, const Node& node, bool is_init) {
        if (node.world.left != 0) return true;  // whatever it is, nothing may come of it
        switch (event.kind) {
            case main_ended: return node.world.alive != 0;
            // No status of a living main process: somebody else has reaped it.
            case nobody_left: return node.world.alive != 0 || !event.status;
            case program_stopped:
            case program_continued: return node.world.alive != 0;
            case resumed: return !is_init;
            case EventKind::deadline: return node.supervisor.deadline() != infinite;
            default: return true;
        }
    }

    void try_at_each_moment(std::size_t at, const Event& event) {
        if (!can_happen(event, nodes_[at], is_init_)) return;
        const Time now = nodes_[at].world.now;
        const Time due = nodes_[at].supervisor.deadline();
        const State state = nodes_[at].supervisor.state();
        const bool is_due = event.kind == EventKind::deadline;
        if (!is_due) step(at, event, now);
        if (due == infinite) {
            // While it runs, an hour more or less only moves the zero of the clock.
            const bool matters = state > State::running && state < State::ended;
            if (matters && long_after > now) step(at, event, long_after);
            return;
        }
        if (!is_due && due - 1 > now) step(at, event, due - 1);
        if (due > now || is_due) step(at, event, std::max(now, due));
        if (due + lateness > now) step(at, event, due + lateness);
    }

    void step(std::size_t at, Event event, Time now) {
        if (broken_ != nullptr) return;
        event.now = now;
        Node next = nodes_[at];
        next.world.now = now;
        const Actions actions = next.supervisor.on(event);
        broken_ = check(nodes_[at], next, event, actions);
        if (broken_ != nullptr) {
            ADD_FAILURE() << broken_ << "; after:" << story(at) << tell(event);
            return;
        }
        // Once it has left, how it came there plays no part any more.
        if (next.world.left != 0) next.world = {.left = 1};
        const std::size_t to = reach(next, {at, came_by_[at].depth + 1, event});
        edges_[at].push_back(static_cast<std::uint32_t>(to));
    }

    // The null pointer, or what was wrong with this step. `next.world` is brought up to date.
    const char* check(const Node& node, Node& next, const Event& event, const Actions& actions) {
        const Supervisor& before = node.supervisor;
        const Supervisor& after = next.supervisor;
        World& world = next.world;
        if (world.left != 0) {
            if (actions.size() != 0) return "something is done after the end";
            if (after.state() != State::ended) return "the end was not final";
            if (after.exit_code() != before.exit_code()) return "a second status";
            return nullptr;
        }
        note(event, before, settings_.until, world);
        // Whose end nobody told, but that nobody is left, counts as killed, not as ended.
        const bool end_untold = has(actions, A::leave) && world.code < 0;
        if (after.program_alive() != (world.alive != 0 || end_untold))
            return "wrong about whether the program lives";
        if (after.program_stopped() != (world.is_stopped != 0) && world.alive != 0 &&
            after.state() < State::lingering)
            return "wrong about whether the program is stopped";
        if (actions.size() == Actions::capacity) return "an action may have been dropped";
        for (const auto one : {&Model::check_who_is_spoken_to, &Model::check_what_is_forwarded,
                               &Model::check_nobody_is_told_twice, &Model::check_kill,
                               &Model::check_end, &Model::check_order}) {
            if (const char* wrong = (this->*one)(before, after, event, actions, world)) {
                return wrong;
            }
        }
        return nullptr;
    }

    static void note(const Event& event, const Supervisor& before, Until until, World& world) {
        const bool ends = event.kind == main_ended || event.kind == nobody_left;
        if (ends && world.alive != 0) {
            world.alive = world.is_stopped = 0;
            world.main_end = event.now;
            if (event.status) world.code = shell_code(*event.status);
        }
        if (event.kind == main_ended && until == Until::all && world.code == 0 &&
            before.state() <= State::draining && world.is_daemon == 0) {
            world.is_daemon = 1;
            world.main_end = infinite;
        }
        if (event.kind == program_stopped) world.is_stopped = 1;
        if (event.kind == program_continued) world.is_stopped = 0;
        const bool heals = event.kind == unhealthy && before.state() == State::running;
        if (heals) world.is_healing = 1;
        if (event.kind != stop_signal && !heals) return;
        if (world.asked == infinite) world.asked = event.now;
        if (before.state() <= State::draining) world.held = event.signal;
    }
    [[nodiscard]] Duration grace_of(const World& world) const {
        return world.is_healing != 0 ? settings_.heal.grace : settings_.grace;
    }

    const char* check_who_is_spoken_to(const Supervisor&, const Supervisor&, const Event&,
                                       const Actions& actions, World& world) {
        for (const Action& action : actions) {
            const bool is_last_term = is_sent(action) && settings_.term_at_end;
            const bool needs_program = action.kind == A::to_main || action.kind == A::to_group ||
                                       action.kind == A::resume ||
                                       action.kind == A::give_terminal ||
                                       action.kind == A::stop_self ||
                                       action.kind == A::stop_group || action.kind == A::halt_self;
            if (world.alive == 0 && needs_program && !is_last_term)
                return "a program is spoken to that has ended";
            const bool stops_self = action.kind == A::stop_self || action.kind == A::stop_group;
            if (stops_self && is_init_) return "PID 1 stops itself";
            const bool signals =
                is_sent(action) || action.kind == A::tell_rest || action.kind == A::tell_unreached;
            if (signals && (action.signal < 1 || action.signal > signal_count))
                return "a signal that is none";
        }
        return nullptr;
    }

    // Exactly one signal for each that came, the one that it is rewritten to, to whom it concerns.
    const char* check_what_is_forwarded(const Supervisor& before, const Supervisor& after,
                                        const Event& event, const Actions& actions, World& world) {
        const bool lingers = before.state() == State::lingering;
        const bool forwards =
            before.state() < State::lingering && (world.alive != 0 || world.is_daemon != 0);
        const bool drain_begins =
            before.state() == State::running && after.state() == State::draining;
        const bool drain_ends =
            before.state() == State::draining && after.state() == State::stopping;
        int signal = 0;
        bool is_end = false;
        bool is_stop = false;
        if ((forwards || lingers) && event.kind == other_signal) {
            const bool only_resumes =
                forwards && event.signal == sig::cont && before.program_stopped();
            if (!only_resumes) signal = event.signal;
            if (only_resumes && !has(actions, A::resume)) return "CONT was lost";
            is_end = event.signal == sig::hup;
        } else if (before.state() == State::running && event.kind == unhealthy) {
            signal = settings_.heal.signal;
            is_end = is_stop = true;
            world.grace_from = event.now;
        } else if (lingers && event.kind == stop_signal) {
            signal = event.signal;
            if (world.grace_from == infinite) world.grace_from = event.now;
        } else if (forwards && ((event.kind == stop_signal && !drain_begins) || drain_ends)) {
            signal = drain_ends ? static_cast<int>(world.held) : event.signal;
            is_end = is_stop = true;
            if (world.grace_from == infinite) world.grace_from = event.now;
        }
        if (drain_begins != (before.state() == State::running && event.kind == stop_signal &&
                             settings_.pre_stop > 0))
            return "a drain at the wrong time";
        const bool is_last_term = settings_.term_at_end && world.main_end == event.now &&
                                  (event.kind == main_ended || event.kind == nobody_left);
        if (is_last_term && world.alive == 0) signal = has_sent(actions) ? sig::term : 0;
        if (event.kind == EventKind::deadline && !drain_ends) return nullptr;  // a timer's
        const int to_send = signal == 0 || event.kind == unhealthy
                                ? signal
                                : settings_.rewrite[static_cast<std::size_t>(signal)];
        if (count_sent(actions) + count_of(actions, A::tell_rest) != (to_send != 0 ? 1 : 0))
            return "not forwarded once";
        if (to_send != 0 && !has_sent(actions, to_send) && !has(actions, A::tell_rest, to_send))
            return "another signal is forwarded";
        if (to_send != 0 && is_end && before.program_stopped() && !has(actions, A::resume))
            return "a stopped program does not hear of its end";
        if (to_send != 0 && is_stop && world.is_daemon == 0 && settings_.forward != Forward::main)
            world.heard |= static_cast<std::int64_t>(set_of(to_send));
        return nullptr;
    }

    // The linger's own telling: once, and to nobody who has heard of a stop already.
    const char* check_nobody_is_told_twice(const Supervisor& before, const Supervisor& after,
                                           const Event& event, const Actions& actions,
                                           World& world) {
        const bool begins = after.state() == State::lingering && before.state() < State::lingering;
        if (begins && before.state() == State::draining && world.grace_from == infinite)
            world.grace_from = event.now;
        const int told = begins ? settings_.linger_signal : 0;
        if (count_of(actions, A::tell_unreached) != (told != 0 ? 1 : 0) ||
            (told != 0 && !has(actions, A::tell_unreached, told)))
            return "those who are left hear something else";
        // A TERM at the end is dumb-init's, which leaves then.
        if (begins && !settings_.term_at_end &&
            after.reached_by() != static_cast<SignalSet>(world.heard))
            return "somebody is told twice, or not at all";
        return nullptr;
    }

    // Only when grace or linger is over. Names come before the first KILL, and only then.
    const char* check_kill(const Supervisor& before, const Supervisor& after, const Event& event,
                           const Actions& actions, World& world) {
        const bool begins = before.state() != State::killing && after.state() == State::killing;
        if (begins != (count_of(actions, A::name_survivors) == 1)) return "nobody was named";
        if (begins && !has(actions, A::kill_rest)) return "nobody was killed";
        if (!has(actions, A::kill_rest)) return nullptr;
        if (!begins) return world.killed != 0 ? nullptr : "KILL outside of killing";
        if (actions.begin()->kind != A::name_survivors) return "killed before it was named";
        world.killed = 1;
        const auto over = [&](Time from, Duration length) {
            return from != infinite && event.now >= usher::after(from, length);
        };
        const Duration grace = grace_of(world);
        const bool grace_is_over = over(world.grace_from, grace);
        const bool is_bounded_by_grace =
            !settings_.linger_is_given && world.grace_from != infinite && grace != infinite;
        const bool linger_is_over = !is_bounded_by_grace && over(world.main_end, settings_.linger);
        if (event.kind != EventKind::deadline || !(grace_is_over || linger_is_over))
            return "KILL before its deadline";
        return nullptr;
    }

    // The status is reported once, and it is the main process's.
    const char* check_end(const Supervisor& before, const Supervisor& after, const Event& event,
                          const Actions& actions, World& world) {
        const int leaves = count_of(actions, A::leave);
        if (leaves > 1) return "left twice";
        if ((leaves == 1) != (after.state() == State::ended)) return "ended without leaving";
        if (event.kind == nobody_left && leaves == 0) return "goes on though nobody is left";
        const bool need_not_linger = event.kind == main_ended && world.is_daemon == 0 &&
                                     settings_.linger == 0 && before.state() < State::lingering;
        if (need_not_linger && leaves == 0) return "lingers though it was told not to";
        const bool may_leave = event.kind == nobody_left || world.killed != 0 || need_not_linger;
        if (leaves == 1 && !may_leave) return "left somebody behind";
        if (leaves == 1 && (actions.end() - 1)->kind != A::leave) return "leaves, and then acts";
        world.left = leaves;
        const int code = world.code >= 0 ? static_cast<int>(world.code) : to_int(ExitCode::killed);
        const int want = world.is_healing != 0
                             ? to_int(ExitCode::healed)
                             : settings_.exit_code[static_cast<std::size_t>(code)];
        if (leaves == 1 && after.exit_code() != want) return "the wrong status";
        return nullptr;
    }

    // States only go forward, each has something to wait for, and no deadline moves away.
    const char* check_order(const Supervisor& before, const Supervisor& after, const Event& event,
                            const Actions&, World& world) {
        if (after.state() < before.state()) return "a way back";
        if (event.kind == stop_signal && after.state() == State::running)
            return "a stop signal without effect";
        if (event.kind == unhealthy && before.state() == State::running &&
            after.state() != State::stopping)
            return "an unhealthy program goes on";
        if (world.is_healing != 0 && after.state() < State::lingering &&
            after.deadline() == infinite)
            return "heals without an end";
        if (after.state() == State::ended) {
            return after.deadline() == infinite ? nullptr : "a deadline after the end";
        }
        const bool is_bounded = after.deadline() != infinite;
        const bool lingers_for_ever =
            after.state() == State::lingering && settings_.linger == infinite;
        const bool may_wait = world.alive != 0 || world.is_daemon != 0 || lingers_for_ever;
        if (!is_bounded && !may_wait) return "waits for nothing";
        if (!is_bounded && after.state() == State::killing) return "kills without an end";
        const bool moved_away =
            before.state() == after.state() && after.deadline() > before.deadline();
        if (event.kind == EventKind::deadline && after.state() == before.state() && !moved_away)
            return "a deadline passes, and nothing happens";
        const bool grace_begins_late = after.state() == State::lingering &&
                                       event.kind == stop_signal && !settings_.linger_is_given;
        if (moved_away && event.kind != EventKind::deadline && !grace_begins_late)
            return "a deadline moved away";
        if (world.grace_from != infinite && after.state() != State::killing &&
            after.deadline() > usher::after(world.grace_from, grace_of(world)))
            return "grace was prolonged";
        return nullptr;
    }

    // From here on nothing happens but that time passes. What has a deadline must come to an end
    // within the time that was asked for, or to a program that may live for ever.
    void check_that_time_ends_it(std::size_t at) {
        Node node = nodes_[at];
        Supervisor& supervisor = node.supervisor;
        Time now = node.world.now;
        int deadlines = 0;
        constexpr int most = 3 + 1 + static_cast<int>(RunSettings::most_escalations);
        while (supervisor.deadline() != infinite && deadlines <= most) {
            now = std::max(now, supervisor.deadline());
            supervisor.on({.kind = EventKind::deadline, .now = now});
            ++deadlines;
        }
        if (supervisor.state() == State::ended) {
            const Duration longest = std::max(grace_of(node.world), settings_.linger);
            // A grace that begins while lingering prolongs a linger that nobody asked for.
            const bool begins_anew = !settings_.linger_is_given && node.world.asked != infinite;
            const Time since =
                begins_anew ? node.world.asked : std::min(node.world.asked, node.world.main_end);
            const Duration allowed = after(after(settings_.pre_stop, longest), kill_patience);
            if (node.world.left == 0 && now > after(after(since, allowed), 3 * lateness)) {
                broken_ = "the end comes too late";
            }
            const Time grace_end = after(node.world.grace_from, grace_of(node.world));
            if (node.world.left == 0 && node.world.grace_from != infinite &&
                now > after(std::max(grace_end, node.world.now), kill_patience)) {
                broken_ = "not left within the grace and a second";
            }
        } else if (deadlines > most) {
            broken_ = "deadlines follow each other for ever";
        } else if (node.world.asked != infinite && settings_.pre_stop != infinite &&
                   settings_.grace != infinite && settings_.linger != infinite) {
            broken_ = "a stop signal does not end it";
        }
        if (broken_ != nullptr) ADD_FAILURE() << broken_ << "; after:" << story(at);
    }

    [[nodiscard]] double count_sequences() const {
        std::vector<double> ways(nodes_.size(), 0);
        ways[0] = 1;
        double all = 0;
        for (int depth = 0; depth < counted_depth; ++depth) {
            std::vector<double> next(nodes_.size(), 0);
            for (std::size_t at = 0; at < nodes_.size(); ++at) {
                for (const std::uint32_t to : edges_[at]) next[to] += ways[at];
            }
            ways.swap(next);
            for (const double count : ways) all += count;
        }
        return all;
    }

    [[nodiscard]] std::string story(std::size_t at) const {
        if (at == 0) return {};
        return story(came_by_[at].from) + tell(came_by_[at].event);
    }
    static std::string tell(const Event& event) {
        constexpr const char* names[] = {"started",         "stop_signal",       "other_signal",
                                         "program_stopped", "program_continued", "resumed",
                                         "main_ended",      "nobody_left",       "somebody_ended",
                                         "unhealthy",       "deadline"};
        static_assert(std::size(names) == event_count);
        char text[160];
        std::snprintf(text, sizeof text, "\n  at %.9f s: %s, signal %d, status %d, foreground %d",
                      static_cast<double>(event.now) / second, names[static_cast<int>(event.kind)],
                      event.signal, event.status.value_or(-1), static_cast<int>(event.foreground));
        return text;
    }

    const RunSettings& settings_;
    bool is_init_;
    std::vector<Event> events_;
    std::deque<Node> nodes_;
    std::deque<Origin> came_by_;
    std::deque<std::vector<std::uint32_t>> edges_;
    std::unordered_map<Key, std::size_t, KeyHash> known_;
    const char* broken_ = nullptr;
};

enum class Flavour { plain, rewriting, dumb_init, escalating, until_all, healing };

RunSettings flavoured(Flavour flavour, Duration grace) {
    RunSettings settings;
    settings.grace = grace;
    settings.linger_is_given = true;
    settings.advises = false;
    if (flavour == Flavour::escalating) {
        settings.linger_is_given = false;
        settings.advises = true;
        settings.forward = Forward::all;
        if (grace > 2 * s) {
            settings.escalations[0] = {.delay = 2 * s, .signal = sig::quit};
            settings.escalation_count = 1;
        }
    } else if (flavour == Flavour::until_all) {
        settings.until = Until::all;
        settings.forward = Forward::main;
    }
    if (flavour == Flavour::healing) {
        settings.heal.checks.count = 1;
        settings.heal.grace = 4 * s;
        settings.heal.signal = sig::quit;
        settings.rewrite[sig::quit] = sig::hup;
        settings.linger_is_given = false;
        settings.escalations[0] = {.delay = 2 * s, .signal = sig::abrt};
        settings.escalation_count = grace > 2 * s ? 1 : 0;
        settings.exit_code[69] = 1;
    }
    if (flavour == Flavour::rewriting) {
        settings.stop_signals = set_of(sig::term) | set_of(sig::quit) | set_of(sig::tstp);
        settings.rewrite[sig::term] = sig::quit;
        settings.rewrite[sig::quit] = 0;
        settings.rewrite[sig::hup] = sig::term;
        settings.rewrite[sig::intr] = 0;
        settings.linger_signal = 0;
        settings.exit_code[3] = 0;
        settings.exit_code[137] = 9;
    } else if (flavour == Flavour::dumb_init) {
        settings.term_at_end = true;
        settings.forward = Forward::group;
        settings.stops_with_program = true;
        settings.rewrite[sig::tstp] = sig::stop;
    }
    return settings;
}

struct Kind {
    const char* name;
    Flavour flavour;
    bool is_init;
};

class EveryRun : public testing::TestWithParam<Kind> {};

TEST_P(EveryRun, keeps_what_was_promised_in_each_state) {
    Totals totals;
    for (const Duration pre_stop : {Duration{0}, 5 * s, infinite}) {
        for (const Duration grace : {Duration{0}, 8 * s, infinite}) {
            for (const Duration linger : {Duration{0}, 3 * s, infinite}) {
                RunSettings settings = flavoured(GetParam().flavour, grace);
                settings.pre_stop = pre_stop;
                settings.linger = linger;
                Model(settings, GetParam().is_init).explore(totals);
                ASSERT_FALSE(HasFailure())
                    << "pre-stop " << pre_stop << ", grace " << grace << ", linger " << linger;
            }
        }
    }
    // So that it cannot come to explore nothing.
    EXPECT_EQ(totals.settings, 27);
    EXPECT_GT(totals.states, 1000);
    EXPECT_GE(totals.depth, 5U);
    std::printf(
        "%s: %ld settings, %ld states, all of them within %zu events, %ld steps checked; "
        "%.2e sequences of up to %d events\n",
        GetParam().name, totals.settings, totals.states, totals.depth, totals.steps,
        totals.sequences, counted_depth);
}

INSTANTIATE_TEST_SUITE_P(
    supervisor, EveryRun,
    testing::Values(Kind{"pid_1", Flavour::plain, true}, Kind{"not_pid_1", Flavour::plain, false},
                    Kind{"escalating_pid_1", Flavour::escalating, true},
                    Kind{"until_all_not_pid_1", Flavour::until_all, false},
                    Kind{"healing_pid_1", Flavour::healing, true},
                    Kind{"healing_not_pid_1", Flavour::healing, false},
                    Kind{"rewriting_pid_1", Flavour::rewriting, true},
                    Kind{"rewriting_not_pid_1", Flavour::rewriting, false},
                    Kind{"like_dumb_init_pid_1", Flavour::dumb_init, true},
                    Kind{"like_dumb_init_not_pid_1", Flavour::dumb_init, false}),
    [](const testing::TestParamInfo<Kind>& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace usher
