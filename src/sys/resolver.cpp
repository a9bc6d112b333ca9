// SPDX-License-Identifier: MIT
#include "resolver.hpp"

#include <errno.h>

#include <algorithm>

#include "file.hpp"
#include "kernel.hpp"

namespace usher::sys {

namespace {

constexpr std::uint16_t dns_port = 53;

template <class Take>
void read_pieces(const char* path, Take take) {
    const auto fd = open(path, OpenMode::read);
    if (!fd) return;
    char room[1024];
    while (true) {
        const auto got = read(fd.value, room);
        if (!got || got.value == 0) break;
        take(std::span<const char>(room, got.value));
    }
    close(fd.value);
}

std::string_view as_text(const std::uint8_t* bytes, std::size_t count) {
    return {reinterpret_cast<const char*>(bytes), count};  // NOLINT(*-reinterpret-cast)
}

std::span<const std::uint8_t> as_bytes(const char* text, std::size_t count) {
    return {reinterpret_cast<const std::uint8_t*>(text), count};  // NOLINT(*-reinterpret-cast)
}

}  // namespace

void Resolver::start(std::string_view name, Time now) {
    state_ = State::running;
    found_ = {};
    if (look_in_hosts(name)) return end(State::found);
    read_configuration();
    names_.emplace(name, configuration_);
    const auto servers = configuration_.servers();
    v6_ = std::any_of(servers.begin(), servers.end(), [](const IpAddress& a) { return a.v6; });
    auto udp = datagram_socket(v6_);
    if (!udp && v6_) {  // no IPv6 here: the servers that need it cannot be asked
        v6_ = false;
        udp = datagram_socket(false);
    }
    if (!udp) return end(State::failed, "no socket for the name server");
    udp_ = udp.value;
    next_name(now);
}

bool Resolver::look_in_hosts(std::string_view name) {
    HostsMatcher hosts(name);
    read_pieces("/etc/hosts", [&](std::span<const char> text) { hosts.feed(text, found_); });
    hosts.finish(found_);
    return found_.count > 0;
}

void Resolver::read_configuration() {
    configuration_ = {};
    read_pieces("/etc/resolv.conf", [&](std::span<const char> text) { configuration_.feed(text); });
    configuration_.finish();
}

void Resolver::next_name(Time now) {
    while (true) {
        const std::string_view name = names_->next(name_);
        if (name.empty()) return end(State::failed, "no such name");
        bool valid = true;
        constexpr DnsType types[] = {DnsType::a, DnsType::aaaa};
        for (int i = 0; i < 2; ++i) {
            Query& query = queries_[i];
            end_tcp(query);
            const auto id = static_cast<std::uint16_t>(random_number());
            const auto length = build_dns_query(id, name, types[i], query.bytes);
            valid = valid && length.has_value();
            query.length = length.value_or(0);
            query.code = no_reply;
            query.answered = false;
            query.found = {};
        }
        if (valid) break;
    }
    const Duration total = configuration_.timeout_s() * second;
    between_ = total / configuration_.attempts();
    give_up_ = after(now, total);
    server_failures_ = 4;  // how many times a failing server is asked again at once
    ask(now);
}

void Resolver::ask(Time now) {
    for (const Query& query : queries_) send(query);
    again_ = after(now, between_);
    wake_ = std::min(again_, give_up_);
}

// To all servers at once: the first good answer counts.
void Resolver::send(const Query& query) {
    if (query.answered || query.tcp >= 0) return;
    for (std::size_t i = 0; i < configuration_.servers().size(); ++i) {
        const SocketAddress to = server_address(i);
        if (to.length > 0) (void)sendto(udp_, as_text(query.bytes, query.length), to);
    }
}

SocketAddress Resolver::server_address(std::size_t server) const {
    const IpAddress& address = configuration_.servers()[server];
    if (address.v6 && !v6_) return {};
    return v6_ ? mapped_address(address, dns_port) : tcp_address(address, dns_port);
}

std::size_t Resolver::interests(std::span<PollFd> fds) const {
    if (state_ != State::running) return 0;
    std::size_t used = 0;
    fds[used++] = {.fd = udp_, .events = poll_in};
    for (const Query& query : queries_) {
        if (query.tcp < 0) continue;
        fds[used++] = {.fd = query.tcp, .events = query.connected ? poll_in : poll_out};
    }
    return used;
}

void Resolver::step(std::span<const PollFd> fds, Time now) {
    if (state_ != State::running) return;
    for (const PollFd& ready : fds) {
        if (ready.revents == 0) continue;
        if (ready.fd == udp_) receive();
        for (Query& query : queries_) {
            if (query.tcp == ready.fd) step_tcp(query);
        }
    }
    if ((queries_[0].answered && queries_[1].answered) || now >= give_up_) return judge(now);
    if (now >= again_) ask(now);
}

// One datagram a step: a flood of them must not keep the deadline from being looked at.
void Resolver::receive() {
    char room[1500];
    SocketAddress from;
    const auto got = recvfrom(udp_, room, from);
    // A checksum that was wrong, mostly. Where reading is refused it stays ready: not to spin then.
    if (!got) return nanosleep(millisecond);
    for (std::size_t i = 0; i < configuration_.servers().size(); ++i) {
        if (server_address(i) == from) return take_reply(as_bytes(room, got.value), i);
    }
}

void Resolver::take_reply(std::span<const std::uint8_t> reply, std::size_t server) {
    for (Query& query : queries_) {
        if (query.answered || query.tcp >= 0) continue;
        AddressList found;
        const DnsReply read = parse_dns_reply(reply, {query.bytes, query.length}, found);
        if (read.verdict == DnsVerdict::foreign) continue;
        constexpr std::uint8_t fine = 0;
        constexpr std::uint8_t server_failure = 2;
        constexpr std::uint8_t no_such_name = 3;
        if (read.code == server_failure && server_failures_ > 0) {
            --server_failures_;
            (void)sendto(udp_, as_text(query.bytes, query.length), server_address(server));
        }
        if (read.code != fine && read.code != no_such_name) return;
        query.found = found;
        query.code = read.code;
        if (read.truncated) return begin_tcp(query, server);
        query.answered = true;
        return;
    }
}

void Resolver::begin_tcp(Query& query, std::size_t server) {
    const SocketAddress to = server_address(server);
    const auto fd = stream_socket(to);
    query.connected = false;
    query.received = 0;
    query.tcp = fd ? fd.value : -1;
    const auto begun = fd ? connect(fd.value, to) : Result<Done>(fd.error);
    if (!begun && begun.error.number != EINPROGRESS) end_tcp(query);
    query.answered = query.tcp < 0;  // use what the truncated reply held
}

void Resolver::end_tcp(Query& query) {
    if (query.tcp >= 0) close(query.tcp);
    query.tcp = -1;
    query.answered = true;
}

void Resolver::step_tcp(Query& query) {
    if (!query.connected) {
        char message[2 + dns_query_limit];
        Writer line(message);
        line.add_big_endian(static_cast<std::uint32_t>(query.length), 2);
        line.add_raw(as_text(query.bytes, query.length));
        // A fresh connection's buffer takes these few bytes whole.
        if (!connect_result(query.tcp) || !send_nonblocking(query.tcp, line.view())) {
            return end_tcp(query);
        }
        query.connected = true;
        return;
    }
    const auto got = recv(query.tcp, std::span(query.reply).subspan(query.received));
    if (!got && (got.error.number == EAGAIN || got.error.number == EINTR)) return;
    query.received += got ? got.value : 0;
    const auto bytes = as_bytes(query.reply, query.received);
    const std::size_t wanted =
        bytes.size() < 2 ? sizeof query.reply : 2 + (std::size_t{bytes[0]} << 8 | bytes[1]);
    const bool over = !got || got.value == 0 || query.received == sizeof query.reply;
    if (!over && query.received < wanted) return;
    AddressList found;
    if (bytes.size() > 2) {
        // Of a reply larger than our room the addresses that fit are more than we can use.
        (void)parse_dns_reply(bytes.subspan(2), {query.bytes, query.length}, found);
    }
    if (found.count >= query.found.count) query.found = found;
    end_tcp(query);
}

void Resolver::judge(Time now) {
    // In turn, so that many addresses of one family leave room for the other.
    for (std::size_t i = 0; i < found_.items.size(); ++i) {
        for (const Query& query : queries_) {
            if (i < query.found.count) found_.add(query.found.items[i]);
        }
    }
    switch (judge_lookup(queries_[0].code, queries_[1].code, found_.count)) {
        case LookupStep::found: return end(State::found);
        case LookupStep::next_name: return next_name(now);
        case LookupStep::no_data: return end(State::failed, "the name has no address");
        case LookupStep::try_again: return end(State::failed, "no answer from the name servers");
        case LookupStep::failed: return end(State::failed, "the name server refused");
    }
}

void Resolver::end(State state, Literal failure) {
    for (Query& query : queries_) end_tcp(query);
    if (udp_ >= 0) close(udp_);
    udp_ = -1;
    state_ = state;
    failure_ = failure;
}

}  // namespace usher::sys
