// SPDX-License-Identifier: PostgreSQL
// Counts of values between bounds that the caller gives, as Prometheus's histograms: bucket i holds
// the values above bound i - 1 and up to bound i, the last one those above all bounds, NaN
// included.
#pragma once

#include "core/sketch/bytes.hpp"

namespace saas::core::sketch {

inline constexpr std::size_t k_most_bounds = 1000;

// A histogram under construction: `bounds` numbers follow, then bounds + 1 counts. Plain data.
// Without bounds it is empty and takes those of what is merged first.
struct histogram_state {
    std::uint32_t size;
    std::uint32_t bounds;
    std::uint64_t count;
};

// `bounds` finite numbers, strictly ascending; 22023 unless there are 1 to k_most_bounds of them.
[[nodiscard]] histogram_state *make_histogram_state(std::span<const double> bounds, allocate more);
[[nodiscard]] histogram_state *make_histogram_state(allocate more);

[[nodiscard]] bool has_bounds(const histogram_state &state,
                              std::span<const double> bounds) noexcept;

void add(histogram_state *state, double value) noexcept;
// Throws 22023 when no such value is there.
void take(histogram_state *state, double value);

// Throw 22023 for other bounds, and for what is not there; 22P03 for malformed bytes.
[[nodiscard]] histogram_state *merge(histogram_state *state, bytes sketch, allocate more);
[[nodiscard]] histogram_state *merge(histogram_state *state, const histogram_state &other,
                                     allocate more);
void take(histogram_state *state, const histogram_state &other);

//   'H' version, number of bounds, the bounds, 8 bytes each, the counts
[[nodiscard]] std::size_t most_bytes(const histogram_state &state) noexcept;
std::size_t encode(const histogram_state &state, std::uint8_t *out);

// Throws 22P03 unless the bytes are exactly one histogram.
void check_histogram_sketch(bytes sketch);

[[nodiscard]] std::span<const double> bounds_of(const histogram_state &state) noexcept;
[[nodiscard]] std::span<const std::uint64_t> counts_of(const histogram_state &state) noexcept;

} // namespace saas::core::sketch
