// SPDX-License-Identifier: MIT
// One event as one line, for people or for machines.
#pragma once

#include <cstdint>
#include <string_view>

#include "parse.hpp"
#include "run_settings.hpp"
#include "text.hpp"

namespace usher {

enum class Level : std::uint8_t { error, warning, info, debug };

/// `event` is a stable word; `text` the sentence. Fields that do not apply keep their defaults.
/// Only `text` and `name` may hold what a process chose, and neither ever holds arguments or
/// values of the environment.
struct Record {
    Level level = Level::info;
    const char* event = "";
    std::string_view text;
    int pid = 0;
    int signal = 0;
    int status = -1;  ///< an exit code
    std::string_view name{};
};

/// One line with its newline. `wall_clock`: nanoseconds since 1970-01-01 UTC.
/// `own_pid`: usher's own, which tini and catatonit tell.
/// Text: "usher: warning: ..."; JSON: time (RFC 3339), level, event, then what applies, then text.
void add_record(Line& line, const Record& record, LogFormat format, Time wall_clock, int own_pid);

/// "5s", "1.5s", "250ms", "inf".
void add_duration(Line& line, Duration duration);

/// "2026-11-22T12:15:41.123Z" (RFC 3339).
void add_timestamp(Line& line, Time wall_clock);

}  // namespace usher
