// SPDX-License-Identifier: PostgreSQL
#include "core/context/signed_context.hpp"

#include <gtest/gtest.h>

namespace context = saas::core::context;
using saas::core::parse_uuid;

namespace {

const context::signing_key k_key{1, 2, 3};
const context::request_context k_request{*parse_uuid("0192d3f0-0000-7abc-8def-0123456789ab"),
                                         *parse_uuid("0192d3f0-0000-7abc-8def-0123456789ac"),
                                         context::team_role::admin,
                                         {123456789012345, 4711, 42}};

} // namespace

TEST(signed_context, verifies_what_it_signed) {
    auto read = context::verify(context::sign(k_request, k_key), k_key);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->team, k_request.team);
    EXPECT_EQ(read->user, k_request.user);
    EXPECT_EQ(read->role, k_request.role);
    EXPECT_EQ(read->binding, k_request.binding);
}

TEST(signed_context, carries_a_worker_without_user) {
    auto request = k_request;
    request.user.reset();
    request.role = context::team_role::service;
    auto read = context::verify(context::sign(request, k_key), k_key);
    ASSERT_TRUE(read);
    EXPECT_FALSE(read->user);
}

TEST(signed_context, carries_an_api_key_and_scopes) {
    auto request = k_request;
    request.user.reset();
    request.credential = parse_uuid("0192d3f0-0000-7abc-8def-0123456789ad");
    request.scopes = context::scope_list{"payments:read", "reports:*"};
    auto read = context::verify(context::sign(request, k_key), k_key);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->credential, request.credential);
    EXPECT_EQ(read->scopes, request.scopes);
    request.scopes = context::scope_list{};
    read = context::verify(context::sign(request, k_key), k_key);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->scopes, context::scope_list{}) << "no scope is not the same as no restriction";
    request.scopes = context::scope_list(context::k_most_scopes, std::string(context::k_longest_scope, 'a'));
    read = context::verify(context::sign(request, k_key), k_key);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->scopes, request.scopes);
    read = context::verify(context::sign(k_request, k_key), k_key);
    EXPECT_FALSE(read->credential);
    EXPECT_FALSE(read->scopes);
}

TEST(signed_context, refuses_every_changed_byte_and_another_key) {
    auto request = k_request;
    request.credential = request.user;
    request.scopes = context::scope_list{"payments:read"};
    const std::string text = context::sign(request, k_key);
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::string changed = text;
        changed[i] = static_cast<char>(changed[i] ^ 0x01);
        EXPECT_FALSE(context::verify(changed, k_key)) << "byte " << i;
        EXPECT_FALSE(context::verify(text.substr(0, i), k_key)) << "cut at " << i;
    }
    EXPECT_FALSE(context::verify(text, context::signing_key{9}));
    EXPECT_FALSE(context::verify("", k_key));
    EXPECT_FALSE(context::verify("no dots", k_key));
    EXPECT_FALSE(context::verify(std::string(100'000, '.'), k_key));
}

TEST(team_role, has_names_in_order_of_power) {
    EXPECT_EQ(context::parse_role("owner"), context::team_role::owner);
    EXPECT_FALSE(context::parse_role("Owner"));
    EXPECT_LT(context::team_role::viewer, context::team_role::member);
    EXPECT_LT(context::team_role::admin, context::team_role::owner);
}
