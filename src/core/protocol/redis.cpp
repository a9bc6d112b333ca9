// SPDX-License-Identifier: MIT
#include "redis.hpp"

namespace usher {
namespace {

// Error codes of Redis, as against what a server may echo.
bool is_code(std::string_view word) {
    std::string_view codes =
        "ERR WRONGPASS LOADING MASTERDOWN BUSY MISCONF DENIED NOAUTH NOPERM CLUSTERDOWN";
    do {
        if (take_until(codes, ' ') == word) return true;
    } while (codes.data() != nullptr);
    return false;
}

void add_bulk(Writer& to, std::string_view text) {
    to.add("\r\n$").add(text.size()).add("\r\n").add_raw(text);
}

}  // namespace

std::optional<std::size_t> RedisCall::request(std::string_view user, std::string_view password,
                                              std::span<std::uint8_t> out) {
    Writer to(out);
    if (!password.empty()) {
        to.add('*').add(user.empty() ? 2 : 3);
        add_bulk(to, "AUTH");
        if (!user.empty()) add_bulk(to, user);
        add_bulk(to, password);
        to.add("\r\n");
    }
    to.add("*1\r\n$4\r\nPING\r\n");
    return whole(to, user, password);
}

Verdict RedisCall::feed(std::span<const std::uint8_t> input) {
    return read_each(input, [this](std::uint8_t byte) { step(static_cast<char>(byte)); });
}

// A reply is one line; of the types only a simple string and an error can be one to us.
void RedisCall::step(char c) {
    const bool begins = type_ == 0;
    if (begins) type_ = c;
    if (type_ != '+' && type_ != '-') return refuse();
    if (begins) return;
    if ((c == '\n') != after_cr_) return refuse();
    if (c == '\n') return line_end();
    after_cr_ = c == '\r';
    if (!after_cr_) text_.add(c);
}

void RedisCall::line_end() {
    if (type_ == '-') return error();
    if (!(awaits_auth_ ? text_.view() == "OK" : text_.view() == "PONG")) return refuse();
    if (!awaits_auth_) return conclude(true);
    awaits_auth_ = after_cr_ = false;
    type_ = 0;
    text_.cut(0);
}

// Some errors echo what was sent ("unknown command 'AUTH', with args beginning with: ..."), so
// where that was a password only a code of Redis's own is shown.
void RedisCall::error() {
    std::string_view text = text_.view();
    const std::string_view code = take_until(text, ' ');
    const bool wants_password = !with_password_ && code == "NOAUTH";
    const bool ready = wants_password || (!awaits_auth_ && code == "NOPERM");
    if (ready || with_password_) text_.cut(is_code(code) ? code.size() : 0);
    if (text_.size() == 0) text_.add("an error");
    if (wants_password) text_.add(": wants a password");
    conclude(ready);
}

}  // namespace usher
