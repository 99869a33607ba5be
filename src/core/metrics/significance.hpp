// SPDX-License-Identifier: PostgreSQL
// Whether two shares differ by more than chance.
#pragma once

#include "core/error.hpp"

#include <cstdint>

namespace saas::core::metrics {

struct share {
    std::int64_t successes; // 0 … trials
    std::int64_t trials;    // above 0
};

struct share_difference {
    double z;       // of b against a, with the pooled variance; 0 when there is none
    double p_value; // two-sided
    double lower;   // of b - a, at the confidence asked for
    double upper;
    bool reliable; // the least expected count is 5 or more, as the normal approximation wants
};

// The two-proportion z test, and Newcombe's hybrid score interval (Statistics in Medicine 17, 1998,
// method 10), which stays within -1 … 1 and is good for small shares.
// Throws 22023 unless 0 <= successes <= trials, trials > 0 and 0 < confidence < 1.
[[nodiscard]] share_difference compare_shares(share a, share b, double confidence);

// The probability that counts differ from these expected shares by chance at least as much as they do
// (chi-square, k - 1 degrees of freedom), for two groups. Throws 22023 for a count below 0, no count
// at all, or a share outside 0 … 1, ends excluded.
[[nodiscard]] double split_p_value(std::int64_t first, std::int64_t second, double first_share);

} // namespace saas::core::metrics
