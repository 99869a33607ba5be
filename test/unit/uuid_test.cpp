// SPDX-License-Identifier: PostgreSQL
#include "core/uuid.hpp"

#include <gtest/gtest.h>

#include <set>

namespace core = saas::core;

TEST(uuid_v7, has_time_version_and_variant) {
    core::uuid_v7_generator generator;
    std::array<std::uint8_t, core::uuid_v7_generator::k_random_bytes> random;
    random.fill(0xff);
    core::uuid value = generator.next(0x017f22e279b0 * 1000 + 500, random);
    // Time of RFC 9562, appendix A.6; version 7, variant 10.
    EXPECT_EQ(core::to_text(value).substr(0, 15), "017f22e2-79b0-7");
    EXPECT_EQ(core::to_text(value).substr(15, 3), "800"); // half of the millisecond
    EXPECT_EQ(value[8] & 0xc0, 0x80);
}

TEST(uuid_v7, ascends_within_a_millisecond_and_when_the_clock_goes_back) {
    core::uuid_v7_generator generator;
    std::array<std::uint8_t, core::uuid_v7_generator::k_random_bytes> random{};
    core::uuid last{};
    std::set<core::uuid> seen;
    for (int i = 0; i < 10'000; ++i) {
        core::uuid value = generator.next(i < 9'000 ? 1'000'000'000 : 999'000'000, random);
        EXPECT_LT(last, value);
        last = value;
        seen.insert(value);
    }
    EXPECT_EQ(seen.size(), 10'000U);
}

TEST(uuid_v7, of_two_generators_follow_the_clock) {
    core::uuid_v7_generator first;
    core::uuid_v7_generator second;
    std::array<std::uint8_t, core::uuid_v7_generator::k_random_bytes> high;
    high.fill(0xff);
    std::array<std::uint8_t, core::uuid_v7_generator::k_random_bytes> low{};
    for (std::uint64_t now = 1'000'000'000; now < 1'000'003'000; now += 2)
        EXPECT_LT(first.next(now, high), second.next(now + 1, low));
}

TEST(uuid_text, reads_what_it_writes_and_nothing_else) {
    std::string text = "0192d3f0-0000-7abc-8def-0123456789ab";
    auto value = core::parse_uuid(text);
    ASSERT_TRUE(value);
    EXPECT_EQ(core::to_text(*value), text);
    for (const char *bad : {"", "0192d3f000007abc8def0123456789ab",
                            "0192d3f0-0000-7abc-8def-0123456789ag",
                            "0192d3f0-0000-7abc-8def-0123456789a-",
                            "{0192d3f0-0000-7abc-8def-0123456789ab}"})
        EXPECT_FALSE(core::parse_uuid(bad)) << bad;
}
