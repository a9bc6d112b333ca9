// SPDX-License-Identifier: MIT
#include "mysql.hpp"

namespace usher {
namespace {

using namespace std::string_view_literals;

constexpr std::uint32_t packet_limit = 1024;  // bytes; a greeting has about 100, an error up to 521
constexpr std::uint8_t head_size = 4;

// First bytes of packets.
constexpr std::uint8_t packet_ok = 0, packet_more_data = 1, packet_greeting = 10,
                       packet_switch = 0xfe, packet_error = 0xff;

// Capabilities: the lower three of their four bytes, in the order of the wire.
constexpr std::uint32_t long_password = 0x010000, protocol_41 = 0x000200,
                        secure_connection = 0x008000, plugin_auth = 0x000008;

constexpr std::uint8_t signature_size = 64;  // of ed25519

// Denied 1045 and 1698, the account is locked 3118 and 4151, TLS is required 3159: the server
// works.
bool is_refusal(std::uint16_t code) {
    constexpr std::uint16_t refusals[] = {1045, 1698, 3118, 3159, 4151};
    return std::ranges::find(refusals, code) != std::end(refusals);
}

}  // namespace

Verdict MysqlCall::feed(std::span<const std::uint8_t> input) {
    return read_each(input, [this](std::uint8_t byte) { step(byte); });
}

void MysqlCall::step(std::uint8_t byte) {
    if (head_bytes_ < head_size) {
        // Three bytes of length, the lowest first, and the number in sequence.
        sequence_ = byte;
        if (head_bytes_ < 3) left_ |= static_cast<std::uint32_t>(byte) << 8 * head_bytes_;
        if (++head_bytes_ == head_size && (left_ == 0 || left_ > packet_limit)) refuse();
        return;
    }
    if (at_ == 0) type_ = byte;
    if (!type_valid()) return refuse();
    if (type_ == packet_error) error_byte(byte);
    if (type_ == packet_greeting) greeting_byte(byte);
    if (type_ == packet_switch) text_.add_byte(byte);
    ++at_;
    if (--left_ == 0) packet_end();
}

bool MysqlCall::type_valid() const {
    if (type_ == packet_error) return true;
    if (!greeted_) return type_ == packet_greeting;
    return type_ == packet_ok || type_ == packet_more_data || type_ == packet_switch;
}

// Version up to a NUL, thread id (4 bytes), authentication data (8), a NUL, capabilities (2),
// character set (1), status (2), more capabilities (2). What comes after them does not matter.
void MysqlCall::greeting_byte(std::uint8_t byte) {
    if (fixed_at_ == 0) {
        if (byte == 0) fixed_at_ = static_cast<std::uint16_t>(at_ + 1);
        return;
    }
    switch (at_ - fixed_at_) {
        case 13: offered_ = static_cast<std::uint32_t>(byte) << 16; break;
        case 14: offered_ |= static_cast<std::uint32_t>(byte) << 8; break;
        case 18: offered_ |= byte; break;
        default: break;
    }
}

// Number (2 bytes, the lower first), '#' and SQLSTATE (5; not before the greeting), text.
void MysqlCall::error_byte(std::uint8_t byte) {
    if (at_ == 3) has_state_ = byte == '#';
    if (at_ == 1) {
        code_ = byte;
    } else if (at_ == 2) {
        code_ = static_cast<std::uint16_t>(code_ | byte << 8);
        text_.add(code_).add(' ');
    } else if (at_ > 2 && (!has_state_ || at_ > 8)) {
        text_.add_byte(byte);
    } else if (at_ == 4 || at_ == 5) {
        class_ = static_cast<std::uint16_t>(class_ << 8 | byte);
    }
}

void MysqlCall::packet_end() {
    if (type_ == packet_greeting) return answer_greeting();
    if (type_ == packet_error && at_ < 3) return refuse();
    const bool refused = greeted_ && (class_ == ('2' << 8 | '8') || is_refusal(code_));
    conclude(type_ != packet_error || refused);
    if (type_ == packet_ok || type_ == packet_switch) take_leave();
}

// An aborted connection would be noted in the server's log. To a switch of the method an empty
// packet is an empty password: with mysql_native_password and, as a NUL is, with
// caching_sha2_password (sql/auth/sha2_password.cc). MariaDB's ed25519 wants a signature. A wrong
// one is a wrong password, but another length a broken handshake, and after max_connect_errors of
// these the host is blocked. COM_QUIT behind it is for a server that lets us in then.
void MysqlCall::take_leave() {
    Writer to{std::span<std::uint8_t>(answer_)};
    if (type_ == packet_switch) {
        // The packet: its type, the method's name, a NUL, data.
        const bool signs = begins_with(text_.view(),
                                       "\xfe"
                                       "client_ed25519");
        text_.cut(0);
        to.add_big_endian(++sequence_, 4);
        if (signs) to.patch(0, signature_size);
        for (unsigned i = 0; signs && i < signature_size; ++i) to.add_byte(0);
    }
    to.add_raw("\1\0\0\0\1"sv);
    owed_ = std::span(answer_, to.size());
}

// HandshakeResponse41.
void MysqlCall::answer_greeting() {
    const std::uint32_t flags =
        offered_ & (long_password | protocol_41 | secure_connection | plugin_auth);
    if ((flags & protocol_41) == 0) return refuse();
    Writer to{std::span<std::uint8_t>(answer_)};
    to.add_big_endian(++sequence_, 4);  // the length: below
    to.add_big_endian(flags, 3);
    // Packets below 16 MiB, utf8mb4_general_ci, 23 bytes of filler; then user and password.
    to.add_raw("\0\xff\xff\xff\0\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"sv);
    to.add_raw(user_).add_raw("\0\0"sv);
    if ((flags & plugin_auth) != 0) to.add_raw("mysql_native_password\0"sv);
    to.patch(0, static_cast<std::uint8_t>(to.size() - head_size));
    owed_ = std::span(answer_, to.size());
    greeted_ = true;
    head_bytes_ = 0;
    at_ = 0;
}

}  // namespace usher
