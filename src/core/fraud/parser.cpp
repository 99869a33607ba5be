// SPDX-License-Identifier: PostgreSQL
// The head of a rule and the tools of the parser. Expressions: parser_expression.cpp.
#include "core/fraud/parser.hpp"

#include "core/fraud/rule_error.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace saas::core::fraud {
namespace {

struct action_word {
    std::string_view word;
    action what;
};
constexpr action_word k_actions[] = {{"ALLOW", action::allow},         {"BLOCK", action::block},
                                     {"CHALLENGE", action::challenge}, {"REVIEW", action::review},
                                     {"SCORE", action::score},         {"TAG", action::tag}};
constexpr std::string_view k_action_words[] = {"ALLOW", "BLOCK",   "CHALLENGE", "REVIEW",  "SCORE",
                                               "TAG",   "REQUEST", "SHADOW",    "PRIORITY"};
constexpr std::size_t k_max_tag = 64;

std::string upper_word(std::string_view word) {
    std::string out{word};
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    return out;
}

} // namespace

std::string_view name_of(action what) noexcept {
    switch (what) {
    case action::allow:
        return "allow";
    case action::block:
        return "block";
    case action::challenge:
        return "challenge";
    case action::review:
        return "review";
    case action::score:
        return "score";
    case action::tag:
        return "tag";
    }
    return "";
}

bool rule_parser::at_word(std::string_view word) const noexcept {
    return at(token_kind::word) && same_word(current_.words, word);
}

bool rule_parser::accept(token_kind kind) {
    if (!at(kind))
        return false;
    advance();
    return true;
}

bool rule_parser::accept_word(std::string_view word) {
    if (!at_word(word))
        return false;
    advance();
    return true;
}

void rule_parser::expect(token_kind kind, std::string_view what) {
    if (!accept(kind))
        refuse_expected(what);
}

void rule_parser::expect_word(std::string_view word) {
    if (!accept_word(word))
        refuse_expected(word);
}

void rule_parser::refuse(std::size_t offset, std::string problem, std::string hint) const {
    refuse_rule(rule_, pinned_offset_.value_or(offset), std::move(problem), std::move(hint));
}

void rule_parser::refuse_expected(std::string_view what, std::string hint) const {
    std::string found = at(token_kind::end) ? "the end of the rule" : quoted(current_.words);
    refuse(current_.offset, "found " + found + ", expected " + std::string{what}, std::move(hint));
}

rule_ast rule_parser::parse() {
    parse_head();
    expect_word("IF");
    ast_.root = parse_or();
    parse_tail();
    if (!at(token_kind::end)) {
        bool again =
            current_.kind >= token_kind::equal && current_.kind <= token_kind::greater_equal;
        refuse_expected("AND, OR or the end of the rule",
                        again ? "Comparisons do not chain: join two of them by AND." : "");
    }
    return std::move(ast_);
}

void rule_parser::parse_tail() {
    if (accept_word("SAMPLE"))
        parse_sample();
    if (accept_word("UNTIL"))
        parse_until();
    else if (at_word("SAMPLE"))
        refuse(current_.offset, "SAMPLE is given twice");
}

// SAMPLE 10 BY :customer: or SAMPLE 12.5 % BY ::key::
void rule_parser::parse_sample() {
    std::size_t offset = current_.offset;
    if (!at(token_kind::integer) && !at(token_kind::real))
        refuse_expected("a percentage after SAMPLE");
    value percent = parse_number(false);
    double share = percent.type == value_type::integer ? static_cast<double>(percent.integer)
                                                       : percent.real;
    (void)accept(token_kind::percent);
    if (!(share >= 0 && share <= 100))
        refuse(offset, "SAMPLE out of range", "It lies between 0 and 100 percent.");
    expect_word("BY");
    if (!at(token_kind::attribute) && !at(token_kind::metadata))
        refuse_expected(":attribute: or ::metadata:: after BY");
    ast_.sample_by = at(token_kind::attribute) ? parse_attribute() : parse_metadata();
    if (ast_.nodes[*ast_.sample_by].op != operation::attribute)
        refuse(offset, "SAMPLE takes a supplied attribute, not a computed one");
    ast_.head.sample = share;
}

