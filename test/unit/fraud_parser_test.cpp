// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/ast.hpp"
#include "core/fraud/rule_error.hpp"
#include "core/fraud/rule_set.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace fraud = saas::core::fraud;

namespace {

// The tree in prefix notation, for comparisons: (and (< 1 amount) x).
std::string prefix(const fraud::rule_ast &ast, std::uint32_t id) {
    static constexpr const char *k_names[] = {
        "",     "",         "neg",     "+",    "-",      "*",     "/",     "%",
        "=",    "!=",       "<",       "<=",   "not",    "and",   "or",    "in",
        "like", "includes", "missing", "bool", "number", "lower", "domain"};
    const fraud::node &n = ast.nodes[id];
    if (n.op == fraud::operation::attribute)
        return ast.slots[n.payload].path.back();
    if (n.op == fraud::operation::literal) {
        const fraud::value &v = n.literal;
        if (v.type == fraud::value_type::text)
            return "'" + std::string{v.view()} + "'";
        if (v.type == fraud::value_type::boolean)
            return v.is_true() ? "true" : "false";
        return v.type == fraud::value_type::integer ? std::to_string(v.integer)
                                                    : std::to_string(v.real);
    }
    std::string out = std::string{"("} + k_names[static_cast<std::size_t>(n.op)];
    for (std::uint32_t child : ast.children_of(n))
        out += " " + prefix(ast, child);
    return out + ")";
}

std::string tree(const std::string &condition) {
    fraud::rule_ast ast = fraud::parse_rule("BLOCK IF " + condition);
    return prefix(ast, ast.root);
}

// "position: problem | hint", or "valid".
std::string verdict(const std::string &rule) {
    fraud::validation v = fraud::validate(rule);
    if (v.valid)
        return "valid";
    return std::to_string(v.position) + ": " + v.message + (v.hint.empty() ? "" : " | ") + v.hint;
}

std::string warnings(const std::string &rule) {
    std::string out;
    for (const fraud::rule_warning &w : fraud::validate(rule).warnings)
        out += std::to_string(w.position) + ": " + w.message + "\n";
    return out;
}

} // namespace

TEST(fraud_parser, not_binds_before_and_before_or) {
    EXPECT_EQ(tree(":livemode: OR :is_recurring: AND NOT :is_off_session: = true"),
              "(or livemode (and is_recurring (not (= is_off_session true))))");
    EXPECT_EQ(tree("(:livemode: || :is_recurring:) && ! :is_off_session:"),
              "(and (or livemode is_recurring) (not is_off_session))");
}

TEST(fraud_parser, arithmetic_precedence_and_association) {
    EXPECT_EQ(tree("1 + 2 * :amount: - 3 - 4 > 5 % 2 / 3"),
              "(< (/ (% 5 2) 3) (- (- (+ 1 (* 2 amount)) 3) 4))");
    EXPECT_EQ(tree("-:amount: * -2 < -1.5"), "(< (* (neg amount) -2) -1.500000)");
}

TEST(fraud_parser, chains_of_and_are_flat) {
    EXPECT_EQ(tree(":livemode: and :livemode: AND :livemode:"), "(and livemode livemode livemode)");
}

TEST(fraud_parser, predicates) {
    EXPECT_EQ(tree(":amount: BETWEEN 1 AND 2 AND :livemode:"),
              "(and (and (<= 1 amount) (<= amount 2)) livemode)");
    EXPECT_EQ(tree(":email: NOT LIKE '%@x.com' OR :email: INCLUDES \"say \"\"x\"\"\""),
              "(or (not (like email '%@x.com')) (includes email 'say \"x\"'))");
    EXPECT_EQ(tree(":card_country: not in ('us', 'CA') and is_missing(:ip:)"),
              "(and (not (in card_country 'US' 'CA')) (missing ip))");
    EXPECT_EQ(tree(":ip: IS NOT MISSING OR email_domain(lower(:email:)) <> 'it''s'"),
              "(or (not (missing ip)) (!= (domain (lower email)) 'it's'))");
}

