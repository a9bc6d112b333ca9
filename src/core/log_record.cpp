// SPDX-License-Identifier: MIT
#include "log_record.hpp"

namespace usher {

namespace {

constexpr char level_names[4][8] = {"error", "warning", "info", "debug"};

constexpr char tini_level_names[4][6] = {"FATAL", "WARN ", "INFO ", "DEBUG"};
constexpr char catatonit_level_names[4][6] = {"ERROR", "WARN", "INFO", "DEBUG"};

void add_text_record(Line& line, const Record& record, LogFormat format, int own_pid) {
    const int level = static_cast<int>(record.level);
    if (format == LogFormat::tini) {
        line.add('[').add(tini_level_names[level]).add(" tini (").add(own_pid).add(")] ");
    } else if (format == LogFormat::dumb_init) {
        line.add("[dumb-init] ");
    } else if (format == LogFormat::catatonit) {
        line.add(catatonit_level_names[level]).add(" (catatonit:").add(own_pid).add("): ");
    } else {
        line.add("usher: ");
        if (record.level == Level::warning) line.add("warning: ");
    }
    line.add(record.text).add('\n');
}

void add_text_field(Line& line, const char* key, std::string_view value) {
    line.add(",\"").add(key).add("\":\"").add_json(value).add('"');
}

void add_number_field(Line& line, const char* key, int value) {
    line.add(",\"").add(key).add("\":").add(value);
}

void add_json_record(Line& line, const Record& record, Time wall_clock) {
    line.add("{\"time\":\"");
    add_timestamp(line, wall_clock);
    line.add("\",\"level\":\"").add(level_names[static_cast<int>(record.level)]).add('"');
    add_text_field(line, "event", record.event);
    if (record.pid != 0) add_number_field(line, "pid", record.pid);
    if (record.signal != 0) {
        line.add(",\"signal\":\"");
        add_signal_name(line, record.signal);
        line.add('"');
    }
    if (record.status >= 0) add_number_field(line, "status", record.status);
    if (!record.name.empty()) add_text_field(line, "name", slice(record.name, 0, 256));
    add_text_field(line, "text", record.text);
    line.add("}\n");
}

}  // namespace

void add_record(Line& line, const Record& record, LogFormat format, Time wall_clock, int own_pid) {
    if (format == LogFormat::json) {
        add_json_record(line, record, wall_clock);
    } else {
        add_text_record(line, record, format, own_pid);
    }
}

void add_duration(Line& line, Duration duration) {
    if (duration == infinite) {
        line.add("inf");
        return;
    }
    const Duration ms = duration / millisecond;
    if (ms < 1000 && ms > 0) {
        line.add(ms).add("ms");
        return;
    }
    line.add(ms / 1000);
    if (ms % 1000 != 0) {
        Duration rest = ms % 1000;
        int width = 3;
        while (rest % 10 == 0) {
            rest /= 10;
            --width;
        }
        line.add('.').add_padded(rest, width);
    }
    line.add('s');
}

// Days to a date of the proleptic Gregorian calendar, counted in eras of 400 years that begin on
// the first of March, so that the leap day is the last of a year.
void add_timestamp(Line& line, Time wall_clock) {
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
