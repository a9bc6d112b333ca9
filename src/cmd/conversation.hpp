// SPDX-License-Identifier: MIT
// What is said on a connection: the request of a check, what the peer answers, what that proves.
#pragma once

#include <optional>

#include "check.hpp"
#include "grpc.hpp"
#include "http.hpp"
#include "mysql.hpp"
#include "outcome.hpp"
#include "postgres.hpp"
#include "probe_settings.hpp"
#include "redis.hpp"

namespace usher::cmd {

class Conversation {
  public:
    /// Makes the request. False: there is none that could be sent, and the outcome says why. All
    /// three must outlive the conversation.
    bool prepare(const Check& check, const ProbeSettings& settings, Outcome& outcome);
    /// Whether anything is said at all: of tcp the connection is the proof.
    [[nodiscard]] bool is_needed() const { return check_->kind != CheckKind::tcp; }
    /// On a connection of its own, from the beginning.
    void begin();

    /// What is to be written: first the request, then what the peer is owed. The caller says how
    /// much of it was written.
    [[nodiscard]] std::string_view to_send();
    void sent(std::size_t bytes);
    /// Nothing of the request can be written any more.
    void give_up_sending() { sent_ = request_length_; }
    [[nodiscard]] bool is_request_sent() const { return sent_ == request_length_; }

    /// What the peer said; nothing: it closed. Once the verdict has fallen the outcome is settled.
    Verdict hear(std::span<const char> input);
    /// Whether the peer has said all that it has to say. If not, it is better read than cut off,
    /// though it changes nothing.
    [[nodiscard]] bool at_end() const;

  private:
    [[nodiscard]] std::string_view authority(std::span<char> room) const;
    std::optional<std::size_t> build_http();
    std::optional<std::size_t> build_grpc();
    void refuse_metadata(std::string_view header);
    [[nodiscard]] ServerCall* server_call();  ///< null: of no database
    Verdict read(std::span<const char> input);
    void judge();
    void judge_http(const HttpReply& reply);
    void judge_grpc(const GrpcCall& call);
    void judge_database(const ServerCall& call);
    void add_field(Writer& detail, const JsonMatcher& json) const;

    const Check* check_ = nullptr;
    const ProbeSettings* settings_ = nullptr;
    Outcome* outcome_ = nullptr;
    // Who reads the peer's words: one of them.
    std::optional<HttpReply> http_;
    std::optional<GrpcCall> grpc_;
    std::optional<RedisCall> redis_;
    std::optional<PostgresCall> postgres_;
    std::optional<MysqlCall> mysql_;
    bool says_goodbye_ = false;
    bool has_closed_ = false;  ///< the peer
    std::size_t request_length_ = 0;
    std::size_t sent_ = 0;
    char request_[4096];
};

}  // namespace usher::cmd
