// SPDX-License-Identifier: PostgreSQL
// What is unusual in a series of numbers: single values, slow drifts, and lasting changes of level.
// All by medians, so that what is unusual does not widen its own tolerance.
#pragma once

#include "core/error.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace saas::core::metrics {

inline constexpr std::size_t k_most_series_values = 20000;

// How unusual a value is: its distance from what is expected, in standard deviations. When all others
// are equal, so that there is no deviation, it is 0 or infinite.
struct score {
    double expected;
    double value;
};

// The centre of values, and a standard deviation as if they were normal: 1.4826 times the median
// absolute deviation; when that is 0, 1.2533 times the mean absolute deviation (Iglewicz and Hoaglin
// 1993). Empty for no values.
struct location {
    double centre;
    double deviation;
};
[[nodiscard]] std::optional<location> robust_location(std::vector<double> values);

// The deviation from one value to the next, as if the level never changed: that of the differences,
// by the square root of 2. 0 for fewer than two values.
[[nodiscard]] double noise_of(std::span<const double> values);

// Each value against the others of its season (such as the hour of the week). Nothing for seasons of
// fewer than `least` values. Both spans have one size, values are finite, seasons 0 … 9999: else 22023.
[[nodiscard]] std::vector<std::optional<score>> seasonal_scores(std::span<const double> values,
                                                                std::span<const std::int32_t> seasons,
                                                                std::size_t least);

// The exponentially weighted moving average of the values against their centre, in its own standard
// deviations (Roberts 1959; exact variance for the first values). `weight` is that of the newest, 0 … 1.
[[nodiscard]] std::vector<score> moving_scores(std::span<const double> values, double weight);

// A level that lasts, and where it begins.
struct level {
    std::size_t begin;
    double mean;
};

// The levels that explain the values best: least squares, with a price of `penalty` times the square of
// the noise times ln(n) for each change, none shorter than `least` values; exact (PELT: Killick, Fearnhead,
// Eckley, JASA 107, 2012). The first begins at 0. Empty for no values. 22023 for a penalty that is
// not above 0 or values that are not finite, 54000 for more than 20,000.
[[nodiscard]] std::vector<level> levels_of(std::span<const double> values, double penalty,
                                           std::size_t least, cancel_poll poll = cancel_poll{});

} // namespace saas::core::metrics
