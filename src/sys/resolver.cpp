// SPDX-License-Identifier: MIT
#include "resolver.hpp"

#include <errno.h>

#include <algorithm>

#include "file.hpp"
#include "kernel.hpp"

namespace usher::sys {

namespace {

constexpr std::uint16_t dns_port = 53;

using Take = void (*)(void* context, std::span<const char> text);
void read_pieces(const char* path, Take take, void* context) {
    const auto fd = open(path, OpenMode::read);
    if (!fd) return;
    char room[1024];
    while (true) {
        const auto got = read(fd.value, room);
        if (!got || got.value == 0) break;
        take(context, std::span<const char>(room, got.value));
    }
    close(fd.value);
}

std::string_view as_text(const std::uint8_t* bytes, std::size_t count) {
    return {reinterpret_cast<const char*>(bytes), count};  // NOLINT(*-reinterpret-cast)
}

std::span<const std::uint8_t> as_bytes(const char* text, std::size_t count) {
    return {reinterpret_cast<const std::uint8_t*>(text), count};  // NOLINT(*-reinterpret-cast)
}

bool is_again(int number) { return number == EAGAIN || number == EINTR; }

Literal failure_of(DnsAnswer answer) {
    switch (answer) {
        case DnsAnswer::refused: return "the name server refused";
        case DnsAnswer::no_such_name: return "no such name";
        case DnsAnswer::no_data: return "the name has no address";
        case DnsAnswer::none:
        case DnsAnswer::unreachable:
        case DnsAnswer::failed:
        case DnsAnswer::addresses: break;
    }
    return "no answer from the name servers";
}

}  // namespace

void Resolver::start(std::string_view name, Time now) {
    state_ = State::running;
    found_ = {};
    worst_ = DnsAnswer::no_such_name;
    if (look_in_hosts(name)) return end(State::found);
    read_configuration();
    names_.emplace(name, configuration_);
    if (!open_servers()) return end(State::failed, "no socket for the name server");
    for (Query& query : queries_) std::ranges::fill(query.is_slow, false);
    next_name(now);
}

bool Resolver::look_in_hosts(std::string_view name) {
    struct Search {
        HostsMatcher hosts;
        AddressList& found;
    } search{HostsMatcher(name), found_};
    const auto feed = [](void* context, std::span<const char> text) {
        Search& into = *static_cast<Search*>(context);
        into.hosts.feed(text, into.found);
    };
    read_pieces("/etc/hosts", feed, &search);
    search.hosts.finish(found_);
    return found_.count > 0;
}

void Resolver::read_configuration() {
    configuration_ = {};
    const auto feed = [](void* context, std::span<const char> text) {
        static_cast<ResolvConf*>(context)->feed(text);
    };
    read_pieces("/etc/resolv.conf", feed, &configuration_);
    configuration_.finish();
}

// A socket each, so that the kernel drops what strangers send, and tells when nobody is there.
// False: there is none to be had.
bool Resolver::open_servers() {
    bool any = false;
    bool refused = false;
    for (std::size_t i = 0; i < server_count(); ++i) {
        const IpAddress& address = configuration_.servers()[i];
        const auto fd = datagram_socket(address.v6);
        refused = refused || (!fd && fd.error.number != EAFNOSUPPORT);
        if (!fd) continue;
        servers_[i] = fd.value;
        any = true;
        if (!connect(fd.value, tcp_address(address, dns_port))) unreachable(i);
    }
    return any || !refused;
}

void Resolver::next_name(Time now) {
    while (true) {
        const std::string_view name = names_->next(name_);
        if (name.empty()) return end(State::failed, failure_of(worst_));
        if (build_queries(name)) break;
    }
    const Duration total = configuration_.timeout_s() * second;
    between_ = total / configuration_.attempts();
    give_up_ = after(now, total);
    patience_end_ = infinite;
    retries_ = 4;
    ask(now);
}

bool Resolver::build_queries(std::string_view name) {
    bool valid = true;
    constexpr DnsType types[] = {DnsType::a, DnsType::aaaa};
    for (int i = 0; i < 2; ++i) {
        Query& query = queries_[i];
        const auto id = static_cast<std::uint16_t>(random_number());
        const auto length = build_dns_query(id, name, types[i], query.bytes);
        valid = valid && length.has_value();
        query.length = length.value_or(0);
        query.found = {};
        for (std::size_t s = 0; s < most_servers; ++s) {
            query.said[s] = servers_[s] < 0 ? DnsAnswer::unreachable : DnsAnswer::none;
        }
    }
    return valid;
}

// All servers at once, those that have not answered yet.
void Resolver::ask(Time now) {
    for (const Query& query : queries_) {
        for (std::size_t i = 0; i < server_count() && query.tcp < 0; ++i) {
            const DnsAnswer said = query.said[i];
            if (said == DnsAnswer::none || said == DnsAnswer::failed) send(query, i);
        }
    }
    again_ = after(now, between_);
}

void Resolver::send(const Query& query, std::size_t server) {
    if (servers_[server] < 0 || query.best() == DnsAnswer::addresses) return;
    const auto sent = send_nonblocking(servers_[server], as_text(query.bytes, query.length));
    if (!sent && !is_again(sent.error.number)) unreachable(server);
}

void Resolver::unreachable(std::size_t server) {
    close(servers_[server]);
    servers_[server] = -1;
    for (Query& query : queries_) {
        query.said[server] = std::max(query.said[server], DnsAnswer::unreachable);
    }
}

std::size_t Resolver::interests(std::span<PollFd> fds) const {
    if (state_ != State::running) return 0;
    std::size_t used = 0;
    for (const int server : servers_) {
        if (server >= 0) fds[used++] = {.fd = server, .events = poll_in};
    }
    for (const Query& query : queries_) {
        if (query.tcp < 0) continue;
        fds[used++] = {.fd = query.tcp, .events = query.connected ? poll_in : poll_out};
    }
    return used;
}

// At once, where nobody is left to wait for.
Time Resolver::wake() const {
    if (state_ != State::running) return infinite;
    return can_hear() ? std::min({again_, patience_end_, give_up_}) : 0;
}

bool Resolver::can_hear() const {
    return std::ranges::any_of(servers_, [](int server) { return server >= 0; }) ||
           std::ranges::any_of(queries_, [](const Query& query) { return query.tcp >= 0; });
}

void Resolver::step(std::span<const PollFd> fds, Time now) {
    if (state_ != State::running) return;
    for (const PollFd& ready : fds) {
        if (ready.revents == 0) continue;
        for (std::size_t i = 0; i < server_count(); ++i) {
            if (servers_[i] == ready.fd) receive(i);
        }
        for (Query& query : queries_) {
            if (query.tcp == ready.fd) step_tcp(query);
        }
    }
    if (is_over(now)) return conclude(now);
    if (now >= again_) ask(now);
}

// One datagram a step: a flood of them must not keep the deadline from being looked at.
void Resolver::receive(std::size_t server) {
    char room[1500];
    const auto got = recv(servers_[server], room);
    if (got) return take_reply(as_bytes(room, got.value), server);
    // EAGAIN: a checksum that was wrong. ECONNREFUSED: nobody listens there, said ICMP.
    if (!is_again(got.error.number)) unreachable(server);
}

void Resolver::take_reply(std::span<const std::uint8_t> reply, std::size_t server) {
    for (Query& query : queries_) {
        if (query.tcp >= 0 || query.best() == DnsAnswer::addresses) continue;
        AddressList found;
        const DnsReply read = parse_dns_reply(reply, {query.bytes, query.length}, found);
        if (read.verdict == DnsVerdict::foreign) continue;
        const DnsAnswer answer = answer_of(read, found.count > 0);
        // A server that fails may do so for a moment: asked again at once, as musl does it.
        if (answer == DnsAnswer::failed && retries_ > 0) {
            --retries_;
            return send(query, server);
        }
        if (answer == DnsAnswer::addresses) {
            query.found = found;
            query.server = server;
        }
        if (read.truncated) return begin_tcp(query, server);
        query.said[server] = std::max(query.said[server], answer);
        return;
    }
}

void Resolver::begin_tcp(Query& query, std::size_t server) {
    const SocketAddress to = tcp_address(configuration_.servers()[server], dns_port);
    const auto fd = stream_socket(to);
    query.server = server;
    query.connected = false;
    query.received = 0;
    query.tcp = fd ? fd.value : -1;
    const auto begun = fd ? connect(fd.value, to) : Result<Done>(fd.error);
    if (!begun && begun.error.number != EINPROGRESS) end_tcp(query);
}

// What came by TCP is the answer, or else what the truncated reply held.
void Resolver::end_tcp(Query& query) {
    if (query.tcp >= 0) close(query.tcp);
    query.tcp = -1;
    query.said[query.server] = query.found.count > 0 ? DnsAnswer::addresses : DnsAnswer::no_data;
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
    if (!got && is_again(got.error.number)) return;
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

DnsAnswer Resolver::Query::best() const {
    return tcp >= 0 ? DnsAnswer::none : *std::ranges::max_element(said);
}

// Nothing more will come, or nothing better.
bool Resolver::Query::is_settled(std::size_t servers) const {
    if (tcp >= 0 || best() == DnsAnswer::addresses) return tcp < 0;
    for (std::size_t i = 0; i < servers; ++i) {
        if (said[i] == DnsAnswer::none && !is_slow[i]) return false;
    }
    return true;
}

// Both queries are settled, or the server that gave the one kind of address has answered to the
// other as well.
bool Resolver::has_enough() const {
    const Query& a = queries_[0];
    const Query& aaaa = queries_[1];
    const auto completes = [](const Query& good, const Query& other) {
        return good.best() == DnsAnswer::addresses && other.tcp < 0 &&
               other.said[good.server] != DnsAnswer::none;
    };
    return completes(a, aaaa) || completes(aaaa, a) ||
           (a.is_settled(server_count()) && aaaa.is_settled(server_count()));
}

bool Resolver::is_over(Time now) {
    if (now >= give_up_ || now >= patience_end_) return true;
    const DnsAnswer answer = judge_lookup(queries_[0].best(), queries_[1].best());
    if (answer >= DnsAnswer::no_such_name) {
        if (patience_end_ == infinite) patience_end_ = after(now, patience);
        return has_enough();
    }
    // A server that fails is asked again, unless there is another name to ask for.
    const bool may_change = answer == DnsAnswer::failed && names_->at_end() && can_hear();
    return has_enough() && answer != DnsAnswer::none && !may_change;
}

void Resolver::conclude(Time now) {
    for (Query& query : queries_) {
        if (query.tcp >= 0) end_tcp(query);
    }
    const DnsAnswer answer = judge_lookup(queries_[0].best(), queries_[1].best());
    if (answer == DnsAnswer::addresses) return take_addresses();
    if (answer <= DnsAnswer::unreachable) return end(State::failed, failure_of(answer));
    if (worst_ == DnsAnswer::no_such_name) worst_ = answer;
    for (Query& query : queries_) {
        for (std::size_t i = 0; i < server_count(); ++i) {
            query.is_slow[i] = query.is_slow[i] || query.said[i] == DnsAnswer::none;
        }
    }
    next_name(now);
}

// In turn, so that many addresses of one family leave room for the other.
void Resolver::take_addresses() {
    for (std::size_t i = 0; i < found_.items.size(); ++i) {
        for (const Query& query : queries_) {
            if (i < query.found.count) found_.add(query.found.items[i]);
        }
    }
    end(State::found);
}

void Resolver::end(State state, Literal failure) {
    for (Query& query : queries_) end_tcp(query);
    for (int& server : servers_) {
        if (server >= 0) close(server);
        server = -1;
    }
    state_ = state;
    failure_ = failure;
}

}  // namespace usher::sys
