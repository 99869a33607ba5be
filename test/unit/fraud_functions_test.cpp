// SPDX-License-Identifier: PostgreSQL
// Functions of the language, and what rules ask for beyond the payment.
#include "core/fraud/evaluator.hpp"
#include "core/fraud/likeness.hpp"
#include "core/fraud/list_set.hpp"
#include "core/fraud/network.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

namespace fraud = saas::core::fraud;
using fraud::moment;
using fraud::value;
using namespace std::string_view_literals;

namespace {

// 2026-11-21 14:30:00 UTC, a Saturday.
constexpr moment k_now = 1'795'271'400'000'000;

// Answers by kind and name, and keeps count.
class fixed_terms : public fraud::term_source {
public:
    value resolve(std::uint32_t number, const fraud::external_term &term,
                  std::span<const value> arguments, moment now) override {
        EXPECT_EQ(now, k_now);
        for (const value &argument : arguments)
            EXPECT_NE(argument.type, fraud::value_type::failure);
        asked.push_back(std::string{fraud::name_of(term.kind)} + " " + term.name);
        last_number = number;
        auto found = answers.find(term.name);
        return found == answers.end() ? value::missing() : found->second;
    }
    std::map<std::string, value> answers;
    std::vector<std::string> asked;
    std::uint32_t last_number = 0;
};

fraud::rule_set compiled(const std::vector<std::string> &rules) {
    static std::vector<std::string> ids;
    ids.clear();
    std::vector<fraud::rule_source> sources;
    for (std::size_t i = 0; i < rules.size(); ++i)
        ids.push_back("r" + std::to_string(i + 1));
    for (std::size_t i = 0; i < rules.size(); ++i)
        sources.push_back({ids[i], rules[i], ids[i]});
    return fraud::compile(sources);
}

std::string hits(const std::vector<std::string> &rules, const std::map<std::string, value> &given,
                 fixed_terms *terms = nullptr) {
    fraud::rule_set set = compiled(rules);
    fraud::evaluator memory{set};
    for (std::size_t i = 0; i < set.slots().size(); ++i) {
        auto found = given.find(set.slots()[i].path.back());
        memory.set(i, found == given.end() ? value::missing() : found->second);
    }
    const fraud::assessment &a = memory.run({}, {k_now, terms});
    std::string out;
    for (std::uint32_t rule : a.matched)
        out += set.rules()[rule].id + " ";
    for (const fraud::rule_failure &failure : a.failures)
        out += set.rules()[failure.rule].id + ": " + std::string{fraud::describe(failure.kind)};
    return out;
}

bool holds(const std::string &condition, const std::map<std::string, value> &given = {}) {
    return hits({"TAG 'x' IF " + condition}, given) == "r1 ";
}

} // namespace

TEST(fraud_functions, jaro_winkler_as_published) {
    // Values of Winkler's paper.
    for (auto [a, b, expected] :
         {std::tuple{"MARTHA"sv, "marhta"sv, 0.9611}, {"DIXON"sv, "dicksonx"sv, 0.8133},
          {"DWAYNE"sv, "DUANE"sv, 0.84}, {""sv, ""sv, 1.0}, {"abc"sv, ""sv, 0.0}}) {
        value found = fraud::similarity(value::of(a), value::of(b));
        EXPECT_NEAR(found.real, expected, 0.0001) << a;
        EXPECT_EQ(found.real, fraud::similarity(value::of(b), value::of(a)).real) << b;
    }
    EXPECT_EQ(fraud::similarity(value::of("a"sv), value::missing()).type,
              fraud::value_type::missing);
    std::string long_text(300, 'x');
    EXPECT_EQ(fraud::similarity(value::of(std::string_view{long_text}), value::of("x"sv)).kind(),
              fraud::failure_kind::text_too_long);
}

TEST(fraud_functions, sets_of_words) {
    auto alike = [](std::string_view a, std::string_view b) {
        return fraud::token_set(value::of(a), value::of(b)).real;
    };
    EXPECT_EQ(alike("Eve Anna Example", "example, EVE"), 1.0);
    EXPECT_EQ(alike("eve eve", "Eve"), 1.0);
    EXPECT_EQ(alike("", "eve"), 0.0);
    EXPECT_EQ(alike("...", "eve"), 0.0);
    EXPECT_GT(alike("eve exampel", "eve example"), 0.8);
    EXPECT_LT(alike("bob", "eve"), 0.4);
    EXPECT_EQ(alike("a b", "b a"), alike("b a", "a b"));
}

TEST(fraud_functions, check_digits) {
    auto fits = [](std::string_view digits) { return fraud::luhn(value::of(digits)).is_true(); };
    EXPECT_TRUE(fits("4242 4242 4242 4242"));
    EXPECT_TRUE(fits("79927398713"));
    EXPECT_FALSE(fits("79927398710"));
    EXPECT_FALSE(fits("7992739871x"));
    EXPECT_FALSE(fits("0"));
    EXPECT_FALSE(fits(""));
}

