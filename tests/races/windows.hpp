// SPDX-License-Identifier: MIT
#pragma once

#include "lab.hpp"

namespace races {

void start();     ///< signals while the program is launched
void end();       ///< signals while the program ends
void stranger();  ///< the program's pid is another's as soon as it is free
void outsider();  ///< the same to usher's descendants, when it is not PID 1
void stop();      ///< usher or the program is stopped around the launch and the stop signal
void drain();     ///< the end of the drain delay, the second stop signal, the program's end
void grace();     ///< the end of grace or linger, and the last process's end
void storm();     ///< stops, continues, ends and orphans all the time, and every signal counts
void tty();       ///< keys while the terminal changes hands

// The long runs (soak.cpp).
void orphans();  ///< a million orphans
void signals();  ///< a million real-time signals, each counted
void probes();   ///< ten thousand health checks beside the program
void lives();    ///< ten thousand containers: namespace, start, stop
void memory();   ///< the program is ended by the kernel at its memory cgroup's limit
void pids();     ///< a cgroup of two processes: usher and the program
void starve();   ///< busy cores, and usher itself is stopped and continued all the time

}  // namespace races
