// SPDX-License-Identifier: MIT
// A stub resolver's texts and messages (RFC 1035): /etc/hosts first, then the name and the search
// list of resolv.conf, A and AAAA asked at once, and all name servers as well, as musl does it.
// What getaddrinfo of glibc or of musl would find shall be found, so of two answers the better
// counts.
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
    std::uint8_t code = 0;   ///< RCODE: see answer_of
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

    /// 1 to 3 after finish(), perhaps with a zone; 127.0.0.1 if the file names none.
    [[nodiscard]] std::span<const IpAddress> servers() const {
        return {servers_.data(), server_count_};
    }
    [[nodiscard]] std::string_view search() const { return {search_, search_length_}; }
    [[nodiscard]] unsigned ndots() const { return ndots_; }  ///< 0-15
    /// 1-60, for all attempts together; 0 stands for 1, as in glibc.
    [[nodiscard]] unsigned timeout_s() const { return timeout_s_ == 0 ? 1 : timeout_s_; }
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

/// The names to ask for, one after the other: the name in each domain of the search list, and the
/// name itself, which comes first if it has `ndots` dots or more, else last. With a final dot only
/// the name itself.
class SearchList {
  public:
    /// Both must outlive the list. An empty name and one ending in two dots give no names at all.
    SearchList(std::string_view name, const ResolvConf& conf);
    /// The next name, in `out`; empty at the end.
    std::string_view next(std::span<char, dns_name_limit> out);
    /// Whether next() has given the last one.
    [[nodiscard]] bool at_end() const;

  private:
    enum class Itself : std::uint8_t { first, last, done };

    std::string_view name_;
    std::string_view domains_;
    Itself itself_ = Itself::last;
};

/// What a name server says to a query, or all of them do: the better, the higher.
enum class DnsAnswer : std::uint8_t {
    none,         ///< nothing, so far
    unreachable,  ///< it cannot be asked
    failed,       ///< SERVFAIL: it may know when asked again
    refused,      ///< REFUSED, NOTIMP and all other codes: another server, or name, may be better
    no_such_name,
    no_data,  ///< the name exists, and has no address of this kind
    addresses,
};
/// `any`: whether it gave an address.
DnsAnswer answer_of(const DnsReply& reply, bool any);
/// What the answers to both queries for a name come to: the addresses of one are enough; a name
/// that does not exist has neither kind; else the worse one tells how much is known.
DnsAnswer judge_lookup(DnsAnswer a, DnsAnswer aaaa);

/// Looks for a name in the text of /etc/hosts, fed in pieces of any size; lines of any length. Case
/// does not matter (RFC 1035, section 2.3.3).
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
