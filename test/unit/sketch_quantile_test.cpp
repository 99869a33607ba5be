// SPDX-License-Identifier: PostgreSQL
#include "core/sketch/quantile.hpp"

#include "sketch_helpers.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace sk = saas::core::sketch;
using saas::test::bytes_of;
using saas::test::sketch_bytes;
using saas::test::state_of;
using saas::test::zeroed;

namespace {

constexpr double k_inf = std::numeric_limits<double>::infinity();
constexpr double k_nan = std::numeric_limits<double>::quiet_NaN();

sk::quantile_state *state_with(const std::vector<double> &values) {
    sk::quantile_state *state = sk::make_quantile_state(zeroed);
    for (const double value : values)
        state = sk::add(state, sk::key_of(value), 1, zeroed);
    return state;
}

sketch_bytes sketch_of(const std::vector<double> &values) {
    return bytes_of(*state_with(values));
}

double quantile(const sketch_bytes &sketch, double fraction) {
    double value = 0;
    EXPECT_TRUE(sk::quantiles(sketch, {&fraction, 1}, {&value, 1}));
    return value;
}

// percentile_cont of sorted values.
double exact_quantile(const std::vector<double> &sorted, double fraction) {
    const double position = fraction * static_cast<double>(sorted.size() - 1);
    const auto rank = static_cast<std::size_t>(position);
    const double rest = position - static_cast<double>(rank);
    return rest == 0 ? sorted[rank] : sorted[rank] + (sorted[rank + 1] - sorted[rank]) * rest;
}

struct distribution {
    const char *name;
    std::function<double(std::mt19937_64 &)> draw;
};

const std::vector<distribution> &distributions() {
    static const std::vector<distribution> all = {
        {"uniform",
         [](auto &random) {
             return std::uniform_real_distribution{0.0, 1000.0}(random);
         }},
        {"lognormal",
         [](auto &random) {
             return std::lognormal_distribution{3.5, 1.0}(random);
         }},
        {"Pareto",
         [](auto &random) {
             return std::pow(1 - std::uniform_real_distribution{0.0, 1.0}(random), -1 / 1.2);
         }},
        {"bimodal",
         [](auto &random) {
             return std::bernoulli_distribution{0.7}(random)
                        ? std::normal_distribution{20.0, 2.0}(random)
                        : std::normal_distribution{5000.0, 300.0}(random);
         }},
        {"constant", [](auto &) { return 42.42; }},
        {"negative", [](auto &random) { return -std::exponential_distribution{0.01}(random); }},
        {"any exponent",
         [](auto &random) {
             return std::ldexp(1 + std::uniform_real_distribution{0.0, 1.0}(random),
                               std::uniform_int_distribution{-1000, 1000}(random));
         }},
    };
    return all;
}

std::vector<double> draw(const distribution &from, unsigned seed, std::size_t count) {
    std::mt19937_64 random{seed};
    std::vector<double> values(count);
    std::generate(values.begin(), values.end(), [&] { return from.draw(random); });
    return values;
}

} // namespace

TEST(sketch_quantile, every_bucket_represents_its_ends_within_the_error) {
    double worst = 0;
    for (sk::bucket_key key = 1 - sk::k_infinity_key; key < sk::k_infinity_key; ++key) {
        if (key > -64 && key < 64)
            continue; // subnormal numbers
        const sk::value_range range = sk::range_of(key);
        const double value = sk::value_of(key);
        worst = std::max(
            {worst, std::fabs(value / range.lower - 1), std::fabs(value / range.upper - 1)});
        const double inner = key > 0 ? range.lower : range.upper;
        ASSERT_EQ(sk::key_of(inner), key);
        ASSERT_EQ(sk::key_of(value), key);
    }
    EXPECT_LE(worst, sk::k_quantile_error * (1 + 1e-12));
    EXPECT_LT(sk::k_quantile_error, 0.01);
}

