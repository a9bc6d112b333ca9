// SPDX-License-Identifier: MIT
// Signal names and numbers, and which received signals concern the program at all.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "text.hpp"

namespace usher {

/// The numbers of Linux on every architecture that usher runs on (signal(7)). Not <signal.h>'s:
/// a C library may keep some of the real-time signals for itself, the kernel does not.
namespace sig {
enum : std::uint8_t {
    hup = 1,
    intr = 2,
    quit = 3,
    ill = 4,
    trap = 5,
    abrt = 6,
    bus = 7,
    fpe = 8,
    kill = 9,
    segv = 11,
    pipe = 13,
    term = 15,
    chld = 17,
    cont = 18,
    stop = 19,
    tstp = 20,
    ttin = 21,
    ttou = 22,
    urg = 23,
    xfsz = 25,
    winch = 28,
    sys = 31,
    rtmin = 34,
    rtmax = 64,
};
}  // namespace sig

inline constexpr int signal_count = 64;

/// A set of signals as the kernel keeps it: bit N-1 is signal N.
using SignalSet = std::uint64_t;
inline constexpr SignalSet all_signals = ~SignalSet{0};
constexpr SignalSet set_of(int signal) { return SignalSet{1} << (signal - 1); }
constexpr bool contains(SignalSet set, int signal) { return (set & set_of(signal)) != 0; }

/// What the kernel sends who writes to a reader that is gone, or beyond RLIMIT_FSIZE.
inline constexpr SignalSet write_signals = set_of(sig::pipe) | set_of(sig::xfsz);

/// Those by which the kernel tells a program of its own mistakes.
inline constexpr SignalSet fault_signals = set_of(sig::ill) | set_of(sig::trap) |
                                           set_of(sig::abrt) | set_of(sig::bus) | set_of(sig::fpe) |
                                           set_of(sig::segv) | set_of(sig::sys);

/// `TERM`, `SIGTERM`, `15`, `RTMIN+3`, `SIGRTMAX-1`, in any case; 1 to 64.
std::optional<int> parse_signal(std::string_view text);

/// The name with `SIG` in front ("SIGTERM", "SIGRTMIN+3"), or the number for 32 and 33.
void add_signal_name(Writer& line, int signal);

/// Where a received signal came from, as siginfo tells it (sigaction(2), si_code and si_pid).
struct Origin {
    int code = 0;         ///< si_code: 0 and below means that a process sent it
    bool itself = false;  ///< as if usher had sent it: how the kernel tells of EPIPE and EFBIG
};

/// Whether a received signal is to be forwarded. Not: SIGCHLD; the SIGPIPE and SIGXFSZ
/// (setrlimit(2), RLIMIT_FSIZE) of usher's own writes; a fault or a terminal stop that no process
/// sent.
[[gnu::hot]] bool concerns_program(int signal, Origin origin);

}  // namespace usher