TEST(fraud_parser, metadata_and_paths) {
    fraud::rule_ast ast =
        fraud::parse_rule("TAG 'a' IF ::Item ID:: = 5 AND ::customer:vip:: AND :order.total: > 1");
    ASSERT_EQ(ast.slots.size(), 3U);
    EXPECT_EQ(ast.slots[0].path, (std::vector<std::string>{"metadata", "Item ID"}));
    EXPECT_EQ(ast.slots[1].path, (std::vector<std::string>{"customer_metadata", "vip"}));
    EXPECT_EQ(ast.slots[2].path, (std::vector<std::string>{"order", "total"}));
    EXPECT_EQ(ast.head.tag, "a");
}

TEST(fraud_parser, head) {
    fraud::rule_ast ast = fraud::parse_rule("shadow priority -7 score -25 if :livemode:");
    EXPECT_TRUE(ast.head.shadow);
    EXPECT_EQ(ast.head.priority, -7);
    EXPECT_EQ(ast.head.action, fraud::action::score);
    EXPECT_EQ(ast.head.score, -25);
}

// Rules as Radar's documentation and dashboard write them.
TEST(fraud_parser, accepts_radar_rules) {
    for (const char *rule : {
             "Block if :card_country: != 'US'",
             "Block if :card_funding: = 'prepaid' AND :amount_in_usd: > 10.00",
             "Request 3DS if :card_country: != :ip_country:",
             "Request 3D Secure if :amount_in_gbp: >= 100",
             "Request credentials if :is_setup_intent:",
             "Review if :ip_country: IN ('MX', 'CA') and not :is_recurring:",
             "Allow if :customer: = 'cus_123' OR :email: = \"a@example.com\"",
             "Block if is_missing(:ip_country:)",
             "Block if not :address_zip_check: = 'pass'",
             "Block if :cvc_check: = 'fail' && :risk_score: > 65",
             "Review if :is_disposable_email: or :is_anonymous_ip:",
             "Block if :email: INCLUDES 'example'",
             "Block if :email_domain: LIKE '%.test'",
             "Review if ::Customer Age:: < 30",
             "Allow if ::customer:Trusted:: = 'true'",
             "Block if ::destination:country:: != 'US'",
             "Block if :risk_level: = 'highest' and :digital_wallet: != 'apple_pay'",
         })
        EXPECT_EQ(verdict(rule), "valid") << rule;
}

TEST(fraud_parser, says_where_what_was_found_and_what_was_expected) {
    EXPECT_EQ(verdict("BLOCK :amount: > 1"), "7: found \":amount:\", expected IF");
    EXPECT_EQ(verdict("BLOK IF :amount: > 1"),
              "1: found \"BLOK\", expected ALLOW, BLOCK, REVIEW, CHALLENGE, SCORE or TAG | "
              "Did you mean BLOCK?");
    EXPECT_EQ(verdict("BLOCK IF :amount: >"),
              "20: found the end of the rule, expected a number, a text in quotes, :attribute:, "
              "::metadata::, a function or \"(\"");
    EXPECT_EQ(verdict("BLOCK IF (:amount: > 1"), "23: found the end of the rule, expected \")\"");
    EXPECT_EQ(verdict("BLOCK IF :amount: > 1 :livemode:"),
              "23: found \":livemode:\", expected AND, OR or the end of the rule");
    EXPECT_EQ(verdict("BLOCK IF 1 < :amount: < 3"),
              "23: found \"<\", expected AND, OR or the end of the rule | "
              "Comparisons do not chain: join two of them by AND.");
    EXPECT_EQ(
        verdict("BLOCK IF amount > 1"),
        "10: found \"amount\", expected a number, a text in quotes, :attribute:, "
        "::metadata::, a function or \"(\" | Attributes are written between colons: :amount:.");
    EXPECT_EQ(verdict("BLOCK IF :email: IS 'x'"),
              "21: found \"'x'\", expected MISSING or NOT MISSING");
    EXPECT_EQ(verdict("SCORE 101 IF :livemode:"),
              "7: SCORE out of range | It lies between -100 and 100.");
    EXPECT_EQ(verdict(""), "1: found the end of the rule, expected ALLOW, BLOCK, REVIEW, "
                           "CHALLENGE, SCORE or TAG");
}

