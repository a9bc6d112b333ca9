// SPDX-License-Identifier: MIT
// One event as one line, for people or for machines.
#pragma once

#include <array>

#include "duration.hpp"

namespace usher {

enum class Level : std::uint8_t { error, warning, info, debug };
enum class LogFormat : std::uint8_t { text, json };

/// How lines look. usher's own, unless it stands in a peer's place.
struct LogStyle {
    LogFormat format = LogFormat::text;
    /// Before the text of a line, by Level; {pid} is usher's own.
    std::array<Literal, 4> prefix = {"usher: ", "usher: warning: ", "usher: ", "usher: "};
    bool chatter_on_stdout = false;  ///< info and debug go to stdout
};

/// `event` is a stable word; `text` the sentence. Fields that do not apply keep their defaults.
/// Only `text` and `name` may hold what a process chose, and neither ever holds arguments or
/// values of the environment.
struct Record {
    Level level = Level::info;
    Literal event{};
    std::string_view text;
    int pid = 0;
    int signal = 0;
    int status = -1;  ///< an exit code
    std::string_view name{};
};

/// One line with its newline. `wall_clock`: nanoseconds since 1970-01-01 UTC. `own_pid`: usher's.
/// Text: "usher: warning: ..."; JSON: time (RFC 3339), level, event, then what applies, then text.
void add_record(Writer& line, const Record& record, const LogStyle& style, Time wall_clock,
                int own_pid);

/// What stands before the text of a line.
void add_prefix(Writer& line, const LogStyle& style, Level level, int own_pid);

/// "2026-11-22T12:15:41.123Z" (RFC 3339).
void add_timestamp(Writer& line, Time wall_clock);

}  // namespace usher
