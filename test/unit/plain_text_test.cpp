// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/plain_text.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <random>
#include <string>

namespace privacy = saas::core::privacy;

namespace {

std::string date(std::int64_t days) {
    std::array<char, privacy::k_plain_text_room> out{};
    return {out.data(), privacy::write_date(days, out.data())};
}

std::string timestamp(std::int64_t microseconds, bool zone) {
    std::array<char, privacy::k_plain_text_room> out{};
    return {out.data(), privacy::write_timestamp(microseconds, zone, out.data())};
}

TEST(PlainText, Dates) {
    EXPECT_EQ(date(0), "2000-01-01");
    EXPECT_EQ(date(59), "2000-02-29");
    EXPECT_EQ(date(-1), "1999-12-31");
    EXPECT_EQ(date(-730'119), "0001-01-01");
    EXPECT_EQ(date(-730'120), "");
    EXPECT_EQ(date(2'921'939), "9999-12-31");
    EXPECT_EQ(date(2'921'940), "");
}

TEST(PlainText, DatesAsTheLibraryHasThem) {
    std::mt19937 random{1582};
    for (int round = 0; round < 2000; ++round) {
        const auto days = static_cast<int>(random() % 3'652'059) - 730'119;
        const std::chrono::year_month_day day{std::chrono::sys_days{std::chrono::year{2000} / 1 / 1} +
                                              std::chrono::days{days}};
        std::array<char, 40> text{};
        std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(day.year()),
                      static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
        ASSERT_EQ(date(days), text.data());
    }
}

TEST(PlainText, Timestamps) {
    EXPECT_EQ(timestamp(0, true), "2000-01-01 00:00:00+00");
    EXPECT_EQ(timestamp(-1, false), "1999-12-31 23:59:59.999999");
    EXPECT_EQ(timestamp(86'399'120'000, true), "2000-01-01 23:59:59.12+00");
    EXPECT_EQ(timestamp(INT64_MAX, true), "");
    EXPECT_EQ(timestamp(INT64_MIN, true), "");
}

TEST(PlainText, Ids) {
    std::array<std::uint8_t, 16> id{};
    for (std::size_t i = 0; i < id.size(); ++i)
        id[i] = static_cast<std::uint8_t>(i * 17);
    std::array<char, privacy::k_plain_text_room> out{};
    EXPECT_EQ((std::string{out.data(), privacy::write_uuid(id.data(), out.data())}),
              "00112233-4455-6677-8899-aabbccddeeff");
}

} // namespace
