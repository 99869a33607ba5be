// SPDX-License-Identifier: PostgreSQL
#include "core/sketch/series.hpp"

#include "core/sketch/histogram.hpp"
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
using sk::series_kind;

namespace {

constexpr std::int64_t k_second = 1'000'000;
constexpr double k_nan = std::numeric_limits<double>::quiet_NaN();

struct reading {
    std::int64_t at;
    double value;
};

sk::series_state *state_with(series_kind kind, const std::vector<reading> &readings) {
    sk::series_state *state = sk::make_series_state(kind, zeroed);
    for (const reading &r : readings)
        state = sk::add(state, r.at * k_second, r.value, zeroed);
    return state;
}

sketch_bytes joined(const sk::series_state &state) {
    sketch_bytes out(sk::most_bytes_joined());
    out.resize(sk::encode_joined(state, out.data()));
    return out;
}

sk::stretch whole(const sk::series_state &state) {
    return sk::join(joined(state)).all.value();
}

} // namespace

TEST(sketch_series, counters_rise_and_begin_again) {
    const auto all = whole(
        *state_with(series_kind::counter, {{0, 10}, {10, 15}, {20, 3}, {30, 8}, {40, 0}, {50, 4}}));
    EXPECT_EQ(all.sum, 5 + 3 + 5 + 0 + 4);
    EXPECT_EQ(all.resets, 2U);
    EXPECT_EQ(all.readings, 6U);
    EXPECT_EQ(all.last_at - all.first_at, 50 * k_second);
    EXPECT_EQ(whole(*state_with(series_kind::counter, {{7, 3}})).sum, 0);
    EXPECT_FALSE(sk::join(joined(*state_with(series_kind::counter, {}))).all);
}

TEST(sketch_series, levels_are_weighted_by_time) {
    const std::vector<reading> readings{{0, 10}, {10, 20}, {40, -5}, {50, 0}};
    EXPECT_EQ(whole(*state_with(series_kind::stepped, readings)).sum, 10 * 10 + 20 * 30 - 5 * 10);
    EXPECT_EQ(whole(*state_with(series_kind::linear, readings)).sum, 150 + 7.5 * 30 - 2.5 * 10);
}

TEST(sketch_series, order_does_not_show) {
    std::mt19937_64 random{11};
    for (const auto kind : {series_kind::counter, series_kind::stepped, series_kind::linear}) {
        std::vector<reading> readings;
        for (int i = 0; i < 2000; ++i) // several of one time among them
            readings.push_back(
                {static_cast<std::int64_t>(random() % 1500), static_cast<double>(random() % 100)});
        const sketch_bytes first = joined(*state_with(kind, readings));
        std::shuffle(readings.begin(), readings.end(), random);
        EXPECT_EQ(joined(*state_with(kind, readings)), first);
        EXPECT_EQ(sk::join(first).all->readings, 2000U);
    }
}

// Hours make a day: whole numbers, so the sums are exact.
TEST(sketch_series, merging_equals_building) {
    std::mt19937_64 random{12};
    for (const auto kind : {series_kind::counter, series_kind::stepped, series_kind::linear}) {
        std::vector<reading> readings;
        for (int i = 0; i < 3000; ++i)
            readings.push_back({i * 2, static_cast<double>(random() % 50)});
        std::vector<sketch_bytes> hours;
        sk::series_state *unfinished = sk::make_series_state(series_kind::none, zeroed);
        for (std::size_t at = 0; at < readings.size(); at += 300) {
            const auto begin = readings.begin() + static_cast<std::ptrdiff_t>(at);
            const auto *hour = state_with(kind, {begin, begin + 300});
            hours.push_back(joined(*hour));
            unfinished = sk::merge(unfinished, bytes_of(*hour), zeroed); // as between nodes
        }
        std::shuffle(hours.begin(), hours.end(), random);
        sk::series_state *day = sk::make_series_state(series_kind::none, zeroed);
        for (const sketch_bytes &hour : hours)
            day = sk::merge(day, hour, zeroed);
        const sketch_bytes built = joined(*state_with(kind, readings));
        EXPECT_EQ(joined(*day), built);
        EXPECT_EQ(joined(*unfinished), built);
    }
}

