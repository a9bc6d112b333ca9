// SPDX-License-Identifier: MIT
// PING to a Redis server, and AUTH before it (redis.io/docs/latest/develop/reference/protocol-spec,
// RESP2).
#pragma once

#include "server_call.hpp"

namespace usher {

/// `done`: it answers, or wants a password or a permission that we lack; message() tells which.
/// Reason::not_ready: it answered with an error.
class RedisCall : public ServerCall {
  public:
    /// The whole flight; without a password only PING. Nothing if `out` is too small or a text has
    /// a NUL.
    static std::optional<std::size_t> request(std::string_view user, std::string_view password,
                                              std::span<std::uint8_t> out);

    explicit RedisCall(bool with_password)
        : ServerCall(Reason::not_redis),
          with_password_(with_password),
          awaits_auth_(with_password) {}

    Verdict feed(std::span<const std::uint8_t> input);

  private:
    void step(char c);
    void line_end();
    void error();

    const bool with_password_;
    bool awaits_auth_;  ///< the next reply is that to AUTH
    bool after_cr_ = false;
    char type_ = 0;  ///< of the line being read; 0: at its beginning
};

}  // namespace usher
