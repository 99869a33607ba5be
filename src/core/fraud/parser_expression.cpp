// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/parser.hpp"

#include "core/fraud/rule_error.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace saas::core::fraud {

// Counts a level of recursion while it lives, so that no rule can exhaust the stack.
class nesting_guard {
public:
    explicit nesting_guard(rule_parser &parser) : parser_{parser} {
        if (++parser_.nesting_ > k_max_nesting)
            parser_.refuse(parser_.current_.offset, "expression nested deeper than 200 levels");
    }
    ~nesting_guard() { --parser_.nesting_; }
    nesting_guard(const nesting_guard &) = delete;
    nesting_guard &operator=(const nesting_guard &) = delete;

private:
    rule_parser &parser_;
};

namespace {

constexpr std::string_view k_operand =
    "a number, a text in quotes, :attribute:, ::metadata::, a function or \"(\"";

// Windowed functions over history, and the other functions of the language, that this version
// recognises in order to say so.
constexpr std::string_view k_aggregates[] = {"count",  "sum",    "avg",        "min",   "max",
                                             "stddev", "median", "percentile", "first", "last"};
constexpr std::string_view k_later_functions[] = {
    "similarity", "token_set",  "distance_km", "hour",        "dow",      "age",
    "amount_in",  "cidr_match", "luhn",        "model_score", "rule_hit", "snoozed"};
constexpr std::string_view k_functions[] = {"is_missing", "lower", "email_domain"};
constexpr std::string_view k_scopes[] = {"customer", "order", "destination"};

bool contains_word(std::span<const std::string_view> words, std::string_view wanted) {
    return std::any_of(words.begin(), words.end(),
                       [&](std::string_view word) { return same_word(word, wanted); });
}

std::vector<std::string> split_path(std::string_view name) {
    std::vector<std::string> path;
    for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
        path.emplace_back(name.substr(0, dot));
        name.remove_prefix(dot + 1);
    }
    path.emplace_back(name);
    return path;
}

} // namespace

rule_parser::node_id rule_parser::add_node(operation op, std::size_t offset,
                                           std::span<const node_id> children) {
    node made{};
    made.op = op;
    made.offset = static_cast<std::uint32_t>(offset);
    made.first = static_cast<std::uint32_t>(ast_.children.size());
    made.count = static_cast<std::uint32_t>(children.size());
    for (node_id child : children)
        made.depth = std::max(made.depth, ast_.nodes[child].depth + 1);
    if (made.depth > k_max_tree_depth)
        refuse(offset, "expression with more than 1000 operators on one another");
    ast_.children.insert(ast_.children.end(), children.begin(), children.end());
    ast_.nodes.push_back(made);
    return static_cast<node_id>(ast_.nodes.size() - 1);
}

rule_parser::node_id rule_parser::add_node(operation op, std::size_t offset,
                                           std::initializer_list<node_id> children) {
    return add_node(op, offset, std::span{children.begin(), children.size()});
}

rule_parser::node_id rule_parser::add_literal(std::size_t offset, value literal) {
    node_id made = add_node(operation::literal, offset, {});
    ast_.nodes[made].literal = literal;
    return made;
}

rule_parser::node_id rule_parser::add_slot(std::size_t offset, slot where) {
    auto found = std::find(ast_.slots.begin(), ast_.slots.end(), where);
    auto index = static_cast<std::uint32_t>(found - ast_.slots.begin());
    if (found == ast_.slots.end()) {
        if (index == k_max_slots)
            refuse(offset, "more than 500 different attributes in one rule");
        ast_.slots.push_back(std::move(where));
    }
    node_id made = add_node(operation::attribute, offset, {});
    ast_.nodes[made].slot = index;
    return made;
}

value rule_parser::keep_text(std::string words) {
    ast_.texts.push_back(std::move(words));
    return value::of(std::string_view{ast_.texts.back()});
}

rule_parser::node_id rule_parser::parse_or() {
    std::size_t offset = current_.offset;
    std::vector<node_id> parts{parse_and()};
    while (at(token_kind::logical_or) || at_word("OR")) {
        advance();
        parts.push_back(parse_and());
    }
    return parts.size() == 1 ? parts.front() : add_node(operation::logical_or, offset, parts);
}

rule_parser::node_id rule_parser::parse_and() {
    std::size_t offset = current_.offset;
    std::vector<node_id> parts{parse_not()};
    while (at(token_kind::logical_and) || at_word("AND")) {
        advance();
        parts.push_back(parse_not());
    }
    return parts.size() == 1 ? parts.front() : add_node(operation::logical_and, offset, parts);
}

