// SPDX-License-Identifier: PostgreSQL
#include "core/uuid.hpp"

#include <gtest/gtest.h>

#include <set>

namespace core = saas::core;

TEST(uuid_v7, has_time_version_and_variant) {
    core::uuid_v7_generator generator;
    std::array<std::uint8_t, 10> random;
    random.fill(0xff);
    core::uuid value = generator.next(0x017f22e279b0, random);
    // Time of RFC 9562, appendix A.6; version 7, variant 10.
    EXPECT_EQ(core::to_text(value).substr(0, 15), "017f22e2-79b0-7");
    EXPECT_EQ(value[8] & 0xc0, 0x80);
}

TEST(uuid_v7, ascends_within_a_millisecond_and_when_the_clock_goes_back) {
    core::uuid_v7_generator generator;
    std::array<std::uint8_t, 10> random{};
    core::uuid last{};
    std::set<core::uuid> seen;
    for (int i = 0; i < 10'000; ++i) {
        core::uuid value = generator.next(i < 9'000 ? 1'000'000 : 999'000, random);
        EXPECT_LT(last, value);
        last = value;
        seen.insert(value);
    }
    EXPECT_EQ(seen.size(), 10'000U);
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
