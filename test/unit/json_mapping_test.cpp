// SPDX-License-Identifier: PostgreSQL
#include "core/error.hpp"
#include "core/payments/decimal_amount.hpp"
#include "core/payments/event_time.hpp"
#include "core/payments/json_mapping.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <string>

namespace payments = saas::core::payments;
using payments::conversion;

namespace {

// The message of the refusal, empty when there is none.
template <class Body>
std::string refusal(std::string_view state, Body body) {
    try {
        body();
    } catch (const saas::core::error &e) {
        EXPECT_EQ(e.state().code(), state);
        return e.message();
    }
    return {};
}

std::string mapping_refusal(std::string_view text) {
    return refusal("22023", [&] { (void)payments::read_json_mapping(text); });
}

std::string amount_refusal(std::string_view decimal, int from, int to) {
    return refusal("SA072", [&] { (void)payments::minor_units(decimal, from, to); });
}

constexpr std::string_view k_not_whole =
    "an amount is not a whole, non-negative number of minor units";
constexpr std::string_view k_does_not_fit =
    "an amount is not a whole number of the currency's minor units";

} // namespace

TEST(json_mapping, reads_lines_parts_and_alternatives) {
    const payments::json_mapping map = payments::read_json_mapping(R"(
        @card   json   charges.0.card
                     | card

        currency        currency           currency
        amount          units              amount | total.value
        status          state:captured_charge  status
        more.brand      text               @card.brand
        more.all        text               @card
    )");
    ASSERT_EQ(map.parts.size(), 1U);
    ASSERT_EQ(map.parts[0].size(), 2U);
    EXPECT_EQ(map.parts[0][0].members, (std::vector<std::string>{"charges", "0", "card"}));
    ASSERT_EQ(map.values.size(), 5U);
    EXPECT_EQ(map.values[0].how, conversion::currency);
    EXPECT_EQ(map.values[1].column, "amount");
    ASSERT_EQ(map.values[1].paths.size(), 2U);
    EXPECT_EQ(map.values[1].paths[1].members, (std::vector<std::string>{"total", "value"}));
    EXPECT_EQ(map.values[1].paths[1].base, -1);
    EXPECT_EQ(map.values[2].argument, "captured_charge");
    EXPECT_EQ(map.values[3].column, "more");
    EXPECT_EQ(map.values[3].member, "brand");
    EXPECT_EQ(map.values[3].paths[0].base, 0);
    EXPECT_EQ(map.values[3].paths[0].members, (std::vector<std::string>{"brand"}));
    EXPECT_TRUE(map.values[4].paths[0].members.empty());
    EXPECT_TRUE(payments::read_json_mapping("").values.empty());
}

TEST(json_mapping, refuses_what_is_none_with_its_line) {
    EXPECT_EQ(mapping_refusal("\na number b"), "line 2 of a mapping has an unknown conversion");
    EXPECT_EQ(mapping_refusal("a"), "line 1 of a mapping has an unknown conversion");
    EXPECT_EQ(mapping_refusal("a text"), "line 1 of a mapping has a path too few");
    EXPECT_EQ(mapping_refusal("a text b |"), "line 1 of a mapping has a path too few");
    EXPECT_EQ(mapping_refusal("a text | b"), "line 1 of a mapping has a path too few");
    EXPECT_EQ(mapping_refusal("a text b c"),
              "line 1 of a mapping has two paths without | between them");
    EXPECT_EQ(mapping_refusal("| b"), "line 1 of a mapping continues none");
    EXPECT_EQ(mapping_refusal("a text b..c"), "line 1 of a mapping has a path with an empty name");
    EXPECT_EQ(mapping_refusal("a state b"),
              "line 1 of a mapping has a conversion with too much or too little after it");
    EXPECT_EQ(mapping_refusal("a text:b c"),
              "line 1 of a mapping has a conversion with too much or too little after it");
    EXPECT_EQ(mapping_refusal("a text @b.c\n@b json d"),
              "line 1 of a mapping names a part that no line above has");
    EXPECT_EQ(mapping_refusal("@b text d"), "line 1 of a mapping converts a part");
    EXPECT_EQ(mapping_refusal("@b json d\n@b json e"),
              "line 2 of a mapping has the name of another part, or none");
    EXPECT_EQ(mapping_refusal("@ json d"), "line 1 of a mapping has the name of another part, or none");
    EXPECT_EQ(mapping_refusal("a json b"), "line 1 of a mapping has no conversion for a column");
    for (const char *column : {".a text b", "a. text b"})
        EXPECT_EQ(mapping_refusal(column), "line 1 of a mapping has no column, or no member");
    EXPECT_EQ(mapping_refusal("a text b."), "line 1 of a mapping has a path with an empty name");
    for (const char *twice : {"a text b\na text c", "a.b text c\na.b text d", "a text b\na.b text c",
                              "a.b text c\na text d"})
        EXPECT_EQ(mapping_refusal(twice), "line 2 of a mapping has a target that comes twice");
    EXPECT_EQ(mapping_refusal("a units b\nc currency d"),
              "line 1 of a mapping has an amount above its currency");
    EXPECT_EQ(mapping_refusal("a.b unix_time c"),
              "line 1 of a mapping has a conversion that gives no member");
    EXPECT_EQ(mapping_refusal(std::string(65537, ' ')), "line 0 of a mapping is too long");
}

