// SPDX-License-Identifier: PostgreSQL
#include "core/metrics/monthly_amount.hpp"

namespace saas::core::metrics {

namespace {

__extension__ using wide = __int128;

constexpr std::int64_t k_whole = 10000;
constexpr std::int64_t k_most_amount = 1000000000000;

bool within(std::int64_t value, std::int64_t least, std::int64_t most) {
    return value >= least && value <= most;
}

} // namespace

std::int64_t monthly_amount(const period_price &price) {
    if (!within(price.amount, 0, k_most_amount) || !within(price.discount_points, 0, k_whole) ||
        !within(price.discount_amount, 0, k_most_amount) ||
        !within(price.periods_per_year, 0, 40000) || !within(price.interval_count, 1, 365) ||
        !within(price.tax_numerator, k_whole, 2 * k_whole) ||
        !within(price.tax_denominator, k_whole, 2 * k_whole))
        throw error{k_invalid_parameter_value, "the terms of a subscription are out of range"};
    // Ten-thousandths of a minor unit; at most 10^16, so what follows stays below 10^26.
    const std::int64_t reduced =
        price.amount * (k_whole - price.discount_points) - price.discount_amount * k_whole;
    if (reduced <= 0)
        return 0;
    const wide numerator = wide{reduced} * price.periods_per_year * price.tax_numerator;
    const wide denominator =
        wide{k_whole} * 100 * 12 * price.interval_count * price.tax_denominator;
    return static_cast<std::int64_t>((2 * numerator + denominator) / (2 * denominator));
}

} // namespace saas::core::metrics