// Rows that parallel workers read are mixed in time; their states still have every reading.
TEST(sketch_series, unfinished_states_may_overlap_and_finished_ones_not) {
    const auto *odd = state_with(series_kind::counter, {{1, 10}, {3, 30}});
    const auto *even = state_with(series_kind::counter, {{2, 20}, {4, 40}});
    sk::series_state *both =
        sk::merge(sk::make_series_state(series_kind::none, zeroed), *odd, zeroed);
    both = sk::merge(both, *even, zeroed);
    EXPECT_EQ(whole(*both).sum, 30);
    sk::series_state *finished =
        sk::merge(sk::make_series_state(series_kind::none, zeroed), joined(*odd), zeroed);
    finished = sk::merge(finished, joined(*even), zeroed);
    EXPECT_EQ(state_of([&] { (void)joined(*finished); }), "22023");
}

TEST(sketch_series, what_is_out_of_range_is_refused) {
    sk::series_state *counter = state_with(series_kind::counter, {{0, 1}});
    sk::series_state *level = state_with(series_kind::linear, {{0, -1}});
    for (const double bad : {-1.0, k_nan, std::numeric_limits<double>::infinity()})
        EXPECT_EQ(state_of([&] { (void)sk::add(counter, 1, bad, zeroed); }), "22003");
    EXPECT_EQ(state_of([&] { (void)sk::add(level, 1, k_nan, zeroed); }), "22003");
    EXPECT_EQ(state_of([&] { (void)sk::merge(counter, *level, zeroed); }), "22023");
    const auto *stepped = state_with(series_kind::stepped, {{5, 1}});
    EXPECT_EQ(state_of([&] { (void)sk::merge(level, bytes_of(*stepped), zeroed); }), "22023");
    const double huge = std::numeric_limits<double>::max();
    EXPECT_EQ(state_of([&] {
                  (void)joined(*state_with(series_kind::stepped, {{0, huge}, {100, huge}}));
              }),
              "22003");
}

TEST(sketch_series, a_whole_that_cannot_be_written_is_refused) {
    constexpr auto least = std::numeric_limits<std::int64_t>::min();
    sk::series_state *level = sk::make_series_state(series_kind::stepped, zeroed);
    level = sk::add(level, least, 0, zeroed);
    level = sk::add(level, -1, 0, zeroed);
    EXPECT_EQ(whole(*level).last_at, -1);
    level = sk::add(level, 0, 0, zeroed);
    EXPECT_EQ(state_of([&] { (void)joined(*level); }), "22003");

    // 2^64 - 1 readings from 0 to 1 microsecond, then one more at 1.
    sketch_bytes counter{'C', 1, 1, 2};
    counter.insert(counter.end(), 9, 0xff);
    counter.insert(counter.end(), {1, 0});
    counter.insert(counter.end(), 8, 0);
    counter.push_back(1);
    counter.insert(counter.end(), 17, 0);
    counter.insert(counter.end(), {1, 2});
    counter.insert(counter.end(), 8, 0);
    EXPECT_EQ(state_of([&] { sk::check_counter_sketch(counter); }), "");
    EXPECT_EQ(state_of([&] { (void)sk::join(counter); }), "22003");
}

TEST(sketch_series, malformed_bytes_are_refused) {
    const sketch_bytes counter =
        bytes_of(*state_with(series_kind::counter, {{-5, 10}, {10, 15}, {20, 3}}));
    sk::series_state *day = state_with(series_kind::linear, {{-5, 10}, {10, -15}, {20, 3}});
    const sketch_bytes level = joined(*day);
    EXPECT_EQ(state_of([&] { sk::check_counter_sketch(counter); }), "");
    EXPECT_EQ(state_of([&] { sk::check_level_sketch(level); }), "");
    EXPECT_EQ(state_of([&] { sk::check_level_sketch(counter); }), "22P03");
    EXPECT_EQ(state_of([&] { sk::check_counter_sketch(level); }), "22P03");
    EXPECT_GT(saas::test::refused_variants(counter, sk::check_counter_sketch), counter.size());
    EXPECT_GT(saas::test::refused_variants(level, sk::check_level_sketch), level.size());
    for (const sketch_bytes &bad : {sketch_bytes{},
                                    {'C', 1},
                                    {'C', 1, 2, 0},
                                    {'W', 1, 1, 0},
                                    {'W', 1, 4, 0},
                                    {'C', 1, 1, 1, 0}}) {
        EXPECT_EQ(state_of([&] { sk::check_counter_sketch(bad); }), "22P03");
        EXPECT_EQ(state_of([&] { sk::check_level_sketch(bad); }), "22P03");
    }
}

