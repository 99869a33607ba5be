// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/parser.hpp"

#include "core/fraud/rule_error.hpp"

#include <algorithm>

namespace saas::core::fraud {

rule_parser::node_id rule_parser::add_node(operation op, std::size_t offset,
                                           std::span<const node_id> children) {
    node made{};
    made.op = op;
    made.offset = static_cast<std::uint32_t>(pinned_offset_.value_or(offset));
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

rule_parser::node_id rule_parser::add_term(std::size_t offset, external_term term,
                                           std::span<const node_id> children) {
    if (in_where_)
        refuse(offset, "the condition of WHERE cannot use lists, models, history or exchange rates",
               "WHERE compares fields of the source with numbers, texts and :attributes:.");
    if (ast_.terms.size() == k_max_terms)
        refuse(offset, "more than 100 lists, models and functions over history in one rule");
    term.argument_count = static_cast<std::uint32_t>(children.size());
    ast_.terms.push_back(std::move(term));
    node_id made = add_node(operation::term, offset, children);
    ast_.nodes[made].payload = static_cast<std::uint32_t>(ast_.terms.size() - 1);
    return made;
}

rule_parser::node_id rule_parser::parse_list(node_id left, std::size_t offset) {
    if (current_.body.empty())
        refuse(current_.offset, "a list without a name", "Lists are written @name.");
    external_term term;
    term.kind = term_kind::list;
    term.name = std::string{current_.body};
    advance();
    return add_term(offset, std::move(term), std::span{&left, 1});
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
    ast_.nodes[made].payload = index;
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
        return parse_list(left, offset);
    expect(token_kind::open, "@list or \"(\" and the members of the set");
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
        refuse_expected(k_operand_words, "A list stands after IN: :email: IN " +
                                             std::string{current_.words} + ".");
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
        refuse_expected(k_operand_words);
    }
}

} // namespace saas::core::fraud
