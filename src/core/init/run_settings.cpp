// SPDX-License-Identifier: MIT
#include "run_settings.hpp"

#include "number.hpp"

namespace usher {

namespace {

void reset_rewrite(RunSettings& settings) {
    for (std::size_t i = 0; i <= signal_count; ++i)
        settings.rewrite[i] = static_cast<std::uint8_t>(i);
}

void reset_exit_codes(RunSettings& settings) {
    for (std::size_t i = 0; i < 256; ++i) settings.exit_code[i] = static_cast<std::uint8_t>(i);
}

bool set_signal(int& target, std::string_view text, bool may_be_none, BadInput& bad) {
    const auto signal = may_be_none && text == "0" ? std::optional(0) : parse_signal(text);
    if (!signal) {
        return refuse(bad, "not a signal", text,
                      may_be_none ? Literal("TERM, SIGTERM, 15, RTMIN+3, RTMAX-1, 0 for none")
                                  : Literal("TERM, SIGTERM, 15, RTMIN+3, RTMAX-1"));
    }
    target = *signal;
    return true;
}

// The kernel keeps KILL and STOP to itself, and CHLD is usher's own news.
bool can_arrive(int signal) {
    return signal != sig::kill && signal != sig::stop && signal != sig::chld;
}

bool add_stop_signal(RunSettings& settings, std::string_view text, BadInput& bad) {
    int signal = 0;
    if (!set_signal(signal, text, false, bad)) return false;
    if (signal <= 0 || !can_arrive(signal)) {
        return refuse(bad, "cannot ask for shutdown:", text, "any but KILL, STOP and CHLD");
    }
    settings.stop_signals |= set_of(signal);
    settings.stops_by_ignored = true;
    return true;
}

bool add_rewrite(RunSettings& settings, std::string_view text, BadInput& bad) {
    std::string_view to = text;
    const std::string_view from = take_until(to, ':');
    int from_signal = 0;
    int to_signal = 0;
    if (!set_signal(from_signal, from, false, bad) || !set_signal(to_signal, to, true, bad)) {
        return refuse(bad, "not a rewrite", text,
                      "FROM:TO with signals such as TERM:QUIT, or FROM:0");
    }
    if (!can_arrive(from_signal)) {
        return refuse(bad, "cannot arrive:", from, "any but KILL, STOP and CHLD");
    }
    settings.rewrite[static_cast<std::size_t>(from_signal)] = static_cast<std::uint8_t>(to_signal);
    return true;
}

bool add_exit_code(RunSettings& settings, std::string_view text, BadInput& bad) {
    std::string_view to = text;
    const std::string_view from = take_until(to, ':');
    const auto from_code = parse_number(from, 255);
    const auto to_code = parse_number(from.size() < text.size() ? to : "0", 255);
    if (!from_code || !to_code) {
        return refuse(bad, "not an exit status", text, "FROM or FROM:TO, each 0 to 255");
    }
    settings.exit_code[static_cast<std::size_t>(*from_code)] = static_cast<std::uint8_t>(*to_code);
    return true;
}

// Kept in the order of their delays.
bool add_escalation(RunSettings& settings, std::string_view text, BadInput& bad) {
    std::string_view name = text;
    const auto delay = parse_duration(take_until(name, ':'), false);
    const auto signal = parse_signal(name);
    if (!delay || !signal || *signal == sig::kill || *signal == sig::stop) {
        return refuse(bad, "not an escalation", text,
                      "DURATION:SIG such as 10s:QUIT, any signal but KILL and STOP");
    }
    if (settings.escalation_count == RunSettings::most_escalations) {
        return refuse(bad, "one escalation too many:", text, "up to 4");
    }
    std::size_t at = settings.escalation_count++;
    for (; at > 0 && settings.escalations[at - 1].delay > *delay; --at) {
        settings.escalations[at] = settings.escalations[at - 1];
    }
    settings.escalations[at] = {
        .delay = *delay, .signal = static_cast<std::uint8_t>(*signal), .text = text};
    return true;
}

// With the grace everything ends, so nothing can come after it.
bool check_escalations(const RunSettings& settings, BadInput& bad) {
    for (std::size_t i = 0; i < settings.escalation_count; ++i) {
        if (settings.escalations[i].delay < settings.grace) continue;
        bad.where = "--escalate";
        return refuse(bad, "does not come before the end of --grace:", settings.escalations[i].text,
                      "a shorter delay");
    }
    return true;
}

// Which one is not told: it may have a password in it.
bool add_check(CheckList& checks, std::string_view text, BadInput& bad) {
    if (checks.count == CheckList::most) return refuse(bad, "one check too many", {}, "up to 16");
    checks.items[checks.count++] = text;
    return true;
}

bool set_wait_timeout(WaitSettings& wait, std::string_view text, BadInput& bad) {
    if (!set_duration(wait.timeout, text, true, bad)) return false;
    if (wait.timeout == 0) wait.timeout = infinite;
    return true;
}

CheckList& checks_of(RunSettings& settings, OptionId id) {
    if (id == OptionId::heal) return settings.heal.checks;
    return settings.wait.checks;
}

bool set_positive(Duration& target, std::string_view text, BadInput& bad) {
    return set_duration(target, text, false, bad) &&
           (target >= millisecond || refuse(bad, "too short:", text, "1ms or more"));
}

bool set_heal_retries(HealSettings& heal, std::string_view text, BadInput& bad) {
    const auto count = parse_number(text, 1000);
    if (!count || *count == 0) return refuse(bad, "not a count", text, "1 to 1000");
    heal.retries = static_cast<int>(*count);
    return true;
}

bool set_heal_signal(HealSettings& heal, std::string_view text, BadInput& bad) {
    if (!set_signal(heal.signal, text, false, bad)) return false;
    return heal.signal != sig::stop || refuse(bad, "ends no program:", text, "any but STOP");
}

bool add_owned(RunSettings& settings, std::string_view path, BadInput& bad) {
    UserSettings& user = settings.user;
    if (path.empty()) return refuse(bad, "no path:", path, "a folder or a file, such as /data");
    if (user.owned_count == UserSettings::most_owned) {
        return refuse(bad, "one path too many:", path, "up to 8");
    }
    user.owned[user.owned_count++] = path;
    return true;
}

// There must be somebody to give it to.
bool check_owned(const RunSettings& settings, BadInput& bad) {
    const UserSettings& user = settings.user;
    if (user.owned_count == 0 || !user.spec.text.empty()) return true;
    bad.where = "--own";
    return refuse(bad, "there is no user to give it to:", user.owned[0], "--user USER:GROUP");
}

using AddOne = bool (*)(RunSettings&, std::string_view, BadInput&);

bool add_each(RunSettings& settings, std::string_view list, AddOne add_one, BadInput& bad) {
    do {
        if (!add_one(settings, take_until(list, ','), bad)) return false;
    } while (list.data() != nullptr);
    return true;
}

bool set_forward(RunSettings& settings, std::string_view text, BadInput& bad) {
    if (text == "main") {
        settings.forward = Forward::main;
    } else if (text == "split") {
        settings.forward = Forward::split;
    } else if (text == "group") {
        settings.forward = Forward::group;
    } else if (text == "all") {
        settings.forward = Forward::all;
    } else {
        return refuse(bad, "cannot forward to", text, "main, split, group, all");
    }
    return true;
}

bool set_until(RunSettings& settings, std::string_view text, BadInput& bad) {
    if (text != "main" && text != "all") return refuse(bad, "cannot wait for", text, "main, all");
    settings.until = text == "all" ? Until::all : Until::main;
    return true;
}

bool set_log_format(RunSettings& settings, std::string_view text, BadInput& bad) {
    const auto format = parse_log_format(text);
    if (!format) return refuse(bad, "no log format", text, "text, json");
    settings.wording.style.format = *format;
    return true;
}

// A list replaces what was there before it: the default, or the environment's list.
void forget_list(RunSettings& settings, OptionId id) {
    if (id == OptionId::rewrite) reset_rewrite(settings);
    if (id == OptionId::remap_exit) reset_exit_codes(settings);
    if (id == OptionId::stop_signal) settings.stop_signals = 0;
    if (id == OptionId::escalate) settings.escalation_count = 0;
    if (id == OptionId::own) settings.user.owned_count = 0;
    if (takes_checks(id)) checks_of(settings, id).count = 0;
    if (id == OptionId::verbose || id == OptionId::quiet) settings.verbosity = 0;
}

bool apply_option(RunSettings& settings, OptionId id, std::string_view value, BadInput& bad) {
    switch (id) {
        case OptionId::forward: return set_forward(settings, value, bad);
        case OptionId::forward_group: settings.forward = Forward::group; break;
        case OptionId::forward_main: settings.forward = Forward::main; break;
        case OptionId::rewrite: return add_each(settings, value, add_rewrite, bad);
        case OptionId::stop_signal: return add_each(settings, value, add_stop_signal, bad);
        case OptionId::pre_stop: return set_duration(settings.pre_stop, value, false, bad);
        case OptionId::grace: return set_duration(settings.grace, value, true, bad);
        case OptionId::escalate: return add_each(settings, value, add_escalation, bad);
        case OptionId::linger:
            settings.linger_is_given = true;
            return set_duration(settings.linger, value, true, bad);
        case OptionId::until: return set_until(settings, value, bad);
        case OptionId::linger_signal: return set_signal(settings.linger_signal, value, true, bad);
        case OptionId::remap_exit: return add_each(settings, value, add_exit_code, bad);
        case OptionId::parent_death: return set_signal(settings.parent_death, value, false, bad);
        case OptionId::no_tty: settings.use_terminal = false; break;
        case OptionId::verbose: ++settings.verbosity; break;
        case OptionId::quiet: --settings.verbosity; break;
        case OptionId::log_format: return set_log_format(settings, value, bad);
        case OptionId::wait_for:
        case OptionId::heal: return add_check(checks_of(settings, id), value, bad);
        case OptionId::wait_timeout: return set_wait_timeout(settings.wait, value, bad);
        case OptionId::heal_interval: return set_positive(settings.heal.interval, value, bad);
        case OptionId::heal_timeout: return set_positive(settings.heal.timeout, value, bad);
        case OptionId::heal_retries: return set_heal_retries(settings.heal, value, bad);
        case OptionId::heal_start_period:
            return set_duration(settings.heal.start_period, value, true, bad);
        case OptionId::heal_grace: return set_duration(settings.heal.grace, value, false, bad);
        case OptionId::heal_signal: return set_heal_signal(settings.heal, value, bad);
        case OptionId::user:
            settings.user.is_variable = false;
            return parse_user_spec(settings.user.spec, value, bad);
        case OptionId::own: return add_owned(settings, value, bad);
        case OptionId::notify: settings.notify = true; break;
        // --subreaper is automatic; what concerns checks is read where they are made.
        default: break;
    }
    return true;
}

// A variable has them with blanks between; a check may have commas.
bool add_checks(CheckList& checks, std::string_view list, BadInput& bad) {
    for (std::string_view word = take_word(list); !word.empty(); word = take_word(list)) {
        if (!add_check(checks, word, bad)) return false;
    }
    return true;
}

// A switch as a variable. -v and -q count, so theirs may also say how often.
bool apply_switch(RunSettings& settings, OptionId id, std::string_view value, BadInput& bad) {
    const bool counts = id == OptionId::verbose || id == OptionId::quiet;
    const auto on = parse_boolean(value);
    const auto times =
        counts && !on ? parse_number(value, 3) : std::optional<std::uint64_t>(on.value_or(false));
    if (!times || (!counts && !on)) {
        return refuse(bad, "not a switch", value,
                      counts ? Literal("0 to 3, true, false") : Literal("1, true, 0, false"));
    }
    for (std::uint64_t i = 0; i < *times; ++i) (void)apply_option(settings, id, {}, bad);
    return true;
}

}  // namespace

RunSettings::RunSettings() {
    reset_rewrite(*this);
    reset_exit_codes(*this);
}

bool apply_variable(RunSettings& settings, std::string_view entry, BadInput& bad) {
    if (entry == nested_mark) settings.nested = true;
    std::string_view value = entry;
    const std::string_view name = take_until(value, '=');
    const Option* option = find_variable(name);
    if (option == nullptr || value.empty()) return true;
    if (option->is_repeatable() && option->takes_value()) forget_list(settings, option->id);
    const bool has_checks = takes_checks(option->id);
    const bool is_user = option->id == OptionId::user;
    const bool is_own = option->id == OptionId::own;
    if (has_checks || is_user || is_own || option->id == OptionId::pre_stop) {
        settings.mark_nested = true;
    }
    bad.where = name;
    if (is_own) return add_each(settings, value, add_owned, bad);  // a path may have commas
    if (is_user) {
        settings.user.is_variable = true;
        return parse_user_spec(settings.user.spec, value, bad);
    }
    if (has_checks) return add_checks(checks_of(settings, option->id), value, bad);
    return option->takes_value() ? apply_option(settings, option->id, value, bad)
                                 : apply_switch(settings, option->id, value, bad);
}

std::optional<RunCommandLine> apply_command_line(RunSettings& settings,
                                                 std::span<char* const> words, BadInput& bad) {
    if (settings.nested) {
        settings.pre_stop = 0;
        settings.wait.checks.count = settings.heal.checks.count = 0;
        settings.user = {};
    }
    OptionReader reader(Command::run, words);
    std::uint64_t seen = 0;  // the lists that this command line has begun
    while (const Option* option = reader.next()) {
        const OptionId id = option->id;
        if (id == OptionId::help) return RunCommandLine{.request = RunRequest::help};
        if (id == OptionId::version) return RunCommandLine{.request = RunRequest::version};
        if (id == OptionId::license) return RunCommandLine{.request = RunRequest::license};
        // -v and -q are one list: the environment's verbosity is forgotten at the first of either.
        const std::uint64_t list = std::uint64_t{1}
                                   << (option->takes_value() ? static_cast<unsigned>(id) : 0U);
        if (option->is_repeatable() && (seen & list) == 0) forget_list(settings, id);
        if (option->is_repeatable()) seen |= list;
        if (concerns_checks(id)) settings.check_option = reader.spelling();
        if (!apply_option(settings, id, reader.value(), bad)) {
            bad.where = reader.spelling();
            return std::nullopt;
        }
    }
    bad = reader.bad();
    if (!bad.problem.empty()) return std::nullopt;
    if (!check_escalations(settings, bad)) return std::nullopt;
    if (!check_owned(settings, bad)) return std::nullopt;
    if (reader.used() >= words.size()) {
        bad.problem =
            "no program given; usage: usher [OPTIONS] [--] PROGRAM [ARG...] (see usher --help)";
        return std::nullopt;
    }
    return RunCommandLine{.program = reader.used()};
}

}  // namespace usher
