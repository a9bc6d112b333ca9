// SPDX-License-Identifier: MIT
// catatonit 0.1.7.
#include "license.hpp"
#include "peer_file.hpp"

namespace usher::peers {

namespace {

using Id = OptionId;
// clang-format off
constexpr OptionRow rows[] = {
    {Id::help, every_command, 'h', 0, "", "", "", "show this"},
    {Id::forward_group, every_command, 'g', 0, "", "", "", "signal the group"},
    {Id::version, every_command, 'V', 0, "version", "", "", "show the version"},
    {Id::license, every_command, 'L', 0, "", "", "", "show the licence"},
    {Id::pause, every_command, 'P', 0, "", "", "", "run no program, end on TERM or INT"},
};
// clang-format on
constexpr auto table = make_option_table<rows>();

constexpr char usage[] = "usage: catatonit [-ghLPV] [--] <progname> [<arguments>...]\n";

void set_defaults(RunSettings& settings) {
    settings.forward = Forward::main;
    settings.waited_for =
        ~(fault_signals | set_of(sig::tstp) | set_of(sig::ttin) | set_of(sig::ttou));
    settings.failed_code = settings.not_executable_code = settings.not_found_code = 1;
    settings.wording.style.prefix = {"ERROR (catatonit:{pid}): ", "WARN (catatonit:{pid}): ",
                                     "INFO (catatonit:{pid}): ", "DEBUG (catatonit:{pid}): "};
    settings.wording.start_failed = "{stage} {name}: {reason}";
}

// A line of the log, which is an error.
Writer& add_error_line(Writer& line, const RunSettings& settings, int pid, Literal text) {
    add_prefix(line, settings.wording.style, Level::error, pid);
    return line.add(text).add('\n');
}

}  // namespace

PeerTask apply_catatonit(const PeerCall& call, RunSettings& settings, Writer& answer) {
    set_defaults(settings);
    if (is_set(call.environment, "CATATONIT_LOG")) {
        add_error_line(answer, settings, call.pid, "CATATONIT_LOG must not be set");
        return answered_on_stderr(1);
    }
    OptionReader reader(table.options, LongNames::abbreviated, call.words);
    bool pauses = false;
    while (const Option* option = reader.next()) {
        switch (option->id) {
            case OptionId::help:
                answer.add(usage);
                add_purpose_and_options(answer, "This is usher in the place of catatonit.",
                                        table.options);
                return answered_on_stderr(0);
            case OptionId::version:
                // podman looks for tini's first two words.
                answer.add("tini version 0.1.7_catatonit\n");
                return answered();
            case OptionId::license: answer.add(license_title).add(license_text); return answered();
            case OptionId::forward_group: settings.forward = Forward::group; break;
            case OptionId::pause: pauses = true; break;
            default: break;
        }
    }
    if (!reader.bad().problem.empty()) {
        add_bad_option(answer, call, reader.bad());
        answer.add(usage);
        return answered_on_stderr(1);
    }
    if (is_set(call.environment, "CATATONIT_DEBUG")) settings.verbosity = 2;
    if (pauses) return {.kind = PeerTask::Kind::pause};
    if (reader.used() >= call.words.size()) {
        add_error_line(answer, settings, call.pid, "missing program name").add(usage);
        return answered_on_stderr(1);
    }
    return {.program = reader.used()};
}

}  // namespace usher::peers
