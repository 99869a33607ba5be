// SPDX-License-Identifier: PostgreSQL
// How far a distribution has moved: the population stability index of credit scoring (Siddiqi,
// Credit Risk Scorecards, 2006): the sum over bins of (window - baseline) * ln(window / baseline),
// each a share of its sample. Up to 0.1 counts as stable, from 0.25 on as moved.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/error.hpp"

namespace saas::core::fraud {

// Values above the last bin's upper bound up to this one; of categories, this one. NaN: missing.
struct stability_bin {
    double upper;
    std::size_t baseline;
    std::size_t window;
};

struct stability {
    double index; // 0 for equal distributions
    std::vector<stability_bin> bins;
};

// Bins are the deciles of the baseline, or its values when they are `categories` (the 50 most
// frequent ones; the rest is one bin up to infinity); missing values (NaN) are a bin of their own.
// Half a value is added to each bin of each sample, so that an empty one leaves the index finite.
// Throws core::error 22023 for an empty sample.
[[nodiscard]] stability population_stability(std::span<const double> baseline,
                                             std::span<const double> window, bool categories,
                                             cancel_poll poll = cancel_poll{});

} // namespace saas::core::fraud
