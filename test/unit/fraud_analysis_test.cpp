// SPDX-License-Identifier: PostgreSQL
// What is said of rules when they are saved: constant conditions, rules in each other's way, history, cost.
#include "core/fraud/history.hpp"
#include "core/fraud/rule_set.hpp"
#include "core/fraud/satisfaction.hpp"

#include <gtest/gtest.h>

namespace fraud = saas::core::fraud;

namespace {

fraud::rule_ast condition(const std::string &words) {
    return fraud::parse_rule("TAG 'x' IF " + words);
}

bool never(const std::string &words) {
    return fraud::never_true(condition(words));
}
bool always(const std::string &words) {
    return fraud::never_false(condition(words));
}
bool implies(const std::string &narrow, const std::string &wide) {
    return fraud::implies(condition(narrow), condition(wide));
}

std::string beside(const std::string &rule, const std::string &other) {
    auto found = fraud::conflict(fraud::parse_rule(rule), fraud::parse_rule(other), "other");
    return found ? found->substr(0, found->find(" rule ")).substr(0, found->find(':')) : "";
}

std::string warnings(const std::string &rule) {
    std::string out;
    for (const fraud::rule_warning &w : fraud::validate(rule).warnings)
        out += std::to_string(w.position) + ": " + w.message + "\n";
    return out;
}

} // namespace

TEST(fraud_analysis, conditions_that_nothing_fulfils) {
    EXPECT_TRUE(never(":amount: > 5 AND :amount: < 3"));
    EXPECT_TRUE(never(":amount: > 5 AND :amount: <= 5"));
    EXPECT_FALSE(never(":amount: >= 5 AND :amount: <= 5"));
    EXPECT_TRUE(never(":risk_score: > 100"));
    EXPECT_TRUE(never(":amount: < 0"));
    EXPECT_TRUE(never(":card_exp_month: = 13"));
    EXPECT_TRUE(never(":card_country: = 'US' AND :card_country: = 'DE'"));
    EXPECT_TRUE(never(":card_country: IN ('US', 'DE') AND :card_country: NOT IN ('DE', 'US', 'FR')"));
    EXPECT_TRUE(never(":email: IS MISSING AND :email: = 'x'"));
    EXPECT_TRUE(never(":livemode: AND NOT :livemode:"));
    EXPECT_TRUE(never("(:amount: > 5 OR :amount: < 1) AND NOT (:amount: > 4 OR :amount: < 2)"));
    EXPECT_TRUE(never(":email: IN @a AND NOT :email: IN @a"));
    EXPECT_FALSE(never(":email: IN @a AND NOT :email: IN @b"));
    EXPECT_FALSE(never(":amount: > 5 AND :risk_score: < 3"));
    EXPECT_FALSE(never(":card_country: != 'US' AND :card_country: != 'DE'"));
    EXPECT_FALSE(never("::n:: > 5 AND ::n:: = '6'"));
}

TEST(fraud_analysis, conditions_that_everything_fulfils) {
    EXPECT_TRUE(always(":amount: > 5 OR :amount: <= 5"));
    EXPECT_TRUE(always(":amount: >= 0"));
    EXPECT_TRUE(always(":email: IS MISSING OR :email: IS NOT MISSING"));
    EXPECT_TRUE(always("NOT (:card_country: = 'US' AND :card_country: = 'DE')"));
    EXPECT_FALSE(always(":amount: > 5 OR :amount: < 5"));
    EXPECT_EQ(warnings("BLOCK IF :amount: > 5 AND :amount: < 3"), "10: the condition is never true\n");
    EXPECT_EQ(warnings("BLOCK IF :amount: > 5 OR :amount: < 7"),
              "10: the condition is always true when what it reads is there\n");
}

