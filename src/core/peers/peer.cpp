// SPDX-License-Identifier: MIT
#include "peer.hpp"

#include <algorithm>

#include "environment.hpp"
#include "number.hpp"
#include "peer_file.hpp"

namespace usher {

namespace {

struct Name {
    char name[12];
    Peer peer;
};
constexpr Name names[] = {{"tini", Peer::tini},           {"tini-static", Peer::tini},
                          {"docker-init", Peer::tini},    {"dumb-init", Peer::dumb_init},
                          {"catatonit", Peer::catatonit}, {"gosu", Peer::gosu},
                          {"su-exec", Peer::su_exec}};

}  // namespace

std::optional<Peer> peer_called(std::string_view argv0) {
    const std::string_view called = last_component(argv0);
    for (const Name& one : names) {
        if (called == Literal::of_table(one.name)) return one.peer;
    }
    return std::nullopt;
}

PeerTask apply_peer(Peer peer, const PeerCall& call, RunSettings& settings, Writer& answer) {
    settings.linger = 0;
    settings.advises = false;
    settings.stops_by_ignored = true;
    switch (peer) {
        case Peer::tini: return peers::apply_tini(call, settings, answer);
        case Peer::dumb_init: return peers::apply_dumb_init(call, settings, answer);
        case Peer::gosu: return peers::apply_gosu(call, answer);
        case Peer::su_exec: return peers::apply_su_exec(call, answer);
        case Peer::catatonit: break;
    }
    return peers::apply_catatonit(call, settings, answer);
}

namespace peers {

std::optional<int> take_number(std::string_view& rest) {
    constexpr int most = 99999;
    while (take_prefix(rest, " ")) {
    }
    const bool negative = take_prefix(rest, "-");
    if (!negative) take_prefix(rest, "+");
    const std::string_view digits = take_digits(rest);
    if (digits.empty()) return std::nullopt;
    const auto number = static_cast<int>(parse_number(digits, most).value_or(most));
    return negative ? -number : number;
}

bool is_set(char* const* environment, std::string_view name) {
    return find_in_environment(environment, name).data() != nullptr;
}

void add_bad_option(Writer& line, const PeerCall& call, const BadInput& bad) {
    line.add_untrusted(last_component(call.name)).add(": ");
    const bool is_letter = !bad.where.empty() || bad.word.size() == 2;
    if (bad.problem == unknown_option && is_letter) {
        line.add("invalid option -- '");
        line.add_untrusted(slice(bad.word, bad.word.size() - 1)).add('\'');
    } else {
        add_bad_input(line, bad);
    }
    line.add('\n');
}

void add_purpose_and_options(Writer& line, Literal purpose, std::span<const Option> table) {
    line.add(purpose).add("\n\n");
    add_option_list(line, table, Command::run);
}

}  // namespace peers

}  // namespace usher