// UNTIL '2026-12-31T18:00:00Z' or UNTIL 2026-12-31
void rule_parser::parse_until() {
    std::size_t offset = current_.offset;
    std::string words;
    if (at(token_kind::text)) {
        words = unquoted(current_);
        advance();
    } else {
        for (int part = 0; part < 3; ++part) {
            if (part > 0)
                expect(token_kind::minus, "a date such as 2026-12-31, or a moment in quotes");
            if (!at(token_kind::integer))
                refuse_expected("a date such as 2026-12-31, or a moment in quotes");
            words.append(part > 0 ? "-" : "").append(current_.words);
            advance();
        }
    }
    ast_.head.until = parse_moment(words);
    if (!ast_.head.until)
        refuse(offset, quoted(words) + " is no moment",
               "For instance UNTIL '2026-12-31T18:00:00+01:00' or UNTIL 2026-12-31.");
    if (at_word("SAMPLE"))
        refuse(current_.offset, "found SAMPLE after UNTIL", "SAMPLE … BY … stands before UNTIL.");
}

void rule_parser::parse_head() {
    ast_.head.shadow = accept_word("SHADOW");
    if (accept_word("PRIORITY"))
        ast_.head.priority = parse_signed(std::numeric_limits<std::int32_t>::max(), "PRIORITY");
    parse_action();
}

void rule_parser::parse_action() {
    if (accept_word("REQUEST"))
        return parse_request();
    const auto *found = std::find_if(std::begin(k_actions), std::end(k_actions),
                                     [&](const action_word &a) { return at_word(a.word); });
    if (found == std::end(k_actions)) {
        std::string_view near = nearest_name(upper_word(current_.words), k_action_words);
        refuse_expected("ALLOW, BLOCK, REVIEW, CHALLENGE, SCORE or TAG",
                        near.empty() ? "" : "Did you mean " + std::string{near} + "?");
    }
    advance();
    ast_.head.action = found->what;
    if (found->what == action::score) {
        std::size_t offset = current_.offset;
        ast_.head.score = parse_signed(100, "SCORE");
        if (ast_.head.score == 0)
            ast_.warnings.push_back(
                {character_position(rule_, offset), "a score of 0 changes nothing"});
    }
    if (found->what == action::tag) {
        if (!at(token_kind::text))
            refuse_expected("a tag in quotes");
        ast_.head.tag = unquoted(current_);
        if (ast_.head.tag.empty() || ast_.head.tag.size() > k_max_tag)
            refuse(current_.offset, "a tag has 1 to 64 bytes");
        advance();
    }
}

// Radar's own spellings: Request 3DS, Request 3D Secure, Request credentials.
void rule_parser::parse_request() {
    ast_.head.action = action::challenge;
    if (accept_word("3DS") || accept_word("CREDENTIALS"))
        return;
    if (!accept_word("3D"))
        refuse_expected("3DS, 3D Secure or credentials");
    expect_word("SECURE");
}

std::int32_t rule_parser::parse_signed(std::int32_t limit, std::string_view what) {
    bool negative = at(token_kind::minus);
    if (negative || at(token_kind::plus))
        advance();
    if (!at(token_kind::integer))
        refuse_expected("a whole number after " + std::string{what});
    std::int64_t number = 0;
    const char *end = current_.words.data() + current_.words.size();
    auto [stop, problem] = std::from_chars(current_.words.data(), end, number);
    if (problem != std::errc{} || stop != end || number > limit)
        refuse(current_.offset, std::string{what} + " out of range",
               "It lies between -" + std::to_string(limit) + " and " + std::to_string(limit) + ".");
    advance();
    return static_cast<std::int32_t>(negative ? -number : number);
}

rule_ast parse_rule(std::string_view rule) {
    if (rule.size() > k_max_rule_length)
        refuse_rule(rule, 0, "rule longer than 65536 bytes",
                    "Split it: rules of one action are joined by OR.");
    rule_ast ast = rule_parser{rule}.parse();
    check_types(rule, ast);
    return ast;
}

} // namespace saas::core::fraud
