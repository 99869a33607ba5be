// SPDX-License-Identifier: PostgreSQL
#include "core/context/jwt_claims.hpp"

#include <gtest/gtest.h>

#include <string>

namespace context = saas::core::context;

namespace {

const std::string user = "0190b6a0-0000-7000-8000-000000000001";
const std::string team = "0190b6a0-0000-7000-8000-000000000002";
const std::string other = "0190b6a0-0000-7000-8000-000000000003";

context::jwt_identity identity(const std::string &user_text, const std::string &team_text) {
    return {*saas::core::parse_uuid(user_text), *saas::core::parse_uuid(team_text)};
}

std::string quoted(const std::string &text) { return '"' + text + '"'; }

std::string claims(const std::string &sub, const std::string &rest) {
    return "{\"sub\": " + sub + rest + "}";
}

} // namespace

TEST(jwt_claims, reads_user_and_team) {
    EXPECT_EQ(context::parse_jwt_claims(claims(quoted(user), ", \"team_id\": " + quoted(team))),
              identity(user, team));
    EXPECT_EQ(context::parse_jwt_claims(
                  claims(quoted(user), ", \"role\": \"authenticated\", \"exp\": 1700000000,"
                                       " \"aud\": [\"a\", null], \"app_metadata\": {\"team_id\": " +
                                           quoted(team) + "}")),
              identity(user, team));
}

TEST(jwt_claims, team_id_comes_before_app_metadata) {
    const std::string nested = ", \"app_metadata\": {\"team_id\": " + quoted(other) + "}";
    EXPECT_EQ(context::parse_jwt_claims(
                  claims(quoted(user), nested + ", \"team_id\": " + quoted(team))),
              identity(user, team));
    for (const char *wrong : {"null", "1", "\"\"", "\"red\"", "[]", "{}"})
        EXPECT_EQ(context::parse_jwt_claims(
                      claims(quoted(user), nested + ", \"team_id\": " + wrong)),
                  std::nullopt)
            << wrong;
}

TEST(jwt_claims, the_last_of_equal_names_counts) {
    EXPECT_EQ(context::parse_jwt_claims(claims(quoted(user), ", \"team_id\": " + quoted(other) +
                                                                 ", \"team_id\": " + quoted(team))),
              identity(user, team));
}

TEST(jwt_claims, what_users_write_themselves_is_not_read) {
    const std::string nested = "{\"team_id\": " + quoted(team) + "}";
    EXPECT_EQ(context::parse_jwt_claims(claims(quoted(user), ", \"user_metadata\": " + nested)),
              std::nullopt);
    EXPECT_EQ(context::parse_jwt_claims(claims(quoted(user), ", \"a\": {\"app_metadata\": " +
                                                                 nested + "}")),
              std::nullopt);
}

TEST(jwt_claims, half_an_identity_is_none) {
    EXPECT_EQ(context::parse_jwt_claims(claims(quoted(user), "")), std::nullopt);
    EXPECT_EQ(context::parse_jwt_claims("{\"team_id\": " + quoted(team) + "}"), std::nullopt);
    for (const char *wrong : {"null", "true", "1", "\"\"", "\"ann\"", "[\"x\"]", "{}"})
        EXPECT_EQ(context::parse_jwt_claims(claims(wrong, ", \"team_id\": " + quoted(team))),
                  std::nullopt)
            << wrong;
    EXPECT_EQ(context::parse_jwt_claims(
                  claims(quoted(user), ", \"app_metadata\": [" + quoted(team) + "]")),
              std::nullopt);
}

TEST(jwt_claims, malformed_text_is_no_identity) {
    const std::string good = claims(quoted(user), ", \"team_id\": " + quoted(team));
    ASSERT_TRUE(context::parse_jwt_claims(good));
    for (std::size_t length = 0; length < good.size(); ++length)
        EXPECT_EQ(context::parse_jwt_claims(std::string_view{good}.substr(0, length)), std::nullopt)
            << length;
    for (const std::string &text :
         {good + "x", good + good, "[" + good + "]", quoted(user), std::string{"null"},
          std::string{"{'sub': 1}"}, "/* */" + good, "{" + good, good + std::string(1, '\0')})
        EXPECT_EQ(context::parse_jwt_claims(text), std::nullopt) << text;
    EXPECT_EQ(context::parse_jwt_claims("\xff" + good), std::nullopt);
}

TEST(jwt_claims, size_and_depth_are_limited) {
    const std::string rest = ", \"team_id\": " + quoted(team) + ", \"a\": ";
    const std::string base = claims(quoted(user), rest + "\"\"");
    const std::string full(context::k_max_claims_bytes - base.size(), 'x');
    EXPECT_TRUE(context::parse_jwt_claims(claims(quoted(user), rest + quoted(full))));
    EXPECT_EQ(context::parse_jwt_claims(claims(quoted(user), rest + quoted(full + "x"))),
              std::nullopt);
    EXPECT_TRUE(context::parse_jwt_claims(
        claims(quoted(user), rest + std::string(31, '[') + std::string(31, ']'))));
    EXPECT_EQ(context::parse_jwt_claims(
                  claims(quoted(user), rest + std::string(32, '[') + std::string(32, ']'))),
              std::nullopt);
}
