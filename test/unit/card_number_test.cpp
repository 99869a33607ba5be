// SPDX-License-Identifier: PostgreSQL
#include "core/payments/card_number.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace payments = saas::core::payments;

namespace {

bool found(std::string_view text) {
    return payments::find_card_number(text).has_value();
}

std::string masked(std::string text) {
    payments::mask_card_numbers(text);
    return text;
}

// The digits with a check digit added, computed the other way round: from the left, by the table
// of doubled digits.
std::string with_check_digit(std::string digits) {
    constexpr std::string_view k_doubled = "0246813579";
    for (char check = '0'; check <= '9'; check = static_cast<char>(check + 1)) {
        const std::string all = digits + check;
        int sum = 0;
        bool twice = all.size() % 2 == 0;
        for (const char c : all) {
            sum += twice ? k_doubled[static_cast<std::size_t>(c - '0')] - '0' : c - '0';
            twice = !twice;
        }
        if (sum % 10 == 0)
            return all;
    }
    return {};
}

} // namespace

// Test numbers that the networks and providers publish.
TEST(card_numbers, are_found_as_they_are_written) {
    for (const char *number :
         {"4242424242424242", "4000056655665556", "5555555555554444", "2223003122003222",
          "5105105105105100", "378282246310005", "371449635398431", "6011111111111117",
          "6011000990139424", "30569309025904", "36227206271667", "6555900000604105",
          "3566002020360505", "6200000000000005", "4222222222222", "6304000000000000",
          "6205500000000000004"}) {
        EXPECT_TRUE(payments::is_card_number(number)) << number;
        EXPECT_TRUE(found(number)) << number;
    }
    for (const char *text : {"4242 4242 4242 4242",
                             "4242-4242-4242-4242",
                             "3782 822463 10005",
                             "3782-822463-10005",
                             "card: 4242424242424242.",
                             "(4242424242424242)",
                             "“4242424242424242”",
                             R"({"pan": "4242424242424242"})",
                             R"({"pan": 4242424242424242})",
                             "4242424242424242,4242424242424242",
                             "2024-01-15 4242 4242 4242 4242 12/34",
                             "order 7 4242424242424242",
                             "4242 4242 4242 4242 123",
                             "4242  4242  4242  4242",
                             "4242.4242.4242.4242",
                             "4242 - 4242 - 4242 - 4242",
                             "4242\xC2\xA0"
                             "4242\xC2\xA0"
                             "4242\xC2\xA0"
                             "4242",
                             "4242\xE2\x80\x93"
                             "4242\xE2\x80\x93"
                             "4242\xE2\x80\x93"
                             "4242",
                             R"("first line\n4242424242424242\tand more")",
                             "card\n4242424242424242",
                             "4242424242424242-x",
                             "x.4242424242424242"})
        EXPECT_TRUE(found(text)) << text;
}

TEST(card_numbers, are_not_seen_where_there_are_none) {
    for (const char *text : {"",
                             "4",
                             "4242424242424241",
                             "424242424242424",
                             "1242424242424242",
                             "pi_4242424242424242",
                             "ch_3MtwBwLkdIwHu7ix28a3tqPa",
                             "x4242424242424242",
                             "4242424242424242x",
                             "0.4242424242424242",
                             "+4242424242424242",
                             "4242   4242   4242   4242",
                             "0.4242.4242.4242.4242",
                             "4000.1234 5678.9012",
                             "127.0.0.1 4242.4242",
                             "42 4242 4242 4242 42",
                             "1700000000",
                             "1700000000000",
                             "1700000000000000",
                             "1700000000000000000",
                             "2023-11-14T22:13:20Z",
                             "2023-11-14 22:13:20.123456+00",
                             "abcdef12-4111-4111-8111-111111111111",
                             "0e4242424242424242",
                             "8515131751004933",
                             "7914073381342284",
                             "4242 4242 4242 424a"})
        EXPECT_FALSE(found(text)) << text;
}

