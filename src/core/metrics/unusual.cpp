// SPDX-License-Identifier: PostgreSQL
#include "core/metrics/unusual.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace saas::core::metrics {

namespace {

using seasons_of = std::span<const std::int32_t>;

// As many values as that weigh in for the deviation of all where a season tells little of its own.
constexpr double k_shrinkage = 8;

std::map<std::int32_t, std::vector<double>> by_season(std::span<const double> values,
                                                      seasons_of seasons) {
    std::map<std::int32_t, std::vector<double>> groups;
    for (std::size_t i = 0; i < values.size(); ++i)
        groups[seasons[i]].push_back(values[i]);
    return groups;
}

// The centre of each value's season.
std::vector<double> rhythm(std::span<const double> values, seasons_of seasons,
                           const location &all, std::size_t least) {
    std::map<std::int32_t, double> centres;
    for (auto &[season, group] : by_season(values, seasons))
        centres[season] =
            group.size() < least ? all.centre : robust_location(std::move(group))->centre;
    std::vector<double> result;
    result.reserve(values.size());
    for (const std::int32_t season : seasons)
        result.push_back(centres[season]);
    return result;
}

// The deviation of each value's season, drawn towards that of all.
std::vector<double> deviations(std::span<const double> values, seasons_of seasons,
                               const location &all) {
    std::map<std::int32_t, double> own;
    for (auto &[season, group] : by_season(values, seasons)) {
        const auto size = static_cast<double>(group.size());
        const double deviation = robust_location(std::move(group))->deviation;
        own[season] = std::sqrt((size * deviation * deviation +
                                 k_shrinkage * all.deviation * all.deviation) /
                                (size + k_shrinkage));
    }
    std::vector<double> result;
    result.reserve(values.size());
    for (const std::int32_t season : seasons)
        result.push_back(own[season]);
    return result;
}

// The values with what is further out than `reach` deviations brought in, so that a single value makes
// no level and no drift.
std::vector<double> tamed(std::span<const double> values, const location &all, double reach) {
    std::vector<double> result{values.begin(), values.end()};
    for (double &value : result)
        value = std::clamp(value, all.centre - reach * all.deviation,
                           all.centre + reach * all.deviation);
    return result;
}

double distance_in(double distance, double deviation) {
    if (deviation > 0)
        return distance / deviation;
    return distance == 0 ? 0 : std::copysign(INFINITY, distance);
}

// Takes the centre of its level from each value; adds the levels that differ enough to be told.
std::vector<double> take_levels(std::vector<double> &rest, const std::vector<double> &usual,
                                const unusual_limits &limits, cancel_poll poll,
                                std::vector<unusual> &found) {
    const location all = *robust_location(rest);
    const double noise = noise_of(rest);
    std::vector<level> levels =
        levels_of(tamed(rest, all, limits.threshold), limits.penalty, limits.least, poll);
    std::vector<double> offsets(rest.size());
    for (std::size_t k = 0; k < levels.size(); ++k) {
        const std::size_t begin = levels[k].begin;
        const std::size_t end = k + 1 < levels.size() ? levels[k + 1].begin : rest.size();
        const auto first = rest.begin() + static_cast<std::ptrdiff_t>(begin);
        const auto last = rest.begin() + static_cast<std::ptrdiff_t>(end);
        const double centre = robust_location({first, last})->centre;
        if (k > 0) {
            const double before = offsets[begin - 1];
            const double score = distance_in(centre - before, noise);
            if (std::fabs(score) >= 1)
                found.push_back({begin, unusual_kind::level, usual[begin] + before,
                                 usual[begin] + centre, score});
        }
        std::fill(offsets.begin() + static_cast<std::ptrdiff_t>(begin),
                  offsets.begin() + static_cast<std::ptrdiff_t>(end), centre);
    }
    for (std::size_t i = 0; i < rest.size(); ++i)
        rest[i] -= offsets[i];
    return offsets;
}

} // namespace

std::vector<unusual> find_unusual(std::span<const double> values, seasons_of seasons,
                                  const unusual_limits &limits, cancel_poll poll) {
    if (!(limits.threshold > 0 && std::isfinite(limits.threshold)))
        throw error{k_invalid_parameter_value, "a threshold is above 0, and finite"};
    // Checks values and seasons.
    (void)seasonal_scores(values, seasons, limits.in_season);
    std::vector<unusual> found;
    const auto all = robust_location({values.begin(), values.end()});
    if (!all)
        return found;

    std::vector<double> usual = rhythm(values, seasons, *all, limits.in_season);
    std::vector<double> rest(values.size());
    for (std::size_t i = 0; i < values.size(); ++i)
        rest[i] = values[i] - usual[i];
    const std::vector<double> offsets = take_levels(rest, usual, limits, poll, found);

    const location left = *robust_location(rest);
    const std::vector<double> widths = deviations(rest, seasons, left);
    const std::vector<score> averages = moving_scores(tamed(rest, left, limits.threshold), 0.1);
    bool drifting = false;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double expected = usual[i] + offsets[i];
        const double score = distance_in(rest[i], widths[i]);
        if (std::fabs(score) > limits.threshold)
            found.push_back({i, unusual_kind::outlier, expected, values[i], score});
        const bool far = std::isfinite(averages[i].value) &&
                         std::fabs(averages[i].value) > limits.threshold;
        if (far && !drifting)
            found.push_back({i, unusual_kind::drift, expected, values[i], averages[i].value});
        drifting = far;
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const unusual &a, const unusual &b) { return a.place < b.place; });
    return found;
}

} // namespace saas::core::metrics