TEST(fraud_parser, suggests_the_nearest_attribute) {
    EXPECT_EQ(verdict("BLOCK IF :card_contry: = 'US'"),
              "10: unknown attribute \":card_contry:\" | Did you mean :card_country:?");
    EXPECT_EQ(verdict("BLOCK IF :emial: = 'x'"),
              "10: unknown attribute \":emial:\" | Did you mean :email:?");
    EXPECT_EQ(verdict("BLOCK IF :zzzzzzzzz: = 'x'"),
              "10: unknown attribute \":zzzzzzzzz:\" | Values of your own are metadata: ::key::.");
    EXPECT_EQ(verdict("BLOCK IF lowr(:email:) = 'x'"),
              "10: unknown function \"lowr\" | Did you mean lower()?");
}

TEST(fraud_parser, positions_count_characters_not_bytes) {
    EXPECT_EQ(verdict("BLOCK IF :email: = 'é€😀' AND ?"),
              "30: unexpected character \"?\" | Texts are written in quotes, attributes between "
              "colons.");
}

TEST(fraud_parser, lexical_errors) {
    auto problem = [](const std::string &rule) {
        std::string whole = verdict(rule);
        return whole.substr(0, whole.find(" |"));
    };
    EXPECT_EQ(problem("BLOCK IF :email: = 'x"), "20: text without its closing quote");
    EXPECT_EQ(problem("BLOCK IF :email: = 'x''"), "20: text without its closing quote");
    EXPECT_EQ(problem("BLOCK IF :email = 'x'"),
              "10: attribute \":email\" without its closing colon");
    EXPECT_EQ(problem("BLOCK IF : = 'x'"), "10: malformed attribute");
    EXPECT_EQ(problem("BLOCK IF ::key: = 1"), "10: metadata without its closing colons");
    EXPECT_EQ(problem("BLOCK IF :::: = 1"), "10: metadata without a key");
    EXPECT_EQ(problem("BLOCK IF ::shop:key:: = 1"), "10: unknown kind of metadata \"shop\"");
    EXPECT_EQ(problem("BLOCK IF :amount: > 99999999999999999999"),
              "21: number \"99999999999999999999\" out of range");
    EXPECT_EQ(problem("BLOCK IF :amount: > 1e999"), "21: number \"1e999\" out of range");
    EXPECT_EQ(problem("BLOCK IF :amount: > 12abc").substr(0, 18), "21: found \"12abc\",");
}

TEST(fraud_parser, type_errors) {
    EXPECT_EQ(verdict("BLOCK IF :amount: = 'x'"),
              "21: found a text, expected a number as on the other side");
    EXPECT_EQ(verdict("BLOCK IF :amount: >= 'x'"),
              "22: found a text, expected a number as on the other side");
    EXPECT_EQ(verdict("BLOCK IF :amount:"),
              "10: found a number, expected a truth value because a condition is one");
    EXPECT_EQ(verdict("BLOCK IF :email: + 1 > 2"),
              "10: found a text, expected a number because arithmetic takes one");
    EXPECT_EQ(verdict("BLOCK IF :amount: LIKE 'x'"),
              "10: found a number, expected a text because LIKE and INCLUDES take one");
    EXPECT_EQ(verdict("BLOCK IF :livemode: < true").substr(0, 24), "10: found a truth value,");
    EXPECT_EQ(verdict("BLOCK IF :amount: IN (1, 'x')"),
              "26: found a text, expected a number as on the other side");
    EXPECT_EQ(verdict("BLOCK IF :livemode: AND :amount:"),
              "25: found a number, expected a truth value because AND, OR and NOT take one");
}

