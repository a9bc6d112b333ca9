// SPDX-License-Identifier: MIT
#include "print.hpp"

#include "environment.hpp"
#include "exit_status.hpp"
#include "file.hpp"
#include "license.hpp"

namespace usher::cmd {

namespace {

int print(std::string_view text) {
    return to_int(sys::write(sys::stdout_fd, text) ? ExitCode::success : ExitCode::usher_failed);
}

}  // namespace

int print_help(Command command) {
    char room[4096];
    Writer line(room);
    add_help(line, command);
    return print(line.view());
}

int print_version() { return print("usher " USHER_VERSION " (" USHER_BUILD ")\n"); }

int print_license() {
    char room[2048];
    Writer line(room);
    line.add(
        "usher: Copyright (c) 2026 the usher authors\n"
        "It contains parts of musl libc: Copyright (c) 2005-2020 Rich Felker, et al.\n"
        "Both are under the MIT License:\n\n");
    line.add(license_text);
    if (has_tls) {
        line.add(
            "\nIt contains parts of Mbed TLS: Copyright The Mbed TLS Contributors,\n"
            "INRIA and Microsoft Corporation\n"
            "under the Apache License, Version 2.0: https://www.apache.org/licenses/LICENSE-2.0\n"
            "It is distributed there on an \"AS IS\" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF "
            "ANY "
            "KIND.\n");
    }
    return print(line.view());
}

void warn_of_unknown_variables(char* const* environment, sys::Log& log) {
    for (; *environment != nullptr; ++environment) {
        std::string_view rest = *environment;
        const std::string_view name = take_until(rest, '=');
        if (!is_unknown_variable(name)) continue;
        char near_room[32];
        Writer nearest(near_room);
        add_nearest_variable(nearest, name);
        char room[256];
        Writer text(room);
        text.add("unknown variable ").add_untrusted(slice(name, 0, 160));
        if (nearest.size() > 0) text.add("; did you mean ").add_raw(nearest.view()).add('?');
        log.write({.level = Level::warning, .event = "unknown-variable", .text = text.view()});
    }
}

void warn_of_password(const Check& check, sys::Log& log) {
    char room[320];
    Writer text(room);
    text.add("the password of ").add_untrusted(slice(check.text, 0, 140));
    text.add(" can be read in /proc and by inspect; write ${NAME} in its place");
    log.write(
        {.level = Level::warning, .event = "password", .text = text.view(), .check = check.text});
}

std::optional<LogFormat> read_log_format(char* const* environment, BadInput& bad) {
    constexpr char name[] = "USHER_LOG_FORMAT";
    const std::string_view value = find_in_environment(environment, name);
    if (value.empty()) return LogFormat::text;
    const auto format = parse_log_format(value);
    if (!format) {
        bad.where = name;
        (void)refuse(bad, "no log format", value, "text, json");
    }
    return format;
}

int complain(const BadInput& bad, LogFormat format) {
    char room[896];  // each byte may become two, and a line that was cut would be no JSON
    Writer line(room);
    add_bad_input(line, bad);
    sys::Log log(format, 0);
    log.write({.level = Level::error, .event = "usage", .text = line.view()});
    return to_int(ExitCode::usher_failed);
}

}  // namespace usher::cmd
