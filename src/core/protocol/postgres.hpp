// SPDX-License-Identifier: MIT
// The beginning of a session with a PostgreSQL server, up to where it lets one in, asks for a
// password or refuses (postgresql.org/docs/current/protocol-message-formats.html, protocol 3.0).
#pragma once

#include "server_call.hpp"

namespace usher {

/// `done`: it accepts connections, be it that it refuses this one; message() says why, SQLSTATE
/// first. Reason::not_ready: SQLSTATE 57P03, or it could not start a process for us.
class PostgresCall : public ServerCall {
  public:
    /// StartupMessage; an empty user or database is "postgres". Nothing if `out` is too small or a
    /// text has a NUL.
    static std::optional<std::size_t> request(std::string_view user, std::string_view database,
                                              std::span<std::uint8_t> out);

    PostgresCall() : ServerCall(Reason::not_postgres) {}

    Verdict feed(std::span<const std::uint8_t> input);

  private:
    void step(std::uint8_t byte);
    void head_byte(std::uint8_t byte);
    void field_byte(char c);
    void plain_byte(char c);
    void message_end();

    bool plain_ = false;  ///< an error of protocol 2
    std::uint8_t head_bytes_ = 0;
    char type_ = 0;
    char field_ = 0;  ///< of an error; 0: at its beginning
    std::uint8_t code_bytes_ = 0;
    std::uint8_t authentication_ = 0;  ///< 0: we are in; else what the server asks for
    std::uint32_t left_ = 0;           ///< bytes of the message still to come
};

}  // namespace usher
