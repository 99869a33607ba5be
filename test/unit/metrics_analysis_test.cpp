// SPDX-License-Identifier: PostgreSQL
// Funnels, significance and anomalies against figures computed by hand or published.
#include "core/metrics/anomaly.hpp"
#include "core/metrics/funnel.hpp"
#include "core/metrics/monthly_amount.hpp"
#include "core/metrics/significance.hpp"
#include "core/metrics/unusual.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <random>

namespace core = saas::core;
using namespace core::metrics;

namespace {

using elapsed = std::vector<std::int64_t>;

std::string state_of(const std::function<void()> &act) {
    try {
        act();
    } catch (const core::error &e) {
        return std::string{e.state().code()};
    }
    return "";
}

// How far the best run comes, by trying every begin and always taking the next step as early as can be.
std::size_t longest_run(const std::vector<funnel_event> &events, int steps, std::int64_t window) {
    std::size_t best = 0;
    for (std::size_t i = 0; i < events.size(); ++i) {
        if ((events[i].steps & 1U) == 0)
            continue;
        std::size_t reached = 1;
        for (std::size_t j = i + 1; j < events.size() && reached < static_cast<std::size_t>(steps); ++j) {
            if (events[j].at - events[i].at <= window && (events[j].steps >> reached & 1U) != 0)
                ++reached;
        }
        best = std::max(best, reached);
    }
    return best;
}

std::vector<double> noisy(std::size_t n, double mean, std::mt19937 &random) {
    std::normal_distribution<double> noise{mean, 1};
    std::vector<double> values;
    for (std::size_t i = 0; i < n; ++i)
        values.push_back(noise(random));
    return values;
}

} // namespace

TEST(funnel, counts_steps_in_order_within_the_window) {
    using events = std::vector<funnel_event>;
    EXPECT_EQ(funnel_progress(events{}, 3, 10), elapsed{});
    EXPECT_EQ(funnel_progress(events{{1, 2}, {2, 4}}, 3, 10), elapsed{}) << "never began";
    EXPECT_EQ(funnel_progress(events{{1, 1}, {3, 2}, {6, 4}}, 3, 10), (elapsed{0, 2, 5}));
    EXPECT_EQ(funnel_progress(events{{1, 1}, {3, 4}, {6, 2}}, 3, 10), (elapsed{0, 5})) << "out of order";
    EXPECT_EQ(funnel_progress(events{{1, 1}, {11, 2}, {12, 4}}, 3, 10), (elapsed{0, 10})) << "the window is of the run";
    EXPECT_EQ(funnel_progress(events{{1, 1}, {5, 1}, {7, 2}, {14, 4}}, 3, 10), (elapsed{0, 2, 9})) << "a later begin";
    EXPECT_EQ(funnel_progress(events{{1, 3}}, 2, 10), elapsed{0}) << "one event is one step";
    EXPECT_EQ(funnel_progress(events{{1, 3}, {1, 3}}, 2, 0), (elapsed{0, 0}));
    EXPECT_EQ(funnel_progress(events{{std::numeric_limits<std::int64_t>::min(), 1},
                                     {std::numeric_limits<std::int64_t>::max(), 2}}, 2, 10), elapsed{0});
}

TEST(funnel, gets_as_far_as_the_best_of_all_runs) {
    std::mt19937 random{7};
    for (int round = 0; round < 500; ++round) {
        std::vector<funnel_event> events;
        std::int64_t at = 0;
        for (int i = 0; i < 12; ++i) {
            at += static_cast<std::int64_t>(random() % 4);
            events.push_back({at, static_cast<std::uint32_t>(random() % 16)});
        }
        EXPECT_EQ(funnel_progress(events, 4, 8).size(), longest_run(events, 4, 8)) << round;
    }
}

TEST(funnel, refuses_what_is_no_funnel) {
    EXPECT_EQ(state_of([] { (void)funnel_progress({}, 0, 1); }), "22023");
    EXPECT_EQ(state_of([] { (void)funnel_progress({}, 31, 1); }), "22023");
    EXPECT_EQ(state_of([] { (void)funnel_progress({}, 2, -1); }), "22023");
    const std::vector<funnel_event> disordered{{2, 1}, {1, 2}};
    EXPECT_EQ(state_of([&] { (void)funnel_progress(disordered, 2, 1); }), "22023");
}

// Newcombe 1998, table II: 56/70 against 48/80 has the interval 0.0524 to 0.3339 by method 10.
TEST(significance, agrees_with_published_figures) {
    const auto found = compare_shares({48, 80}, {56, 70}, 0.95);
    EXPECT_NEAR(found.lower, 0.0524, 0.00005);
    EXPECT_NEAR(found.upper, 0.3339, 0.00005);
    // Pooled share 104/150, variance 0.21262 * (1/80 + 1/70): z = 0.2 / 0.075466.
    EXPECT_NEAR(found.z, 2.65020, 0.00005);
    EXPECT_NEAR(found.p_value, 0.0080447, 0.000005);
    EXPECT_TRUE(found.reliable);
}

