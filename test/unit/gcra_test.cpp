// SPDX-License-Identifier: PostgreSQL
#include "core/rate_limit/gcra.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace rate_limit = saas::core::rate_limit;

namespace {
constexpr std::int64_t k_second = 1'000'000'000;
}

TEST(gcra, allows_the_limit_at_once_and_then_the_steady_rate) {
    const auto limit = rate_limit::rate_of(10, 10 * k_second);
    std::int64_t arrival = 0;
    const std::int64_t start = 5000 * k_second;
    for (int i = 0; i < 10; ++i)
        EXPECT_TRUE(rate_limit::admit(arrival, start, limit).allowed) << i;
    const auto refused = rate_limit::admit(arrival, start, limit);
    EXPECT_FALSE(refused.allowed);
    EXPECT_EQ(refused.retry_after, k_second);
    EXPECT_FALSE(rate_limit::admit(arrival, start + k_second - 1, limit).allowed);
    EXPECT_TRUE(rate_limit::admit(arrival, start + k_second, limit).allowed);
    EXPECT_FALSE(rate_limit::admit(arrival, start + k_second, limit).allowed);
}

TEST(gcra, refused_calls_do_not_count) {
    const auto limit = rate_limit::rate_of(1, k_second);
    std::int64_t arrival = 0;
    EXPECT_TRUE(rate_limit::admit(arrival, k_second, limit).allowed);
    for (int i = 0; i < 1000; ++i)
        EXPECT_FALSE(rate_limit::admit(arrival, k_second + i, limit).allowed);
    EXPECT_TRUE(rate_limit::admit(arrival, 2 * k_second, limit).allowed);
}

TEST(gcra, forgets_after_a_whole_period) {
    const auto limit = rate_limit::rate_of(3, 3 * k_second);
    std::int64_t arrival = 0;
    for (std::int64_t at : {10 * k_second, 10 * k_second, 10 * k_second})
        EXPECT_TRUE(rate_limit::admit(arrival, at, limit).allowed);
    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(rate_limit::admit(arrival, 13 * k_second, limit).allowed) << i;
    EXPECT_FALSE(rate_limit::admit(arrival, 13 * k_second, limit).allowed);
}

TEST(gcra, never_lets_more_in_than_the_limit_of_any_period) {
    constexpr int k_limit = 7;
    const auto limit = rate_limit::rate_of(k_limit, k_second);
    std::int64_t arrival = 0;
    std::vector<std::int64_t> allowed;
    std::uint64_t random = 88172645463325252U;
    std::int64_t now = k_second;
    for (int i = 0; i < 20'000; ++i) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        now += static_cast<std::int64_t>(random % 60'000'000);
        if (rate_limit::admit(arrival, now, limit).allowed)
            allowed.push_back(now);
    }
    // A burst and what the steady rate adds in a period: at most twice the limit, less one.
    for (std::size_t i = 0; i + 2 * k_limit < allowed.size(); ++i)
        EXPECT_GE(allowed[i + 2 * k_limit] - allowed[i], k_second) << i;
    // Over the whole time, the steady rate.
    EXPECT_LE(static_cast<std::int64_t>(allowed.size()),
              k_limit + (now - k_second) / limit.interval + 1);
}

TEST(gcra, holds_extreme_limits) {
    const auto fast = rate_limit::rate_of(1'000'000, k_second);
    EXPECT_EQ(fast.interval, 1000);
    const auto slow = rate_limit::rate_of(1, 86400 * k_second);
    EXPECT_EQ(slow.tolerance, 0);
    EXPECT_EQ(rate_limit::rate_of(10, 1).interval, 1);
}
