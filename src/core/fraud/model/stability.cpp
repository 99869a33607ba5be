// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/model/stability.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace saas::core::fraud {
namespace {

constexpr std::size_t k_deciles = 10;
constexpr std::size_t k_most_categories = 50;
constexpr double k_infinity = std::numeric_limits<double>::infinity();

// The values that are not missing, in order.
std::vector<double> sorted(std::span<const double> values) {
    std::vector<double> out;
    out.reserve(values.size());
    std::copy_if(values.begin(), values.end(), std::back_inserter(out),
                 [](double v) { return !std::isnan(v); });
    std::sort(out.begin(), out.end());
    return out;
}

// The upper bounds of the bins, ascending, the last one infinite.
std::vector<double> decile_bounds(const std::vector<double> &baseline) {
    std::vector<double> out;
    for (std::size_t k = 1; k < k_deciles && !baseline.empty(); ++k) {
        double bound = baseline[(baseline.size() * k - 1) / k_deciles];
        if (out.empty() || bound > out.back())
            out.push_back(bound);
    }
    if (out.empty() || out.back() < k_infinity)
        out.push_back(k_infinity);
    return out;
}

// The most frequent values of the baseline.
std::vector<double> category_values(const std::vector<double> &baseline) {
    struct run {
        double value;
        std::size_t count;
    };
    std::vector<run> runs;
    for (double value : baseline) {
        if (runs.empty() || runs.back().value != value)
            runs.push_back({value, 0});
        ++runs.back().count;
    }
    std::stable_sort(runs.begin(), runs.end(),
                     [](const run &a, const run &b) { return a.count > b.count; });
    std::vector<double> out;
    for (std::size_t i = 0; i < std::min(runs.size(), k_most_categories); ++i)
        out.push_back(runs[i].value);
    std::sort(out.begin(), out.end());
    return out;
}

// How many values of a sorted sample fall into each bin; of categories the last bin has the rest.
std::vector<std::size_t> counts(const std::vector<double> &sample,
                                const std::vector<double> &bounds, bool categories) {
    std::vector<std::size_t> out;
    std::size_t counted = 0;
    for (double bound : bounds) {
        auto end = std::upper_bound(sample.begin(), sample.end(), bound);
        auto begin = categories ? std::lower_bound(sample.begin(), sample.end(), bound)
                                : sample.begin() + static_cast<std::ptrdiff_t>(counted);
        out.push_back(static_cast<std::size_t>(end - begin));
        counted += out.back();
    }
    if (categories)
        out.push_back(sample.size() - counted);
    return out;
}

double share(std::size_t count, std::size_t total, std::size_t bins) {
    return (static_cast<double>(count) + 0.5) /
           (static_cast<double>(total) + 0.5 * static_cast<double>(bins));
}

} // namespace

stability population_stability(std::span<const double> baseline, std::span<const double> window,
                               bool categories, cancel_poll poll) {
    if (baseline.empty() || window.empty())
        throw error{k_invalid_parameter_value,
                    "a sample without values has no distribution",
                    {},
                    "Choose windows that have assessments."};
    poll.step();
    std::vector<double> before = sorted(baseline);
    std::vector<double> after = sorted(window);
    std::vector<double> bounds = categories ? category_values(before) : decile_bounds(before);
    std::vector<std::size_t> expected = counts(before, bounds, categories);
    std::vector<std::size_t> actual = counts(after, bounds, categories);
    if (categories)
        bounds.push_back(k_infinity);
    // Missing values.
    bounds.push_back(std::numeric_limits<double>::quiet_NaN());
    expected.push_back(baseline.size() - before.size());
    actual.push_back(window.size() - after.size());

    stability out{0, {}};
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        if (expected[i] == 0 && actual[i] == 0)
            continue;
        out.bins.push_back({bounds[i], expected[i], actual[i]});
    }
    for (const stability_bin &bin : out.bins) {
        double e = share(bin.baseline, baseline.size(), out.bins.size());
        double a = share(bin.window, window.size(), out.bins.size());
        out.index += (a - e) * std::log(a / e);
    }
    return out;
}

} // namespace saas::core::fraud
