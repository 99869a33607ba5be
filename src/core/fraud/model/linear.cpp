// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/model/linear.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace saas::core::fraud {

double linear::term(std::size_t feature, double value) const noexcept {
    const linear_term &t = terms[feature];
    if (std::isnan(value))
        return t.missing;
    if (t.by_category.empty()) {
        // Kept finite, so that values beyond the range of double never add up to NaN.
        constexpr double most = std::numeric_limits<double>::max();
        double term = t.coefficient == 0 ? 0 : t.coefficient * ((value - t.mean) / t.scale);
        return std::clamp(term, -most, most);
    }
    bool known = value >= 0 && value < static_cast<double>(t.by_category.size());
    return known ? t.by_category[static_cast<std::size_t>(value)] : t.other;
}

double linear::sum(std::span<const double> values, double start) const noexcept {
    double total = start;
    for (std::size_t i = 0; i < terms.size(); ++i)
        total += term(i, values[i]);
    return total;
}

std::size_t linear::bytes() const noexcept {
    std::size_t total = terms.size() * sizeof(linear_term);
    for (const linear_term &t : terms)
        total += t.by_category.size() * sizeof(double);
    return total;
}

} // namespace saas::core::fraud