TEST(decimal_amount, counts_exactly) {
    EXPECT_EQ(payments::minor_units("1099", 2, 2), 1099);
    EXPECT_EQ(payments::minor_units("-0", 2, 2), 0);
    EXPECT_EQ(payments::minor_units("1099.000", 2, 2), 1099);
    EXPECT_EQ(payments::minor_units("12", 0, 3), 12000);
    EXPECT_EQ(payments::minor_units("1200", 2, 0), 12);
    EXPECT_EQ(payments::minor_units("9223372036854775807", 2, 2), 9223372036854775807);
    EXPECT_EQ(payments::minor_units("922337203685477580", 0, 1), 9223372036854775800);
    EXPECT_EQ(payments::minor_units("0", 0, 18), 0);
}

TEST(decimal_amount, refuses_what_is_no_amount) {
    for (const char *wrong : {"", "-1", "0.5", "-0.5", "9223372036854775808", "x", "1x", "1e3", "1.x",
                              "NaN", "Infinity", " 1", "+1", ".", "-"})
        EXPECT_EQ(amount_refusal(wrong, 2, 2), k_not_whole) << wrong;
    EXPECT_EQ(amount_refusal("1250", 2, 0), k_does_not_fit);
    EXPECT_EQ(amount_refusal("922337203685477581", 0, 1), k_does_not_fit);
    EXPECT_EQ(amount_refusal("9223372036854775807", 0, 18), k_does_not_fit);
}

TEST(event_time, reads_rfc3339) {
    EXPECT_EQ(payments::read_rfc3339("1970-01-01T00:00:00Z"), 0);
    EXPECT_EQ(payments::read_rfc3339("1970-01-01T00:00Z"), 0);
    EXPECT_EQ(payments::read_rfc3339("1970-01-01T01:00:00.5+01:00"), 500000);
    EXPECT_EQ(payments::read_rfc3339("1969-12-31T22:30:00-0130"), 0);
    EXPECT_EQ(payments::read_rfc3339("1970-01-01T00:00:00.123456789Z"), 123457);
    EXPECT_EQ(payments::read_rfc3339("1970-01-01T24:00:00Z"), 86400000000);
    EXPECT_EQ(payments::read_rfc3339("1970-01-01T00:00:60Z"), 60000000);
    EXPECT_EQ(payments::read_rfc3339("1970-01-01T22:59:60.5Z"), 82800500000);
    EXPECT_EQ(payments::read_rfc3339("2024-02-29T00:00:00Z"), 1709164800000000);
}

TEST(event_time, reads_nothing_else) {
    for (const char *wrong :
         {"", "2024-02-29", "2024-02-29 00:00:00Z", "2024-02-29T00:00:00", "2023-02-29T00:00:00Z",
          "2024-13-01T00:00:00Z", "2024-00-01T00:00:00Z", "2024-01-00T00:00:00Z",
          "2024-01-01T24:00:01Z", "2024-01-01T25:00:00Z", "2024-01-01T00:60:00Z",
          "2024-01-01T00:00:61Z", "2024-01-01T23:59:60.5Z", "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00.1234567890Z",
          "2024-01-01T00:00:00+16:00", "2024-01-01T00:00:00+00:60", "0000-01-01T00:00:00Z",
          "2024-01-01T00:00:00Zx", "2024-01-01T00:00:00+1", "24-01-01T00:00:00Z", "2024-01-01T0:00Z"})
        EXPECT_FALSE(payments::read_rfc3339(wrong)) << wrong;
}

TEST(event_time, agrees_with_the_calendar) {
    std::mt19937 random{20240229};
    for (int n = 0; n < 2000; ++n) {
        const std::chrono::sys_days day{std::chrono::days{static_cast<int>(random() % 100000)}};
        const std::chrono::year_month_day date{day};
        const int second = static_cast<int>(random() % 86400);
        char text[64];
        (void)std::snprintf(text, sizeof(text), "%04d-%02u-%02uT%02d:%02d:%02dZ",
                            static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                            static_cast<unsigned>(date.day()), second / 3600, second / 60 % 60,
                            second % 60);
        EXPECT_EQ(payments::read_rfc3339(text),
                  (day.time_since_epoch().count() * std::int64_t{86400} + second) * 1000000)
            << text;
    }
}
