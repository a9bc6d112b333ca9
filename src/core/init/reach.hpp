// SPDX-License-Identifier: MIT
// Whether a process has heard of a signal that was sent to it.
#pragma once

#include "signals.hpp"

namespace usher {

/// What a process does about signals, as /proc/PID/status tells it (proc(5): SigBlk, SigIgn,
/// SigCgt). A kernel that does not tell (gVisor) leaves all at 0: the default action for each.
struct SignalFacts {
    SignalSet blocked = 0;
    SignalSet ignored = 0;
    SignalSet caught = 0;
};

/// Out of the text of /proc/PID/status.
SignalFacts parse_signal_facts(std::string_view status);

/// Whether one of the signals `sent` to a process was heard: it is caught, or is neither ignored
/// nor one whose default is to be ignored (signal(7)). A blocked one is heard later.
bool has_heard(SignalSet sent, const SignalFacts& facts);

}  // namespace usher
