// SPDX-License-Identifier: MIT
#include "start_failure.hpp"

#include <errno.h>

#include "error_text.hpp"
#include "slips.hpp"

namespace usher::cmd {

namespace {

void add_reason(Writer& line, const sys::SpawnFailure& failure) {
    if (failure.interpreter_missing) {
        line.add("interpreter or loader missing");
    } else {
        sys::add_error(line, failure.number);
    }
    if (!failure.is_exec() && failure.number == EAGAIN) {
        line.add(" (a limit on processes is reached)");
    }
}

}  // namespace

int report_failed_start(const sys::SpawnFailure& failure, std::string_view program,
                        const RunSettings& settings, sys::Log& log) {
    const bool is_absent = failure.number == ENOENT || failure.number == ENOTDIR;
    const int code = !failure.is_exec() ? settings.failed_code
                     : is_absent        ? settings.not_found_code
                                        : settings.not_executable_code;
    const bool was_searched = failure.is_exec() && failure.number == ENOENT && !has(program, '/');
    char reason_room[80];
    Writer reason(reason_room);
    add_reason(reason, failure);
    char place_room[256];
    Writer place(place_room);
    if (was_searched) place.add(" in PATH");
    if (failure.is_exec() && is_absent) add_program_slip(place, program);
    char room[512];
    Writer text(room);
    add_sentence(
        text, settings.wording.start_failed,
        {.name = program, .stage = failure.stage, .reason = reason.view(), .place = place.view()});
    log.write({.level = Level::error,
               .event = "start-failed",
               .text = text.view(),
               .exit_code = code,
               .process = program});
    return code;
}

}  // namespace usher::cmd