// Between groups, and nothing more often than once.
TEST(card_numbers, are_found_with_any_separator) {
    for (const char *between : {"\t",
                                "\n",
                                "\r\n",
                                "\\n",
                                "\\t",
                                "\\r\\n",
                                "_",
                                "/",
                                ",",
                                "\xC2\xA0",
                                "\xC2\xAD",
                                "\xE1\x9A\x80",
                                "\xE2\x80\x80",
                                "\xE2\x80\x83",
                                "\xE2\x80\x8A",
                                "\xE2\x80\x8B",
                                "\xE2\x80\x90",
                                "\xE2\x80\x94",
                                "\xE2\x80\xAF",
                                "\xE2\x81\x9F",
                                "\xE2\x81\xA0",
                                "\xE2\x88\x92",
                                "\xE3\x80\x80",
                                "\xEF\xBB\xBF",
                                "\xEF\xBC\x8D"}) {
        const std::string b = between;
        EXPECT_TRUE(found("4242" + b + "4242" + b + "4242" + b + "4242")) << b;
        EXPECT_TRUE(found("(3782" + b + "822463" + b + "10005)")) << b;
        EXPECT_FALSE(found("4242" + b + "4242" + b + "4242" + b + "4241")) << b;
        EXPECT_FALSE(found("x4242" + b + "4242" + b + "4242" + b + "4242")) << b;
        EXPECT_FALSE(found("4242" + b + "4242" + b + "4242" + b + "4242x")) << b;
        std::string text = "4242" + b + "4242" + b + "4242" + b + "4242";
        const std::size_t size = text.size();
        EXPECT_EQ(payments::mask_card_numbers(text), 1U) << b;
        EXPECT_FALSE(found(text)) << text;
        EXPECT_EQ(text.size(), size) << text;
    }
    for (const char *between : {" ", "-", ".", "\xC2\xA0", "\xE2\x80\x8B", "\xE2\x80\x93"}) {
        std::string text;
        for (const char c : std::string{"4000056655665556"})
            text += (text.empty() ? "" : between) + std::string(1, c);
        EXPECT_TRUE(found(text)) << text;
        EXPECT_TRUE(found("card: " + text + "!")) << text;
        EXPECT_FALSE(found("7" + std::string{between} + text)) << text;
        text.back() = '5';
        EXPECT_FALSE(found(text)) << text;
    }
    // What has no width may stand anywhere, and often.
    EXPECT_TRUE(found("42\xE2\x80\x8B\xE2\x80\x8B"
                      "42 4\xEF\xBB\xBF"
                      "242\xE2\x81\xA0 4242 4242"));
}

TEST(card_numbers, are_found_in_full_width_digits) {
    std::string text;
    for (const char c : std::string{"4242424242424242"})
        text += std::string{"\xEF\xBC"} + static_cast<char>(0x90 + (c - '0'));
    EXPECT_TRUE(found(text));
    EXPECT_TRUE(found("no " + text + "."));
    EXPECT_FALSE(found("x" + text));
    EXPECT_FALSE(found(text.substr(3)));
    EXPECT_FALSE(found(text.substr(0, text.size() - 1)));
    EXPECT_EQ(payments::mask_card_numbers(text), 1U);
    EXPECT_EQ(text, "\xEF\xBC\x94\xEF\xBC\x90\xEF\xBC\x90\xEF\xBC\x90\xEF\xBC\x90\xEF\xBC\x90"
                    "\xEF\xBC\x90\xEF\xBC\x90\xEF\xBC\x90\xEF\xBC\x90\xEF\xBC\x90\xEF\xBC\x90"
                    "\xEF\xBC\x94\xEF\xBC\x92\xEF\xBC\x94\xEF\xBC\x92");
}

// Lists, paths, dates, telephone numbers and numbers of orders have such separators, too.
TEST(card_numbers, are_not_seen_in_what_only_looks_separated) {
    for (const char *text : {"4242, 4242, 4242, 4242",
                             "[4242, 4242, 4242, 4242]",
                             "4242,42424242,4242",
                             "4242/424242/424242",
                             "42/4242/4242/4242/42",
                             "4,2,4,2,4,2,4,2,4,2,4,2,4,2,4,2",
                             "4/2/4/2/4/2/4/2/4/2/4/2/4/2/4/2",
                             "order_4242_4242_4242_4242",
                             "4242_4242_4242_4242_x",
                             "4242_4242_4242_4242_",
                             "4242424242424242_7",
                             "2024/01/15 10:20:30",
                             "2024-01-15T10:20:30.123456Z",
                             "2024-01-15,2024-01-16",
                             "4000/12/31,4000/12/31",
                             "555-0123, 555-0124",
                             "+49 30 1234 5678",
                             "(030) 1234/5678",
                             "4111,50 EUR, 1200,00 EUR",
                             "4242\n\n4242\n\n4242\n\n4242",
                             "\xEF\xBC\x94\xEF\xBC\x92",
                             "4242\xEF\xBC",
                             "4242424242424\xEF\xBC"})
        EXPECT_FALSE(found(text)) << text;
}

