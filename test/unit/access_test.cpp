// SPDX-License-Identifier: PostgreSQL
#include "core/access/memberships.hpp"
#include "core/access/wildcard.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace core = saas::core;
namespace subject = saas::core::access;
using core::context::team_role;

namespace {

core::uuid team(std::uint8_t number) {
    core::uuid value{};
    value[7] = number;
    return value;
}

bool like(std::string_view text, std::string_view pattern) {
    return subject::matches(text, pattern, subject::utf8_length, core::cancel_poll{});
}

// The definition of LIKE, followed word by word.
bool slow_like(std::string_view text, std::string_view pattern) {
    if (pattern.empty())
        return text.empty();
    if (pattern[0] == '%') {
        for (std::size_t skipped = 0; skipped <= text.size(); ++skipped) {
            if (slow_like(text.substr(skipped), pattern.substr(1)))
                return true;
        }
        return false;
    }
    if (text.empty())
        return false;
    if (pattern[0] == '_')
        return slow_like(text.substr(1), pattern.substr(1));
    std::size_t literal = pattern[0] == '\\' ? 1 : 0;
    return text[0] == pattern[literal] && slow_like(text.substr(1), pattern.substr(literal + 1));
}

std::string random_text(std::mt19937 &random, std::string_view letters, std::size_t longest) {
    std::string text;
    for (std::size_t i = random() % (longest + 1); i > 0; --i)
        text += letters[random() % letters.size()];
    return text;
}

} // namespace

TEST(memberships, know_the_role_in_each_team_and_none_in_others) {
    subject::memberships mine{{{team(9), team_role::viewer}, {team(3), team_role::owner}}};
    EXPECT_EQ(mine.role_in(team(3)), team_role::owner);
    EXPECT_EQ(mine.role_in(team(9)), team_role::viewer);
    for (std::uint8_t other : {0, 1, 4, 10, 255})
        EXPECT_FALSE(mine.role_in(team(other)));
}

TEST(memberships, of_many_teams_are_found_like_those_of_few) {
    for (std::size_t count : {1U, 7U, 8U, 9U, 100U}) {
        std::vector<subject::membership> all;
        for (std::size_t i = count; i > 0; --i)
            all.push_back({team(static_cast<std::uint8_t>(2 * i)), team_role::admin});
        subject::memberships mine{all};
        for (std::size_t i = 1; i <= count; ++i) {
            EXPECT_EQ(mine.role_in(team(static_cast<std::uint8_t>(2 * i))), team_role::admin);
            EXPECT_FALSE(mine.role_in(team(static_cast<std::uint8_t>(2 * i + 1))));
        }
    }
}

TEST(memberships, are_ascending_and_each_team_once_with_its_highest_role) {
    subject::memberships mine{
        {{team(2), team_role::viewer}, {team(1), team_role::member}, {team(2), team_role::admin}}};
    ASSERT_EQ(mine.all().size(), 2U);
    EXPECT_EQ(mine.all()[0].team, team(1));
    EXPECT_EQ(mine.role_in(team(2)), team_role::admin);
}

TEST(memberships, of_nobody_are_empty) {
    EXPECT_TRUE(subject::memberships{}.all().empty());
    EXPECT_FALSE(subject::memberships{}.role_in(team(0)));
}

TEST(wildcard, percent_underscore_and_escape) {
    EXPECT_TRUE(like("", ""));
    EXPECT_TRUE(like("", "%%"));
    EXPECT_FALSE(like("", "_"));
    EXPECT_TRUE(like("abc", "a%c"));
    EXPECT_TRUE(like("abcbd", "%b_"));
    EXPECT_FALSE(like("abc", "a%d"));
    EXPECT_TRUE(like("50%", "50\\%"));
    EXPECT_FALSE(like("50x", "50\\%"));
    EXPECT_TRUE(like("a\\b", "a\\\\b"));
    EXPECT_FALSE(like("abc", "ab"));
    EXPECT_FALSE(like("ab", "abc"));
}

TEST(wildcard, underscore_takes_one_character_of_any_length) {
    EXPECT_TRUE(like("häß€😀", "h____"));
    EXPECT_FALSE(like("häß€😀", "h_____"));
    EXPECT_TRUE(like("x€y", "%€_"));
    EXPECT_FALSE(subject::matches("é", "_", subject::single_byte_length, core::cancel_poll{}));
}

TEST(wildcard, a_lone_escape_at_the_end_matches_nothing) {
    for (const char *bad : {"\\", "a\\", "a\\\\\\", "%\\"}) {
        EXPECT_FALSE(subject::is_valid_pattern(bad)) << bad;
        EXPECT_FALSE(like("a", bad)) << bad;
        EXPECT_FALSE(like("a\\", bad)) << bad;
    }
    for (const char *good : {"", "a", "\\\\", "a\\\\", "\\%"})
        EXPECT_TRUE(subject::is_valid_pattern(good)) << good;
}

TEST(wildcard, agrees_with_the_definition_on_random_patterns) {
    std::mt19937 random{7};
    int matched = 0;
    for (int i = 0; i < 200'000; ++i) {
        std::string text = random_text(random, "ab%\\", 8);
        std::string pattern = random_text(random, "ab%_\\", 7);
        if (!subject::is_valid_pattern(pattern))
            continue;
        bool expected = slow_like(text, pattern);
        ASSERT_EQ(like(text, pattern), expected) << text << " LIKE " << pattern;
        matched += expected ? 1 : 0;
    }
    EXPECT_GT(matched, 10'000);
}

TEST(wildcard, a_pattern_of_many_percents_needs_no_stack_and_can_be_stopped) {
    std::string text(200'000, 'a');
    std::string pattern;
    for (int i = 0; i < 100'000; ++i)
        pattern += "%a";
    EXPECT_TRUE(like(text, pattern));
    auto stop = core::cancel_poll{[] { return true; }};
    EXPECT_THROW((void)subject::matches(text, "%ab%ab", subject::utf8_length, stop),
                 core::cancelled);
}
