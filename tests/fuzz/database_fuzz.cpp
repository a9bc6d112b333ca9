// SPDX-License-Identifier: MIT
#include <algorithm>
#include <string>
#include <tuple>

#include "mysql.hpp"
#include "postgres.hpp"
#include "redis.hpp"
#include "split.hpp"

using namespace usher;

namespace {

constexpr std::string_view password = "s3cret-of-ours";

// What the server is owed, written a few bytes at a time.
std::string part_by_part(ServerCall& call) {
    std::string written;
    while (!call.to_send().empty()) {
        const size_t count = std::min<size_t>(call.to_send().size(), 5);
        written.append(call.to_send().begin(), call.to_send().begin() + count);
        call.sent(count);
    }
    return written;
}

template <typename Call, typename... Args>
void converse(const uint8_t* data, size_t size, Args... args) {
    same_every_way(data, size, [&](const auto& pieces) {
        Call call(args...);
        for (const auto& piece : pieces) {
            const Verdict before = call.verdict();
            const Reason reason = call.reason();
            if (call.feed(piece) != call.verdict()) std::abort();
            if (before != Verdict::more && (call.verdict() != before || call.reason() != reason))
                std::abort();
        }
        const Verdict before = call.verdict();
        if (before == Verdict::more && !call.message().empty()) std::abort();
        if (call.finish() == Verdict::more) std::abort();
        if ((call.verdict() == Verdict::done) != (call.reason() == Reason::none)) std::abort();
        if ((call.verdict() == Verdict::done) != reason_text(call.reason()).empty()) std::abort();
        if (call.reason() != Reason::none && call.reason() != Reason::not_ready &&
            !call.message().empty())
            std::abort();
        if (call.message().size() > Call::text_limit) std::abort();
        const std::string message(call.message());
        const std::string all(call.to_send().begin(), call.to_send().end());
        if (part_by_part(call) != all) std::abort();
        return std::tuple(before, call.verdict(), call.reason(), message, all);
    });
}

// A server that echoes the password everywhere must not bring it into a message.
void keep_secret(const uint8_t* data, size_t size) {
    std::string reply;
    for (size_t i = 0; i < size; ++i) {
        if (data[i] == '`')
            reply += password;
        else
            reply += static_cast<char>(data[i]);
    }
    RedisCall call(true);
    call.feed({reinterpret_cast<const uint8_t*>(reply.data()), reply.size()});
    if (call.message().find(password.substr(0, 3)) != std::string_view::npos &&
        std::string_view(reinterpret_cast<const char*>(data), size).find("s3c") ==
            std::string_view::npos)
        std::abort();
}

// Requests of texts that the input holds, into rooms of every size up to 100.
void request(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::string_view first = text.substr(0, size / 2), second = text.substr(size / 2);
    std::vector<uint8_t> room(size % 100);
    for (const auto length :
         {RedisCall::request(first, second, room), PostgresCall::request(first, second, room),
          MysqlCall::request(first, room)}) {
        if (length && *length > room.size()) std::abort();
    }
}

}  // namespace

// The first byte chooses the protocol.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const uint8_t choice = *data++;
    --size;
    switch (choice % 5) {
        case 0: converse<RedisCall>(data, size, false); break;
        case 1:
            converse<RedisCall>(data, size, true);
            keep_secret(data, size);
            break;
        case 2: converse<PostgresCall>(data, size); break;
        case 3: converse<MysqlCall>(data, size, std::string_view("app")); break;
        default: request(data, size); break;
    }
    return 0;
}