rule_parser::node_id rule_parser::parse_not() {
    if (!at(token_kind::logical_not) && !at_word("NOT"))
        return parse_comparison();
    nesting_guard guard{*this};
    std::size_t offset = current_.offset;
    advance();
    return add_node(operation::logical_not, offset, {parse_not()});
}

rule_parser::node_id rule_parser::parse_comparison() {
    node_id left = parse_sum();
    switch (current_.kind) {
    case token_kind::equal:
        return parse_relation(left, operation::equal, false);
    case token_kind::not_equal:
        return parse_relation(left, operation::not_equal, false);
    case token_kind::less:
        return parse_relation(left, operation::less, false);
    case token_kind::less_equal:
        return parse_relation(left, operation::less_equal, false);
    case token_kind::greater:
        return parse_relation(left, operation::less, true);
    case token_kind::greater_equal:
        return parse_relation(left, operation::less_equal, true);
    case token_kind::word:
        return parse_predicate(left);
    default:
        return left;
    }
}

rule_parser::node_id rule_parser::parse_relation(node_id left, operation op, bool swapped) {
    std::size_t offset = current_.offset;
    advance();
    node_id right = parse_sum();
    return swapped ? add_node(op, offset, {right, left}) : add_node(op, offset, {left, right});
}

rule_parser::node_id rule_parser::parse_predicate(node_id left) {
    std::size_t offset = current_.offset;
    if (accept_word("IS")) {
        bool negated = accept_word("NOT");
        if (!at_word("MISSING"))
            refuse_expected(negated ? "MISSING" : "MISSING or NOT MISSING");
        advance();
        node_id test = add_node(operation::is_missing, offset, {left});
        return negated ? add_node(operation::logical_not, offset, {test}) : test;
    }
    bool negated = accept_word("NOT");
    node_id test = left;
    if (accept_word("IN")) {
        test = parse_set(left, offset);
    } else if (accept_word("LIKE")) {
        if (!at(token_kind::text))
            refuse_expected("a pattern in quotes");
        if (current_.body.size() > k_max_pattern_length)
            refuse(current_.offset, "pattern longer than 1024 bytes");
        test = add_node(operation::like, offset, {left, parse_literal()});
    } else if (accept_word("INCLUDES")) {
        test = add_node(operation::includes, offset, {left, parse_sum()});
    } else if (accept_word("BETWEEN")) {
        test = parse_between(left, offset);
    } else if (negated) {
        refuse_expected("IN, LIKE, INCLUDES or BETWEEN");
    }
    return negated ? add_node(operation::logical_not, offset, {test}) : test;
}

rule_parser::node_id rule_parser::parse_set(node_id left, std::size_t offset) {
    if (at(token_kind::list))
        refuse_unavailable(current_, "list");
    expect(token_kind::open, "\"(\" and the members of the set");
    std::vector<node_id> children{left};
    do {
        children.push_back(parse_literal());
    } while (accept(token_kind::comma));
    expect(token_kind::close, "\",\" or \")\"");
    return add_node(operation::in_set, offset, children);
}

rule_parser::node_id rule_parser::parse_between(node_id left, std::size_t offset) {
    node_id low = parse_sum();
    expect_word("AND");
    node_id high = parse_sum();
    node_id above = add_node(operation::less_equal, offset, {low, left});
    node_id below = add_node(operation::less_equal, offset, {left, high});
    return add_node(operation::logical_and, offset, {above, below});
}

rule_parser::node_id rule_parser::parse_sum() {
    node_id left = parse_term();
    while (at(token_kind::plus) || at(token_kind::minus)) {
        operation op = at(token_kind::plus) ? operation::add : operation::subtract;
        std::size_t offset = current_.offset;
        advance();
        left = add_node(op, offset, {left, parse_term()});
    }
    return left;
}

rule_parser::node_id rule_parser::parse_term() {
    node_id left = parse_primary();
    while (at(token_kind::star) || at(token_kind::slash) || at(token_kind::percent)) {
        operation op = at(token_kind::star)    ? operation::multiply
                       : at(token_kind::slash) ? operation::divide
                                               : operation::modulo;
        std::size_t offset = current_.offset;
        advance();
        left = add_node(op, offset, {left, parse_primary()});
    }
    return left;
}

