// SPDX-License-Identifier: PostgreSQL
// Everything unusual in a series that has a rhythm: the rhythm is taken out first, so that every morning
// is no new level, and then the levels, so that not all values of a new level are outliers.
#pragma once

#include "core/metrics/anomaly.hpp"

namespace saas::core::metrics {

enum class unusual_kind { outlier, drift, level };

struct unusual {
    std::size_t place;
    unusual_kind kind;
    double expected; // the usual value there: of its season, on the level of then
    double found;    // the value; for a level, what is usual from there on
    double score;    // in standard deviations
};

struct unusual_limits {
    double threshold;       // of outliers and drifts, in standard deviations; above 0, finite
    double penalty;         // as in levels_of
    std::size_t least;      // of values that a level has
    std::size_t in_season;  // of values for a season to be one; below, the others' centre counts
};

// In the order of places. Of a drift only where it begins. Refuses what seasonal_scores() and
// levels_of() refuse, and a threshold that is not above 0 (22023).
[[nodiscard]] std::vector<unusual> find_unusual(std::span<const double> values,
                                                std::span<const std::int32_t> seasons,
                                                const unusual_limits &limits,
                                                cancel_poll poll = cancel_poll{});

} // namespace saas::core::metrics
