// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/plain_text.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

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

TEST(PlainText, TimesOfADayThatIsKnown) {
    privacy::known_day day;
    std::mt19937_64 random{86400};
    for (int round = 0; round < 2000; ++round) {
        const auto time = static_cast<std::int64_t>(random() % 400'000'000'000) - 200'000'000'000;
        std::array<char, privacy::k_plain_text_room> out{};
        const std::string known{out.data(), privacy::write_timestamp(time, true, day, out.data())};
        ASSERT_EQ(known, timestamp(time, true)) << time;
    }
    std::array<char, privacy::k_plain_text_room> out{};
    EXPECT_EQ(privacy::write_timestamp(INT64_MAX, true, day, out.data()), 0U);
    EXPECT_EQ((std::string{out.data(), privacy::write_timestamp(0, false, day, out.data())}), "2000-01-01 00:00:00");
}

std::string decimal(const std::vector<std::int16_t> &digits, int weight, int scale, bool negative = false) {
    std::string bytes(1, 'x'); // at an odd address
    bytes.append(reinterpret_cast<const char *>(digits.data()), 2 * digits.size());
    std::array<char, privacy::k_decimal_room> out{};
    const privacy::decimal number{bytes.data() + 1, static_cast<int>(digits.size()), weight, scale, negative};
    return {out.data(), privacy::write_decimal(number, out.data())};
}

TEST(PlainText, Decimals) {
    EXPECT_EQ(decimal({}, 0, 0), "0");
    EXPECT_EQ(decimal({}, 0, 3), "0.000");
    EXPECT_EQ(decimal({7}, 0, 0), "7");
    EXPECT_EQ(decimal({70}, 1, 0), "700000");
    EXPECT_EQ(decimal({12, 3456, 7890}, 1, 2, true), "-123456.78");
    EXPECT_EQ(decimal({4250}, -1, 2), "0.42");
    EXPECT_EQ(decimal({1000}, -3, 9), "0.000000001");
    EXPECT_EQ(decimal({1}, 1, 6), "10000.000000");
    EXPECT_EQ(decimal({900}, 0, 0), "900");
    EXPECT_EQ(decimal({1}, 29, 0).size(), 117U);
    // What may have no room.
    EXPECT_EQ(decimal({1}, 32, 0), "");
    EXPECT_EQ(decimal({1}, 0, 125), "");
    EXPECT_EQ(decimal({1}, 0x7fff, 0x3fff), "");
    EXPECT_EQ(decimal({1}, -0x8000, 1), "0.0");
    // And digits that are none.
    EXPECT_EQ(decimal({-5, 12345}, 1, 0), "00000");
    for (std::int16_t n = 0; n < 10000; ++n)
        ASSERT_EQ(decimal({n}, 0, 0), std::to_string(n));
}

} // namespace
