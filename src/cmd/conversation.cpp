// SPDX-License-Identifier: MIT
#include "conversation.hpp"

#include <algorithm>

#include "ip_address.hpp"

namespace usher::cmd {

namespace {

constexpr std::size_t authority_limit = 2 + ip_text_limit + 6;  // "[IPv6]:65535"
constexpr std::string_view agent = "usher/" USHER_VERSION;

// NOLINTBEGIN(*-reinterpret-cast): text and bytes are the same
std::span<const std::uint8_t> bytes_of(std::span<const char> text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string_view text_of(std::span<const std::uint8_t> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<std::uint8_t> room_in(std::span<char> text) {
    return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()};
}
// NOLINTEND(*-reinterpret-cast)

template <typename Call>
Verdict feed(Call& call, std::span<const char> input) {
    return input.empty() ? call.finish() : call.feed(bytes_of(input));
}

Literal words_of(Reason reason, const Check& check) {
    const bool is_secure = check.uses_tls && reason == Reason::closed;
    return is_secure ? Literal("closed without a reply") : reason_text(reason);
}

}  // namespace

bool Conversation::prepare(const Check& check, const ProbeSettings& settings, Outcome& outcome) {
    check_ = &check;
    settings_ = &settings;
    outcome_ = &outcome;
    std::optional<std::size_t> length = 0;
    const std::span room = room_in(request_);
    switch (check.kind) {
        case CheckKind::http: length = build_http(); break;
        case CheckKind::grpc: length = build_grpc(); break;
        case CheckKind::redis: length = RedisCall::request(check.user, check.password, room); break;
        case CheckKind::postgres:
            length = PostgresCall::request(check.user, check.target, room);
            break;
        case CheckKind::mysql: length = MysqlCall::request(check.user, room); break;
        // Of the others the connection is the proof.
        default: break;
    }
    request_length_ = length.value_or(0);
    if (!length && outcome.health != Health::misused) {
        outcome.settle(Health::misused)
            .add("not a request: over 4096 bytes, or control characters");
    }
    return length.has_value();
}

void Conversation::begin() {
    sent_ = 0;
    says_goodbye_ = has_closed_ = false;
    http_.reset();
    grpc_.reset();
    redis_.reset();
    postgres_.reset();
    mysql_.reset();
    switch (check_->kind) {
        case CheckKind::http:
            http_.emplace(settings_->contains, settings_->method == "HEAD", settings_->fields());
            break;
        case CheckKind::grpc: grpc_.emplace(); break;
        case CheckKind::redis: redis_.emplace(!check_->password.empty()); break;
        case CheckKind::postgres: postgres_.emplace(); break;
        case CheckKind::mysql: mysql_.emplace(check_->user); break;
        default: break;
    }
}

// The Host header or :authority: name and port as they were written. ":8080" alone is none, and a
// zone is not the server's business (RFC 9110, section 7.2; RFC 6874, section 4): these are made in
// `room`, for which authority_limit is enough.
std::string_view Conversation::authority(std::span<char> room) const {
    if (!settings_->host.empty()) return settings_->host;
    const Endpoint& endpoint = check_->endpoint;
    const bool has_zone = has(endpoint.host, '%');
    if (endpoint.is_unix || (!endpoint.host.empty() && !has_zone)) return endpoint.authority;
    Writer text(room);
    if (has_zone) {
        text.add('[').add_raw(slice(endpoint.host, 0, find(endpoint.host, '%'))).add(']');
    } else {
        text.add("localhost");
    }
    const bool is_default =
        check_->kind == CheckKind::http && endpoint.port == http_port(check_->uses_tls);
    if (!is_default) text.add(':').add(endpoint.port);
    return text.view();
}

std::optional<std::size_t> Conversation::build_http() {
    char room[authority_limit];
    return build_http_request({.method = settings_->method,
                               .target = check_->target,
                               .host = authority(room),
                               .agent = agent,
                               .headers = settings_->header_lines()},
                              request_);
}

std::optional<std::size_t> Conversation::build_grpc() {
    const auto metadata = settings_->header_lines();
    const auto foreign = std::ranges::find_if_not(metadata, is_grpc_metadata);
    if (foreign != metadata.end()) {
        refuse_metadata(*foreign);
        return std::nullopt;
    }
    char room[authority_limit];
    const GrpcRequest request{
        .authority = authority(room),
        .uses_tls = check_->uses_tls,
        .service = check_->target,
        .agent = agent,
        .timeout_ms = static_cast<std::uint64_t>(
            settings_->timeout == infinite ? 0 : settings_->timeout / millisecond),
        .metadata = metadata};
    return GrpcCall::request(request, room_in(request_));
}

// Its value may be a secret.
void Conversation::refuse_metadata(std::string_view header) {
    outcome_->settle(Health::misused)
        .add("no metadata of gRPC: header '")
        .add_untrusted(take_until(header, ':'))
        .add("' (want a name of your own, and printable ASCII)");
}

ServerCall* Conversation::server_call() {
    if (redis_) return &*redis_;
    if (postgres_) return &*postgres_;
    return mysql_ ? &*mysql_ : nullptr;
}

std::string_view Conversation::to_send() {
    if (!is_request_sent()) return slice({request_, request_length_}, sent_);
    if (grpc_) return text_of(grpc_->to_send());
    const ServerCall* const server = server_call();
    return server != nullptr ? text_of(server->to_send()) : std::string_view();
}

void Conversation::sent(std::size_t bytes) {
    if (!is_request_sent()) {
        sent_ += bytes;
    } else if (grpc_) {
        grpc_->sent(bytes);
    } else if (ServerCall* const server = server_call()) {
        server->sent(bytes);
    }
}

Verdict Conversation::read(std::span<const char> input) {
    if (http_) return input.empty() ? http_->finish() : http_->feed(input);
    if (grpc_) return feed(*grpc_, input);
    if (redis_) return feed(*redis_, input);
    if (postgres_) return feed(*postgres_, input);
    return mysql_ ? feed(*mysql_, input) : Verdict::bad;
}

Verdict Conversation::hear(std::span<const char> input) {
    has_closed_ = input.empty();
    const Verdict verdict = read(input);
    if (verdict != Verdict::more && outcome_->health == Health::pending) judge();
    return verdict;
}

void Conversation::judge() {
    if (http_) return judge_http(*http_);
    if (grpc_) return judge_grpc(*grpc_);
    if (const ServerCall* const server = server_call()) return judge_database(*server);
}

bool Conversation::at_end() const {
    return http_ ? http_->at_end() : has_closed_ || !says_goodbye_;
}

void Conversation::judge_database(const ServerCall& call) {
    const bool is_ready = call.verdict() == Verdict::done;
    const std::string_view message = call.message();
    Writer& detail = outcome_->settle(is_ready ? Health::healthy : Health::unhealthy, is_ready);
    if (message.empty() && !is_ready) detail.add("reply: ").add(reason_text(call.reason()));
    detail.add_untrusted(message);
    // Who was let in says so when it leaves, and the server ends the connection.
    says_goodbye_ = !call.to_send().empty();
}

void Conversation::judge_http(const HttpReply& reply) {
    const int status = reply.status();
    if (status != 0 && !settings_->statuses.has(status)) {
        Writer& detail = outcome_->settle(Health::unhealthy, true);
        detail.add("status ").add(status);
        if (status >= 300 && status < 400) detail.add(" (a redirect, which is not followed)");
        detail.add(", want ").add_untrusted(settings_->status_list).add(',');
    } else if (reply.verdict() == Verdict::done) {
        outcome_->settle(Health::healthy, true).add(status);
    } else {
        Writer& detail = outcome_->settle(Health::unhealthy);
        detail.add("reply: ").add(words_of(reply.reason(), *check_));
        if (reply.reason() == Reason::not_found) {
            detail.add(" '").add_untrusted(settings_->contains).add('\'');
        } else if (reply.reason() == Reason::json_field) {
            add_field(detail, reply.body().json());
        }
    }
}

// What it is instead is the body's, and not told.
void Conversation::add_field(Writer& detail, const JsonMatcher& json) const {
    const JsonField& field = settings_->fields()[json.failed()];
    detail.add(" '").add_untrusted(field.path).add('\'');
    if (json.state(json.failed()) == FieldState::missing) {
        detail.add(" is missing");
    } else if (field.has_value) {
        detail.add(" is not '").add_untrusted(field.value).add('\'');
    } else {
        detail.add(" is false or null");
    }
}

void Conversation::judge_grpc(const GrpcCall& call) {
    if (call.verdict() == Verdict::done) {
        const bool serving = call.serving() == Serving::serving;
        outcome_->settle(serving ? Health::healthy : Health::unhealthy, true)
            .add(serving_text(call.serving()));
        return;
    }
    Writer& detail = outcome_->settle(Health::unhealthy);
    const Reason reason = call.reason();
    detail.add("reply: ").add(words_of(reason, *check_));
    if (reason == Reason::failed) {
        detail.add(": ").add(static_cast<std::int64_t>(call.grpc_status()));
        const Literal name = grpc_status_text(call.grpc_status());
        if (!name.empty()) detail.add(' ').add(name);
        if (!call.message().empty()) detail.add(": ").add_untrusted(call.message());
    } else if (reason == Reason::goaway || reason == Reason::rst_stream) {
        detail.add(", code ").add(static_cast<std::int64_t>(call.error_code()));
    } else if (reason == Reason::http_status || reason == Reason::no_trailers) {
        detail.add(", HTTP status ").add(call.http_status());
    }
}

}  // namespace usher::cmd
