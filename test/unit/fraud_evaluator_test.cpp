// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/evaluator.hpp"
#include "core/fraud/pattern.hpp"
#include "core/fraud/rule_error.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

namespace fraud = saas::core::fraud;
using fraud::value;
using namespace std::string_view_literals;

namespace {

using attributes = std::map<std::string, value>; // by the last key of the path

fraud::rule_set compiled(const std::vector<std::string> &rules) {
    static std::vector<std::string> ids;
    ids.clear();
    std::vector<fraud::rule_source> sources;
    for (std::size_t i = 0; i < rules.size(); ++i)
        ids.push_back(std::to_string(i + 1));
    for (std::size_t i = 0; i < rules.size(); ++i)
        sources.push_back({ids[i], rules[i]});
    return fraud::compile(sources);
}

std::vector<value> values_for(const fraud::rule_set &rules, const attributes &given) {
    std::vector<value> values;
    for (const fraud::slot &slot : rules.slots()) {
        auto found = given.find(slot.path.back());
        values.push_back(found == given.end() ? value::missing() : found->second);
    }
    return values;
}

fraud::assessment assess(const std::vector<std::string> &rules, const attributes &given) {
    fraud::rule_set set = compiled(rules);
    return fraud::evaluate(set, values_for(set, given));
}

// "hit", "no hit", or the failure in words.
std::string outcome(const std::string &condition, const attributes &given) {
    fraud::assessment a = assess({"TAG 'x' IF " + condition}, given);
    if (!a.failures.empty())
        return std::string{fraud::describe(a.failures.front().kind)};
    return a.matched.empty() ? "no hit" : "hit";
}

fraud::decision decide(const std::vector<std::string> &rules) {
    return assess(rules, {}).decision;
}

constexpr auto k_max = std::numeric_limits<std::int64_t>::max();
value whole(std::int64_t n) {
    return value::of(n);
}

} // namespace

TEST(fraud_evaluator, compares_and_computes) {
    EXPECT_EQ(outcome(":amount: > 1000", {{"amount", whole(1001)}}), "hit");
    EXPECT_EQ(outcome(":amount: > 1000", {{"amount", whole(1000)}}), "no hit");
    EXPECT_EQ(outcome(":amount: / 100 * 3 - 1 = 29.0", {{"amount", whole(1000)}}), "hit");
    EXPECT_EQ(outcome(":amount: / 3 = 0.5", {{"amount", value::of(1.5)}}), "hit");
    EXPECT_EQ(outcome(":amount: % 7 = 3", {{"amount", whole(10)}}), "hit");
    EXPECT_EQ(outcome("7 / 2 = 3.5 AND :livemode:", {{"livemode", value::of(true)}}), "hit");
    EXPECT_EQ(outcome(":amount: BETWEEN 5 AND 10", {{"amount", whole(10)}}), "hit");
    EXPECT_EQ(outcome(":email: < 'b'", {{"email", value::of("a"sv)}}), "hit");
}

TEST(fraud_evaluator, integers_and_reals_compare_exactly) {
    // 2^53 + 1 is no double.
    EXPECT_EQ(outcome(":amount: = 9007199254740992.0", {{"amount", whole(9007199254740993)}}),
              "no hit");
    EXPECT_EQ(outcome(":amount: > 9007199254740992.0", {{"amount", whole(9007199254740993)}}),
              "hit");
    EXPECT_EQ(outcome(":amount: < 9223372036854775808.0", {{"amount", whole(k_max)}}), "hit");
    EXPECT_EQ(outcome(":amount: >= -9223372036854775808.0",
                      {{"amount", whole(std::numeric_limits<std::int64_t>::min())}}),
              "hit");
    EXPECT_EQ(outcome(":amount: IN (1.0, 2.5)", {{"amount", whole(1)}}), "hit");
}