TEST(significance, is_symmetric_and_has_ends) {
    const auto one = compare_shares({10, 100}, {20, 100}, 0.9);
    const auto other = compare_shares({20, 100}, {10, 100}, 0.9);
    EXPECT_DOUBLE_EQ(one.z, -other.z);
    EXPECT_DOUBLE_EQ(one.p_value, other.p_value);
    EXPECT_DOUBLE_EQ(one.lower, -other.upper);
    const auto none = compare_shares({0, 10}, {0, 10}, 0.95);
    EXPECT_EQ(none.z, 0);
    EXPECT_EQ(none.p_value, 1);
    EXPECT_FALSE(none.reliable);
    const auto far = compare_shares({0, 1000000}, {1000000, 1000000}, 0.95);
    EXPECT_EQ(far.p_value, 0);
    EXPECT_LE(far.upper, 1.0);
    for (const auto &[a, b, confidence] : {std::tuple{share{1, 0}, share{1, 1}, 0.9}, {share{2, 1}, share{1, 1}, 0.9},
                                           {share{-1, 1}, share{1, 1}, 0.9}, {share{1, 1}, share{1, 1}, 0.0},
                                           {share{1, 1}, share{1, 1}, 1.0}, {share{1, 1}, share{1, 1}, std::nan("")}})
        EXPECT_EQ(state_of([&, a = a, b = b, c = confidence] { (void)compare_shares(a, b, c); }), "22023");
}

TEST(significance, tells_a_split_that_is_not_by_chance) {
    EXPECT_DOUBLE_EQ(split_p_value(50, 50, 0.5), 1);
    // Chi-square 4 with one degree of freedom.
    EXPECT_NEAR(split_p_value(60, 40, 0.5), 0.0455003, 0.0000005);
    EXPECT_EQ(state_of([] { (void)split_p_value(0, 0, 0.5); }), "22023");
    EXPECT_EQ(state_of([] { (void)split_p_value(1, 1, 1); }), "22023");
}

TEST(anomaly, seasons_have_a_centre_of_their_own) {
    // Season 0: median 10, absolute deviations 1 0 1 0 90, median 1. Season 1: median 100. Season 2: too few.
    const std::vector<double> values{9, 100, 10, 100, 11, 100, 10, 103, 100, 5};
    const std::vector<std::int32_t> seasons{0, 1, 0, 1, 0, 1, 0, 1, 0, 2};
    const auto found = seasonal_scores(values, seasons, 4);
    ASSERT_TRUE(found[8].has_value());
    EXPECT_DOUBLE_EQ(found[8]->expected, 10);
    EXPECT_NEAR(found[8]->value, 90 / 1.4826, 1e-9);
    EXPECT_DOUBLE_EQ(found[7]->expected, 100);
    EXPECT_NEAR(found[7]->value, 3 / (1.2533 * 0.75), 1e-9) << "by the mean when most are equal";
    EXPECT_DOUBLE_EQ(found[1]->value, 0);
    EXPECT_FALSE(found[9].has_value());
    EXPECT_EQ(state_of([&] { (void)seasonal_scores(values, std::vector<std::int32_t>{0}, 4); }), "22023");
    EXPECT_EQ(state_of([&] { (void)seasonal_scores(std::vector<double>{NAN}, std::vector<std::int32_t>{0}, 4); }), "22023");
    EXPECT_EQ(state_of([&] { (void)seasonal_scores(std::vector<double>{1}, std::vector<std::int32_t>{-1}, 4); }), "22023");
    EXPECT_EQ(state_of([&] { (void)moving_scores(std::vector<double>(20001), 0.2); }), "54000");
}

TEST(anomaly, averages_show_a_drift_that_no_value_shows) {
    std::mt19937 random{3};
    std::vector<double> values = noisy(200, 0, random);
    for (std::size_t i = 150; i < values.size(); ++i)
        values[i] += 1.5; // within what single values do
    const auto found = moving_scores(values, 0.1);
    EXPECT_LT(*std::max_element(values.begin(), values.end()), 4.5);
    double before = 0;
    double after = 0;
    for (std::size_t i = 0; i < values.size(); ++i)
        (i < 150 ? before : after) = std::max(i < 150 ? before : after, std::fabs(found[i].value));
    EXPECT_LT(before, 4.5);
    EXPECT_GT(after, 5);
    EXPECT_TRUE(moving_scores({}, 0.1).empty());
    EXPECT_EQ(moving_scores(std::vector<double>{4, 4, 4}, 0.5)[2].value, 0) << "nothing moves";
    EXPECT_EQ(state_of([&] { (void)moving_scores(values, 0); }), "22023");
}