TEST(card_numbers, have_a_network_a_length_and_a_check_digit) {
    EXPECT_FALSE(payments::is_card_number("42424242424"));
    EXPECT_FALSE(payments::is_card_number("42424242424242424242"));
    EXPECT_FALSE(payments::is_card_number("4242-4242-4242-4242"));
    EXPECT_FALSE(payments::is_card_number(with_check_digit("99999999999999")));
    std::mt19937_64 random{7};
    for (int i = 0; i < 500; i += 1) {
        std::string digits = "4";
        while (digits.size() < 15)
            digits += static_cast<char>('0' + random() % 10);
        std::string number = with_check_digit(digits);
        EXPECT_TRUE(payments::is_card_number(number)) << number;
        EXPECT_TRUE(found("no. " + number + "!")) << number;
        // One wrong digit, or two neighbours exchanged (but 0 and 9), do not fit the check digit.
        const std::size_t at = 1 + random() % 14;
        std::string wrong = number;
        wrong[at] =
            static_cast<char>('0' + (wrong[at] - '0' + 1 + static_cast<int>(random() % 9)) % 10);
        EXPECT_FALSE(payments::is_card_number(wrong)) << wrong;
        std::swap(number[at], number[at + 1]);
        const int sum = number[at] - '0' + number[at + 1] - '0';
        if (number[at] != number[at + 1] &&
            !(sum == 9 && (number[at] == '0' || number[at] == '9'))) {
            EXPECT_FALSE(payments::is_card_number(number)) << number;
        }
    }
}

TEST(card_numbers, leave_the_first_and_the_last_four_digits_when_masked) {
    EXPECT_EQ(masked("4242424242424242"), "4000000000004242");
    EXPECT_EQ(masked("no 4242 4242-4242 4242 here"), "no 4000 0000-0000 4242 here");
    EXPECT_EQ(masked("a 5555555555554444 b 378282246310005"),
              "a 5000000000004444 b 300000000000005");
    EXPECT_EQ(masked("nothing 1700000000000"), "nothing 1700000000000");
    EXPECT_EQ(masked("[4242,4242,4242,4242]"), "[4000,1000,1000,4242]");
    std::mt19937_64 random{8};
    for (int i = 0; i < 500; i += 1) {
        std::string digits = "4";
        while (digits.size() < 15)
            digits += static_cast<char>('0' + random() % 10);
        const std::string number = with_check_digit(digits);
        const std::string text = masked("{\"a\": " + number + "}");
        EXPECT_FALSE(found(text)) << text;
        EXPECT_EQ(text.size(), number.size() + 7);
        EXPECT_EQ(text.substr(6 + 12, 4), number.substr(12)) << text;
    }
}

// What is left of a number may by chance be a shorter or a longer one: 13, 16 and 19 digits of
// Visa.
TEST(card_numbers, are_masked_for_every_length_of_a_network) {
    std::mt19937_64 random{8};
    int masked_ones = 0;
    for (int i = 0; i < 3000; i += 1) {
        std::string text = i % 2 == 0 ? "4" : "6";
        for (int n = 0; n < 20; n += 1)
            text += {' ', random() % 2 == 0 ? '2' : '4'};
        const std::string before = text;
        masked_ones += payments::mask_card_numbers(text) > 0 ? 1 : 0;
        EXPECT_FALSE(found(text)) << before << " became " << text;
    }
    EXPECT_GT(masked_ones, 100);
}

// Whatever the text is, it is read within its bounds, and nothing is found again once masked.
TEST(card_numbers, are_looked_for_in_any_text) {
    std::mt19937_64 random{9};
    constexpr std::string_view k_letters = "0123456789 -+.4a_4242,/\n\xEF\xBC\x94\xE2\x80\x8B";
    for (int i = 0; i < 6000; i += 1) {
        std::string text;
        for (std::size_t length = random() % 60; text.size() < length;)
            text += k_letters[random() % k_letters.size()];
        const std::size_t size = text.size();
        if (payments::mask_card_numbers(text) > 0) {
            EXPECT_EQ(text.size(), size);
        }
        payments::mask_card_numbers(text);
        EXPECT_FALSE(found(text)) << text;
    }
}
