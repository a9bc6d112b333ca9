// SPDX-License-Identifier: MIT
#include "dns.hpp"

#include <algorithm>

#include "number.hpp"
#include "text.hpp"

namespace usher {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t header_size = 12;

// Sets `value` to the number behind `key`, wherever in the line, at most `cap`.
void find_option(std::string_view line, std::string_view key, std::uint8_t cap,
                 std::uint8_t& value) {
    for (std::size_t i = 0; i + key.size() < line.size(); ++i) {
        if (slice(line, i, key.size()) != key) continue;
        std::string_view rest = slice(line, i + key.size());
        const std::string_view digits = take_digits(rest);
        if (digits.empty()) return;
        value = static_cast<std::uint8_t>(parse_number(digits, cap).value_or(cap));
        return;
    }
}

// A cursor over a reply that never leaves it.
class Reader {
  public:
    explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

    [[gnu::noinline]] unsigned byte() {
        if (at_ < bytes_.size()) return bytes_[at_++];
        bad_ = true;
        return 0;
    }
    [[gnu::noinline]] unsigned number() {
        const unsigned high = byte();
        return high << 8 | byte();
    }
    [[gnu::noinline]] void skip(std::size_t count) {
        if (count > bytes_.size() - at_) bad_ = true;
        at_ = bad_ ? bytes_.size() : at_ + count;
    }
    // Labels up to an empty one or a compression pointer (RFC 1035 4.1.4), which ends a name where
    // it stands.
    void skip_name() {
        unsigned length = 0;
        while ((length = byte()) != 0 && length < 0x40) skip(length);
        if (length >= 0xc0)
            skip(1);
        else if (length != 0)
            bad_ = true;
    }
    [[nodiscard]] bool bad() const { return bad_; }

  private:
    std::span<const std::uint8_t> bytes_;
    std::size_t at_ = 0;
    bool bad_ = false;
};

// Letters in a question are names; a label's length and the type and class are below 'A'.
bool same_question(std::span<const std::uint8_t> reply, std::span<const std::uint8_t> query) {
    if (query.size() < header_size || reply.size() < query.size()) return false;
    const auto text = [&](std::span<const std::uint8_t> bytes) {
        return std::string_view(reinterpret_cast<const char*>(bytes.data()) + header_size,
                                query.size() - header_size);
    };
    return equal_ignoring_case(text(reply), text(query));
}

void read_record(Reader& from, unsigned asked, AddressList& out) {
    from.skip_name();
    const unsigned type = from.number();
    from.skip(2 + 4);  // class, time to live
    const unsigned length = from.number();
    if (type != asked) return from.skip(length);
    IpAddress address;
    address.v6 = type == static_cast<unsigned>(DnsType::aaaa);
    if (length != (address.v6 ? 16U : 4U)) return from.skip(SIZE_MAX);
    for (unsigned i = 0; i < length; ++i) address.bytes[i] = static_cast<std::uint8_t>(from.byte());
    if (!from.bad()) out.add(address);
}

}  // namespace

std::optional<std::size_t> build_dns_query(std::uint16_t id, std::string_view name, DnsType type,
                                           std::span<std::uint8_t> out) {
    Writer to(out);
    to.add_big_endian(id, 2).add_raw("\1\0\0\1\0\0\0\0\0\0"sv);  // RD; one question
    if (name.ends_with('.')) name.remove_suffix(1);
    to.add_byte(0);
    bool valid = name.size() <= 253;
    // Each label is preceded by its length; after the last one stands the empty label, which ends
    // the name.
    std::size_t length_at = header_size;
    for (std::size_t i = 0; i <= name.size(); ++i) {
        if (i != name.size() && name[i] != '.') {
            to.add(name[i]);
            continue;
        }
        const std::size_t length = to.size() - length_at - 1;
        valid = valid && length - 1 < 63;
        to.patch(length_at, static_cast<std::uint8_t>(length));
        length_at = to.size();
        to.add_byte(0);
    }
    to.add_big_endian(static_cast<std::uint32_t>(type) << 16 | 1, 4);  // class IN
    if (!valid || !to.fits()) return std::nullopt;
    return to.size();
}

DnsReply parse_dns_reply(std::span<const std::uint8_t> reply, std::span<const std::uint8_t> query,
                         AddressList& out) {
    Reader from(reply);
    const unsigned id = from.number();
    const unsigned flags = from.number();
    const unsigned questions = from.number();
    unsigned answers = from.number();
    from.skip(4);
    DnsReply result;
    if (from.bad() || query.size() < 2 || id != (query[0] * 256U | query[1])) return result;
    constexpr unsigned flag_reply = 0x8000, opcode_mask = 0x7800, flag_truncated = 0x0200,
                       rcode_mask = 0x000f;
    if ((flags & (flag_reply | opcode_mask)) != flag_reply) return result;
    result.code = flags & rcode_mask;
    result.truncated = (flags & flag_truncated) != 0;
    // A server that refuses or fails may leave the question out.
    const bool may_omit = result.code != 0 && result.code != 3;
    if (questions == 1 ? !same_question(reply, query) : questions != 0 || !may_omit) return result;
    result.verdict = DnsVerdict::answer;
    if (result.code != 0) return result;
    from.skip(query.size() - header_size);
    // A query ends with its type, which is below 256, and its class.
    const unsigned asked = query[query.size() - 3];
    for (; answers > 0 && !from.bad(); --answers) read_record(from, asked, out);
    // Where a truncated reply is cut is the server's choice.
    if (from.bad() && !result.truncated) result.verdict = DnsVerdict::bad;
    return result;
}

