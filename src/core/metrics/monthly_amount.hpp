// SPDX-License-Identifier: PostgreSQL
// What the price of a billing period is worth a month.
#pragma once

#include "core/error.hpp"

#include <cstdint>

namespace saas::core::metrics {

struct period_price {
    std::int64_t amount;           // minor units a period, 0 … 10^12
    std::int32_t discount_points;  // hundredths of a percent, 0 … 10,000; taken off first
    std::int64_t discount_amount;  // minor units, 0 … 10^12
    std::int32_t periods_per_year; // hundredths: 1,200 for months, 0 … 40,000
    std::int32_t interval_count;   // a period is so many intervals, 1 … 365
    std::int32_t tax_numerator;    // price · numerator / denominator is the price that counts;
    std::int32_t tax_denominator;  // both 10,000 … 20,000
};

// Minor units a month, not below 0, rounded once, halves away from zero: exact for every input in
// range. Throws 22023 for what is not.
[[nodiscard]] std::int64_t monthly_amount(const period_price &price);

} // namespace saas::core::metrics
