// SPDX-License-Identifier: MIT
#include "heal_checks.hpp"

#include "check.hpp"
#include "ip_address.hpp"
#include "socket.hpp"

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

bool accept_heal_check(const Check& check, BadInput& bad) {
    switch (check.kind) {
        case CheckKind::ready:
        case CheckKind::live:
            return refuse(bad, "says nothing of the program:", check.text, "a check of it");
        case CheckKind::http:
        case CheckKind::tcp:
        case CheckKind::grpc:
            return names_this_container(check.endpoint) ||
                   refuse(bad, "may be another container:", check.endpoint.host,
                          "localhost, an address of this container, a unix socket");
        case CheckKind::file:
        case CheckKind::pid:
        case CheckKind::program: break;
    }
    return true;
}

}  // namespace

bool read_check_options(ProbeSettings& checks, const Invocation& invocation, Arena& arena,
                        BadInput& bad) {
    for (char* const* entry = invocation.environment; *entry != nullptr; ++entry) {
        if (!read_variable(checks, *entry, bad)) return false;
    }
    OptionReader reader(Command::run, invocation.words.subspan(1));
    bool has_headers = false;
    while (const Option* const option = reader.next()) {
        if (!concerns_checks(option->id)) continue;
        // A list given here replaces the environment's.
        if (option->id == OptionId::header && !has_headers) checks.header_count = 0;
        has_headers = has_headers || option->id == OptionId::header;
        bad.where = reader.spelling();
        if (!apply(checks, option->id, reader.value(), bad)) return false;
        note_option(checks, option->id, reader.spelling());
    }
    bad.where = "--header";
    return expand_options(checks, invocation, arena, bad);
}

bool accept_heal_checks(const RunSettings& settings, const Invocation& invocation, BadInput& bad) {
    ProbeSettings checks(Command::probe);
    Arena arena;
    if (!read_check_options(checks, invocation, arena, bad)) return false;
    bool any_http = false;
    bool any_grpc = false;
    for (std::size_t i = 0; i < settings.heal.check_count; ++i) {
        bad.where = "--heal";
        std::string_view text = settings.heal.checks[i];
        const auto whole = prepare_check(text, invocation, arena, bad);
        Check check{.text = text};
        if (!whole || !parse_check(*whole, check, bad)) return false;
        if (!accept_heal_check(check, bad)) return false;
        any_http = any_http || check.kind == CheckKind::http;
        any_grpc = any_grpc || check.kind == CheckKind::grpc;
    }
    return options_fit(checks, any_http, any_grpc, bad);
}

}  // namespace usher::cmd
