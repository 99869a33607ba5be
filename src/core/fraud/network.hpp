// SPDX-License-Identifier: PostgreSQL
// Internet addresses and networks, IPv4 and IPv6.
#pragma once

#include "core/fraud/value.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace saas::core::fraud {

// An address with a prefix length. An IPv4 address stands in IPv6's mapped range ::ffff:0:0/96, so both
// have 128 bits; bits behind the prefix are zero.
struct network {
    std::array<std::uint8_t, 16> address{};
    std::uint8_t prefix = 128; // bits

    friend bool operator==(const network &, const network &) = default;
};

// The network that a text spells: 192.0.2.1, 192.0.2.0/24, 2001:db8::/32, ::ffff:192.0.2.1. Without
// a prefix it is the one address. Leading zeros in IPv4 are refused, since readers differ about them.
// Nothing for another text, a zone (%eth0) among them.
[[nodiscard]] std::optional<network> parse_network(std::string_view words) noexcept;

// The network with that many bits of the same address.
[[nodiscard]] network shortened(const network &whole, std::uint8_t prefix) noexcept;

// Whether `inner` lies in `outer`.
[[nodiscard]] bool contains(const network &outer, const network &inner) noexcept;

// Whether the address in `ip` lies in the network in `net`. Missing and failures as everywhere; a text
// that is no address or network is a type mismatch.
[[nodiscard]] value cidr_match(const value &ip, const value &net) noexcept;

// Great-circle distance in kilometres of two places given in degrees, on a sphere of 6371.0088 km (the
// mean radius of the IUGG), by the haversine formula. Latitudes beyond ±90 or longitudes beyond ±180
// are out of range.
[[nodiscard]] value distance_km(const value &latitude_a, const value &longitude_a,
                                const value &latitude_b, const value &longitude_b) noexcept;

} // namespace saas::core::fraud
