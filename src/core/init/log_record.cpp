// SPDX-License-Identifier: MIT
#include "log_record.hpp"

#include "signals.hpp"
#include "wording.hpp"

namespace usher {

namespace {

constexpr char level_names[4][8] = {"error", "warning", "info", "debug"};
// Each byte may become six, and a line that was cut would be no JSON.
constexpr std::size_t longest_process = 100;
constexpr std::size_t longest_check = 140;

void add_text_field(Writer& line, Literal key, std::string_view value) {
    line.add(",\"").add(key).add("\":\"").add_json(value).add('"');
}

void add_number_field(Writer& line, Literal key, int value) {
    line.add(",\"").add(key).add("\":").add(value);
}

void add_survivors(Writer& line, std::span<const Survivor> survivors) {
    line.add(",\"survivors\":[");
    for (const Survivor& survivor : survivors) {
        line.add(&survivor == survivors.data() ? Literal("{\"pid\":") : Literal(",{\"pid\":"));
        add_text_field(line.add(survivor.pid), "process", survivor.process);
        line.add('}');
    }
    line.add(']');
}

void add_json_record(Writer& line, const Record& record, Time wall_clock) {
    const std::string_view level = level_names[static_cast<int>(record.level)];
    add_timestamp(line.add("{\"timestamp\":\""), wall_clock);
    add_timestamp(line.add("\",\"time\":\""), wall_clock);
    line.add("\",\"severity\":\"");
    for (const char c : level) line.add(to_upper(c));
    line.add('"');
    add_text_field(line, "level", level);
    add_text_field(line, "logger", "usher");
    add_text_field(line, "event", record.event.view());
    add_text_field(line, "message", record.text);
    if (record.pid != 0) add_number_field(line, "pid", record.pid);
    if (record.pgid != 0) add_number_field(line, "pgid", record.pgid);
    if (record.signal != 0) {
        line.add(",\"signal\":\"");
        add_signal_name(line, record.signal);
        line.add('"');
    }
    if (record.exit_code >= 0) add_number_field(line, "exit_code", record.exit_code);
    if (!record.process.empty()) {
        add_text_field(line, "process", slice(record.process, 0, longest_process));
    }
    if (!record.state.empty()) add_text_field(line, "state", record.state.view());
    if (!record.check.empty()) {
        add_text_field(line, "check", slice(record.check, 0, longest_check));
    }
    if (!record.survivors.empty()) add_survivors(line, record.survivors);
    line.add("}\n");
}

}  // namespace

std::optional<LogFormat> parse_log_format(std::string_view text) {
    if (text == "text") return LogFormat::text;
    if (text == "json") return LogFormat::json;
    return std::nullopt;
}

void add_record(Writer& line, const Record& record, const LogStyle& style, Time wall_clock,
                int own_pid) {
    if (style.format == LogFormat::json) return add_json_record(line, record, wall_clock);
    add_prefix(line, style, record.level, own_pid);
    line.add_raw(record.text).add('\n');
}

void add_prefix(Writer& line, const LogStyle& style, Level level, int own_pid) {
    add_sentence(line, style.prefix[static_cast<std::size_t>(level)], {.pid = own_pid});
}

// Days to a date of the proleptic Gregorian calendar, counted in eras of 400 years that begin on
// the first of March, so that the leap day is the last of a year.
void add_timestamp(Writer& line, Time wall_clock) {
    const std::int64_t ms = wall_clock / millisecond;
    const std::int64_t seconds = ms / 1000;
    const std::int64_t days = seconds / 86400 + 719468;
    const std::int64_t era = days / 146097;
    const std::int64_t day_of_era = days % 146097;
    const std::int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const std::int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int64_t march_month = (5 * day_of_year + 2) / 153;
    const std::int64_t month = march_month < 10 ? march_month + 3 : march_month - 9;
    const std::int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
    line.add_padded(year, 4).add('-').add_padded(month, 2).add('-');
    line.add_padded(day_of_year - (153 * march_month + 2) / 5 + 1, 2).add('T');
    line.add_padded(seconds / 3600 % 24, 2).add(':').add_padded(seconds / 60 % 60, 2).add(':');
    line.add_padded(seconds % 60, 2).add('.').add_padded(ms % 1000, 3).add('Z');
}

}  // namespace usher