TEST(fraud_analysis, one_condition_within_another) {
    EXPECT_TRUE(implies(":amount: > 10", ":amount: > 5"));
    EXPECT_FALSE(implies(":amount: > 5", ":amount: > 10"));
    EXPECT_TRUE(implies(":card_country: = 'US' AND :livemode:", ":card_country: IN ('US', 'CA')"));
    EXPECT_TRUE(implies(":card_country: = 'US'", ":card_country: != 'CA'"));
    EXPECT_TRUE(implies(":amount: BETWEEN 3 AND 4", ":amount: > 2 OR :livemode:"));
    EXPECT_TRUE(implies(":email: IN @a AND :amount: > 1", ":email: IN @a"));
    // Unknown is not true: without an amount the wide one says nothing.
    EXPECT_FALSE(implies(":livemode:", ":amount: >= 0"));
    EXPECT_TRUE(implies(":livemode: AND :amount: IS NOT MISSING", ":amount: >= 0"));
    EXPECT_FALSE(implies("true", ":amount: > 5 OR :amount: <= 5"));
    // Too many alternatives: nothing is claimed.
    std::string wide = ":amount: = 1";
    for (int i = 2; i < 400; ++i)
        wide += " OR :amount: = " + std::to_string(i);
    EXPECT_FALSE(implies(wide, wide + " OR :livemode:"));
}

TEST(fraud_analysis, rules_in_each_others_way) {
    EXPECT_EQ(beside("BLOCK IF :amount: > 10", "ALLOW IF :amount: > 5"), "contradicts ALLOW");
    EXPECT_EQ(beside("BLOCK IF :amount: > 5", "ALLOW IF :amount: > 10"), "");
    EXPECT_EQ(beside("PRIORITY -1 BLOCK IF :amount: > 10", "ALLOW IF :amount: > 5"), "");
    EXPECT_EQ(beside("REVIEW IF :amount: > 10", "BLOCK IF :amount: > 5"), "is never reached");
    EXPECT_EQ(beside("BLOCK IF :amount: > 10", "BLOCK IF :amount: > 5"), "adds nothing");
    EXPECT_EQ(beside("BLOCK IF :amount: > 10", "SHADOW BLOCK IF :amount: > 5"), "");
    EXPECT_EQ(beside("BLOCK IF :amount: > 10", "ALLOW IF :amount: > 5 UNTIL 2026-01-01"), "");
    EXPECT_EQ(beside("BLOCK IF :amount: > 10", "ALLOW IF :amount: > 5 SAMPLE 5 BY :email:"), "");
    EXPECT_EQ(beside("SCORE 5 IF :amount: > 10", "BLOCK IF :amount: > 5"), "");
    EXPECT_EQ(beside("BLOCK IF :amount: > 10", "REVIEW IF :amount: > 5"), "");
}

TEST(fraud_analysis, history_names_its_index_and_warns_of_mixed_currencies) {
    fraud::validation verdict =
        fraud::validate("BLOCK IF sum(amount FROM attempts BY :email:, ::it's:: OVER 1d) > 1");
    ASSERT_EQ(verdict.warnings.size(), 2U);
    EXPECT_NE(verdict.warnings[0].message.find("different currencies"), std::string::npos);
    EXPECT_EQ(verdict.warnings[1].position, 10U);
    const std::string &statement = verdict.warnings[1].statement;
    EXPECT_NE(statement.find("ON saas.payment_intents (team_id, (lower(((attributes ->> 'email')) "
                             "COLLATE \"C\")), ((metadata ->> 'it''s')), created_at)"),
              std::string::npos)
        << statement;
    // The same index is named once, and a rule of many terms says what it may cost.
    std::string dear = "BLOCK IF count(FROM attempts BY :email: OVER 1h) > 1";
    for (int hours = 2; hours < 6; ++hours)
        dear += " OR count(FROM attempts BY :email: OVER " + std::to_string(hours) + "h) > 1";
    EXPECT_EQ(warnings(dear).find("10: reads history"), 0U);
    EXPECT_NE(warnings(dear).find("1: the rule may take about 300 microseconds"), std::string::npos);
    EXPECT_EQ(fraud::validate(dear).warnings.size(), 2U);
}

TEST(fraud_analysis, sql_of_history_quotes_what_the_rule_says) {
    auto queries = fraud::histories_of(
        "BLOCK IF count(FROM attempts WHERE description = 'a''b\\' OR description LIKE '%\\' BY "
        "::k'\\:: ALL TIME) > 1");
    ASSERT_EQ(queries.size(), 1U);
    EXPECT_NE(queries[0].sql.find("E'a\\'b\\\\'::pg_catalog.text"), std::string::npos)
        << queries[0].sql;
    EXPECT_NE(queries[0].sql.find("E'%\\\\\\\\'"), std::string::npos) << queries[0].sql;
    EXPECT_NE(queries[0].sql.find("E'k\\'\\\\'"), std::string::npos) << queries[0].sql;
}
