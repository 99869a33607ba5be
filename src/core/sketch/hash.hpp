// SPDX-License-Identifier: PostgreSQL
// A 64-bit hash whose values are kept in sketches, so it is the same on every machine and for ever:
// XXH64 with seed 0, from its specification (github.com/Cyan4973/xxHash, doc/xxhash_spec.md).
#pragma once

#include <cstddef>
#include <cstdint>

namespace saas::core::sketch {

[[nodiscard]] std::uint64_t hash_bytes(const void *data, std::size_t size) noexcept;

// The hash of the 8 bytes of the value, lowest first.
[[nodiscard]] std::uint64_t hash_word(std::uint64_t value) noexcept;

} // namespace saas::core::sketch
