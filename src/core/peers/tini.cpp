// SPDX-License-Identifier: MIT
// tini 0.19.0, also called tini-static and docker-init.
#include "environment.hpp"
#include "license.hpp"
#include "peer_file.hpp"

namespace usher::peers {

namespace {

using Id = OptionId;
// clang-format off
constexpr OptionRow rows[] = {
    {Id::version, every_command, 0, 0, "version", "", "", "show the version; alone only"},
    {Id::help, every_command, 'h', 0, "", "", "", "show this"},
    {Id::subreaper, every_command, 's', 0, "", "", "", "adopt orphans when not PID 1; or TINI_SUBREAPER"},
    {Id::parent_death, every_command, 'p', 0, "", "SIGNAL", "", "get SIGNAL (SIGKILL) when the parent dies"},
    {Id::verbose, every_command, 'v', Option::repeatable, "", "", "", "say more; or TINI_VERBOSITY=N [1]"},
    {Id::warn_reaped, every_command, 'w', 0, "", "", "", "warn of each reaped orphan"},
    {Id::forward_group, every_command, 'g', 0, "", "", "", "signal the group; or TINI_KILL_PROCESS_GROUP"},
    {Id::remap_exit, every_command, 'e', Option::repeatable, "", "CODE", "", "report 0 in place of exit code CODE"},
    {Id::license, every_command, 'l', 0, "", "", "", "show the licence"},
};
// clang-format on
constexpr auto table = make_option_table<rows>();

// Docker and podman look for the first two words.
constexpr char version[] = "tini version 0.19.0";

void set_defaults(RunSettings& settings) {
    settings.forward = Forward::main;
    settings.waited_for = ~(fault_signals | set_of(sig::ttin) | set_of(sig::ttou));
    settings.subreaper = false;
    settings.failed_code = 1;
    Wording& wording = settings.wording;
    wording.style.prefix = {"[FATAL tini ({pid})] ", "[WARN  tini ({pid})] ",
                            "[INFO  tini ({pid})] ", "[DEBUG tini ({pid})] "};
    wording.style.chatter_on_stdout = true;
    wording.started = "Spawned child process '{name}' with pid '{pid}'";
    wording.received = "Passing signal: '{signal}'";
    wording.received_at = Level::debug;
    wording.child_news = "Received SIGCHLD";
    wording.reaped = "Reaped zombie process with pid={pid}";
    wording.no_subreaper =
        "not PID 1 and no child subreaper, so zombie reaping won't work.\n"
        "Use -s or TINI_SUBREAPER, or run tini as PID 1.";
    wording.start_failed = "{stage} {name} failed: {reason}";
}

void add_help(Writer& line, std::string_view name) {
    line.add_untrusted(last_component(name)).add(" (").add(version).add(")\n");
    line.add("Usage: tini [OPTIONS] PROGRAM -- [ARGS] | --version\n");
    add_purpose_and_options(line, "This is usher in the place of tini.", table.options);
}

// Full names only, and neither those with an alias nor STKFLT and PWR.
bool set_parent_death(RunSettings& settings, std::string_view text) {
    constexpr SignalSet unknown = set_of(16) | set_of(29) | set_of(30);
    char room[16];
    Writer name(room);
    const int signal = parse_signal(text).value_or(sig::rtmin);
    add_signal_name(name, signal);
    settings.parent_death = signal;
    return signal <= last_standard_signal && !contains(unknown, signal) && text == name.view();
}

bool ignore_exit_code(RunSettings& settings, std::string_view text) {
    const auto code = text.empty() ? std::optional(0) : take_number(text);
    if (!code || *code < 0 || *code > 255 || !text.empty()) return false;
    settings.exit_code[static_cast<std::size_t>(*code)] = 0;
    return true;
}

void apply_environment(RunSettings& settings, char* const* environment) {
    if (is_set(environment, "TINI_SUBREAPER")) settings.subreaper = true;
    if (is_set(environment, "TINI_KILL_PROCESS_GROUP")) settings.forward = Forward::group;
    std::string_view verbosity = find_in_environment(environment, "TINI_VERBOSITY");
    if (verbosity.data() != nullptr) settings.verbosity = take_number(verbosity).value_or(0) - 1;
}

}  // namespace

PeerTask apply_tini(const PeerCall& call, RunSettings& settings, Writer& answer) {
    set_defaults(settings);
    if (call.words.size() == 1 && std::string_view(call.words[0]) == "--version") {
        answer.add(version).add('\n');
        return answered();
    }
    OptionReader reader(table.options, LongNames::none, call.words);
    while (const Option* option = reader.next()) {
        bool good = true;
        switch (option->id) {
            case OptionId::help: add_help(answer, call.name); return answered();
            case OptionId::license: answer.add(license_title).add(license_text); return answered();
            case OptionId::subreaper: settings.subreaper = true; break;
            case OptionId::parent_death: good = set_parent_death(settings, reader.value()); break;
            case OptionId::verbose: ++settings.verbosity; break;
            case OptionId::warn_reaped: settings.warn_reaped = true; break;
            case OptionId::forward_group: settings.forward = Forward::group; break;
            case OptionId::remap_exit: good = ignore_exit_code(settings, reader.value()); break;
            default: break;
        }
        if (good) continue;
        add_prefix(answer, settings.wording.style, Level::error, call.pid);
        answer.add("Not a valid option for -").add(option->letter).add(": ");
        answer.add_untrusted(reader.value()).add('\n');
        return answered_on_stderr(1);
    }
    const bool bad_option = !reader.bad().problem.empty();
    if (bad_option) add_bad_option(answer, call, reader.bad());
    if (bad_option || reader.used() >= call.words.size()) {
        add_help(answer, call.name);
        return answered_on_stderr(1);
    }
    apply_environment(settings, call.environment);
    return {.program = reader.used()};
}

}  // namespace usher::peers
