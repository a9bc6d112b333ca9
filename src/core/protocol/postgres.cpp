// SPDX-License-Identifier: MIT
#include "postgres.hpp"

namespace usher {
namespace {

using namespace std::string_view_literals;

constexpr std::uint8_t head_size = 5, code_size = 5;
constexpr std::uint8_t terminate[] = {'X', 0, 0, 0, 4};

}  // namespace

std::optional<std::size_t> PostgresCall::request(std::string_view user, std::string_view database,
                                                 std::span<std::uint8_t> out) {
    Writer to(out);
    if (user.empty()) user = "postgres";
    if (database.empty()) database = "postgres";
    to.add_big_endian(static_cast<std::uint32_t>(user.size() + database.size() + 25), 4);
    to.add_raw("\0\3\0\0user\0"sv).add_raw(user);
    to.add_raw("\0database\0"sv).add_raw(database).add_raw("\0\0"sv);
    return whole(to, user, database);
}

Verdict PostgresCall::feed(std::span<const std::uint8_t> input) {
    return read_each(input, [this](std::uint8_t byte) { step(byte); });
}

void PostgresCall::step(std::uint8_t byte) {
    if (plain_) return plain_byte(static_cast<char>(byte));
    if (head_bytes_ < head_size) return head_byte(byte);
    if (type_ == 'R') authentication_ |= byte;
    if (type_ == 'E') field_byte(static_cast<char>(byte));
    if (--left_ == 0) message_end();
}

void PostgresCall::head_byte(std::uint8_t byte) {
    if (head_bytes_++ == 0) {
        type_ = static_cast<char>(byte);
        left_ = 0;
    } else {
        left_ = left_ << 8 | byte;
        text_.add_byte(byte);
    }
    // Before its answer, an Authentication or an ErrorResponse, a server may send a notice or
    // NegotiateProtocolVersion.
    if (!has("RENv"sv, type_)) return refuse();
    if (head_bytes_ < head_size) return;
    if (left_ >= 8 && left_ <= reply_limit) {
        left_ -= 4;  // it counts itself
        text_.cut(0);
        if (type_ == 'E') text_.add("????? ");  // the code will stand here
        return;
    }
    // A postmaster that cannot fork says so in protocol 2: 'E', a text, a NUL. As libpq does, tell
    // it from its length, which is text.
    if (type_ != 'E' || has_control(text_.view())) return refuse();
    plain_ = true;
}

void PostgresCall::plain_byte(char c) {
    if (c == 0) return conclude(false);
    if (c == '\n') return;
    if (is_control(c)) return refuse();
    text_.add(c);
}

// Each field is a letter and a string; the code and the message are of interest, in any order.
void PostgresCall::field_byte(char c) {
    if (field_ == 0 || c == 0)
        field_ = c;
    else if (field_ == 'M')
        text_.add(c);
    else if (field_ == 'C' && code_bytes_ < code_size)
        text_.patch(code_bytes_++, static_cast<std::uint8_t>(c));
}

void PostgresCall::message_end() {
    head_bytes_ = 0;
    if (type_ == 'R') {
        conclude(true);
        if (authentication_ == 0) owed_ = terminate;
    } else if (type_ == 'E') {
        if (code_bytes_ < code_size) return refuse();
        // cannot_connect_now: starting up, shutting down, in recovery.
        conclude(!begins_with(text_.view(), "57P03 "));
    }
}

}  // namespace usher
