// SPDX-License-Identifier: MIT
#include "ending_signals.hpp"

namespace usher::cmd {

bool ends_command(int signal) {
    if (sys::getpid() == 1) return true;
    // The kernel keeps a blocked signal although it is ignored. Who asks for a disposition sets
    // one; while the signal is blocked nothing comes of it.
    const auto before = sys::sigaction(signal, sys::Disposition::other);
    const bool was_ignored = before && before.value == sys::Disposition::ignored;
    if (was_ignored) (void)sys::sigaction(signal, sys::Disposition::ignored);
    return !was_ignored;
}

bool asks_for_shutdown(const RunSettings& settings, const sys::Received& received) {
    const int signal = received.signal;
    if (!contains(settings.stop_signals, signal)) return false;
    // The terminal's window has another size; haproxy's and httpd's stop signal comes from a
    // process.
    if (signal == sig::winch && received.code > 0) return false;
    // What was ignored when usher was started, as a shell does for what it starts with &, was not
    // to end what it starts.
    return sys::getpid() == 1 || settings.stops_by_ignored || !sys::is_ignored(signal);
}

bool ends_waiting(const RunSettings& settings, const sys::Received& received) {
    return asks_for_shutdown(settings, received) ||
           (contains(ending_signals, received.signal) && ends_command(received.signal));
}

}  // namespace usher::cmd
