// SPDX-License-Identifier: PostgreSQL
#include "core/metrics/unusual.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
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

// The values with what is further than `reach` times the noise from the median of its neighbours, `wing`
// on each side, brought in: nearer to a single value than all of them, since levels are told apart afterwards.
std::vector<double> smoothed(std::span<const double> values, double reach, std::size_t wing,
                             cancel_poll poll) {
    const double most = reach * noise_of(values);
    std::vector<double> result;
    result.reserve(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        poll.step();
        const std::size_t begin = i > wing ? i - wing : 0;
        const auto near = values.subspan(begin, std::min(i + wing + 1, values.size()) - begin);
        const double centre = robust_location({near.begin(), near.end()})->centre;
        result.push_back(std::clamp(values[i], centre - most, centre + most));
    }
    return result;
}

// A level, and what of it is added to the rhythm.
struct step {
    std::size_t begin;
    double centre;
};

std::vector<step> steps_of(std::span<const double> rest, const unusual_limits &limits,
                           cancel_poll poll) {
    const std::vector<level> levels = levels_of(
        smoothed(rest, limits.threshold, std::min<std::size_t>(limits.least, 12), poll),
        limits.penalty, limits.least, poll);
    std::vector<step> result;
    for (std::size_t k = 0; k < levels.size(); ++k) {
        const std::size_t begin = levels[k].begin;
        const std::size_t end = k + 1 < levels.size() ? levels[k + 1].begin : rest.size();
        const auto part = rest.subspan(begin, end - begin);
        result.push_back({begin, robust_location({part.begin(), part.end()})->centre});
    }
    return result;
}

std::vector<double> offsets_of(const std::vector<step> &steps, std::size_t size) {
    std::vector<double> result(size);
    for (std::size_t k = 0; k < steps.size(); ++k) {
        const std::size_t end = k + 1 < steps.size() ? steps[k + 1].begin : size;
        std::fill(result.begin() + static_cast<std::ptrdiff_t>(steps[k].begin),
                  result.begin() + static_cast<std::ptrdiff_t>(end), steps[k].centre);
    }
    return result;
}

std::vector<double> difference(std::span<const double> a, std::span<const double> b) {
    std::vector<double> result;
    result.reserve(a.size());
    for (std::size_t i = 0; i < a.size(); ++i)
        result.push_back(a[i] - b[i]);
    return result;
}

// Where the moving average is, in its deviations, from where it usually is: that of skewed values is not
// about their median. From one value to the next may be less than from the centre, in steps or when
// hardly any value differs; the larger of both counts.
std::vector<double> averages_of(const std::vector<double> &values, double deviation) {
    const double noise = noise_of(values);
    const double part = noise < deviation ? noise / deviation : 1;
    std::vector<double> result;
    for (const score &one : moving_scores(values, 0.1))
        result.push_back(one.value * part);
    std::vector<double> told;
    std::copy_if(result.begin(), result.end(), std::back_inserter(told),
                 [](double v) { return std::isfinite(v); });
    if (const auto usual = robust_location(std::move(told))) {
        for (double &value : result)
            value -= usual->centre;
    }
    return result;
}

} // namespace

std::vector<unusual> find_unusual(std::span<const double> values, seasons_of seasons,
                                  const unusual_limits &limits, cancel_poll poll) {
    if (!(limits.threshold > 0 && std::isfinite(limits.threshold)))
        throw error{k_invalid_parameter_value, "a threshold is above 0, and finite"};
    // Checks values and seasons.
    (void)seasonal_scores(values, seasons, limits.in_season);
    std::vector<unusual> found;
    if (values.empty())
        return found;

    const std::vector<double> usual =
        rhythm(values, seasons, *robust_location({values.begin(), values.end()}), limits.in_season);
    std::vector<double> rest = difference(values, usual);
    const std::vector<step> steps = steps_of(rest, limits, poll);
    const std::vector<double> offsets = offsets_of(steps, rest.size());
    const double noise = noise_of(rest);
    for (std::size_t k = 1; k < steps.size(); ++k) {
        const auto [begin, centre] = steps[k];
        const double score = distance_in(centre - steps[k - 1].centre, noise);
        if (std::fabs(score) >= 1)
            found.push_back({begin, unusual_kind::level, usual[begin] + steps[k - 1].centre,
                             usual[begin] + centre, score});
    }
    rest = difference(rest, offsets);

    const location left = *robust_location(rest);
    const std::vector<double> widths = deviations(rest, seasons, left);
    const std::vector<double> averages = averages_of(tamed(rest, left, limits.threshold), left.deviation);
    bool drifting = false;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double expected = usual[i] + offsets[i];
        const double score = distance_in(rest[i], widths[i]);
        if (std::fabs(score) > limits.threshold)
            found.push_back({i, unusual_kind::outlier, expected, values[i], score});
        const bool far =
            std::isfinite(averages[i]) && std::fabs(averages[i]) > limits.threshold;
        if (far && !drifting)
            found.push_back({i, unusual_kind::drift, expected, values[i], averages[i]});
        drifting = far;
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const unusual &a, const unusual &b) { return a.place < b.place; });
    return found;
}

} // namespace saas::core::metrics
