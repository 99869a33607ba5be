// SPDX-License-Identifier: PostgreSQL
// The text of an API key:
//
//     sk_live_ or sk_test_, then 88 lower-case Base32 digits (RFC 4648) of
//     16 bytes id of the key, 16 bytes id of the team, 20 random bytes, 3 bytes checksum
//
// The ids let a look-up go straight to the row, and to the server that has the team. The checksum
// is CRC-24 (RFC 9580, section 6.1.1) of everything before it: it finds every change of up to four
// neighbouring characters, and all others but one in 16 million, so a typo needs no look-up.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "core/uuid.hpp"

namespace saas::core::credentials {

enum class key_mode : std::uint8_t { live, test };

inline constexpr std::size_t k_secret_bytes = 20;
inline constexpr std::size_t k_api_key_length = 96;

// As many characters from the beginning as tell keys apart: mode, time of making and 14 random
// bits. They are no secret.
inline constexpr std::size_t k_api_key_prefix = 24;

struct api_key {
    key_mode mode;
    uuid key;
    uuid team;
    std::array<std::uint8_t, k_secret_bytes> secret;

    bool operator==(const api_key &) const = default;
};

enum class key_problem : std::uint8_t {
    other_form, // does not begin as an API key does
    mistyped,   // begins so, but length, digits or checksum are wrong
};

[[nodiscard]] std::string to_text(const api_key &key);

// Each key has exactly one text: what parses comes back from to_text() byte by byte.
[[nodiscard]] std::variant<api_key, key_problem> parse_api_key(std::string_view text);

} // namespace saas::core::credentials
