// SPDX-License-Identifier: PostgreSQL
#include "core/metrics/anomaly.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

namespace saas::core::metrics {

namespace {

constexpr sqlstate k_program_limit_exceeded{"54000"};

// For a normal distribution: the deviation by the median, and by the mean, of absolute deviations.
constexpr double k_from_median = 1.4826;
constexpr double k_from_mean = 1.2533;

void require_finite(std::span<const double> values) {
    if (values.size() > k_most_series_values)
        throw error{k_program_limit_exceeded, "a series has at most 20,000 values", {},
                    "Look at fewer values, or at longer spans."};
    if (!std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); }))
        throw error{k_invalid_parameter_value, "values of a series are finite"};
}

// The median; reorders. Not for no values.
double median(std::vector<double> &values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    if (values.size() % 2 != 0)
        return *middle;
    return std::midpoint(*std::max_element(values.begin(), middle), *middle);
}

double in_deviations(double distance, double deviation) {
    if (deviation > 0)
        return distance / deviation;
    return distance == 0 ? 0 : std::copysign(std::numeric_limits<double>::infinity(), distance);
}

} // namespace

std::optional<location> robust_location(std::vector<double> values) {
    if (values.empty())
        return std::nullopt;
    location result{median(values), 0};
    double sum = 0;
    for (double &value : values) {
        value = std::fabs(value - result.centre);
        sum += value;
    }
    result.deviation = k_from_median * median(values);
    if (result.deviation == 0)
        result.deviation = k_from_mean * sum / static_cast<double>(values.size());
    return result;
}

double noise_of(std::span<const double> values) {
    std::vector<double> differences;
    for (std::size_t i = 1; i < values.size(); ++i)
        differences.push_back(values[i] - values[i - 1]);
    const auto found = robust_location(std::move(differences));
    return found ? found->deviation / std::sqrt(2.0) : 0;
}

std::vector<std::optional<score>> seasonal_scores(std::span<const double> values,
                                                  std::span<const std::int32_t> seasons,
                                                  std::size_t least) {
    require_finite(values);
    if (values.size() != seasons.size())
        throw error{k_invalid_parameter_value, "each value has a season"};
    std::map<std::int32_t, std::vector<double>> groups;
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (seasons[i] < 0 || seasons[i] > 9999)
            throw error{k_invalid_parameter_value, "a season is a number from 0 to 9999"};
        groups[seasons[i]].push_back(values[i]);
    }
    std::map<std::int32_t, location> usual;
    for (auto &[season, group] : groups) {
        if (group.size() >= std::max<std::size_t>(least, 1))
            usual.emplace(season, *robust_location(std::move(group)));
    }
    std::vector<std::optional<score>> result(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (const auto found = usual.find(seasons[i]); found != usual.end()) {
            const auto &[centre, deviation] = found->second;
            result[i] = score{centre, in_deviations(values[i] - centre, deviation)};
        }
    }
    return result;
}

std::vector<score> moving_scores(std::span<const double> values, double weight) {
    require_finite(values);
    if (!(weight > 0 && weight <= 1))
        throw error{k_invalid_parameter_value,
                    "the weight of the newest value is above 0 and at most 1"};
    std::vector<score> result;
    const auto all = robust_location({values.begin(), values.end()});
    if (!all)
        return result;
    const double noise = noise_of(values);
    double average = all->centre;
    double rest = 1; // what is left of the weight of the start, squared
    for (const double value : values) {
        average = weight * value + (1 - weight) * average;
        rest *= (1 - weight) * (1 - weight);
        const double deviation = noise * std::sqrt(weight / (2 - weight) * (1 - rest));
        result.push_back({all->centre, in_deviations(average - all->centre, deviation)});
    }
    return result;
}

std::vector<level> levels_of(std::span<const double> values, double penalty, std::size_t least,
                             cancel_poll poll) {
    require_finite(values);
    if (!(penalty > 0 && std::isfinite(penalty)))
        throw error{k_invalid_parameter_value, "a penalty is above 0"};
    const std::size_t n = values.size();
    least = std::max<std::size_t>(least, 1);
    std::vector<level> result;
    if (n == 0)
        return result;

    // Sums of the values and of their squares, about the centre so that no digits are lost.
    const double centre = robust_location({values.begin(), values.end()})->centre;
    std::vector<double> sums(n + 1);
    std::vector<double> squares(n + 1);
    for (std::size_t i = 0; i < n; ++i) {
        const double v = values[i] - centre;
        sums[i + 1] = sums[i] + v;
        squares[i + 1] = squares[i] + v * v;
    }
    const auto cost = [&](std::size_t begin, std::size_t end) {
        const double sum = sums[end] - sums[begin];
        const double square = squares[end] - squares[begin];
        return std::max(0.0, square - sum * sum / static_cast<double>(end - begin));
    };
    const double noise = noise_of(values);
    const double price =
        penalty * std::max(noise * noise, std::numeric_limits<double>::min()) *
        std::log(std::max(2.0, static_cast<double>(n)));

    std::vector<double> best(n + 1, std::numeric_limits<double>::infinity());
    std::vector<std::size_t> begins(n + 1, 0);
    best[0] = -price;
    std::vector<std::size_t> candidates;
    for (std::size_t end = least; end <= n; ++end) {
        // A level may begin where at least one whole level lies before, or at the start.
        if (const std::size_t begin = end - least; begin == 0 || begin >= least)
            candidates.push_back(begin);
        // What cost more up to a possible change than the best, stays worse than changing there.
        const std::size_t change = end - least;
        std::erase_if(candidates, [&](std::size_t begin) {
            return begin + least <= change && best[begin] + cost(begin, change) > best[change];
        });
        for (const std::size_t begin : candidates) {
            poll.step();
            const double total = best[begin] + cost(begin, end) + price;
            if (total < best[end]) {
                best[end] = total;
                begins[end] = begin;
            }
        }
    }
    for (std::size_t end = n; end > 0; end = begins[end]) {
        const std::size_t begin = begins[end];
        result.push_back(
            {begin, centre + (sums[end] - sums[begin]) / static_cast<double>(end - begin)});
    }
    std::reverse(result.begin(), result.end());
    return result;
}

} // namespace saas::core::metrics
