// SPDX-License-Identifier: MIT
// Command lines with their environment. The first line of the input is the name that usher is
// called by, or "probe" or "wait"; then come variables up to an empty line, then the words.
#include <string>

#include "check.hpp"
#include "environment.hpp"
#include "peer.hpp"
#include "probe_settings.hpp"
#include "run_settings.hpp"
#include "words.hpp"

using namespace usher;

namespace {

void check_complaint(const BadInput& bad) {
    require(!bad.problem.empty());
    char room[1024];
    Writer line(room);
    add_bad_input(line, bad);
    require_clean(line.view());
}

// Cut to a room that is too small, but never written past it.
void check_help(Command command) {
    char whole[8192];
    char part[100];
    Writer all(whole);
    Writer cut(part);
    add_help(all, command);
    add_help(cut, command);
    require(all.fits() && all.view().starts_with(cut.view()));
}

void check_settings(const RunSettings& settings) {
    for (const auto signal : settings.rewrite) require(signal <= signal_count);
    for (const int signal : {settings.linger_signal, settings.parent_death}) {
        require(signal >= 0 && signal <= signal_count);
    }
    for (const int signal : {sig::kill, sig::stop, sig::chld}) {
        require(!contains(settings.stop_signals, signal));
    }
    require(settings.stop_signals != 0);
    for (const Duration duration : {settings.pre_stop, settings.grace, settings.linger}) {
        require(duration >= 0);
    }
    require(settings.pre_stop < infinite);
}

void run_form(Words& environment, Words& words) {
    RunSettings settings;
    BadInput bad;
    for (const char* variable : environment.pointers()) {
        if (variable == nullptr) break;
        if (!apply_variable(settings, variable, bad)) return check_complaint(bad);
        std::string_view rest = variable;
        const std::string_view name = take_until(rest, '=');
        char room[32];
        Writer line(room);
        if (name.starts_with("USHER_")) add_nearest_variable(line, name);
        require(line.fits() && !is_unknown_variable(line.view()));
    }
    const std::span<char* const> all(words.pointers().data(), words.size());
    const auto line = apply_command_line(settings, all, bad);
    if (!line) {
        bad.where = as_given(bad.where, all, environment.pointers().data());
        return check_complaint(bad);
    }
    if (line->request == RunRequest::help) check_help(Command::run);
    check_settings(settings);
    require(line->request != RunRequest::run || line->program < words.size());
}

void probe_form(Command command, Words& environment, Words& words) {
    ProbeSettings settings(command);
    const std::span<char* const> all(words.pointers().data(), words.size());
    OptionReader reader(command, all);
    BadInput bad;
    while (const Option* option = reader.next()) {
        if (option->id == OptionId::help) return check_help(command);
        note_option(settings, option->id, reader.spelling());
        if (apply_probe_option(settings, command, option->id, reader.value(), bad)) continue;
        bad.where = reader.spelling();
        return check_complaint(bad);
    }
    require(reader.used() <= words.size());
    require(settings.timeout > 0 && settings.interval >= 0);
    require(command == Command::wait || settings.timeout < infinite);
    require(settings.header_count <= ProbeSettings::most_headers);
    if (!reader.bad().problem.empty()) return check_complaint(reader.bad());
    CheckNeeds needs;
    for (const char* word : all.subspan(reader.used())) {
        char room[4096];
        Writer expanded(room);
        Check check;
        const bool good = expand_variables(word, environment.pointers().data(), expanded, bad) &&
                          parse_check(expanded.view(), check, bad);
        if (!good) return check_complaint(bad);
        needs.add(check);
    }
    if (!options_fit(settings, needs, bad)) check_complaint(bad);
}

void peer_form(Peer peer, std::string_view called, Words& environment, Words& words) {
    RunSettings settings;
    char room[4096];
    Writer answer(room);
    const PeerTask task = apply_peer(peer,
                                     {.name = called,
                                      .words = {words.pointers().data(), words.size()},
                                      .environment = environment.pointers().data(),
                                      .pid = 1},
                                     settings, answer);
    require(answer.fits());
    require(answer.view().empty() == (task.kind != PeerTask::Kind::answer));
    for (const char c : answer.view()) require(c == '\n' || is_printable(c));
    if (task.kind != PeerTask::Kind::run) return;
    check_settings(settings);
    require(task.program < words.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    const std::string_view called = next_line(rest);
    Words environment;
    Words words;
    for (std::string_view line = next_line(rest); !line.empty(); line = next_line(rest)) {
        environment.add(line);
    }
    while (!rest.empty()) words.add(next_line(rest));
    const auto peer = peer_called(called);
    const auto command = find_command(called);
    if (peer) {
        peer_form(*peer, called, environment, words);
    } else if (command == Command::probe || command == Command::wait) {
        probe_form(*command, environment, words);
    } else {
        run_form(environment, words);
    }
    return 0;
}
