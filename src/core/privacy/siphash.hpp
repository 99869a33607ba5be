// SPDX-License-Identifier: PostgreSQL
// SipHash-2-4, a keyed hash of 64 bits (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012).
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace saas::core::privacy {

using siphash_key = std::array<std::uint8_t, 16>;

// The hash of `data` of any length. Without the key nobody can tell it from a random number.
[[nodiscard]] std::uint64_t siphash(const siphash_key &key,
                                    std::span<const std::uint8_t> data) noexcept;

} // namespace saas::core::privacy
