// SPDX-License-Identifier: PostgreSQL
#include "core/credentials/api_key.hpp"

#include <gtest/gtest.h>

namespace credentials = saas::core::credentials;
using credentials::api_key;
using credentials::key_problem;
using credentials::parse_api_key;

namespace {

const api_key k_key{credentials::key_mode::live,
                    *saas::core::parse_uuid("0192d3f0-0000-7abc-8def-0123456789ab"),
                    *saas::core::parse_uuid("0192d3f0-1111-7abc-8def-0123456789ac"),
                    {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 255}};

std::optional<key_problem> problem_of(std::string_view text) {
    const auto result = parse_api_key(text);
    return std::holds_alternative<key_problem>(result)
               ? std::optional{std::get<key_problem>(result)}
               : std::nullopt;
}

} // namespace

TEST(api_key, reads_what_it_wrote) {
    for (auto mode : {credentials::key_mode::live, credentials::key_mode::test}) {
        api_key key = k_key;
        key.mode = mode;
        const std::string text = to_text(key);
        EXPECT_EQ(text.size(), credentials::k_api_key_length);
        EXPECT_TRUE(
            text.starts_with(mode == credentials::key_mode::live ? "sk_live_" : "sk_test_"));
        const auto read = parse_api_key(text);
        ASSERT_TRUE(std::holds_alternative<api_key>(read));
        EXPECT_EQ(std::get<api_key>(read), key);
    }
}

// Checksum computed apart, by the bitwise definition of RFC 9580, section 6.1.1.
TEST(api_key, has_the_text_it_has_always_had) {
    EXPECT_EQ(
        to_text(k_key),
        "sk_live_"
        "agjnh4aaab5lzdppaerukz4jvmazfu7qceixvpen54asgrlhrgwacaqdaqcqmbyibefawdanbyhraeiscp7qzn3r");
}

TEST(api_key, tells_every_changed_character) {
    const std::string text = to_text(k_key);
    for (std::size_t i = 8; i < text.size(); ++i) {
        for (char c : std::string_view{"abcdefghijklmnopqrstuvwxyz234567ABC019=_ "}) {
            std::string changed = text;
            changed[i] = c;
            if (c != text[i])
                EXPECT_EQ(problem_of(changed), key_problem::mistyped) << "at " << i << ": " << c;
        }
    }
}

TEST(api_key, tells_swapped_neighbours_and_lost_characters) {
    const std::string text = to_text(k_key);
    for (std::size_t i = 8; i + 1 < text.size(); ++i) {
        std::string changed = text;
        std::swap(changed[i], changed[i + 1]);
        if (changed != text)
            EXPECT_EQ(problem_of(changed), key_problem::mistyped) << "at " << i;
        changed = text;
        changed.erase(i, 1);
        EXPECT_EQ(problem_of(changed), key_problem::mistyped);
        EXPECT_EQ(problem_of(text.substr(0, i)), key_problem::mistyped);
    }
    EXPECT_EQ(problem_of(text + "a"), key_problem::mistyped);
    EXPECT_EQ(problem_of(text + " "), key_problem::mistyped);
    EXPECT_EQ(problem_of("sk_test_" + text.substr(8)), key_problem::mistyped);
}

TEST(api_key, tells_other_tokens) {
    for (const char *text :
         {"", "sk_", "sk_live", "sk_prod_aaaa", "SK_LIVE_aaaa", "ses_0123", " sk_live_a"})
        EXPECT_EQ(problem_of(text), key_problem::other_form) << text;
    EXPECT_EQ(problem_of("sk_live_"), key_problem::mistyped);
    EXPECT_EQ(problem_of("sk_live_" + std::string(1'000'000, 'a')), key_problem::mistyped);
}
