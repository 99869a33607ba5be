// SPDX-License-Identifier: PostgreSQL
#include "core/rollup/bucket.hpp"

#include <gtest/gtest.h>

namespace {

using namespace saas::core::rollup;

TEST(rollup_bucket, rounds_down_on_both_sides_of_the_epoch) {
    EXPECT_EQ(floor_to(0, k_span), 0);
    EXPECT_EQ(floor_to(k_span - 1, k_span), 0);
    EXPECT_EQ(floor_to(k_span, k_span), k_span);
    EXPECT_EQ(floor_to(-1, k_span), -k_span);
    EXPECT_EQ(floor_to(-k_span, k_span), -k_span);
}

TEST(rollup_bucket, hours_begin_with_the_local_clock) {
    const std::int64_t half_past = k_hour / 2;
    EXPECT_EQ(hour_of(half_past, 0), 0);
    EXPECT_EQ(hour_of(half_past, 3600), 0);
    EXPECT_EQ(hour_of(half_past, 19'800), half_past) << "India: 5:30 ahead";
    EXPECT_EQ(hour_of(half_past - 1, 19'800), -half_past);
    EXPECT_EQ(hour_of(half_past, 20'700), k_hour / 4) << "Nepal: 5:45 ahead";
    EXPECT_EQ(hour_of(0, -12'600), -half_past) << "Newfoundland: 3:30 behind";
}

TEST(rollup_bucket, an_hour_is_a_whole_number_of_spans_in_every_zone_of_today) {
    for (std::int64_t offset = -12 * 3600; offset <= 14 * 3600; offset += 900) {
        for (std::int64_t time = -2 * k_hour; time < 2 * k_hour; time += k_span / 3) {
            const std::int64_t hour = hour_of(time, offset);
            EXPECT_LE(hour, time);
            EXPECT_GT(hour + k_hour, time);
            EXPECT_EQ(hour_of(floor_to(time, k_span), offset), hour);
        }
    }
}

TEST(rollup_bucket, years_1_to_9999) {
    EXPECT_TRUE(is_in_range(0));
    EXPECT_TRUE(is_in_range(-63'082'281'600 * k_second)) << "0001-01-01";
    EXPECT_FALSE(is_in_range(-63'082'281'600 * k_second - 1));
    EXPECT_TRUE(is_in_range(252'455'616'000 * k_second - 1));
    EXPECT_FALSE(is_in_range(252'455'616'000 * k_second)) << "10000-01-01";
    EXPECT_FALSE(is_in_range(INT64_MAX));
    EXPECT_FALSE(is_in_range(INT64_MIN));
}

} // namespace