rule_parser::node_id rule_parser::parse_primary() {
    nesting_guard guard{*this};
    std::size_t offset = current_.offset;
    switch (current_.kind) {
    case token_kind::attribute:
        return parse_attribute();
    case token_kind::metadata:
        return parse_metadata();
    case token_kind::integer:
    case token_kind::real:
    case token_kind::text:
        return parse_literal();
    case token_kind::word:
        return parse_word();
    case token_kind::list:
        refuse_unavailable(current_, "list");
    case token_kind::minus:
        advance();
        if (at(token_kind::integer) || at(token_kind::real))
            return add_literal(offset, parse_number(true));
        return add_node(operation::negate, offset, {parse_primary()});
    case token_kind::open: {
        advance();
        node_id inner = parse_or();
        expect(token_kind::close, "\")\"");
        return inner;
    }
    default:
        refuse_expected(k_operand);
    }
}

rule_parser::node_id rule_parser::parse_word() {
    if (at_word("TRUE") || at_word("FALSE"))
        return parse_literal();
    token name = current_;
    advance();
    if (accept(token_kind::open))
        return parse_call(name);
    current_ = name; // only to report it
    refuse_expected(
        k_operand, find_attribute(name.words) != nullptr
                       ? "Attributes are written between colons: :" + std::string{name.words} + ":."
                       : "");
}

rule_parser::node_id rule_parser::parse_call(const token &name) {
    if (contains_word(k_aggregates, name.words))
        refuse_unavailable(name, "velocity function");
    if (contains_word(k_later_functions, name.words))
        refuse_unavailable(name, "function");
    operation op = same_word(name.words, "is_missing") ? operation::is_missing
                   : same_word(name.words, "lower")    ? operation::lower
                                                       : operation::email_domain;
    if (!contains_word(k_functions, name.words)) {
        std::string_view near = nearest_name(name.words, k_functions);
        refuse(name.offset, "unknown function " + quoted(name.words),
               near.empty() ? "" : "Did you mean " + std::string{near} + "()?");
    }
    node_id argument = parse_or();
    expect(token_kind::close, "\")\"");
    return add_node(op, name.offset, {argument});
}

rule_parser::node_id rule_parser::parse_attribute() {
    token written = current_;
    const attribute *known = find_attribute(written.body);
    if (known == nullptr) {
        if (is_velocity_name(written.body))
            refuse_unavailable(written, "velocity attribute");
        std::string_view near = nearest_attribute(written.body);
        refuse(written.offset, "unknown attribute " + quoted(written.words),
               near.empty() ? "Values of your own are metadata: ::key::."
                            : "Did you mean :" + std::string{near} + ":?");
    }
    advance();
    std::string_view path = known->same_as.empty() ? written.body : known->same_as;
    return add_slot(written.offset, {known->type, split_path(path)});
}

rule_parser::node_id rule_parser::parse_metadata() {
    token written = current_;
    std::string_view key = written.body;
    std::string object{"metadata"};
    if (std::size_t colon = key.find(':'); colon != std::string_view::npos) {
        std::string_view scope = key.substr(0, colon);
        if (std::find(std::begin(k_scopes), std::end(k_scopes), scope) == std::end(k_scopes))
            refuse(written.offset, "unknown kind of metadata " + quoted(scope),
                   "Metadata is written ::key::, ::customer:key::, ::order:key:: or "
                   "::destination:key::.");
        object = std::string{scope} + "_metadata";
        key.remove_prefix(colon + 1);
    }
    if (key.empty())
        refuse(written.offset, "metadata without a key");
    advance();
    return add_slot(written.offset,
                    {attribute_type::metadata, {std::move(object), std::string{key}}});
}

rule_parser::node_id rule_parser::parse_literal() {
    std::size_t offset = current_.offset;
    if (at(token_kind::text)) {
        value text = keep_text(unquoted(current_));
        advance();
        return add_literal(offset, text);
    }
    if (at_word("TRUE") || at_word("FALSE")) {
        bool truth = at_word("TRUE");
        advance();
        return add_literal(offset, value::of(truth));
    }
    bool negative = accept(token_kind::minus);
    if (!at(token_kind::integer) && !at(token_kind::real))
        refuse_expected("a number, a text in quotes, TRUE or FALSE");
    return add_literal(offset, parse_number(negative));
}

value rule_parser::parse_number(bool negative) {
    const char *end = current_.words.data() + current_.words.size();
    value number;
    std::errc problem{};
    if (at(token_kind::integer)) {
        std::int64_t whole = 0;
        problem = std::from_chars(current_.words.data(), end, whole).ec;
        number = value::of(negative ? -whole : whole);
    } else {
        double real = 0;
        problem = std::from_chars(current_.words.data(), end, real).ec;
        number = value::of(negative ? -real : real);
    }
    if (problem != std::errc{})
        refuse(current_.offset, "number " + quoted(current_.words) + " out of range",
               "Whole numbers reach to 9223372036854775807.");
    advance();
    return number;
}

} // namespace saas::core::fraud