TEST(anomaly, levels_begin_where_they_change) {
    std::mt19937 random{5};
    std::vector<double> values = noisy(100, 10, random);
    const auto second = noisy(80, 15, random);
    const auto third = noisy(50, 12, random);
    values.insert(values.end(), second.begin(), second.end());
    values.insert(values.end(), third.begin(), third.end());
    const auto found = levels_of(values, 3, 3);
    ASSERT_EQ(found.size(), 3U);
    EXPECT_EQ(found[0].begin, 0U);
    EXPECT_EQ(found[1].begin, 100U);
    EXPECT_NEAR(static_cast<double>(found[2].begin), 180, 2);
    EXPECT_NEAR(found[1].mean, 15, 0.4);
    EXPECT_EQ(levels_of(noisy(300, 0, random), 3, 3).size(), 1U);
    EXPECT_EQ(levels_of(std::vector<double>(50, 1e9 + 0.1), 3, 3).size(), 1U);
    EXPECT_EQ(levels_of(std::vector<double>{1, 5}, 3, 3).size(), 1U);
    EXPECT_TRUE(levels_of({}, 3, 3).empty());
    EXPECT_EQ(state_of([&] { (void)levels_of(values, 0, 3); }), "22023");
}

// Against all ways to cut a short series.
TEST(anomaly, levels_are_the_best_there_are) {
    std::mt19937 random{11};
    for (int round = 0; round < 200; ++round) {
        std::vector<double> values;
        for (int i = 0; i < 10; ++i)
            values.push_back(static_cast<double>(random() % 5) + (i > 5 ? static_cast<double>(random() % 3) * 4 : 0));
        const double noise = noise_of(values);
        const double price = 1.0 * std::max(noise * noise, std::numeric_limits<double>::min()) * std::log(10.0);
        const auto cost_of = [&](std::uint32_t cuts) -> double {
            double total = 0;
            std::size_t begin = 0;
            for (std::size_t i = 1; i <= values.size(); ++i) {
                if (i != values.size() && (cuts >> i & 1U) == 0)
                    continue;
                if (i - begin < 2)
                    return std::numeric_limits<double>::infinity();
                double mean = 0;
                for (std::size_t k = begin; k < i; ++k)
                    mean += values[k] / static_cast<double>(i - begin);
                for (std::size_t k = begin; k < i; ++k)
                    total += (values[k] - mean) * (values[k] - mean);
                total += begin == 0 ? 0 : price;
                begin = i;
            }
            return total;
        };
        double best = std::numeric_limits<double>::infinity();
        for (std::uint32_t cuts = 0; cuts < 1024; cuts += 2)
            best = std::min(best, cost_of(cuts));
        std::uint32_t found = 0;
        for (const level &l : levels_of(values, 1, 2))
            found |= l.begin == 0 ? 0U : 1U << l.begin;
        EXPECT_NEAR(cost_of(found), best, 1e-9) << round;
    }
}

// Eight weeks of hours with a daily rhythm ten times the noise, an outlier, and a level from week six on.
TEST(anomaly, a_rhythm_is_nothing_unusual) {
    std::mt19937 random{13};
    std::vector<double> values = noisy(8 * 168, 100, random);
    std::vector<std::int32_t> seasons;
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] += 10 * std::sin(static_cast<double>(i % 24) / 24 * 6.2831853);
        values[i] += i >= 6 * 168 ? 8 : 0;
        seasons.push_back(static_cast<std::int32_t>(i % 168));
    }
    values[500] += 30;
    const unusual_limits limits{4.5, 3, 6, 4};
    const auto found = find_unusual(values, seasons, limits);
    std::size_t others = 0;
    bool outlier = false;
    bool level = false;
    for (const unusual &one : found) {
        if (one.place == 500 && one.kind == unusual_kind::outlier) {
            outlier = true;
            EXPECT_NEAR(one.expected, values[500] - 30, 4);
        } else if (one.kind == unusual_kind::level && one.place >= 6 * 168 - 1 && one.place <= 6 * 168 + 1) {
            level = true;
            EXPECT_NEAR(one.found - one.expected, 8, 0.7);
        } else {
            ++others;
        }
    }
    EXPECT_TRUE(outlier);
    EXPECT_TRUE(level);
    EXPECT_LE(others, 2U);
    EXPECT_TRUE(find_unusual({}, {}, limits).empty());
    EXPECT_TRUE(find_unusual(std::vector<double>(100, 7), std::vector<std::int32_t>(100, 0), limits).empty());
    EXPECT_EQ(state_of([&] { (void)find_unusual(values, seasons, {0, 3, 6, 4}); }), "22023");
    EXPECT_EQ(state_of([&] { (void)find_unusual(values, {}, limits); }), "22023");
}

