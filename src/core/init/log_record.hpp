// SPDX-License-Identifier: MIT
// One event as one line, for people or for machines.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "duration.hpp"

namespace usher {

enum class Level : std::uint8_t { error, warning, info, debug };
enum class LogFormat : std::uint8_t { text, json };
/// `text` or `json`.
std::optional<LogFormat> parse_log_format(std::string_view text);

/// How lines look. usher's own, unless it stands in a peer's place.
struct LogStyle {
    LogFormat format = LogFormat::text;
    /// Before the text of a line, by Level; {pid} is usher's own.
    std::array<Literal, 4> prefix = {"usher: ", "usher: warning: ", "usher: ", "usher: "};
    bool chatter_on_stdout = false;  ///< info and debug go to stdout
};

/// A process that is about to be killed.
struct Survivor {
    int pid = 0;
    char process[16] = {};  ///< its comm, NUL-terminated
};

/// `event` is a stable word (docs/log.md has them all); `text` the sentence. Fields that do not
/// apply keep their defaults. What a process or a user chose may stand in `text`, `process`,
/// `check` and `survivors`; none of them ever holds arguments or values of the environment.
struct Record {
    Level level = Level::info;
    Literal event{};
    std::string_view text;
    int pid = 0;
    int pgid = 0;  ///< a process group that got a signal
    int signal = 0;
    int exit_code = -1;
    std::string_view process{};
    Literal state{};
    std::string_view check{};
    std::span<const Survivor> survivors{};
};

/// One line with its newline. `wall_clock`: nanoseconds since 1970-01-01 UTC. `own_pid`: usher's.
/// Text: "usher: warning: ..."; JSON: timestamp (RFC 3339), level, logger, event, message, then
/// what applies; time and severity are what Google Cloud's agent reads.
void add_record(Writer& line, const Record& record, const LogStyle& style, Time wall_clock,
                int own_pid);

/// What stands before the text of a line.
void add_prefix(Writer& line, const LogStyle& style, Level level, int own_pid);

/// "2026-11-22T12:15:41.123Z" (RFC 3339).
void add_timestamp(Writer& line, Time wall_clock);

}  // namespace usher
