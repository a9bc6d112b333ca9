// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace usher {

struct IpAddress {
    bool v6 = false;
    std::array<std::uint8_t, 16> bytes{};  ///< network order; the first 4 when not v6
    /// The interface that it is to be reached through, by name or number (RFC 4007, section 11), up
    /// to a NUL; mostly none.
    std::array<char, 16> zone{};

    friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

inline constexpr std::size_t ip_text_limit = 45;

/// "1.2.3.4" (four decimal numbers, no leading zeros) or RFC 4291 2.2 text, with an IPv4 tail if
/// need be. No brackets, no %scope.
std::optional<IpAddress> parse_ip(std::string_view text);

/// The same, and an IPv6 address may have a zone behind it: "fe80::1%eth0", of 1 to 15 printable
/// characters.
std::optional<IpAddress> parse_scoped_ip(std::string_view text);

/// RFC 5952, without the zone. `out` takes ip_text_limit bytes; returns the part used, empty if
/// `out` is too small.
std::string_view format_ip(const IpAddress& address, std::span<char> out);

/// As many as a lookup may give; more are dropped.
struct AddressList {
    std::array<IpAddress, 16> items{};
    std::size_t count = 0;

    void add(const IpAddress& address) {
        if (count < items.size()) items[count++] = address;
    }
};

}  // namespace usher
