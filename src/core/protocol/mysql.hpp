// SPDX-License-Identifier: MIT
// The beginning of a session with a MySQL or MariaDB server, up to where it lets one in or refuses
// (dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html).
#pragma once

#include "server_call.hpp"

namespace usher {

/// `done`: it serves connections, be it that it refuses this user; message() says why, the error's
/// number first. Reason::not_ready: any other error.
class MysqlCall : public ServerCall {
  public:
    static constexpr std::size_t user_limit = 196;  ///< bytes

    /// The server speaks first, so nothing is written. Nothing at all if the user is too long or
    /// has a NUL.
    static std::optional<std::size_t> request(std::string_view user, std::span<std::uint8_t>) {
        return user.size() > user_limit || has(user, '\0') ? std::nullopt
                                                           : std::optional<std::size_t>(0);
    }

    /// `user` must live on until the verdict; it has no password.
    explicit MysqlCall(std::string_view user) : ServerCall(Reason::not_mysql), user_(user) {}

    Verdict feed(std::span<const std::uint8_t> input);

  private:
    void step(std::uint8_t byte);
    bool type_valid() const;
    void greeting_byte(std::uint8_t byte);
    void error_byte(std::uint8_t byte);
    void packet_end();
    void answer_greeting();
    void take_leave();

    bool greeted_ = false;
    bool has_state_ = false;  ///< the error has an SQLSTATE
    std::uint8_t head_bytes_ = 0;
    std::uint8_t sequence_ = 0;
    std::uint8_t type_ = 0;       ///< the packet's first byte
    std::uint16_t at_ = 0;        ///< bytes of the packet before this one
    std::uint16_t fixed_at_ = 0;  ///< the greeting's first byte behind the version; 0: not there
    std::uint16_t code_ = 0;
    std::uint16_t class_ = 0;  ///< the first two characters of the SQLSTATE
    std::uint32_t left_ = 0;   ///< bytes of the packet still to come
    std::uint32_t offered_ = 0;
    std::string_view user_;
    std::uint8_t answer_[user_limit + 60];
};

}  // namespace usher
