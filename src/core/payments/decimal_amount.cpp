// SPDX-License-Identifier: PostgreSQL
#include "core/payments/decimal_amount.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace saas::core::payments {
namespace {

constexpr sqlstate k_senseless_object{"SA072"};
constexpr std::int64_t k_greatest = std::numeric_limits<std::int64_t>::max();

bool is_zeros(std::string_view digits) {
    return std::all_of(digits.begin(), digits.end(), [](char c) { return c == '0'; });
}

// A whole number that is not negative, in digits, or with a fraction of zeros, or minus zero.
bool read_whole(std::string_view decimal, std::int64_t &out) {
    const bool negative = decimal.starts_with('-');
    decimal.remove_prefix(negative ? 1 : 0);
    const std::size_t point = std::min(decimal.find('.'), decimal.size());
    const std::string_view whole = decimal.substr(0, point);
    const auto [end, failure] = std::from_chars(whole.data(), whole.data() + whole.size(), out);
    return failure == std::errc{} && end == whole.data() + whole.size() && out >= 0 &&
           (!negative || out == 0) &&
           (point == decimal.size() || is_zeros(decimal.substr(point + 1)));
}

} // namespace

std::int64_t minor_units(std::string_view decimal, int provider_exponent, int exponent) {
    std::int64_t amount = 0;
    if (!read_whole(decimal, amount))
        throw error{k_senseless_object,
                    "an amount is not a whole, non-negative number of minor units"};
    bool fits = true;
    for (int n = provider_exponent; n < exponent && fits; ++n) {
        fits = amount <= k_greatest / 10;
        amount = fits ? amount * 10 : amount;
    }
    for (int n = exponent; n < provider_exponent && fits; ++n) {
        fits = amount % 10 == 0;
        amount /= 10;
    }
    if (!fits)
        throw error{k_senseless_object,
                    "an amount is not a whole number of the currency's minor units"};
    return amount;
}

} // namespace saas::core::payments
