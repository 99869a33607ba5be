// SPDX-License-Identifier: PostgreSQL
// UUID version 7 (RFC 9562, section 5.7) and the text form of UUIDs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace saas::core {

using uuid = std::array<std::uint8_t, 16>;

// Makes version 7 UUIDs that ascend within one generator. The 12 bits after the milliseconds are
// the fraction of the millisecond (RFC 9562, section 6.2, method 3), so that those of several
// processes follow the clock to the microsecond; when it stands still or went back, time and
// fraction count on.
class uuid_v7_generator {
public:
    static constexpr std::size_t k_random_bytes = 8; // that one takes

    // `unix_microseconds`: now, less than 2^48 milliseconds. `random`: fresh random bytes.
    [[nodiscard]] uuid next(std::uint64_t unix_microseconds,
                            std::span<const std::uint8_t, k_random_bytes> random) noexcept;

private:
    std::uint64_t last_ = 0; // milliseconds and 12 bits of fraction
};

// 8-4-4-4-12 lower-case hexadecimal digits.
[[nodiscard]] std::string to_text(const uuid &value);

// Reads the 8-4-4-4-12 form in either case; nullopt for anything else.
[[nodiscard]] std::optional<uuid> parse_uuid(std::string_view text) noexcept;

} // namespace saas::core
