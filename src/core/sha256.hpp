// SPDX-License-Identifier: PostgreSQL
// Digests and message authentication: SHA-256 (FIPS 180-4) and HMAC (RFC 2104) from OpenSSL.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace saas::core {

using digest = std::array<std::uint8_t, 32>;

// The bytes of a text, for the functions below.
[[nodiscard]] inline std::span<const std::uint8_t> bytes_of(std::string_view text) noexcept {
    return {reinterpret_cast<const std::uint8_t *>(text.data()), text.size()};
}

// SHA-256 of `data`. Throws core::error XX000 when the library refuses.
[[nodiscard]] digest sha256(std::span<const std::uint8_t> data);

// HMAC-SHA256 of the concatenation of `parts` under `key` (any length, also empty).
[[nodiscard]] digest hmac_sha256(std::span<const std::uint8_t> key,
                                 std::span<const std::span<const std::uint8_t>> parts);

// Compares in time that depends on the length only.
[[nodiscard]] bool equal_constant_time(std::span<const std::uint8_t> a,
                                       std::span<const std::uint8_t> b) noexcept;

// Lower-case hexadecimal digits of `data`.
[[nodiscard]] std::string to_hex(std::span<const std::uint8_t> data);

// Decodes exactly 2 * out.size() hexadecimal digits of either case into `out`; false when `text` has
// another length or another character.
[[nodiscard]] bool from_hex(std::string_view text, std::span<std::uint8_t> out) noexcept;

} // namespace saas::core
