// SPDX-License-Identifier: PostgreSQL
// UUID version 7 (RFC 9562, section 5.7) and the text form of UUIDs.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace saas::core {

using uuid = std::array<std::uint8_t, 16>;

// Makes version 7 UUIDs that ascend within one generator: within a millisecond the 12 bits after the
// time count on from a random start (RFC 9562, section 6.2, method 1), and when they are used up, or
// the clock went back, the time field runs ahead by a millisecond.
class uuid_v7_generator {
  public:
    // `unix_milliseconds`: now, from 0 to 2^48 - 1. `random`: 10 fresh random bytes.
    [[nodiscard]] uuid next(std::uint64_t unix_milliseconds,
                            std::span<const std::uint8_t, 10> random) noexcept;

  private:
    std::uint64_t last_milliseconds_ = 0;
    std::uint16_t counter_ = 0;
};

// 8-4-4-4-12 lower-case hexadecimal digits.
[[nodiscard]] std::string to_text(const uuid &value);

// Reads the 8-4-4-4-12 form in either case; nullopt for anything else.
[[nodiscard]] std::optional<uuid> parse_uuid(std::string_view text) noexcept;

} // namespace saas::core