// The families of Radar's attributes, and what else its rules consist of.
TEST(fraud_parser, accepts_radars_lists_and_counters) {
    for (const char *rule :
         {"Block if :card_bin: in @blocked_bins", "Review if :email_domain: not in @known_domains",
          "Block if :total_charges_per_card_number_daily: > 3",
          "Block if :declined_charges_per_ip_address_hourly: > 5",
          "Block if :blocked_charges_per_customer_weekly: >= 2",
          "Review if :authorized_charges_per_email_all_time: = 0 and :amount_in_usd: > 100.00",
          "Block if :card_count_for_email_hourly: > 3 or :email_count_for_card_weekly: > 2",
          "Review if :name_count_for_card_all_time: > 4",
          "Block if :dispute_count_on_card_number_all_time: > 0",
          "Block if :efw_count_on_card_all_time: > 0",
          "Review if :refund_count_on_customer_weekly: > 3",
          "Review if :total_customers_for_card_all_time: > 5",
          "Allow if :average_usd_amount_successful_on_card_all_time: > 30",
          "Review if :distance_between_billing_and_shipping_address: > 500",
          "Review if :hours_since_email_first_seen: < 24",
          "Review if :minutes_since_card_first_seen: < 10",
          "Review if :seconds_since_customer_was_created: < 60",
          "Review if :hours_since_first_successful_auth_on_card: < 1"})
        EXPECT_EQ(verdict(rule), "valid") << rule;
    EXPECT_EQ(verdict("Block if :total_charges_per_shoe_daily: > 3").substr(0, 45),
              "10: unknown attribute \":total_charges_per_sho");
}