TEST(monthly_amount, is_exact_and_rounds_halves_away_from_zero) {
    EXPECT_EQ(monthly_amount({4900, 0, 0, 1200, 1, 10000, 10000}), 4900);
    EXPECT_EQ(monthly_amount({120000, 0, 0, 100, 1, 10000, 10000}), 10000); // a year
    EXPECT_EQ(monthly_amount({3000, 0, 0, 5200, 1, 10000, 10000}), 13000);  // a week
    EXPECT_EQ(monthly_amount({100, 0, 0, 36500, 1, 10000, 10000}), 3042);   // a day: 3041.67
    EXPECT_EQ(monthly_amount({6, 0, 0, 100, 1, 10000, 10000}), 1);          // one half
    EXPECT_EQ(monthly_amount({5, 0, 0, 100, 1, 10000, 10000}), 0);
    EXPECT_EQ(monthly_amount({30000, 0, 0, 1200, 3, 10000, 10000}), 10000); // a quarter
    EXPECT_EQ(monthly_amount({10000, 2500, 500, 1200, 1, 10000, 10000}), 7000);
    EXPECT_EQ(monthly_amount({10000, 10000, 500, 1200, 1, 10000, 10000}), 0); // never below 0
    EXPECT_EQ(monthly_amount({11900, 0, 0, 1200, 1, 10000, 11900}), 10000);   // without tax
    EXPECT_EQ(monthly_amount({10000, 0, 0, 1200, 1, 11900, 10000}), 11900);   // with it
    EXPECT_EQ(monthly_amount({1000000000000, 0, 0, 40000, 1, 20000, 10000}), 66666666666667);
}

TEST(monthly_amount, refuses_terms_that_no_subscription_has) {
    const period_price good{100, 0, 0, 1200, 1, 10000, 10000};
    const auto refused = [&](const std::function<void(period_price &)> &spoil) {
        period_price price = good;
        spoil(price);
        return state_of([&] { (void)monthly_amount(price); });
    };
    EXPECT_EQ(refused([](period_price &p) { p.amount = -1; }), "22023");
    EXPECT_EQ(refused([](period_price &p) { p.amount = 1000000000001; }), "22023");
    EXPECT_EQ(refused([](period_price &p) { p.discount_points = 10001; }), "22023");
    EXPECT_EQ(refused([](period_price &p) { p.discount_amount = -1; }), "22023");
    EXPECT_EQ(refused([](period_price &p) { p.periods_per_year = -1; }), "22023");
    EXPECT_EQ(refused([](period_price &p) { p.interval_count = 0; }), "22023");
    EXPECT_EQ(refused([](period_price &p) { p.tax_numerator = 9999; }), "22023");
    EXPECT_EQ(refused([](period_price &p) { p.tax_denominator = 0; }), "22023");
}

// Three months of hours by hour of the week, with another level from the middle on.
TEST(unusual, one_level_that_lasts_half_the_series_is_one) {
    std::mt19937 random{21};
    std::normal_distribution<double> noise{0, 10};
    for (const double rise : {40.0, 200.0, -60.0}) {
        std::vector<double> values;
        std::vector<std::int32_t> seasons;
        for (int i = 0; i < 90 * 24; ++i) {
            seasons.push_back(i % 168);
            values.push_back(100 + 50 * std::sin(i * 2 * M_PI / 24) + noise(random) +
                             (i >= 39 * 24 ? rise : 0));
        }
        std::vector<unusual> levels = find_unusual(values, seasons, {4, 3, 6, 4});
        std::erase_if(levels, [](const unusual &u) { return u.kind != unusual_kind::level; });
        ASSERT_EQ(levels.size(), 1U) << rise;
        EXPECT_LE(levels[0].place, 39U * 24U + 1U);
        EXPECT_GE(levels[0].place, 39U * 24U - 1U);
        EXPECT_NEAR(levels[0].found - levels[0].expected, rise, 10);
    }
}

TEST(unusual, skewed_values_do_not_drift) {
    std::mt19937 random{22};
    std::lognormal_distribution<double> skewed{0, 1};
    std::size_t drifts = 0;
    for (int round = 0; round < 10; ++round) {
        std::vector<double> values;
        for (int i = 0; i < 1000; ++i)
            values.push_back(skewed(random));
        for (const unusual &u :
             find_unusual(values, std::vector<std::int32_t>(values.size()), {4, 3, 6, 4}))
            drifts += u.kind == unusual_kind::drift ? 1 : 0;
    }
    EXPECT_LE(drifts, 20U);
}