void ResolvConf::feed(std::span<const char> text) {
    for (const char c : text) {
        if (c == '\n') {
            line();
            line_length_ = 0;
        } else if (line_length_ < line_limit) {
            line_[line_length_++] = c;
        } else {
            line_length_ = line_limit + 1;
        }
    }
}

void ResolvConf::finish() {
    line();
    line_length_ = 0;
    if (server_count_ == 0) {
        servers_[0] = IpAddress{false, {127, 0, 0, 1}};
        server_count_ = 1;
    }
}

void ResolvConf::line() {
    if (line_length_ > line_limit || line_length_ == 0 || is_space(line_[0])) return;
    std::string_view rest(line_, line_length_);
    const std::string_view keyword = take_word(rest);
    if (keyword == "options") {
        find_option(rest, "ndots:", 15, ndots_);
        find_option(rest, "timeout:", 60, timeout_s_);
        find_option(rest, "attempts:", 10, attempts_);
    } else if (keyword == "nameserver") {
        const std::optional<IpAddress> address = parse_scoped_ip(take_word(rest));
        if (address && server_count_ < servers_.size()) servers_[server_count_++] = *address;
    } else if (keyword == "search" || keyword == "domain") {
        search_length_ = 0;  // the last such line counts
        for (const char c : rest)
            if (search_length_ != 0 || !is_space(c)) search_[search_length_++] = c;
    }
}

SearchList::SearchList(std::string_view name, const ResolvConf& conf) : name_(name) {
    unsigned dots = 0;
    for (const char c : name) dots += c == '.' ? 1U : 0U;
    const bool final_dot = name.ends_with('.');
    if (final_dot) name_.remove_suffix(1);
    if (!final_dot) domains_ = conf.search();
    if (dots >= conf.ndots() || final_dot) itself_ = Itself::first;
    if (!name_.empty() && !name_.ends_with('.')) return;
    itself_ = Itself::done;
    domains_ = {};
}

std::string_view SearchList::next(std::span<char, dns_name_limit> out) {
    Writer to{std::span<char>(out)};
    while (itself_ != Itself::first) {
        const std::string_view domain = take_word(domains_);
        if (domain.empty()) break;
        if (name_.size() + 1 + domain.size() > out.size()) continue;
        to.add_raw(name_).add('.').add_raw(domain);
        return to.view();
    }
    if (itself_ != Itself::done && name_.size() <= out.size()) to.add_raw(name_);
    itself_ = Itself::done;
    return to.view();
}

bool SearchList::at_end() const {
    std::string_view rest = domains_;
    return itself_ == Itself::done && take_word(rest).empty();
}

DnsAnswer answer_of(const DnsReply& reply, bool any) {
    switch (reply.code) {
        case 0: return any ? DnsAnswer::addresses : DnsAnswer::no_data;
        case 2: return DnsAnswer::failed;
        case 3: return DnsAnswer::no_such_name;
        default: return DnsAnswer::refused;
    }
}

DnsAnswer judge_lookup(DnsAnswer a, DnsAnswer aaaa) {
    for (const DnsAnswer decisive : {DnsAnswer::addresses, DnsAnswer::no_such_name}) {
        if (a == decisive || aaaa == decisive) return decisive;
    }
    return std::min(a, aaaa);
}

// A line is an address, then names; a '#' anywhere ends it.
void HostsMatcher::feed(std::span<const char> text, AddressList& out) {
    for (const char c : text) {
        if (c == '\n') {
            finish(out);
        } else if (comment_ || c == '#') {
            comment_ = true;
        } else if (is_space(c)) {
            word_end();
        } else {
            if (first_word_) {
                if (word_length_ < sizeof address_) address_[word_length_] = c;
            } else {
                equal_ = equal_ && word_length_ < name_.size() &&
                         to_lower(name_[word_length_]) == to_lower(c);
            }
            ++word_length_;
        }
    }
}

void HostsMatcher::word_end() {
    if (first_word_ && word_length_ == 0) return;  // blanks in front, as glibc takes them
    if (first_word_)
        address_length_ =
            static_cast<std::uint8_t>(word_length_ <= sizeof address_ ? word_length_ : 0);
    else if (equal_ && word_length_ == name_.size() && word_length_ != 0)
        matched_ = true;
    first_word_ = false;
    equal_ = true;
    word_length_ = 0;
}

void HostsMatcher::finish(AddressList& out) {
    word_end();
    const std::optional<IpAddress> address = parse_ip({address_, address_length_});
    if (matched_ && address) out.add(*address);
    first_word_ = true;
    matched_ = comment_ = false;
}

}  // namespace usher
