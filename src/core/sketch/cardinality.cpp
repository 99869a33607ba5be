// SPDX-License-Identifier: PostgreSQL
#include "core/sketch/cardinality.hpp"

#include "core/sketch/distinct.hpp"

#include <cmath>
#include <limits>

namespace saas::core::sketch {
namespace {

// Improved raw estimator: sigma and tau of Ertl's algorithm 6, from the counts of register values.
double sigma(double x) {
    if (x == 1)
        return std::numeric_limits<double>::infinity();
    double power = 1;
    double sum = x;
    for (double before = -1; sum != before; power += power) {
        x *= x;
        before = sum;
        sum += x * power;
    }
    return sum;
}

double tau(double x) {
    if (x == 0 || x == 1)
        return 0;
    double power = 1;
    double sum = 1 - x;
    for (double before = -1; sum != before;) {
        x = std::sqrt(x);
        before = sum;
        power /= 2;
        sum -= (1 - x) * (1 - x) * power;
    }
    return sum / 3;
}

} // namespace

double estimate_from_registers(const std::uint8_t *registers) noexcept {
    constexpr double m = k_registers;
    constexpr double alpha = 0.7213475204444817; // 1 / (2 ln 2)
    std::uint32_t counts[k_largest_rank + 1] = {};
    for (std::uint32_t i = 0; i < k_registers; ++i)
        ++counts[registers[i]];
    double sum = m * tau(1 - counts[k_largest_rank] / m);
    for (unsigned rank = k_largest_rank - 1; rank >= 1; --rank)
        sum = 0.5 * (sum + counts[rank]);
    sum += m * sigma(counts[0] / m);
    return alpha * m * m / sum;
}

double estimate_from_entries(std::uint64_t used) noexcept {
    constexpr double m = 1U << k_sparse_precision;
    return -m * std::log1p(-static_cast<double>(used) / m);
}

} // namespace saas::core::sketch
