// SPDX-License-Identifier: PostgreSQL
// Movements of revenue and sessions against figures computed by hand, and against slower ways.
#include "core/metrics/movements.hpp"
#include "core/metrics/sessions.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace core = saas::core;
using namespace core::metrics;

namespace {

std::string state_of(const std::function<void()> &act) {
    try {
        act();
    } catch (const core::error &e) {
        return std::string{e.state().code()};
    }
    return "";
}

revenue_state state(std::uint8_t subscription, int revision, std::int64_t at, std::int64_t mrr) {
    return {{subscription}, revision, 0, at, 0, mrr, mrr};
}

using line = std::array<std::int64_t, 3>;

std::vector<line> moves(std::vector<revenue_state> states) {
    std::vector<line> lines;
    for (const movement &m : movements_of(states))
        lines.push_back({m.at, m.amount, m.after});
    return lines;
}

// What one subscription is worth at a moment, by looking for the state that holds.
std::int64_t worth(const std::vector<revenue_state> &states, std::uint8_t subscription,
                   std::int64_t at) {
    const revenue_state *holds = nullptr;
    for (const revenue_state &s : states) {
        if (s.subscription[0] == subscription && s.starts_at <= at &&
            (holds == nullptr || s.revision > holds->revision))
            holds = &s;
    }
    if (holds == nullptr)
        return 0;
    return holds->discount_ends != 0 && holds->discount_ends_at <= at ? holds->mrr_without_discount
                                                                  : holds->mrr;
}

} // namespace

TEST(movements, add_up_subscriptions_of_one_customer) {
    EXPECT_TRUE(moves({}).empty());
    EXPECT_TRUE(moves({state(1, 1, 10, 0)}).empty());
    EXPECT_EQ(moves({state(2, 1, 20, 5), state(1, 2, 30, 0), state(1, 1, 10, 7)}),
              (std::vector<line>{{10, 7, 7}, {20, 5, 12}, {30, -7, 5}}));
    // One goes and another comes at one moment.
    EXPECT_EQ(moves({state(1, 1, 10, 7), state(1, 2, 20, 0), state(2, 1, 20, 7)}),
              (std::vector<line>{{10, 7, 7}}));
    // A state that ends when it begins.
    EXPECT_EQ(moves({state(1, 1, 10, 7), state(1, 2, 10, 9), state(1, 3, 20, 7)}),
              (std::vector<line>{{10, 9, 9}, {20, -2, 7}}));
}

TEST(movements, end_discounts) {
    revenue_state cheap = state(1, 1, 10, 5);
    cheap.discount_ends = 1;
    cheap.mrr_without_discount = 8;
    for (const auto &[ends, expected] : std::map<std::int64_t, std::vector<line>>{
             {5, {{10, 8, 8}, {30, -8, 0}}},  // before it begins
             {10, {{10, 8, 8}, {30, -8, 0}}}, // as it begins
             {20, {{10, 5, 5}, {20, 3, 8}, {30, -8, 0}}},
             {30, {{10, 5, 5}, {30, -5, 0}}}, // as the next begins
             {40, {{10, 5, 5}, {30, -5, 0}}}}) {
        cheap.discount_ends_at = ends;
        EXPECT_EQ(moves({cheap, state(1, 2, 30, 0)}), expected) << ends;
    }
    cheap.discount_ends_at = 99;
    EXPECT_EQ(moves({cheap}), (std::vector<line>{{10, 5, 5}, {99, 3, 8}}));
}

TEST(movements, refuse_sums_out_of_range) {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(state_of([] { moves({state(1, 1, 1, most), state(2, 1, 2, 1)}); }), "22003");
    EXPECT_EQ(state_of([] { moves({state(1, 1, 1, most), state(1, 2, 2, -2)}); }), "22003");
    EXPECT_EQ(moves({state(1, 1, 1, most), state(2, 1, 1, -most)}).size(), 0U);
}

TEST(movements, are_what_a_look_at_every_moment_finds) {
    std::mt19937 random{11};
    const auto upto = [&](int n) { return std::uniform_int_distribution<int>{0, n}(random); };
    for (int round = 0; round < 500; ++round) {
        std::vector<revenue_state> states;
        for (std::uint8_t subscription = 0; subscription < upto(4); ++subscription) {
            std::int64_t at = upto(20);
            for (int revision = 1; revision <= 1 + upto(5); ++revision, at += upto(6)) {
                revenue_state one = state(subscription, revision, at, upto(3));
                one.discount_ends = upto(1);
                one.discount_ends_at = at + upto(12) - 4;
                one.mrr_without_discount = one.mrr + upto(3);
                states.push_back(one);
            }
        }
        std::shuffle(states.begin(), states.end(), random);
        std::vector<line> expected;
        std::int64_t before = 0;
        for (std::int64_t at = -10; at < 100; ++at) {
            std::int64_t after = 0;
            for (std::uint8_t subscription = 0; subscription < 4; ++subscription)
                after += worth(states, subscription, at);
            if (after != before)
                expected.push_back({at, after - before, after});
            before = after;
        }
        EXPECT_EQ(moves(states), expected) << round;
    }
}

