// SPDX-License-Identifier: PostgreSQL
// How many values a distinct sketch has seen, from what it keeps of them.
#pragma once

#include <cstdint>

namespace saas::core::sketch {

// From k_registers registers of at most k_largest_rank: the improved raw estimator of Ertl,
// arXiv:1702.01284, algorithm 6.
[[nodiscard]] double estimate_from_registers(const std::uint8_t *registers) noexcept;

// From the number of different entries of k_sparse_precision bits: linear counting.
[[nodiscard]] double estimate_from_entries(std::uint64_t used) noexcept;

} // namespace saas::core::sketch
