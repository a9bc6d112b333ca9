// SPDX-License-Identifier: MIT
#include "ip_address.hpp"

#include <algorithm>

#include "number.hpp"
#include "text.hpp"

namespace usher {
namespace {

bool parse_v4(std::string_view text, std::uint8_t* out) {
    for (int part = 0; part < 4; ++part) {
        const std::string_view digits = take_until(text, '.');
        const auto number = parse_number(digits, 255);
        const bool is_last = text.data() == nullptr;
        if (!number || (digits.size() > 1 && digits[0] == '0') || is_last != (part == 3)) {
            return false;
        }
        *out++ = static_cast<std::uint8_t>(*number);
    }
    return true;
}

// Groups are written in order; where "::" stood is remembered, and what came after it moved to the
// end.
bool parse_v6(std::string_view text, std::uint8_t* out) {
    constexpr unsigned full = 16, nowhere = 17;
    unsigned used = 0, gap = nowhere;
    unsigned value = 0, digits = 0;
    std::size_t group = 0;  // where it begins
    for (std::size_t i = 0;; ++i) {
        const bool end = i == text.size();
        const char c = end ? ':' : text[i];
        const int digit = hex_value(c);
        if (digit >= 0) {
            value = value << 4 | static_cast<unsigned>(digit);
            if (++digits > 4) return false;
            continue;
        }
        if (c == '.') {
            if (used > full - 4 || !parse_v4(slice(text, group), out + used)) return false;
            used += 4;
            break;
        }
        if (c != ':') return false;
        if (digits != 0) {
            if (used == full) return false;
            out[used++] = static_cast<std::uint8_t>(value >> 8);
            out[used++] = static_cast<std::uint8_t>(value);
        } else if (end) {
            if (gap != used) return false;  // one ':' at the end
        } else if (i == 0) {
            if (!slice(text, 1).starts_with(':')) return false;
        } else {
            if (gap != nowhere) return false;
            gap = used;
        }
        if (end) break;
        value = digits = 0;
        group = i + 1;
    }
    if (gap == nowhere) return used == full;
    if (used == full) return false;  // "::" stands for one group at least
    for (unsigned n = full; n > gap; --n) {
        const bool moved = used > gap;
        out[n - 1] = moved ? out[used - 1] : 0;
        if (moved) --used;
    }
    return true;
}

}  // namespace

std::optional<IpAddress> parse_ip(std::string_view text) {
    std::optional<IpAddress> address(std::in_place);
    std::uint8_t* const bytes = address->bytes.data();
    address->v6 = find(text, ':') != text.size();
    if (address->v6 ? !parse_v6(text, bytes) : !parse_v4(text, bytes)) address.reset();
    return address;
}

std::optional<IpAddress> parse_scoped_ip(std::string_view text) {
    std::string_view zone = text;
    std::optional<IpAddress> address = parse_ip(take_until(zone, '%'));
    if (zone.data() == nullptr || !address) return address;
    const bool fits = !zone.empty() && zone.size() < address->zone.size();
    if (!address->v6 || !fits || !std::ranges::all_of(zone, is_printable)) return std::nullopt;
    std::ranges::copy(zone, address->zone.begin());
    return address;
}

std::string_view format_ip(const IpAddress& address, std::span<char> out) {
    Writer to(out);
    const unsigned groups = address.v6 ? 8 : 4;
    const auto group = [&](std::size_t i) -> std::uint32_t {
        const std::uint8_t* const bytes = address.bytes.data();
        return address.v6 ? static_cast<std::uint32_t>(bytes[2 * i] << 8 | bytes[2 * i + 1])
                          : bytes[i];
    };
    // The longest run of two or more zero groups, the first of equals (RFC 5952 4.2).
    unsigned run = groups, run_length = 1;
    for (unsigned i = 0; address.v6 && i < groups; ++i) {
        unsigned length = 0;
        while (i + length < groups && group(i + length) == 0) ++length;
        if (length <= run_length) continue;
        run = i;
        run_length = length;
    }
    for (unsigned i = 0; i < groups; ++i) {
        if (i == run) {
            to.add("::");
            i += run_length - 1;
            continue;
        }
        if (i != 0 && i != run + run_length) to.add(address.v6 ? ':' : '.');
        if (address.v6) {
            to.add_hex(group(i));
        } else {
            to.add(group(i));
        }
    }
    return to.fits() ? to.view() : std::string_view();
}

}  // namespace usher
