// SPDX-License-Identifier: PostgreSQL
// Amounts that providers write as numbers of JSON, as whole minor units.
#pragma once

#include <cstdint>
#include <string_view>

namespace saas::core::payments {

// The amount that `decimal` (optional sign, digits, optional point and digits: how the server writes
// a number, no exponent) counts in units of 10^-provider_exponent, in units of 10^-exponent, exactly.
// Exponents: 0 to 18. Throws SA072 for what is not a whole, non-negative number up to 2^63 - 1, before
// or after, and for what is no such number.
[[nodiscard]] std::int64_t minor_units(std::string_view decimal, int provider_exponent, int exponent);

} // namespace saas::core::payments