TEST(sketch_quantile, keys_have_the_order_of_sql) {
    const double ordered[] = {-k_inf, -1e308, -1,  -1e-300, 0,     1e-300,
                              0.5,    1,      1.1, 1e308,   k_inf, k_nan};
    for (std::size_t i = 1; i < std::size(ordered); ++i)
        EXPECT_LT(sk::key_of(ordered[i - 1]), sk::key_of(ordered[i])) << ordered[i];
    EXPECT_EQ(sk::key_of(-0.0), 0);
    EXPECT_EQ(sk::key_of(std::numeric_limits<double>::denorm_min()), 0);
    EXPECT_EQ(sk::key_of(-k_nan), sk::k_nan_key);
    EXPECT_EQ(sk::value_of(sk::key_of(k_inf)), k_inf);
    EXPECT_EQ(sk::value_of(sk::key_of(-k_inf)), -k_inf);
    EXPECT_TRUE(std::isnan(sk::value_of(sk::k_nan_key)));
}

// Ten seeds, seven distributions, sizes of an hour and of a day.
TEST(sketch_quantile, error_is_at_most_one_percent) {
    const std::vector<double> fractions{0,    0.001, 0.01, 0.05, 0.25,  0.5,
                                        0.75, 0.9,   0.95, 0.99, 0.999, 1};
    double worst = 0;
    for (const distribution &from : distributions()) {
        for (unsigned seed = 1; seed <= 10; ++seed) {
            for (const std::size_t count : {1U, 2U, 208U, 10'000U}) {
                std::vector<double> values = draw(from, seed, count);
                const sketch_bytes sketch = sketch_of(values);
                std::sort(values.begin(), values.end());
                std::vector<double> found(fractions.size());
                ASSERT_TRUE(sk::quantiles(sketch, fractions, found));
                for (std::size_t i = 0; i < fractions.size(); ++i) {
                    const double exact = exact_quantile(values, fractions[i]);
                    const double error = std::fabs(found[i] / exact - 1);
                    worst = std::max(worst, error);
                    ASSERT_LE(error, 0.01) << from.name << ", seed " << seed << ", " << count
                                           << " values, fraction " << fractions[i];
                }
            }
        }
    }
    EXPECT_LE(worst, sk::k_quantile_error + 1e-9);
    EXPECT_GT(worst, 0.007); // the test meets the hard cases
}

TEST(sketch_quantile, an_hour_takes_at_most_300_bytes) {
    for (unsigned seed = 1; seed <= 10; ++seed) {
        EXPECT_LE(sketch_of(draw(distributions()[1], seed, 300)).size(), 300U);
        EXPECT_LE(sketch_of(draw(distributions()[0], seed, 300)).size(), 300U);
        EXPECT_LE(sketch_of(draw(distributions()[4], seed, 1'000'000)).size(), 16U);
    }
}

TEST(sketch_quantile, merging_equals_building) {
    for (const distribution &from : distributions()) {
        for (unsigned seed = 1; seed <= 10; ++seed) {
            const std::vector<double> values = draw(from, seed, 5000);
            sk::quantile_state *merged = sk::make_quantile_state(zeroed);
            sk::quantile_state *from_states = sk::make_quantile_state(zeroed);
            for (std::size_t at = 0; at < values.size();) {
                const std::size_t end = std::min(values.size(), at + 1 + seed * 97 % 800);
                const auto *part = state_with({values.begin() + static_cast<std::ptrdiff_t>(at),
                                               values.begin() + static_cast<std::ptrdiff_t>(end)});
                merged = sk::merge(merged, bytes_of(*part), zeroed);
                from_states = sk::merge(from_states, *part, zeroed);
                at = end;
            }
            ASSERT_EQ(bytes_of(*merged), sketch_of(values)) << from.name;
            ASSERT_EQ(bytes_of(*from_states), sketch_of(values)) << from.name;
        }
    }
}

TEST(sketch_quantile, subtracting_undoes_merging) {
    for (const distribution &from : distributions()) {
        const std::vector<double> kept = draw(from, 1, 3000);
        const std::vector<double> gone = draw(from, 2, 2000);
        sk::quantile_state *state = state_with(kept);
        state = sk::merge(state, sketch_of(gone), zeroed);
        sk::take(state, sketch_of(gone));
        EXPECT_EQ(bytes_of(*state), sketch_of(kept)) << from.name;
        for (const double value : kept)
            sk::take(state, sk::key_of(value), 1);
        EXPECT_EQ(bytes_of(*state), sketch_of({})) << from.name;
    }
    sk::quantile_state *state = state_with({1, 2, 3});
    EXPECT_EQ(state_of([&] { sk::take(state, sketch_of({1, 1})); }), "22023");
    EXPECT_EQ(state_of([&] { sk::take(state, sk::key_of(7), 1); }), "22023");
}

// A window that moves for ever: what was taken away leaves no room behind.
TEST(sketch_quantile, a_moving_window_does_not_grow) {
    sk::quantile_state *state = sk::make_quantile_state(zeroed);
    for (int i = 0; i < 200'000; ++i) {
        state = sk::add(state, i % sk::k_infinity_key, 1, zeroed);
        if (i >= 100)
            sk::take(state, (i - 100) % sk::k_infinity_key, 1);
    }
    EXPECT_EQ(state->count, 100U);
    EXPECT_LE(state->size, 4096U);
}

TEST(sketch_quantile, special_values) {
    const sketch_bytes sketch = sketch_of({k_nan, k_inf, -k_inf, 0, -0.0});
    EXPECT_EQ(quantile(sketch, 0), -k_inf);
    EXPECT_EQ(quantile(sketch, 0.25), 0);
    EXPECT_EQ(quantile(sketch, 0.5), 0);
    EXPECT_EQ(quantile(sketch, 0.75), k_inf);
    EXPECT_TRUE(std::isnan(quantile(sketch, 1)));
    EXPECT_EQ(quantile(sketch, 0.1), -k_inf); // not interpolated
    EXPECT_EQ(quantile(sketch_of({-k_inf, k_inf}), 0.5), -k_inf);
    double value = 7;
    const double half = 0.5;
    EXPECT_FALSE(sk::quantiles(sketch_of({}), {&half, 1}, {&value, 1}));
    for (const double bad : {-0.1, 1.1, k_nan, k_inf})
        EXPECT_EQ(state_of([&] { (void)quantile(sketch, bad); }), "22003");
}

TEST(sketch_quantile, ranks) {
    std::vector<double> values;
    for (int i = 1; i <= 1000; ++i)
        values.push_back(i);
    const sketch_bytes sketch = sketch_of(values);
    for (const double value : {1.0, 10.0, 100.0, 500.0, 999.0}) {
        const double rank = *sk::rank_of(sketch, value);
        EXPECT_GE(rank, value / 1000);
        EXPECT_LE(rank, value * (1 + 1.0 / 64) / 1000 + 1e-12);
    }
    EXPECT_EQ(*sk::rank_of(sketch, 0), 0);
    EXPECT_EQ(*sk::rank_of(sketch, -5), 0);
    EXPECT_EQ(*sk::rank_of(sketch, 1e9), 1);
    EXPECT_EQ(*sk::rank_of(sketch_of({42, 42}), 42), 1);
    EXPECT_EQ(*sk::rank_of(sketch_of({1, k_nan}), k_inf), 0.5);
    EXPECT_FALSE(sk::rank_of(sketch_of({}), 1));
}

TEST(sketch_quantile, large_counts) {
    sk::quantile_state *state = state_with({1});
    state = sk::add(state, sk::key_of(2), sk::k_largest_count - 1, zeroed);
    EXPECT_EQ(sk::summary_of_quantiles(bytes_of(*state)).count, sk::k_largest_count);
    EXPECT_EQ(state_of([&] { (void)sk::add(state, sk::key_of(3), 1, zeroed); }), "22003");
    EXPECT_EQ(state_of([&] { (void)sk::merge(state, bytes_of(*state), zeroed); }), "22003");
}

TEST(sketch_quantile, malformed_bytes_are_refused) {
    const sketch_bytes good = sketch_of(
        {-3, 0, 1, 1, 1e300, k_inf, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5});
    EXPECT_EQ(state_of([&] { sk::check_quantile_sketch(good); }), "");
    EXPECT_GT(saas::test::refused_variants(good, sk::check_quantile_sketch), good.size());
    const sketch_bytes bad[] = {
        {},
        {'D', 1, 0},
        {'Q', 2, 0},
        {'Q', 1},
        {'Q', 1, 0, 0},
        {'Q', 1, 1, 0x01, 0xd0, 0xff, 0x07},                         // a subnormal bucket
        {'Q', 1, 0x80, 0},                                           // leading zeros
        {'Q', 1, 1, 0x01, 0xff, 0xff, 0xff, 0x7f},                   // beyond the last bucket
        {'Q', 1, 1, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, // too large a count
        {'Q', 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
    };
    for (const sketch_bytes &sketch : bad)
        EXPECT_EQ(state_of([&] { sk::check_quantile_sketch(sketch); }), "22P03");
}
