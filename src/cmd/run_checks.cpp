// SPDX-License-Identifier: MIT
#include "run_checks.hpp"

#include <new>

#include "ip_address.hpp"
#include "memory.hpp"
#include "print.hpp"
#include "socket.hpp"
#include "stream.hpp"

namespace usher::cmd {

namespace {

bool apply(ProbeSettings& checks, OptionId id, std::string_view value, BadInput& bad) {
    return apply_probe_option(checks, Command::probe, id, value, bad);
}

bool read_variable(ProbeSettings& checks, std::string_view entry, BadInput& bad) {
    std::string_view value = entry;
    const std::string_view name = take_until(value, '=');
    const Option* const option = find_variable(name);
    if (option == nullptr || !concerns_checks(option->id)) return true;
    bad.where = name;
    if (!option->is_repeatable()) return value.empty() || apply(checks, option->id, value, bad);
    while (!value.empty()) {
        if (!apply(checks, option->id, take_until(value, ','), bad)) return false;
    }
    return true;
}

// A name is looked up elsewhere, and what answers may be elsewhere, too.
bool names_this_container(const Endpoint& endpoint) {
    if (endpoint.is_unix || endpoint.is_localhost()) return true;
    const auto address = parse_ip(endpoint.host);
    return address && sys::is_local(*address);
}

bool accept_check(const Check& check, bool must_be_here, BadInput& bad) {
    if (check.kind == CheckKind::ready || check.kind == CheckKind::live) {
        return refuse(bad, "asks usher itself:", check.text, "any other check");
    }
    return !must_be_here || !check.connects() || names_this_container(check.endpoint) ||
           refuse(bad, "may be another container:", check.endpoint.host,
                  "localhost, an address of this container, a unix socket");
}

// Of the environment and the command line, which must be right in all else.
bool read_check_options(ProbeSettings& checks, const Invocation& invocation, Arena& arena,
                        BadInput& bad) {
    for (char* const* entry = invocation.environment; *entry != nullptr; ++entry) {
        if (!read_variable(checks, *entry, bad)) return false;
    }
    OptionReader reader(Command::run, invocation.words.subspan(1));
    std::uint64_t begun = 0;  // the lists
    while (const Option* const option = reader.next()) {
        if (!concerns_checks(option->id)) continue;
        // A list given here replaces the environment's.
        const std::uint64_t list = std::uint64_t{1} << static_cast<unsigned>(option->id);
        if ((begun & list) == 0) forget_list(checks, option->id);
        begun |= list;
        bad.where = reader.spelling();
        if (!apply(checks, option->id, reader.value(), bad)) return false;
        note_option(checks, option->id, reader.spelling());
    }
    bad.where = "--header";
    return expand_options(checks, invocation, arena, bad);
}

// Before the checks are made usher leaves its folder.
bool files_are_whole_paths(const TlsSettings& tls, BadInput& bad) {
    const auto is_whole = [&bad](Literal option, std::string_view file) {
        if (file.empty() || file.starts_with('/')) return true;
        bad.where = option.view();
        return refuse(bad, "not a whole path:", file, "/PATH");
    };
    return is_whole("--tls-ca-cert", tls.ca_cert) &&
           is_whole("--tls-client-cert", tls.client_cert) &&
           is_whole("--tls-client-key", tls.client_key);
}

// What the processes that make the checks will have, too.
struct Rehearsal {
    ProbeSettings options{Command::probe};
    Arena arena;
    Check check;
};

bool accept_all(const RunSettings& settings, const Invocation& invocation, Rehearsal& rehearsal,
                sys::Log& log, BadInput& bad) {
    auto& [options, arena, check] = rehearsal;
    if (!read_check_options(options, invocation, arena, bad)) return false;
    CheckNeeds needs;
    const std::size_t begin = arena.used;
    for (const bool is_heal : {false, true}) {
        const CheckList& list = is_heal ? settings.heal.checks : settings.wait.checks;
        arena.used = begin;  // each list is read in a process of its own
        for (const std::string_view text : list.all()) {
            bad.where = is_heal ? "--heal" : "--wait-for";
            if (!read_check(text, invocation, arena, check, bad)) return false;
            if (!accept_check(check, is_heal, bad)) return false;
            if (check.shows_password) warn_of_password(check, log);
            needs.add(check);
        }
    }
    if (!options_fit(options, needs, bad)) return false;
    if (!has_tls || !needs.tls) return true;
    if (!files_are_whole_paths(options.tls, bad)) return false;
    // Only looked at: the process that makes the checks reads them again.
    const bool is_right = sys::prepare_tls(options.tls, bad);
    sys::release_tls();
    return is_right;
}

}  // namespace

bool accept_checks(const RunSettings& settings, const Invocation& invocation, sys::Log& log,
                   BadInput& bad) {
    // Not on the stack, whose pages would stay.
    const auto pages = sys::allocate_pages(sizeof(Rehearsal));
    if (!pages) return refuse(bad, "no memory to read checks", {}, {});
    auto& rehearsal = *new (pages.value.data()) Rehearsal;
    // Not freed then: the complaint may point to what was expanded there, and usher ends.
    if (!accept_all(settings, invocation, rehearsal, log, bad)) return false;
    sys::free_pages(pages.value);
    return true;
}

Prober* RunChecks::make_prober(const CheckList& checks) {
    BadInput bad;
    if (!read_check_options(settings_, invocation_, arena_, bad)) return nullptr;
    Prober& prober = Prober::make(invocation_, settings_);
    for (const std::string_view text : checks.all()) {
        if (!add_check(prober, text, invocation_, arena_, bad)) return nullptr;
    }
    if (prober.needs().tls && !sys::prepare_tls(settings_.tls, bad)) return nullptr;
    return &prober;
}

}  // namespace usher::cmd