TEST(fraud_functions, addresses) {
    fraud::text_arena arena;
    auto same = [&](std::string_view written) {
        value found = fraud::normalize_email(value::of(written), arena);
        return found.type == fraud::value_type::text ? std::string{found.view()} : "missing";
    };
    EXPECT_EQ(same(" Eve.Example+shop@GoogleMail.com "), "eveexample@gmail.com");
    EXPECT_EQ(same("Eve.Example+shop@mail.example"), "eve.example@mail.example");
    EXPECT_EQ(same("+a@mail.example"), "+a@mail.example");
    EXPECT_EQ(same("nobody"), "missing");
    EXPECT_EQ(same("a@"), "missing");
    EXPECT_EQ(same("@b"), "missing");
}

TEST(fraud_functions, networks) {
    auto in = [](std::string_view ip, std::string_view net) {
        return fraud::cidr_match(value::of(ip), value::of(net));
    };
    EXPECT_TRUE(in("10.1.2.3", "10.0.0.0/8").is_true());
    EXPECT_TRUE(in("11.1.2.3", "10.0.0.0/8").is_false());
    EXPECT_TRUE(in("2001:db8:1::1", "2001:db8::/32").is_true());
    EXPECT_TRUE(in("::ffff:10.1.2.3", "10.0.0.0/8").is_true());
    EXPECT_TRUE(in("1.2.3.4", "::/0").is_true()); // IPv4 is a part of the mapped range
    EXPECT_TRUE(in("::1", "0.0.0.0/0").is_false());
    EXPECT_TRUE(in("::", "::/128").is_true());
    EXPECT_TRUE(in("10.0.0.0/7", "10.0.0.0/8").is_false());
    for (std::string_view wrong :
         {"10.1.2"sv, "256.1.1.1"sv, "01.2.3.4"sv, "1.2.3.4/33"sv, "::/129"sv, ":::"sv, "1::2::3"sv,
          "12345::"sv, "1:2:3:4:5:6:7"sv, "1:2:3:4:5:6:7:8:9"sv, "fe80::1%eth0"sv, ""sv, "1.2.3.4/"sv,
          "::1.2.3"sv, "1:2:3:4:5:6:7:1.2.3.4"sv})
        EXPECT_EQ(in(wrong, "::/0").kind(), fraud::failure_kind::type_mismatch) << wrong;
}

TEST(fraud_functions, distances) {
    // Berlin to New York.
    EXPECT_TRUE(holds("distance_km(52.52, 13.405, 40.7128, -74.006) BETWEEN 6380 AND 6390"));
    EXPECT_TRUE(holds("distance_km(90, 0, 90, 120) < 0.001"));
    EXPECT_TRUE(holds("distance_km(0, 0, 0, 180) BETWEEN 20015 AND 20016"));
    EXPECT_EQ(hits({"TAG 'x' IF distance_km(91, 0, 0, 0) > 1"}, {}), "r1: number out of range");
    EXPECT_EQ(hits({"TAG 'x' IF distance_km(:ip_latitude:, 0, 0, 0) > 1"},
                   {{"ip_latitude", value::of(std::nan(""))}}),
              "r1: number out of range");
}