TEST(months, sort_movements_by_kind) {
    const std::vector<std::int64_t> months{100, 200, 300, 400};
    const std::vector<movement> steps{{50, 10, 10},  {100, 5, 15}, {150, -3, 12}, {160, -12, 0},
                                      {200, 20, 20}, {399, 1, 21}, {400, 9, 30}};
    const auto found = by_month(steps, months);
    ASSERT_EQ(found.size(), 4U);
    const auto same = [](const month_change &a, const month_change &b) {
        return std::memcmp(&a, &b, sizeof a) == 0;
    };
    EXPECT_TRUE(same(found[0], {0, 0, 0, 10, 0, 0, 0, 0, 0, 0}));
    EXPECT_TRUE(same(found[1], {1, 0, 10, 0, 5, -3, -12, 0, 1, 0}));
    EXPECT_TRUE(same(found[2], {2, 0, 0, 0, 0, 0, 0, 20, 0, 1}));
    EXPECT_TRUE(same(found[3], {3, 0, 20, 0, 1, 0, 0, 0, 0, 0}));
    // The cohort is the month of the first revenue.
    EXPECT_EQ(by_month(std::vector<movement>{{250, 1, 1}, {350, 1, 2}}, months).at(1).cohort, 2);
    EXPECT_TRUE(by_month({}, months).empty());
    EXPECT_TRUE(by_month(std::vector<movement>{{400, 1, 1}}, months).empty());
}

TEST(months, refuse_what_does_not_follow) {
    const std::vector<std::int64_t> months{100, 200};
    const auto refused = [](std::vector<movement> steps, std::vector<std::int64_t> starts) {
        return state_of([&] { (void)by_month(steps, starts); });
    };
    EXPECT_EQ(refused({}, {}), "22023");
    EXPECT_EQ(refused({}, {1, 1}), "22023");
    EXPECT_EQ(refused({}, {2, 1}), "22023");
    EXPECT_EQ(refused({{50, 1, 2}}, months), "22023");
    EXPECT_EQ(refused({{50, 1, 1}, {40, 1, 2}}, months), "22023");
    EXPECT_EQ(refused({{50, std::numeric_limits<std::int64_t>::max(), 1}}, months), "22023");
}

namespace {

struct totals {
    session_counter counter;
    std::vector<std::int64_t> durations;
};

totals count(const std::vector<std::pair<int, std::int64_t>> &events, std::int64_t gap) {
    totals all;
    for (std::size_t i = 0; i < events.size(); ++i) {
        const bool another = i == 0 || events[i].first != events[i - 1].first;
        if (const auto ended = next_event(all.counter, another, events[i].second, gap))
            all.durations.push_back(*ended);
    }
    if (const auto ended = end_of_events(all.counter))
        all.durations.push_back(*ended);
    return all;
}

} // namespace

TEST(sessions, end_after_the_gap_or_with_the_person) {
    EXPECT_EQ(count({}, 30).counter.sessions, 0);
    const totals all = count({{1, 0}, {1, 30}, {1, 61}, {2, 61}, {2, 61}}, 30);
    EXPECT_EQ(all.counter.sessions, 3);
    EXPECT_EQ(all.counter.users, 2);
    EXPECT_EQ(all.counter.events, 5);
    EXPECT_EQ(all.counter.single, 1);
    EXPECT_EQ(all.durations, (std::vector<std::int64_t>{30, 0, 0}));
    constexpr std::int64_t first = std::numeric_limits<std::int64_t>::min();
    constexpr std::int64_t last = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(count({{1, first}, {1, last}}, last).counter.sessions, 2);
    EXPECT_EQ(state_of([] { (void)count({{1, 2}, {1, 1}}, 30); }), "22023");
}

TEST(sessions, have_a_median) {
    const auto median = [](std::vector<std::int64_t> values) { return median_of(values); };
    EXPECT_EQ(median({}), std::nullopt);
    EXPECT_EQ(median({7}), 7);
    EXPECT_EQ(median({9, 1}), 5);
    EXPECT_EQ(median({9, 1, 4}), 4);
    EXPECT_EQ(median({4, 9, 1, 3}), 3.5);
}