TEST(fraud_evaluator, failures_are_recorded_and_do_not_hit) {
    EXPECT_EQ(outcome("1 / :amount: > 0", {{"amount", whole(0)}}), "division by zero");
    EXPECT_EQ(outcome("1.5 % :amount: > 0", {{"amount", whole(0)}}), "division by zero");
    EXPECT_EQ(outcome(":amount: + 1 > 0", {{"amount", whole(k_max)}}), "number out of range");
    EXPECT_EQ(outcome(":amount: * 1e300 > 0", {{"amount", value::of(1e300)}}),
              "number out of range");
    EXPECT_EQ(outcome(":amount: > 0", {{"amount", value::of("x"sv)}}), "value of the wrong type");
    EXPECT_EQ(outcome("NOT :amount: > 0", {{"amount", value::of(std::nan(""))}}),
              "number out of range");
    EXPECT_EQ(outcome("-:amount: / -1 < 0 AND :amount: % -1 = 0",
                      {{"amount", whole(std::numeric_limits<std::int64_t>::min())}}),
              "number out of range");
    std::string huge(70'000, 'x');
    EXPECT_EQ(outcome(":email: LIKE '%x'", {{"email", value::of(std::string_view{huge})}}),
              "text too long");
    // Only a deciding operand hides a failure, on either side.
    EXPECT_EQ(outcome("1 / :amount: > 0 AND :livemode:",
                      {{"amount", whole(0)}, {"livemode", value::of(false)}}),
              "no hit");
    EXPECT_EQ(outcome("1 / :amount: > 0 OR :livemode:",
                      {{"amount", whole(0)}, {"livemode", value::of(true)}}),
              "hit");
    EXPECT_EQ(outcome("1 / :amount: > 0 AND :livemode:", {{"amount", whole(0)}}),
              "division by zero");
}

TEST(fraud_evaluator, missing_is_unknown_and_so_is_its_negation) {
    for (const char *condition :
         {":card_country: != 'US'", "NOT :card_country: = 'US'", ":card_country: = 'US'",
          ":amount: + 1 > 0", "NOT :livemode:", ":email: NOT LIKE 'x'", ":ip: NOT IN ('a')",
          ":email: INCLUDES 'x'", "lower(:email:) != 'x'", ":amount: BETWEEN 1 AND 2",
          ":ip: = :email:", "::key:: = 1", ":livemode: OR :is_recurring:"})
        EXPECT_EQ(outcome(condition, {}), "no hit") << condition;
    EXPECT_EQ(outcome(":ip: IS MISSING AND is_missing(::key::)", {}), "hit");
    EXPECT_EQ(outcome(":ip: IS NOT MISSING", {}), "no hit");
    EXPECT_EQ(outcome(":livemode: OR :is_recurring:", {{"livemode", value::of(true)}}), "hit");
}

TEST(fraud_evaluator, texts) {
    attributes given{{"email", value::of("Max.Muster@Example.COM"sv)},
                     {"description", value::of("50% off_now"sv)}};
    EXPECT_EQ(outcome("email_domain(:email:) = 'example.com'", given), "hit");
    EXPECT_EQ(outcome("lower(:email:) LIKE 'max%@%.com'", given), "hit");
    EXPECT_EQ(outcome(":email: LIKE 'MAX%'", given), "hit");
    EXPECT_EQ(outcome("::name:: LIKE 'max%'", {{"name", value::of("Max"sv)}}), "no hit");
    EXPECT_EQ(outcome(":email: INCLUDES 'Muster'", given), "hit");
    EXPECT_EQ(outcome(":description: LIKE '50\\% off\\_now'", given), "hit");
    EXPECT_EQ(outcome(":email: IN ('a', 'Max.Muster@Example.COM', 'b')", given), "hit");
    EXPECT_EQ(outcome("email_domain(:email:) IS MISSING", {{"email", value::of("nobody"sv)}}),
              "hit");
}

TEST(fraud_evaluator, the_email_domain_comes_from_the_address_unless_supplied) {
    EXPECT_EQ(outcome(":email_domain: = 'b.example'", {{"email", value::of("a@B.example"sv)}}),
              "hit");
    EXPECT_EQ(outcome(":email_domain: = 'b.example' AND :email: = 'a@c.example'",
                      {{"email", value::of("a@c.example"sv)},
                       {"email_domain", value::of("b.example"sv)}}),
              "hit");
    EXPECT_EQ(outcome(":email_domain: IS MISSING", {}), "hit");
}

TEST(fraud_evaluator, radars_names_are_the_same_attributes) {
    attributes given{{"ip", value::of("192.0.2.1"sv)}, {"billing_country", value::of("US"sv)}};
    EXPECT_EQ(outcome(":ip_address: = :ip: AND :billing_address_country: = 'US'", given), "hit");
}

TEST(fraud_evaluator, codes_ignore_case) {
    EXPECT_EQ(outcome(":card_country: = 'us'", {{"card_country", value::of("US"sv)}}), "hit");
    EXPECT_EQ(outcome(":currency: IN ('USD')", {{"currency", value::of("usd"sv)}}), "hit");
    EXPECT_EQ(outcome(":card_country: != :ip_country:",
                      {{"card_country", value::of("de"sv)}, {"ip_country", value::of("DE"sv)}}),
              "no hit");
}

TEST(fraud_evaluator, metadata_is_read_as_what_it_is_compared_with) {
    EXPECT_EQ(outcome("::n:: > 9", {{"n", value::of("10"sv)}}), "hit");
    EXPECT_EQ(outcome("::n:: > 9", {{"n", whole(10)}}), "hit");
    EXPECT_EQ(outcome("::n:: * 2 = 3", {{"n", value::of("1.5"sv)}}), "hit");
    EXPECT_EQ(outcome("::n:: = '10'", {{"n", whole(10)}}), "hit");
    EXPECT_EQ(outcome("::n:: IN ('9', '10')", {{"n", whole(10)}}), "hit");
    EXPECT_EQ(outcome("::n:: > 9", {{"n", value::of("ten"sv)}}), "value of the wrong type");
    EXPECT_EQ(outcome("::n:: > 9 OR ::n:: < 2 OR -::n:: = 5", {{"n", value::of("5"sv)}}), "no hit");
    EXPECT_EQ(outcome("::n:: > 9", {{"n", value::of(true)}}), "value of the wrong type");
    EXPECT_EQ(outcome("::n:: + ::m:: = 15", {{"n", value::of("10"sv)}, {"m", whole(5)}}), "hit");
    EXPECT_EQ(outcome("::n:: = ::m::", {{"n", value::of("10"sv)}, {"m", value::of("10.0"sv)}}),
              "no hit");
    EXPECT_EQ(outcome("::vip:: AND NOT ::bad::",
                      {{"vip", value::of("True"sv)}, {"bad", value::of(false)}}),
              "hit");
    EXPECT_EQ(outcome("::vip::", {{"vip", whole(1)}}), "value of the wrong type");
}

TEST(fraud_evaluator, allow_overrides_then_block_challenge_review) {
    EXPECT_EQ(decide({"BLOCK IF true", "ALLOW IF true", "REVIEW IF true"}),
              fraud::decision::approve);
    EXPECT_EQ(decide({"REVIEW IF true", "Request 3DS if true", "BLOCK IF true"}),
              fraud::decision::block);
    EXPECT_EQ(decide({"REVIEW IF true", "CHALLENGE IF true"}), fraud::decision::challenge);
    EXPECT_EQ(decide({"REVIEW IF true", "SCORE +10 IF true"}), fraud::decision::review);
    EXPECT_EQ(decide({"REVIEW IF true", "SCORE +80 IF true"}), fraud::decision::block);
    EXPECT_EQ(decide({"CHALLENGE IF true", "SCORE +60 IF true"}), fraud::decision::challenge);
    EXPECT_EQ(decide({"ALLOW IF true", "SCORE +80 IF true"}), fraud::decision::approve);
    EXPECT_EQ(decide({"TAG 'x' IF true"}), fraud::decision::approve);
    EXPECT_EQ(decide({"ALLOW IF true", "PRIORITY -1 BLOCK IF true"}), fraud::decision::block);
    EXPECT_EQ(decide({"SHADOW BLOCK IF true"}), fraud::decision::approve);
}

TEST(fraud_evaluator, scores_add_up_within_bounds_and_meet_thresholds) {
    fraud::assessment a =
        assess({"SCORE 60 IF true", "SCORE +30 IF true", "SCORE -20 IF true"}, {});
    EXPECT_EQ(a.score, 70);
    EXPECT_EQ(a.decision, fraud::decision::review);
    a = assess({"SCORE 60 IF true", "SCORE 60 IF true", "SHADOW SCORE -90 IF true"}, {});
    EXPECT_EQ(a.score, 100);
    EXPECT_EQ(a.decision, fraud::decision::block);
    EXPECT_EQ(a.shadow.size(), 1U);
    EXPECT_EQ(assess({"SCORE -60 IF true"}, {}).score, 0);
    fraud::rule_set set = compiled({"SCORE 75 IF true"});
    EXPECT_EQ(fraud::evaluate(set, {}, {50, 101}).decision, fraud::decision::review);
}

TEST(fraud_evaluator, order_is_total) {
    fraud::rule_set set =
        compiled({"BLOCK IF true", "ALLOW IF true", "PRIORITY 5 ALLOW IF true", "BLOCK IF true",
                  "PRIORITY -5 TAG 'x' IF true", "REVIEW IF true", "REVIEW IF true",
                  "REVIEW IF true", "REVIEW IF true", "BLOCK IF true"});
    std::string order;
    for (const fraud::rule_info &rule : set.rules())
        order += rule.id + " ";
    EXPECT_EQ(order, "5 2 1 4 10 6 7 8 9 3 ");
}

TEST(fraud_evaluator, equal_expressions_are_shared) {
    std::string shared = ":amount: * 2 > 100 AND :livemode:";
    fraud::rule_set one = compiled({"BLOCK IF " + shared});
    fraud::rule_set many =
        compiled({"BLOCK IF " + shared, "REVIEW IF " + shared + " OR :ip: = 'x'",
                  "TAG 'x' IF NOT (" + shared + ")", "TAG 'y' IF 100 < :amount: * 2"});
    EXPECT_EQ(one.shared_count(), 0U);
    EXPECT_EQ(many.shared_count(), 2U);
    fraud::evaluator memory{many};
    for (bool live : {true, false, true}) { // results of one payment do not leak into the next
        for (std::size_t i = 0; i < many.slots().size(); ++i) {
            std::string_view name = many.slots()[i].path.back();
            memory.set(i, name == "amount"     ? whole(51)
                          : name == "livemode" ? value::of(live)
                                               : value::missing());
        }
        const fraud::assessment &a = memory.run();
        EXPECT_EQ(a.matched.size(), live ? 3U : 2U);
    }
}

// Each rule asks twice about the one before.
TEST(fraud_evaluator, the_program_grows_with_the_rules_that_ask_about_one_another) {
    std::vector<std::string> texts{"TAG 'x' IF :amount: > 5"};
    for (int i = 1; i < 90; ++i) {
        std::string asked = "rule_hit('" + std::to_string(i) + "')";
        texts.push_back("TAG 'x' IF " + asked + " = (" + asked + " AND :amount: != -" +
                        std::to_string(i) + ")");
    }
    fraud::rule_set rules = compiled(texts);
    EXPECT_LT(rules.program().size(), 1'000U);
    EXPECT_EQ(fraud::evaluate(rules, values_for(rules, {{"amount", whole(7)}})).matched.size(), 90U);
    // In the other direction the one that is asked stands behind.
    EXPECT_EQ(assess({"TAG 'x' IF rule_hit('2')", "TAG 'x' IF :amount: = 1"}, {{"amount", whole(1)}})
                  .matched.size(),
              2U);
}

TEST(fraud_evaluator, patterns_over_long_texts_can_be_cancelled) {
    fraud::rule_set rules = compiled({"TAG 'x' IF :description: LIKE '%a_b%'"});
    fraud::evaluator memory{rules};
    std::string text(5'000, 'a');
    memory.set(0, value::of(std::string_view{text}));
    EXPECT_THROW((void)memory.run({}, {0, nullptr, [] { return true; }}), saas::core::cancelled);
    EXPECT_TRUE(memory.run({}, {0, nullptr, [] { return false; }}).matched.empty());
}

TEST(fraud_evaluator, broken_rules_refuse_the_set_or_stay_behind) {
    std::vector<fraud::rule_source> sources{{"a", "BLOCK IF true"}, {"b", "BLOCK IF"}};
    try {
        (void)fraud::compile(sources);
        FAIL() << "accepted";
    } catch (const saas::core::error &e) {
        EXPECT_EQ(e.state().code(), "SA050");
        EXPECT_EQ(e.detail(), "Rule b.");
    }
    fraud::rule_set kept = fraud::compile(sources, fraud::on_broken::keep);
    ASSERT_EQ(kept.broken().size(), 1U);
    EXPECT_EQ(kept.broken()[0].id, "b");
    EXPECT_EQ(fraud::evaluate(kept, {}).decision, fraud::decision::block);
}

// What the score reaches and what a failed rule asks for; ALLOW and BLOCK stand above both.
TEST(fraud_evaluator, thresholds_and_failures_decide) {
    auto decided = [](const std::vector<std::string> &rules, const fraud::thresholds &limits) {
        fraud::rule_set set = compiled(rules);
        return fraud::evaluate(set, values_for(set, {}), limits).decision;
    };
    EXPECT_EQ(decided({"SCORE 60 IF true"}, {50, 75, 60, {}}), fraud::decision::challenge);
    EXPECT_EQ(decided({"SCORE 60 IF true"}, {50, 75, 61, {}}), fraud::decision::review);
    EXPECT_EQ(decided({"SCORE 60 IF true"}, {50, 60, 10, {}}), fraud::decision::block);
    const std::string failing = "TAG 'x' IF 1 / 0 > 1";
    EXPECT_EQ(decided({failing}, {50, 75, 101, fraud::on_error::ignore}), fraud::decision::approve);
    EXPECT_EQ(decided({failing}, {50, 75, 101, fraud::on_error::review}), fraud::decision::review);
    EXPECT_EQ(decided({failing}, {50, 75, 101, fraud::on_error::block}), fraud::decision::block);
    EXPECT_EQ(decided({"SHADOW " + failing}, {50, 75, 101, fraud::on_error::block}),
              fraud::decision::approve);
    EXPECT_EQ(decided({failing, "ALLOW IF true"}, {50, 75, 101, fraud::on_error::block}),
              fraud::decision::approve);
}

TEST(fraud_evaluator, too_many_rules_are_refused) {
    std::vector<fraud::rule_source> sources(fraud::k_max_rules + 1, {"a", "BLOCK IF :livemode:"});
    EXPECT_THROW((void)fraud::compile(sources), saas::core::error);
    sources.pop_back();
    EXPECT_EQ(fraud::compile(sources).rules().size(), fraud::k_max_rules);
}

TEST(fraud_evaluator, version_depends_on_ids_and_texts) {
    auto version = [](std::string_view id, std::string_view text) {
        std::vector<fraud::rule_source> one{{id, text}};
        return fraud::compile(one).version();
    };
    EXPECT_EQ(version("a", "BLOCK IF true").size(), 32U);
    EXPECT_EQ(version("a", "BLOCK IF true"), version("a", "BLOCK IF true"));
    EXPECT_NE(version("a", "BLOCK IF true"), version("b", "BLOCK IF true"));
    EXPECT_NE(version("a", "BLOCK IF true"), version("a", "BLOCK IF false"));
}

TEST(fraud_pattern, matches) {
    EXPECT_TRUE(fraud::matches_pattern("", ""));
    EXPECT_TRUE(fraud::matches_pattern("", "%%"));
    EXPECT_FALSE(fraud::matches_pattern("", "_"));
    EXPECT_TRUE(fraud::matches_pattern("abcabd", "%ab_"));
    EXPECT_TRUE(fraud::matches_pattern("aXbXc", "a%b%c"));
    EXPECT_FALSE(fraud::matches_pattern("aXbX", "a%b%c"));
    EXPECT_TRUE(fraud::matches_pattern("é€", "__")) << "characters, not bytes";
    EXPECT_FALSE(fraud::matches_pattern("abc", "ab"));
    EXPECT_TRUE(fraud::matches_pattern("a\\", "a\\")) << "a last backslash is itself";
}
