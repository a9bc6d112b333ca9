// SPDX-License-Identifier: MIT
#include "network_check.hpp"

#include <errno.h>

#include <algorithm>

#include "error_text.hpp"
#include "file.hpp"
#include "log.hpp"

namespace usher::cmd {

namespace {

// A unix socket with a full backlog says so at once, and never says when it has room again.
constexpr Duration backlog_pause = 10 * millisecond;

bool is_again(int number) { return number == EAGAIN || number == EINTR; }

}  // namespace

void NetworkCheck::start(const Check& check, const ProbeSettings& settings, Outcome& outcome,
                         Time now, Time deadline) {
    disconnect();
    check_ = &check;
    settings_ = &settings;
    outcome_ = &outcome;
    started_ = now;
    deadline_ = deadline;
    first_error_ = 0;
    addresses_ = {};
    phase_ = Phase::over;
    if (!conversation_.prepare(check, settings, outcome)) return;
    phase_ = Phase::resolve;
    if (check.endpoint.is_unix) return begin_connecting(now);
    choose_addresses(now);
}

// The resolver must never be asked for what is here: many a container has no working one.
void NetworkCheck::choose_addresses(Time now) {
    const std::string_view host = check_->endpoint.host;
    if (check_->endpoint.is_localhost()) {
        addresses_.add({.v6 = false, .bytes = {127, 0, 0, 1}});
        IpAddress v6{.v6 = true};
        v6.bytes[15] = 1;
        addresses_.add(v6);
    } else if (auto literal = parse_ip(host)) {
        Writer(std::span(literal->zone)).add_raw(check_->endpoint.zone);
        addresses_.add(*literal);
    } else {
        trace("resolving");
        resolver_.emplace();
        resolver_->start(host, now);
        if (resolver_->state() != sys::Resolver::State::running) step({}, now);
        return;
    }
    addresses_known(now);
}

void NetworkCheck::addresses_known(Time now) {
    const bool must_be_verified =
        check_->uses_tls && settings_->tls.ca_cert.empty() && !settings_->tls.no_verify;
    const bool must_be_here = !settings_->allow_remote || must_be_verified;
    for (std::size_t i = 0; i < addresses_.count && must_be_here; ++i) {
        if (sys::is_local(addresses_.items[i])) continue;
        char text[ip_text_limit];
        outcome_->settle(Health::misused)
            .add("not this container's own address: ")
            .add_untrusted(format_ip(addresses_.items[i], text))
            .add(settings_->allow_remote ? Literal(" (needs --tls-ca-cert FILE, or -k)")
                                         : Literal(" (--allow-remote permits it)"));
        phase_ = Phase::over;
        return;
    }
    begin_connecting(now);
}

void NetworkCheck::begin_connecting(Time now) {
    phase_ = Phase::connect;
    next_address_ = 0;
    connect_next(now);
}

std::size_t NetworkCheck::address_count() const {
    return check_->endpoint.is_unix ? 1 : addresses_.count;
}

sys::SocketAddress NetworkCheck::address(std::size_t index) const {
    const Endpoint& endpoint = check_->endpoint;
    return endpoint.is_unix ? sys::unix_address(endpoint.path)
                            : sys::tcp_address(addresses_.items[index], endpoint.port);
}

NetworkCheck::Attempt* NetworkCheck::attempt_of(int fd) {
    const auto found = std::ranges::find(attempts_, fd, &Attempt::fd);
    return found == attempts_.end() ? nullptr : &*found;
}

// Addresses that fail at once are passed over. When none is left, and none is being tried, that is
// the end.
void NetworkCheck::connect_next(Time now) {
    while (next_address_ < address_count()) {
        Attempt* const unused = attempt_of(-1);
        if (unused == nullptr) return;
        const std::size_t index = next_address_++;
        const int error = begin_attempt(*unused, index);
        if (phase_ != Phase::connect) return;
        if (error == 0) {
            next_attempt_ = next_attempt(now);
            return;
        }
        if (index == 0) first_error_ = error;
    }
    next_attempt_ = infinite;
    const bool none = std::ranges::all_of(attempts_, [](const Attempt& a) { return a.fd < 0; });
    if (none) fail("connect", first_error_);
}

// Returns the errno when it failed at once.
int NetworkCheck::begin_attempt(Attempt& attempt, std::size_t index) {
    trace_attempt(index);
    const sys::SocketAddress to = address(index);
    const auto fd = sys::stream_socket(to);
    if (!fd) return fd.error.number;
    attempt = {.fd = fd.value, .address = index};
    const auto begun = sys::connect(fd.value, to);
    if (!begun && begun.error.number == EINPROGRESS) return 0;
    const int error = begun ? refuse_itself(attempt) : begun.error.number;
    if (error == 0) {
        connected(attempt);
        return 0;
    }
    attempt_failed(attempt, error);
    if (error == EAGAIN && check_->endpoint.is_unix) phase_ = Phase::retry;
    return error;
}

// Of a connection that was made: ECONNREFUSED if it is one to itself, else 0.
int NetworkCheck::refuse_itself(const Attempt& attempt) const {
    if (check_->endpoint.is_unix ||
        !sys::is_connected_to_itself(attempt.fd, address(attempt.address))) {
        return 0;
    }
    sys::reset_when_closed(attempt.fd);
    return ECONNREFUSED;
}

void NetworkCheck::attempt_failed(Attempt& attempt, int number) {
    if (attempt.address == 0) first_error_ = number;
    sys::close(attempt.fd);
    attempt.fd = -1;
}

// While there is room, no address waits for another one. After that those that are left share the
// time, and the oldest attempt makes room.
Time NetworkCheck::next_attempt(Time now) {
    const std::size_t left = address_count() - next_address_;
    if (left == 0) return infinite;
    if (attempt_of(-1) != nullptr) return after(now, attempt_delay);
    if (deadline_ == infinite) return infinite;
    return now + std::max(attempt_delay, (deadline_ - now) / static_cast<Duration>(left + 1));
}

void NetworkCheck::make_room() {
    if (attempt_of(-1) != nullptr) return;
    Attempt& oldest = *std::ranges::min_element(attempts_, {}, &Attempt::address);
    (void)refuse_itself(oldest);
    attempt_failed(oldest, ETIMEDOUT);
}

void NetworkCheck::step_attempts(std::span<const sys::PollFd> fds, Time now) {
    for (const sys::PollFd& polled : fds) {
        Attempt* const attempt = attempt_of(polled.fd);
        if (polled.revents == 0 || attempt == nullptr) continue;
        const auto done = sys::connect_result(attempt->fd);
        const int error = done ? refuse_itself(*attempt) : done.error.number;
        if (error == 0) return connected(*attempt);
        attempt_failed(*attempt, error);
        connect_next(now);
        if (phase_ != Phase::connect) return;
    }
    if (now < next_attempt_) return;
    make_room();
    connect_next(now);
}

// The first one wins; the others are given up.
void NetworkCheck::connected(Attempt& attempt) {
    stream_.open(attempt.fd);
    attempt.fd = -1;
    close_attempts();
    trace("connected");
    if (!check_->uses_tls) return talk();
    phase_ = Phase::secure;
    secure();
}

// What the certificate has to be for, and SNI.
std::string_view NetworkCheck::server_name() const {
    if (!settings_->tls.server_name.empty()) return settings_->tls.server_name;
    std::string_view host = settings_->host;
    if (!host.empty())
        return begins_with(host, "[") ? slice(host, 1, find(host, ']') - 1) : take_until(host, ':');
    const Endpoint& endpoint = check_->endpoint;
    return endpoint.is_unix || endpoint.is_localhost() ? std::string_view("localhost")
                                                       : endpoint.host;
}

void NetworkCheck::secure() {
    constexpr sys::Protocol protocols[] = {sys::Protocol::http1, sys::Protocol::any,
                                           sys::Protocol::http2};
    static_assert(static_cast<int>(CheckKind::grpc) == 2);
    const sys::TlsPeer peer{.name = server_name(),
                            .protocol = protocols[static_cast<int>(check_->kind)],
                            .verify = !settings_->tls.ca_cert.empty()};
    switch (stream_.secure(peer)) {
        case sys::Stream::Progress::more: return;
        case sys::Stream::Progress::failed: return fail("tls", EPROTO);
        case sys::Stream::Progress::done: break;
    }
    trace(peer.verify ? Literal("secured and verified, ") : Literal("secured, not verified, "),
          stream_.version().view());
    talk();
}

void NetworkCheck::talk() {
    if (!conversation_.is_needed()) return succeed();
    conversation_.begin();
    phase_ = Phase::send;
    send();
}

void NetworkCheck::close_attempts() {
    for (Attempt& attempt : attempts_) {
        if (attempt.fd < 0) continue;
        (void)refuse_itself(attempt);  // it may have met itself since it was looked at
        sys::close(attempt.fd);
        attempt.fd = -1;
    }
}

void NetworkCheck::send() {
    while (!conversation_.is_request_sent()) {
        const auto written = stream_.write(conversation_.to_send());
        if (!written && is_again(written.error.number)) return;
        // A server may answer and close before it has read all: its words count for more.
        if (!written) conversation_.give_up_sending();
        conversation_.sent(written.value);
    }
    trace("sent");
    phase_ = Phase::reply;
}

// One record a step: a peer that never pauses must not keep the deadline from being looked at.
void NetworkCheck::receive(Time now) {
    char room[4096];
    Verdict verdict = Verdict::more;
    do {
        const auto got = stream_.read(room);
        if (!got && is_again(got.error.number)) return;
        if (!got) return fail("reply", got.error.number);
        verdict = conversation_.hear({room, got.value});
    } while (verdict == Verdict::more && stream_.has_pending());
    while (!conversation_.to_send().empty()) {
        const auto written = stream_.write(conversation_.to_send());
        if (!written) break;  // it is bounded, and the answer may be on its way already
        conversation_.sent(written.value);
    }
    if (verdict == Verdict::more) return;
    if (!conversation_.at_end()) return begin_drain(now);
    disconnect();
    phase_ = Phase::over;
}

void NetworkCheck::begin_drain(Time now) {
    phase_ = Phase::drain;
    drain_end_ = std::min(deadline_, after(now, drain_time));
    drained_ = 0;
}

void NetworkCheck::drain(bool ready, Time now) {
    bool is_over = now >= drain_end_;
    if (ready && !is_over) {
        char room[4096];
        const auto got = stream_.read(room);
        if (!got && is_again(got.error.number)) return;
        drained_ += got.value;
        is_over = !got || got.value == 0 || drained_ >= drain_limit;
        (void)conversation_.hear({room, got.value});
    }
    if (!is_over && !conversation_.at_end()) return;
    disconnect();
    phase_ = Phase::over;
}

std::size_t NetworkCheck::interests(std::span<sys::PollFd> fds) const {
    if (phase_ == Phase::over || phase_ == Phase::retry) return 0;
    if (phase_ == Phase::resolve) return resolver_ ? resolver_->interests(fds) : 0;
    if (phase_ == Phase::connect) {
        std::size_t used = 0;
        for (const Attempt& attempt : attempts_) {
            if (attempt.fd >= 0) fds[used++] = {.fd = attempt.fd, .events = sys::poll_out};
        }
        return used;
    }
    const bool is_reading = phase_ == Phase::reply || phase_ == Phase::drain;
    fds[0] = {.fd = stream_.fd(),
              .events = stream_.events(is_reading ? sys::poll_in : sys::poll_out)};
    return 1;
}

Time NetworkCheck::wake() const {
    switch (phase_) {
        case Phase::over: return infinite;
        case Phase::resolve: return std::min(deadline_, resolver_ ? resolver_->wake() : infinite);
        case Phase::retry: return std::min(deadline_, sys::monotonic_clock() + backlog_pause);
        case Phase::connect: return std::min(deadline_, next_attempt_);
        case Phase::drain: return drain_end_;
        case Phase::secure:
        case Phase::send:
        case Phase::reply: break;
    }
    return deadline_;
}

void NetworkCheck::step(std::span<const sys::PollFd> fds, Time now) {
    if (phase_ == Phase::over) return;
    if (phase_ == Phase::drain) return drain(!fds.empty() && fds[0].revents != 0, now);
    if (now >= deadline_) return time_out();
    const bool ready = !fds.empty() && fds[0].revents != 0;
    switch (phase_) {
        case Phase::over: return;
        case Phase::resolve:
            if (resolver_->state() == sys::Resolver::State::running) resolver_->step(fds, now);
            if (resolver_->state() == sys::Resolver::State::failed) {
                return fail("resolve", resolver_->failure());
            }
            if (resolver_->state() != sys::Resolver::State::found) return;
            addresses_ = resolver_->addresses();
            return addresses_known(now);
        case Phase::retry: return begin_connecting(now);
        case Phase::connect: return step_attempts(fds, now);
        case Phase::secure:
            if (ready) secure();
            return;
        case Phase::send:
            if (ready) send();
            return;
        case Phase::reply:
            if (ready) receive(now);
            return;
        case Phase::drain: return;
    }
}

Literal NetworkCheck::phase_name() const {
    switch (phase_) {
        case Phase::over:
        case Phase::drain: break;
        case Phase::resolve: return "resolve";
        case Phase::connect:
        case Phase::retry: return "connect";
        case Phase::secure: return "tls";
        case Phase::send: return "send";
        case Phase::reply: return "reply";
    }
    return {};
}

void NetworkCheck::time_out() {
    const bool is_full = phase_ == Phase::retry;
    fail(phase_name(), is_full ? Literal("backlog full, timed out") : Literal("timed out"));
    outcome_->timed = true;
}

void NetworkCheck::fail(Literal phase, Literal reason) {
    outcome_->settle(Health::unhealthy).add(phase).add(": ").add(reason);
    disconnect();
    phase_ = Phase::over;
}

void NetworkCheck::fail(Literal phase, int number) {
    Writer& detail = outcome_->settle(Health::unhealthy).add(phase).add(": ");
    if (number != EPROTO || !stream_.add_failure(detail)) sys::add_error(detail, number);
    outcome_->was_made = !sys::is_shortage(number);
    disconnect();
    phase_ = Phase::over;
}

void NetworkCheck::succeed() {
    Writer& detail = outcome_->settle(Health::healthy, true);
    if (check_->uses_tls) detail.add(stream_.version());
    disconnect();
    phase_ = Phase::over;
}

// Also what the resolver and other attempts have open when the time is up.
void NetworkCheck::disconnect() {
    resolver_.reset();
    close_attempts();
    stream_.close();
}

void NetworkCheck::trace_attempt(std::size_t index) {
    if (settings_->verbosity <= 0) return;
    if (check_->endpoint.is_unix) return trace("connecting");
    char ip[ip_text_limit];
    trace("connecting to ", format_ip(addresses_.items[index], ip));
}

void NetworkCheck::trace(Literal what, std::string_view address) {
    if (settings_->verbosity <= 0) return;
    char room[256];
    Writer line(room);
    line.add_untrusted(check_->text).add(": ").add(what).add_untrusted(address).add(" at ");
    line.add((sys::monotonic_clock() - started_) / millisecond).add("ms\n");
    sys::Log().put(line.view());
}

}  // namespace usher::cmd
