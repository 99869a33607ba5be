// SPDX-License-Identifier: PostgreSQL
// Identifiers in the order in which one writer made them: UUID version 7 with a counter
// (RFC 9562, section 6.2, method 1).
#pragma once

#include <array>
#include <cstdint>

namespace saas::core {

using uuid_bytes = std::array<std::uint8_t, 16>;

// The writer's state between two calls.
struct uuid_sequence {
    std::int64_t milliseconds = -1;
    std::uint32_t counter = 0;
};

// The next identifier. `unix_milliseconds` since 1970, at most 48 bits; `random` 64 fresh random
// bits. Identifiers of one writer with the same time compare (as bytes) in the order of the calls;
// the remaining 42 bits keep different writers apart.
[[nodiscard]] uuid_bytes next_uuid(uuid_sequence &sequence, std::int64_t unix_milliseconds,
                                   std::uint64_t random) noexcept;

} // namespace saas::core
