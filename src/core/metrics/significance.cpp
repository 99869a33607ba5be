// SPDX-License-Identifier: PostgreSQL
#include "core/metrics/significance.hpp"

#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>

namespace saas::core::metrics {

namespace {

struct range {
    double lower;
    double upper;
};

void check(const share &s) {
    if (s.trials <= 0 || s.successes < 0 || s.successes > s.trials)
        throw error{k_invalid_parameter_value,
                    "a share has trials, and no more successes than those",
                    {},
                    "Both are counts; each group has somebody in it."};
}

double rate(const share &s) {
    return static_cast<double>(s.successes) / static_cast<double>(s.trials);
}

// Wilson's score interval of a share.
range score_interval(const share &s, double quantile) {
    const double n = static_cast<double>(s.trials);
    const double p = rate(s);
    const double square = quantile * quantile;
    const double centre = (p + square / (2 * n)) / (1 + square / n);
    const double half =
        quantile / (1 + square / n) * std::sqrt(p * (1 - p) / n + square / (4 * n * n));
    return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

} // namespace

share_difference compare_shares(share a, share b, double confidence) {
    check(a);
    check(b);
    if (!(confidence > 0 && confidence < 1))
        throw error{k_invalid_parameter_value, "a confidence lies between 0 and 1", {},
                    "For example 0.95."};

    const boost::math::normal_distribution<double> normal;
    const double na = static_cast<double>(a.trials);
    const double nb = static_cast<double>(b.trials);
    const double pa = rate(a);
    const double pb = rate(b);
    const double pooled =
        (static_cast<double>(a.successes) + static_cast<double>(b.successes)) / (na + nb);
    const double variance = pooled * (1 - pooled) * (1 / na + 1 / nb);

    share_difference result{};
    result.z = variance > 0 ? (pb - pa) / std::sqrt(variance) : 0;
    result.p_value =
        std::min(1.0, 2 * boost::math::cdf(boost::math::complement(normal, std::fabs(result.z))));
    const double quantile = boost::math::quantile(normal, 0.5 + confidence / 2);
    const range ra = score_interval(a, quantile);
    const range rb = score_interval(b, quantile);
    result.lower = pb - pa - std::hypot(pb - rb.lower, ra.upper - pa);
    result.upper = pb - pa + std::hypot(rb.upper - pb, pa - ra.lower);
    result.reliable = std::min(na, nb) * std::min(pooled, 1 - pooled) >= 5;
    return result;
}

double split_p_value(std::int64_t first, std::int64_t second, double first_share) {
    if (first < 0 || second < 0 || (first == 0 && second == 0) ||
        !(first_share > 0 && first_share < 1))
        throw error{k_invalid_parameter_value,
                    "a split has counts that are not negative, and a share between 0 and 1"};
    const double x = static_cast<double>(first);
    const double y = static_cast<double>(second);
    const double expected = (x + y) * first_share;
    const double other = (x + y) * (1 - first_share);
    const double square =
        (x - expected) * (x - expected) / expected + (y - other) * (y - other) / other;
    const boost::math::chi_squared_distribution<double> chi{1};
    return boost::math::cdf(boost::math::complement(chi, square));
}

} // namespace saas::core::metrics
