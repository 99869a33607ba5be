// SPDX-License-Identifier: PostgreSQL
// The most frequent texts: space-saving counters (Metwally, Agrawal, El Abbadi: "Efficient
// computation of frequent and top-k elements in data streams", ICDT 2005), evicted in batches and
// merged as in Agarwal et al., "Mergeable summaries" (PODS 2012), and Anderson et al., "A
// high-performance algorithm for identifying frequent items in data streams" (IMC 2017).
//
// With capacity C there are at most 2C counters. When they are full, the C largest stay and the
// floor rises to the largest that goes; a text that comes again starts at the floor, which is its
// possible error. So for N texts: count - error <= true <= count, what is missing occurred at most
// floor times, and floor <= N / (C + 1). Up to 2C different texts are counted exactly.
#pragma once

#include "core/sketch/bytes.hpp"

#include <string_view>
#include <vector>

namespace saas::core::sketch {

inline constexpr std::uint32_t k_most_capacity = 10'000;
inline constexpr std::size_t k_longest_text = 8192;

// Plain data. Counters follow, then room for their texts.
struct top_k_state {
    std::uint64_t size;
    std::uint32_t capacity; // 0: takes that of what comes first
    std::uint32_t slots;
    std::uint32_t used;
    std::uint32_t text_used;
    std::uint32_t text_size;
    std::uint32_t unused;
    std::uint64_t count; // of all texts
    std::uint64_t floor;
};

struct frequent_text {
    std::string_view text;
    std::uint64_t count;
    std::uint64_t error;
};

// Throws 22023 unless the capacity is 1 to k_most_capacity.
[[nodiscard]] top_k_state *make_top_k_state(std::uint32_t capacity, allocate more);
[[nodiscard]] top_k_state *make_top_k_state(allocate more);

// Throws 54000 for a text above k_longest_text bytes.
[[nodiscard]] top_k_state *add(top_k_state *state, std::string_view text, allocate more);
// The result has the lesser capacity. Throws 22P03 for malformed bytes.
[[nodiscard]] top_k_state *merge(top_k_state *state, bytes sketch, allocate more);
[[nodiscard]] top_k_state *merge(top_k_state *state, const top_k_state &other, allocate more);

//   'T' version, capacity, count, floor, number of counters, then each, texts ascending by bytes:
//   length, text, count, error
[[nodiscard]] std::size_t most_bytes(const top_k_state &state) noexcept;
std::size_t encode(const top_k_state &state, std::uint8_t *out);

// Throws 22P03 unless the bytes are exactly one sketch.
void check_top_k_sketch(bytes sketch);

struct top_k_summary {
    std::uint32_t capacity;
    std::uint64_t count;
    std::uint64_t floor;
    std::uint64_t counters;
};
[[nodiscard]] top_k_summary summary_of_top_k(bytes sketch);

// The `most` most frequent texts, the most frequent first, equal ones by bytes; views into the
// sketch.
[[nodiscard]] std::vector<frequent_text> top_of(bytes sketch, std::size_t most);

} // namespace saas::core::sketch
