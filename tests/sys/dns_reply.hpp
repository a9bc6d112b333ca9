// SPDX-License-Identifier: MIT
// What a name server says, for the tests that ask the faked network's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fake_network.hpp"
#include "ip_address.hpp"

namespace usher::test {

inline constexpr int server_failure = 2;
inline constexpr int no_such_name = 3;
inline constexpr int refused = 5;

/// What was asked: "app.example A" or "app.example AAAA".
inline std::string question_of(const std::string& query) {
    constexpr std::size_t header = 12;
    std::string name;
    for (std::size_t at = header; query.at(at) != 0;) {
        const auto length = static_cast<std::size_t>(query.at(at));
        if (!name.empty()) name += '.';
        name += query.substr(at + 1, length);
        at += 1 + length;
    }
    return name + (query.at(query.size() - 3) == 1 ? " A" : " AAAA");
}

struct Answer {
    std::vector<std::string> addresses{};
    int code = 0;
    bool truncated = false;
};

/// The reply to `query`, without the addresses that are not of the type asked for.
inline std::string dns_reply(const std::string& query, const Answer& answer) {
    const bool wants_v6 = query.at(query.size() - 3) == 28;
    std::string records;
    char count = 0;
    for (const std::string& text : answer.addresses) {
        const auto address = parse_ip(text);
        if (!address || address->v6 != wants_v6) continue;
        const std::size_t length = address->v6 ? 16 : 4;
        records += "\xc0\x0c";  // the name of the question
        records += {0, wants_v6 ? '\x1c' : '\x01', 0, 1, 0, 0, 0, 60, 0, static_cast<char>(length)};
        for (std::size_t i = 0; i < length; ++i) records += static_cast<char>(address->bytes[i]);
        ++count;
    }
    std::string reply = query + records;
    reply[2] = static_cast<char>(answer.truncated ? 0x83 : 0x81);
    reply[3] = static_cast<char>(0x80 | answer.code);
    reply[7] = count;
    return reply;
}

/// A name server that knows the names of `zone`, and says that there is no other.
inline NameServer knows(std::map<std::string, Answer> zone, Duration later = 0) {
    return [zone = std::move(zone), later](const std::string& query) -> std::vector<Reply> {
        const std::string question = question_of(query);
        const auto found = zone.find(question.substr(0, question.find(' ')));
        const Answer answer = found != zone.end() ? found->second : Answer{.code = no_such_name};
        return {{.bytes = dns_reply(query, answer), .later = later}};
    };
}

}  // namespace usher::test
