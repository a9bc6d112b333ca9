// SPDX-License-Identifier: MIT
// A stub resolver's texts and messages (RFC 1035), with the choices that musl's getaddrinfo makes:
// /etc/hosts first, then the search list of resolv.conf, A and AAAA asked at once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "ip_address.hpp"

namespace usher {

enum class DnsType : std::uint8_t { a = 1, aaaa = 28 };

inline constexpr std::size_t dns_query_limit = 12 + 255 + 4;
inline constexpr std::size_t dns_name_limit = 255;

/// Writes a query that asks for recursion, without EDNS; one final dot of `name` is dropped.
/// Returns its length; nothing if the name is not valid (an empty label or one over 63 bytes, 254
/// bytes or more) or `out` is too small. musl goes on to the next name of the search list then.
std::optional<std::size_t> build_dns_query(std::uint16_t id, std::string_view name, DnsType type,
                                           std::span<std::uint8_t> out);

enum class DnsVerdict : std::uint8_t {
    answer,   ///< to our query: see code and truncated
    foreign,  ///< not to our query (id, question): drop it and wait on
    bad,      ///< to our query, but the answers are garbage; what was read before them was added
};

struct DnsReply {
    DnsVerdict verdict = DnsVerdict::foreign;
    bool truncated = false;  ///< TC: ask again by TCP
    /// RCODE: 0 fine, 2 server failure, 3 no such name. musl takes 0 and 3 as final, asks again at
    /// once after 2, and ignores replies with any other, so that these end as no reply.
    std::uint8_t code = 0;
};

/// Reads a reply to `query` and adds all records of its answer section that are of the type asked
/// for, whatever name they belong to: a CNAME chain needs no following, so no compression pointer
/// is ever followed either.
DnsReply parse_dns_reply(std::span<const std::uint8_t> reply, std::span<const std::uint8_t> query,
                         AddressList& out);

/// /etc/resolv.conf, fed in pieces of any size. Call finish() at its end, also if there is no such
/// file.
class ResolvConf {
  public:
    static constexpr std::size_t line_limit = 254;  ///< longer lines are ignored, as by musl

    void feed(std::span<const char> text);
    void finish();

    /// 1 to 3 after finish(); 127.0.0.1 if the file names none.
    [[nodiscard]] std::span<const IpAddress> servers() const {
        return {servers_.data(), server_count_};
    }
    [[nodiscard]] std::string_view search() const { return {search_, search_length_}; }
    [[nodiscard]] unsigned ndots() const { return ndots_; }  ///< 0-15
    [[nodiscard]] unsigned timeout_s() const {
        return timeout_s_;
    }  ///< 0-60, for all attempts together
    [[nodiscard]] unsigned attempts() const { return attempts_ == 0 ? 1 : attempts_; }  ///< 1-10

  private:
    void line();

    std::array<IpAddress, 3> servers_{};
    std::uint8_t server_count_ = 0;
    std::uint8_t ndots_ = 1;
    std::uint8_t timeout_s_ = 5;
    std::uint8_t attempts_ = 2;
    std::uint16_t line_length_ = 0;  ///< line_limit + 1: too long
    std::uint16_t search_length_ = 0;
    char line_[line_limit];
    char search_[line_limit];
};

/// The names to ask for, one after the other. With `ndots` dots or more, or a final dot, only the
/// name itself; else the name in each domain of the search list first.
class SearchList {
  public:
    /// Both must outlive the list. An empty name and one ending in two dots give no names at all.
    SearchList(std::string_view name, const ResolvConf& conf);
    /// The next name, in `out`; empty at the end.
    std::string_view next(std::span<char, dns_name_limit> out);

  private:
    std::string_view name_;
    std::string_view domains_;
    bool done_ = false;
};

/// What follows from the replies for one name.
enum class LookupStep : std::uint8_t {
    found,
    next_name,  ///< no such name: go on in the search list
    no_data,    ///< the name exists but has no address: stop
    try_again,  ///< no reply, or server failure: stop
    failed,     ///< any other error: stop
};
inline constexpr int no_reply = -1;
/// `a` and `aaaa`: RCODE of the reply to each query, or no_reply; `found`: how many addresses they
/// gave.
LookupStep judge_lookup(int a, int aaaa, std::size_t found);

/// Looks for a name in the text of /etc/hosts, fed in pieces of any size; lines of any length. Case
/// matters, as in musl.
class HostsMatcher {
  public:
    explicit HostsMatcher(std::string_view name) : name_(name) {}
    void feed(std::span<const char> text, AddressList& out);
    void finish(AddressList& out);

  private:
    void word_end();

    std::string_view name_;
    char address_[ip_text_limit];
    std::size_t word_length_ = 0;
    bool first_word_ = true;
    bool equal_ = true;     ///< the word so far begins the name
    bool matched_ = false;  ///< a name of this line is ours
    bool comment_ = false;
    std::uint8_t address_length_ = 0;
};

}  // namespace usher
