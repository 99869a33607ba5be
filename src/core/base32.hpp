// SPDX-License-Identifier: PostgreSQL
// Base32 (RFC 4648, section 6).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace saas::core {

// Upper-case digits, with `=` up to a multiple of eight when `padded`.
[[nodiscard]] std::string to_base32(std::span<const std::uint8_t> data, bool padded = true);

// Reads digits of either case, with the padding that belongs there or with none. nullopt for
// anything else, such as blanks, or last digits with bits that no encoder sets.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> from_base32(std::string_view text);

} // namespace saas::core
