// SPDX-License-Identifier: MIT
// For scripts/draw-states: asks the supervisor itself what each event does in each state, and
// prints STATE EVENT REACTION NEXT as numbers of their enums, a line for each outcome that was
// seen.
#include <cstdio>

#include "supervisor.hpp"

using namespace usher;

namespace {

Event event_of(int kind) {
    Event event{.kind = static_cast<EventKind>(kind), .now = 1 * second};
    if (event.kind == EventKind::stop_signal) event.signal = sig::term;
    if (event.kind == EventKind::other_signal) event.signal = sig::hup;
    if (event.kind == EventKind::program_stopped) event.signal = sig::stop;
    if (event.kind == EventKind::main_ended || event.kind == EventKind::nobody_left) {
        event.status = 0;
    }
    return event;
}

// From `here` on, every event; each state is entered once.
void explore(const Supervisor& here, bool (&known)[state_count]) {
    const int from = static_cast<int>(here.state());
    if (known[from]) return;
    known[from] = true;
    for (int kind = 0; kind < event_count; ++kind) {
        const Event event = event_of(kind);
        Supervisor next = here;
        next.on(event);
        std::printf("%d %d %d %d\n", from, kind,
                    static_cast<int>(reaction_to(here.state(), event.kind)),
                    static_cast<int>(next.state()));
        explore(next, known);
    }
}

}  // namespace

int main() {
    for (const Duration pre_stop : {0 * second, 5 * second}) {
        for (const Duration linger : {0 * second, 3 * second}) {
            RunSettings settings;
            settings.pre_stop = pre_stop;
            settings.linger = linger;
            settings.grace = 10 * second;
            bool known[state_count] = {};
            explore(Supervisor(settings, true), known);
            settings.wait.checks.count = 1;
            explore(Supervisor(settings, true), known);
        }
    }
}
