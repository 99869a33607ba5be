// SPDX-License-Identifier: PostgreSQL
// Distinct counts: HyperLogLog (Flajolet, Fusy, Gandouet, Meunier 2007) with 64-bit hashes.
//
// Up to 6,000 values are kept one by one, at a precision of 20 bits, and counted by linear counting
// (Whang, Vander-Zanden, Taylor 1990): standard error 0.07 %. More make 2^15 registers, estimated
// by the improved raw estimator of Ertl ("New cardinality estimation algorithms for HyperLogLog
// sketches", arXiv:1702.01284, section 4), which needs no empirical bias correction: standard error
// 1.04 / sqrt(2^15) = 0.57 %. The idea of the sparse start is that of HyperLogLog++ (Heule,
// Nunkesser, Hall 2013). Which of the two forms a sketch has depends on the set of its values
// alone, so that merging gives the same bytes as building.
#pragma once

#include "core/sketch/bytes.hpp"

namespace saas::core::sketch {

inline constexpr unsigned k_precision = 15;
inline constexpr unsigned k_sparse_precision = 20;
inline constexpr std::uint32_t k_registers = 1U << k_precision;
inline constexpr std::uint32_t k_most_entries = 6000;
inline constexpr std::uint8_t k_largest_rank = 64 - k_precision + 1;

// A sketch under construction, in one block. Plain data.
//   sparse: a hash table of entries, 32 bits each: 20 bits of the hash above 6 bits, which are 0
//   when
//           the lowest 5 of the 20 are not all 0 (they alone decide the rank), and otherwise one
//           more than the number of zeros that follow in the hash
//   dense:  k_registers bytes
//   waiting: sparse sketches as they were given, each after its size in 4 bytes. Merging many costs one
//           pass over all of them at the end, instead of a walk through a large table for each
struct distinct_state {
    std::uint32_t size;  // of the block, with what follows
    std::uint32_t dense; // 0 sparse, 1 dense, 2 waiting
    std::uint32_t slots; // sparse; waiting: bytes
    std::uint32_t used;  // sparse; waiting: entries, the same ones several times
};

// An empty state.
[[nodiscard]] distinct_state *make_distinct_state(allocate more);

// Adds a value by its hash, or a sketch, or another state. Returns the state, which may have moved.
// Throws 22P03 for malformed bytes.
[[nodiscard]] distinct_state *add_hash(distinct_state *state, std::uint64_t hash, allocate more);
[[nodiscard]] distinct_state *merge(distinct_state *state, bytes sketch, allocate more);
[[nodiscard]] distinct_state *merge(distinct_state *state, const distinct_state &other,
                                    allocate more);

// The sketch of a state: at most most_bytes(state) bytes, written to `out`. Returns how many.
//   'D' version 0, number of entries, then each entry in ascending order: the distance of its 20
//   bits from those before (first: from -1), less 1; where the lowest 5 of them are 0, a byte
//   follows, the lower 6 bits of the entry 'D' version 1, base, 2^14 bytes: two registers each, the
//   lower half first, less the base, at most 15; then number and list of those more than 15 above
//   the base: distance of the index from the one before (first: from -1), less 1, and the register
[[nodiscard]] std::size_t most_bytes(const distinct_state &state) noexcept;
std::size_t encode(const distinct_state &state, std::uint8_t *out);

// Throws 22P03 unless the bytes are exactly one sketch.
void check_distinct_sketch(bytes sketch);

// The estimated number of distinct values.
[[nodiscard]] double estimate_of(const distinct_state &state);
[[nodiscard]] double estimate_of(bytes sketch);

// Whether the sketch still has its values one by one.
[[nodiscard]] bool is_sparse(bytes sketch);

} // namespace saas::core::sketch
