// SPDX-License-Identifier: PostgreSQL
// How many values were encrypted under a key by AES-256-GCM, whose random nonces of 96 bits allow a
// limited number. Counted in shared memory in batches, so that no row is locked per value, and
// written to encryption_keys.uses every 65536. Too high rather than too low: only what was not
// written when the server stopped is lost.
#pragma once

#include <cstdint>

#include "pg/prelude.hpp"

namespace saas::encryption {

// 2^31: half of what NIST SP 800-38D allows, so that what is lost in a crash does not matter.
inline constexpr std::uint64_t k_most_uses = std::uint64_t{1} << 31;

// Asks for shared memory. Called once, by _PG_init, while shared libraries are preloaded.
void initialise_key_uses();

// A key with the count that its row has was read.
void observe_uses(std::uint64_t key_number, std::uint64_t stored) noexcept;

// Takes `wanted` uses from what the key has left. False when it has not so many, or when more than
// 16384 keys are counted. When `stored` is not 0 afterwards, the caller writes that count to the
// key's row.
[[nodiscard]] bool reserve_uses(std::uint64_t key_number, std::uint32_t wanted,
                                std::uint64_t &stored) noexcept;

} // namespace saas::encryption