TEST(sketch_histogram, counts_between_bounds) {
    const std::vector<double> bounds{-1, 0, 10};
    sk::histogram_state *state = sk::make_histogram_state(bounds, zeroed);
    const double inf = std::numeric_limits<double>::infinity();
    for (const double value : {-inf, -1.0, -0.5, 0.0, -0.0, 0.1, 10.0, 10.1, inf, k_nan})
        sk::add(state, value);
    const auto counts = sk::counts_of(*state);
    EXPECT_EQ((std::vector<std::uint64_t>{counts.begin(), counts.end()}),
              (std::vector<std::uint64_t>{2, 3, 2, 3}));
    sk::take(state, k_nan);
    sk::take(state, 100);
    sk::take(state, inf);
    EXPECT_EQ(state_of([&] { sk::take(state, 11); }), "22023");
    EXPECT_EQ(state->count, 7U);
}

TEST(sketch_histogram, merging_equals_building_and_subtracting_undoes_it) {
    std::mt19937_64 random{4};
    const std::vector<double> bounds{1, 2, 5, 10, 20, 50};
    sk::histogram_state *whole = sk::make_histogram_state(bounds, zeroed);
    sk::histogram_state *merged = sk::make_histogram_state(zeroed);
    for (int part = 0; part < 20; ++part) {
        sk::histogram_state *own = sk::make_histogram_state(bounds, zeroed);
        for (int i = 0; i < 100; ++i) {
            const double value = std::exponential_distribution{0.1}(random);
            sk::add(own, value);
            sk::add(whole, value);
        }
        merged = sk::merge(merged, bytes_of(*own), zeroed);
    }
    EXPECT_EQ(bytes_of(*merged), bytes_of(*whole));
    sk::take(merged, *whole);
    EXPECT_EQ(merged->count, 0U);
    EXPECT_EQ(bytes_of(*merged), bytes_of(*sk::make_histogram_state(bounds, zeroed)));
    EXPECT_EQ(state_of([&] { sk::take(merged, *whole); }), "22023");
    const std::vector<double> others{1, 2};
    EXPECT_EQ(state_of([&] {
                  (void)sk::merge(merged, *sk::make_histogram_state(others, zeroed), zeroed);
              }),
              "22023");
}

TEST(sketch_histogram, impossible_bounds_and_bytes_are_refused) {
    std::vector<double> many(1001);
    for (std::size_t i = 0; i < many.size(); ++i)
        many[i] = static_cast<double>(i);
    for (const std::vector<double> &bounds : {std::vector<double>{},
                                              {1, 1},
                                              {2, 1},
                                              {k_nan},
                                              {1, std::numeric_limits<double>::infinity()},
                                              many})
        EXPECT_EQ(state_of([&] { (void)sk::make_histogram_state(bounds, zeroed); }), "22023");
    const std::vector<double> bounds{1, 2};
    sk::histogram_state *state = sk::make_histogram_state(bounds, zeroed);
    sk::add(state, 1.5);
    const sketch_bytes good = bytes_of(*state);
    EXPECT_EQ(state_of([&] { sk::check_histogram_sketch(good); }), "");
    EXPECT_GT(saas::test::refused_variants(good, sk::check_histogram_sketch), good.size());
    many.pop_back();
    EXPECT_EQ(state_of([&] {
                  sk::check_histogram_sketch(bytes_of(*sk::make_histogram_state(many, zeroed)));
              }),
              "");
}
