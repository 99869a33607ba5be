// SPDX-License-Identifier: PostgreSQL
#include "core/context/scopes.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"

namespace context = saas::core::context;
using context::scope_covers;

TEST(scopes, are_names_joined_by_colons) {
    for (const char *text :
         {"*", "payments", "payments:read", "payments:*", "a:b:c", "a-b_c1:d2", "a:b:*"})
        EXPECT_TRUE(context::is_scope(text)) << text;
    for (const char *text : {"", ":", "a:", ":a", "a::b", "A", "a:B", "1a", "a*", "*:a", "a:*:b",
                             "**", "a b", "a,b", "a.b", "-a"})
        EXPECT_FALSE(context::is_scope(text)) << text;
    EXPECT_TRUE(context::is_scope(std::string(64, 'a')));
    EXPECT_FALSE(context::is_scope(std::string(65, 'a')));
}

TEST(scopes, cover_themselves_and_what_is_below) {
    EXPECT_TRUE(scope_covers("payments:read", "payments:read"));
    EXPECT_TRUE(scope_covers("payments:*", "payments:read"));
    EXPECT_TRUE(scope_covers("payments:*", "payments:refunds:write"));
    EXPECT_TRUE(scope_covers("payments:*", "payments:refunds:*"));
    EXPECT_TRUE(scope_covers("*", "payments:read"));
    EXPECT_TRUE(scope_covers("*", "*"));
    EXPECT_FALSE(scope_covers("payments:read", "payments:write"));
    EXPECT_FALSE(scope_covers("payments:read", "payments:*"));
    EXPECT_FALSE(scope_covers("payments:*", "payments"));
    EXPECT_FALSE(scope_covers("payments:*", "paymentsx:read"));
    EXPECT_FALSE(scope_covers("payments:*", "*"));
    EXPECT_FALSE(scope_covers(context::scope_list{}, "payments:read"));
    EXPECT_TRUE(scope_covers(context::scope_list{"reports:read", "payments:*"}, "payments:read"));
}

TEST(scopes, are_joined_and_split) {
    const context::scope_list scopes{"payments:*", "reports:read", "x"};
    EXPECT_EQ(context::split_scopes(context::join_scopes(scopes)), scopes);
    EXPECT_EQ(context::split_scopes(""), context::scope_list{});
    for (const char *text : {",", "a,", ",a", "a,,b", "a,B"})
        EXPECT_FALSE(context::split_scopes(text)) << text;
}

TEST(scopes, are_limited_in_number) {
    EXPECT_EQ(context::checked_scopes(context::scope_list(50, "a")).size(), 50U);
    EXPECT_THROW((void)context::checked_scopes(context::scope_list(51, "a")), saas::core::error);
    EXPECT_THROW((void)context::checked_scopes({"a", "A"}), saas::core::error);
    EXPECT_FALSE(context::split_scopes(context::join_scopes(context::scope_list(51, "a"))));
}