TEST(fraud_functions, time) {
    EXPECT_TRUE(holds("hour() = 14 AND dow() = 6 AND hour('UTC') = 14"));
    EXPECT_TRUE(holds("hour('1970-01-01T23:59:59Z', 'UTC') = 23 AND dow('1969-12-31', 'UTC') = 3"));
    EXPECT_TRUE(holds("age('2026-11-20T14:30:00Z') = 1 AND age('2026-11-22T02:30:00+00:00') = -0.5"));
    EXPECT_TRUE(holds("age('2026-11-20 15:30+01:00') = 1"));
    EXPECT_TRUE(holds("age(1795271400) = 0"));
    EXPECT_FALSE(holds("age(:customer.created_at:) > 0"));
    EXPECT_EQ(hits({"TAG 'x' IF age('yesterday') > 0"}, {}), "r1: value of the wrong type");
    EXPECT_EQ(hits({"TAG 'x' IF hour('Europe/Berlin') = 15"}, {}),
              "r1: needs a team's tables, which are not available here");
    EXPECT_EQ(fraud::parse_moment("2024-02-29T00:00:00Z"), 1'709'164'800'000'000);
    for (std::string_view wrong : {"2023-02-29"sv, "2024-13-01"sv, "24-01-01"sv, "2024-01-01T24:00"sv,
                                   "2024-01-01T1:00"sv, "2024-01-01T10:00:00+25:00"sv, "2024-01-01x"sv})
        EXPECT_EQ(fraud::parse_moment(wrong), std::nullopt) << wrong;
}

TEST(fraud_functions, terms_are_asked_once_the_cheap_first_and_only_when_needed) {
    fixed_terms terms;
    terms.answers = {{"gbt", value::of(0.9)}, {"bad", value::of(true)}};
    std::map<std::string, value> given{{"email", value::of("eve@x.example"sv)},
                                       {"livemode", value::of(false)}};
    EXPECT_EQ(hits({"TAG 'a' IF model_score('gbt') > 0.5 AND :email: IN @bad",
                    "TAG 'b' IF model_score('gbt') > 0.95 OR :email: IN @bad",
                    "TAG 'c' IF model_score('other') > 0.5 AND :livemode:"},
                   given, &terms),
              "r1 r2 ");
    EXPECT_EQ(terms.asked, (std::vector<std::string>{"list bad", "model gbt"}));
    // Without an argument nobody is asked.
    terms.asked.clear();
    EXPECT_EQ(hits({"TAG 'a' IF :email: IN @bad OR snoozed(:customer:)",
                    "TAG 'b' IF count(FROM attempts BY :ip: OVER 1h) > 0"},
                   {}, &terms),
              "");
    EXPECT_TRUE(terms.asked.empty());
    // A failure of the argument is the failure of the term.
    EXPECT_EQ(hits({"TAG 'a' IF :email: IN @bad"}, {{"email", value::of(std::int64_t{1})}}, &terms),
              "r1: value of the wrong type");
}

TEST(fraud_functions, what_is_supplied_counts_before_what_is_computed) {
    fixed_terms terms;
    terms.answers = {{"USD", value::of(12.5)}, {"", value::of(std::int64_t{4})}};
    std::map<std::string, value> given{{"amount", value::of(std::int64_t{1000})},
                                       {"currency", value::of("eur"sv)},
                                       {"email", value::of("a@b.example"sv)}};
    EXPECT_EQ(hits({"TAG 'a' IF :amount_in_usd: = 12.5 AND amount_in('usd') = 12.5",
                    "TAG 'b' IF :total_charges_per_email_daily: = 4"},
                   given, &terms),
              "r1 r2 ");
    EXPECT_EQ(terms.asked.size(), 2U);
    terms.asked.clear();
    given["amount_in_usd"] = value::of(std::int64_t{7});
    given["total_charges_per_email_daily"] = value::of(std::int64_t{9});
    EXPECT_EQ(hits({"TAG 'a' IF :amount_in_usd: = 7",
                    "TAG 'b' IF :total_charges_per_email_daily: = 9"},
                   given, &terms),
              "r1 r2 ");
    EXPECT_TRUE(terms.asked.empty());
}

TEST(fraud_functions, other_rules) {
    EXPECT_EQ(hits({"TAG 'a' IF NOT rule_hit('r2')", "SHADOW TAG 'b' IF rule_hit('r3')",
                    "TAG 'c' IF :amount: > 1"},
                   {{"amount", value::of(std::int64_t{1})}}),
              "r1 ");
    EXPECT_EQ(hits({"TAG 'a' IF rule_hit('nobody')", "TAG 'b' IF NOT rule_hit('nobody')"}, {}), "");
    std::vector<std::string> ids{"a", "b"};
    std::vector<fraud::rule_source> circle{{"a", "TAG 'a' IF rule_hit('b')"},
                                           {"b", "TAG 'b' IF rule_hit('a')"}};
    fraud::rule_set set = fraud::compile(circle, fraud::on_broken::keep);
    ASSERT_EQ(set.broken().size(), 1U);
    EXPECT_NE(set.broken()[0].message.find("rule_hit() leads back"), std::string::npos);
}

TEST(fraud_functions, until_and_sample) {
    EXPECT_EQ(hits({"TAG 'a' IF true UNTIL '2026-11-21T14:30:00Z'",
                    "TAG 'b' IF true UNTIL '2026-11-21T14:30:00.000001Z'"},
                   {}),
              "r2 ");
    EXPECT_EQ(hits({"TAG 'a' IF true SAMPLE 100 BY :customer:", "TAG 'b' IF true SAMPLE 0 BY :customer:"},
                   {{"customer", value::of("c"sv)}}),
              "r1 ");
    EXPECT_EQ(hits({"TAG 'a' IF true SAMPLE 100 BY :customer:"}, {}), "");
    fraud::rule_set set = compiled({"TAG 'a' IF true SAMPLE 30 BY :customer:",
                                    "TAG 'b' IF true SAMPLE 30 BY :customer:"});
    fraud::evaluator memory{set};
    std::map<std::string, int> seen;
    for (int i = 0; i < 20'000; ++i) {
        std::string customer = "cus_" + std::to_string(i);
        memory.set(0, value::of(std::string_view{customer}));
        std::string pattern;
        for (std::uint32_t rule : memory.run().matched)
            pattern += set.rules()[rule].id;
        ++seen[pattern];
    }
    EXPECT_NEAR(seen["r1"] + seen["r1r2"], 6'000, 300);
    EXPECT_NEAR(seen["r1r2"], 1'800, 200) << "samples of different rules are independent";
}