TEST(fraud_parser, the_head_and_the_tail) {
    fraud::rule_ast ast = fraud::parse_rule("SHADOW PRIORITY 3 BLOCK IF :livemode: "
                                            "SAMPLE 12.5 % BY :customer: UNTIL 2026-12-31");
    EXPECT_TRUE(ast.head.shadow);
    EXPECT_EQ(ast.head.sample, 12.5);
    EXPECT_EQ(ast.head.until, 1798675200'000000);
    ast = fraud::parse_rule("BLOCK IF :livemode: UNTIL '2026-12-31T01:00:00+01:00'");
    EXPECT_EQ(ast.head.until, 1798675200'000000);
    EXPECT_EQ(verdict("BLOCK IF true SAMPLE 101 BY :email:"),
              "22: SAMPLE out of range | It lies between 0 and 100 percent.");
    EXPECT_EQ(verdict("BLOCK IF true SAMPLE 10"), "24: found the end of the rule, expected BY");
    EXPECT_EQ(verdict("BLOCK IF true UNTIL '2026-02-30'").substr(0, 31),
              "21: \"2026-02-30\" is no moment |");
    EXPECT_EQ(verdict("BLOCK IF true UNTIL 2026-12-31 SAMPLE 1 BY :email:").substr(0, 29),
              "32: found SAMPLE after UNTIL ");
}

TEST(fraud_parser, functions_take_what_they_need) {
    for (const char *rule :
         {"BLOCK IF cidr_match(:ip:, '10.0.0.0/8', '2001:db8::/32')",
          "BLOCK IF distance_km(:ip_latitude:, :ip_longitude:, 52.5, 13.4) > 1000",
          "BLOCK IF similarity(:customer_name:, ::card name::) < 0.8 AND luhn(::number::)",
          "BLOCK IF token_set(:customer_name:, 'eve example') >= 0.9",
          "BLOCK IF hour('Europe/Berlin') BETWEEN 1 AND 5 AND dow() IN (0, 6)",
          "BLOCK IF hour(:customer.created_at:, 'America/New_York') = 3",
          "BLOCK IF age(:customer.created_at:) < 7 AND amount_in('eur') > 100",
          "BLOCK IF amount_in(usd) > 5 AND normalize_email(:email:) IN @bad",
          "BLOCK IF model_score('gbt') > 0.9 AND NOT rule_hit('vip') AND NOT snoozed(:customer:)"})
        EXPECT_EQ(verdict(rule), "valid") << rule;
    EXPECT_EQ(verdict("BLOCK IF luhn(:amount:)"),
              "15: found a number, expected a text because luhn() takes one");
    EXPECT_EQ(verdict("BLOCK IF distance_km(1, 2, 3) > 1"),
              "29: found \")\", expected \",\" and another operand: distance_km() takes 4");
    EXPECT_EQ(verdict("BLOCK IF amount_in('euro') > 1"),
              "20: \"euro\" is not a currency | Currencies are three letters: amount_in('EUR').");
    EXPECT_EQ(verdict("BLOCK IF model_score(:email:) > 1"),
              "22: found \":email:\", expected a name in quotes");
    EXPECT_EQ(verdict("BLOCK IF :livemode: IN @x"),
              "10: found a truth value, expected a text or a number because lists hold those");
}

TEST(fraud_parser, history) {
    for (const char *rule :
         {"BLOCK IF count(FROM attempts BY :email: OVER 1h) > 3",
          "BLOCK IF count(DISTINCT email FROM attempts BY :ip: OVER 30 minutes) > 3",
          "BLOCK IF sum(amount FROM attempts WHERE currency = :currency: BY :customer: OVER 7d) > 1",
          "BLOCK IF percentile(amount, 0.95 FROM payments BY :card_fingerprint: ALL TIME) < 10",
          "BLOCK IF median(amount FROM payments WHERE status != 'failed' AND NOT is_disputed "
          "BY :card_fingerprint:, :currency: OVER 30d INCLUDING CURRENT) < :amount: / 10",
          "BLOCK IF age(first(created_at FROM attempts BY ::device:: ALL TIME)) < 1",
          "BLOCK IF last(card_country FROM attempts BY :email: ALL TIME) != :card_country:",
          "BLOCK IF count(FROM refunds WHERE reason = 'fraudulent' BY :customer: OVER 52w) > 0"})
        EXPECT_EQ(verdict(rule), "valid") << rule;
    EXPECT_EQ(verdict("BLOCK IF count(FROM attempts BY :email: OVER 24 years) > 3").substr(0, 61),
              "46: found \"24\", expected a duration such as 30m, 24h or 7d | ");
    EXPECT_EQ(verdict("BLOCK IF count(FROM attempts BY :email:) > 3"),
              "40: found \")\", expected OVER and a duration such as 24h, or ALL TIME");
    EXPECT_EQ(verdict("BLOCK IF count(FROM orders BY :email: OVER 1h) > 3"),
              "21: found \"orders\", expected attempts, payments or refunds");
    EXPECT_EQ(verdict("BLOCK IF count(FROM payments BY :email: OVER 1h) > 3"),
              "33: source payments has no \"email\" | Source attempts has every attribute that was "
              "supplied.");
    EXPECT_EQ(verdict("BLOCK IF sum(amuont FROM attempts BY :email: OVER 1h) > 3"),
              "14: source attempts has no \"amuont\" | Did you mean amount?");
    EXPECT_EQ(verdict("BLOCK IF count(FROM attempts WHERE stauts = 'x' BY :email: OVER 1h) > 3"),
              "36: source attempts has no \"stauts\" | Did you mean status?");
    EXPECT_EQ(verdict("BLOCK IF sum(email FROM attempts BY :email: OVER 1h) > 3").substr(0, 29),
              "14: \"email\" is not a number |");
    EXPECT_EQ(verdict("BLOCK IF count(FROM attempts WHERE count(FROM attempts BY :ip: OVER 1h) > 1 "
                      "BY :email: OVER 1h) > 3"),
              "36: functions over history do not nest");
}

// Conditions of history whose SQL, or whose numbers, would grow beyond all bounds.
TEST(fraud_parser, conditions_of_history_are_bounded) {
    auto where = [](const std::string &condition) {
        return verdict("BLOCK IF count(FROM attempts WHERE " + condition +
                       " > 0 BY :email: OVER 1h) > 3");
    };
    auto nested = [](int levels) {
        std::string out = "amount";
        for (int i = 0; i < levels; ++i)
            out = "1 / (" + out + ")";
        return out;
    };
    EXPECT_EQ(where(nested(5)), "valid");
    EXPECT_NE(where(nested(45)).find("the condition of WHERE is too long"), std::string::npos);
    std::string product = "1e308";
    for (int i = 0; i < 5; ++i)
        product = "(" + product + " * " + product + ")"; // 31 products
    EXPECT_EQ(where(product), "valid");
    EXPECT_NE(where("(" + product + " * " + product + ")").find("more than 50 products"),
              std::string::npos);
    std::string keys = "status = ::k0::";
    for (int i = 1; i < 60; ++i)
        keys += " OR status = ::k" + std::to_string(i) + "::";
    EXPECT_NE(where(keys + " OR amount").find("more than 60 attributes"), std::string::npos);
}

TEST(fraud_parser, hostile_lengths_and_depths_are_refused) {
    std::string deep = "BLOCK IF " + std::string(100'000, '(') + "true";
    EXPECT_EQ(verdict(deep.substr(0, 60'000)), "210: expression nested deeper than 200 levels");
    EXPECT_EQ(verdict(deep).substr(0, 31), "1: rule longer than 65536 bytes");
    std::string nots = "BLOCK IF ";
    for (int i = 0; i < 10'000; ++i)
        nots += "NOT ";
    EXPECT_EQ(verdict(nots + "true").substr(5), "expression nested deeper than 200 levels");
    std::string sums = "BLOCK IF 1";
    for (int i = 0; i < 20'000; ++i)
        sums += "+1";
    EXPECT_NE(verdict(sums + " > 1").find("more than 1000 operators"), std::string::npos);
    EXPECT_EQ(verdict("BLOCK IF " + std::string(198, '(') + ":livemode:" + std::string(198, ')')),
              "valid");
    std::string wide = "BLOCK IF :livemode:";
    for (int i = 0; i < 3'000; ++i)
        wide += " OR :livemode:";
    EXPECT_EQ(verdict(wide), "valid");
}

TEST(fraud_parser, warns_of_what_is_hardly_meant) {
    EXPECT_EQ(warnings("BLOCK IF :card_country: = 'USA'"),
              "27: \"USA\" is not a code of two letters\n");
    EXPECT_EQ(warnings("SCORE 0 IF :email: = :email:"),
              "7: a score of 0 changes nothing\n20: an attribute is compared with itself\n");
    EXPECT_EQ(warnings("BLOCK IF 1 + 1 = 2 OR 'a' IN ('b')"), "10: the condition is always true\n");
    EXPECT_EQ(warnings("BLOCK IF 'abc' LIKE 'b%'"), "16: the condition is never true\n");
    EXPECT_EQ(warnings("BLOCK IF :currency: = 'usd'"), "");
}

TEST(fraud_parser, errors_carry_the_sqlstate) {
    try {
        (void)fraud::parse_rule("BLOCK IF :emial: = 'x'");
        FAIL() << "accepted";
    } catch (const fraud::rule_error &e) {
        EXPECT_EQ(e.state().code(), "SA050");
        EXPECT_EQ(e.message(), "unknown attribute \":emial:\" at character 10");
    }
}
