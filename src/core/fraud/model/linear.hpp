// SPDX-License-Identifier: PostgreSQL
// A logistic regression: intercept + sum of coefficient * (value - mean) / scale, in double, in the
// order of its document.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace saas::core::fraud {

struct linear_term {
    double coefficient = 0;
    double mean = 0;
    double scale = 1;
    double missing = 0; // the whole term for a missing value
    // Of a category: the term for each code, and for a code beyond. Empty for a number.
    std::vector<double> by_category;
    double other = 0;
};

struct linear {
    std::vector<linear_term> terms; // by feature

    // What the feature adds to the margin; NaN is missing.
    [[nodiscard]] double term(std::size_t feature, double value) const noexcept;
    [[nodiscard]] double sum(std::span<const double> values, double start) const noexcept;
    [[nodiscard]] std::size_t bytes() const noexcept;
};

} // namespace saas::core::fraud
