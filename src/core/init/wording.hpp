// SPDX-License-Identifier: MIT
// The sentences of the run form in which usher and the programs whose place it takes differ, as
// data. What stands in braces is filled in: see Facts.
#pragma once

#include "log_record.hpp"

namespace usher {

/// usher's own words; core/peers has the others'.
struct Wording {
    LogStyle style{};
    Literal started = "started {name} as pid {pid}";
    Literal received = "received {signal}{sender}";
    Level received_at = Level::info;
    Literal child_news{};  ///< at the level debug, for each SIGCHLD; empty: nothing is said
    Literal main_ended = "main process {pid}: {end}";
    Literal reaped = "reaped {pid}: {end}";
    Literal no_subreaper = "not PID 1 and no child subreaper: orphans will not be reaped here";
    Literal start_failed = "{stage} {name}: {reason}{place}";
};

/// What a sentence is about; only what its words ask for is read.
struct Facts {
    std::string_view name{};    ///< {name}: a program, as it was called
    int pid = 0;                ///< {pid}, and {sender}: " from pid N", or nothing for 0
    int signal = 0;             ///< {signal}: its name
    int wait_status = 0;        ///< {end}: "exit code 3", "ended by SIGTERM"
    Literal stage{};            ///< {stage}: the call that failed
    std::string_view reason{};  ///< {reason}: why
    std::string_view place{};   ///< {place}: where it was looked for, and what may help
};

/// `pattern` with the facts in place of the words in braces.
void add_sentence(Writer& line, Literal pattern, const Facts& facts);

}  // namespace usher
