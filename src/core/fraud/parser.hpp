// SPDX-License-Identifier: PostgreSQL
// Recursive descent over the tokens of one rule. Callers use parse_rule of ast.hpp.
//
//     rule = ["SHADOW"] ["PRIORITY" int] action "IF" expr
//            ["SAMPLE" percent "BY" attribute] ["UNTIL" moment]
//     expr = and {("OR" | "||") and}      and = not {("AND" | "&&") not}      not = {"NOT" | "!"}
//     cmp cmp  = sum [relop sum | ["NOT"] "IN" set | ["NOT"] "LIKE" text | ["NOT"] "INCLUDES" sum
//                | ["NOT"] "BETWEEN" sum "AND" sum | "IS" ["NOT"] "MISSING"]
//     sum  = term {("+" | "-") term}      term = prim {("*" | "/" | "%") prim}
//     prim = literal | attribute | call | history | "-" prim | "(" expr ")"
//     set  = "@" name | "(" literal {"," literal} ")"
//     history = aggregate "(" ["DISTINCT"] [field ["," fraction]] "FROM" source ["WHERE" expr]
//               "BY" attribute {"," attribute} ("OVER" duration | "ALL TIME") ["INCLUDING CURRENT"] ")"
#pragma once

#include "core/fraud/ast.hpp"
#include "core/fraud/function_table.hpp"
#include "core/fraud/lexer.hpp"

#include <initializer_list>

namespace saas::core::fraud {

class rule_parser {
public:
    explicit rule_parser(std::string_view rule) : rule_{rule}, lexer_{rule} { advance(); }
    [[nodiscard]] rule_ast parse();

private:
    using node_id = std::uint32_t;

    void advance() { current_ = lexer_.next(); }
    [[nodiscard]] bool at(token_kind kind) const noexcept { return current_.kind == kind; }
    [[nodiscard]] bool at_word(std::string_view word) const noexcept;
    bool accept(token_kind kind);
    bool accept_word(std::string_view word);
    void expect(token_kind kind, std::string_view what);
    void expect_word(std::string_view word);
    [[noreturn]] void refuse_expected(std::string_view what, std::string hint = {}) const;
    [[noreturn]] void refuse(std::size_t offset, std::string problem, std::string hint = {}) const;

    void parse_head();
    void parse_action();
    void parse_request();
    void parse_tail();
    void parse_sample();
    void parse_until();
    [[nodiscard]] std::int32_t parse_signed(std::int32_t limit, std::string_view what);

    [[nodiscard]] node_id parse_or();
    [[nodiscard]] node_id parse_and();
    [[nodiscard]] node_id parse_not();
    [[nodiscard]] node_id parse_comparison();
    [[nodiscard]] node_id parse_relation(node_id left, operation op, bool swapped);
    [[nodiscard]] node_id parse_predicate(node_id left);
    [[nodiscard]] node_id parse_set(node_id left, std::size_t offset);
    [[nodiscard]] node_id parse_list(node_id left, std::size_t offset);
    [[nodiscard]] node_id parse_between(node_id left, std::size_t offset);
    [[nodiscard]] node_id parse_sum();
    [[nodiscard]] node_id parse_term();
    [[nodiscard]] node_id parse_primary();
    [[nodiscard]] node_id parse_word();
    [[nodiscard]] node_id parse_call(const token &name);
    [[nodiscard]] node_id parse_operands(const token &name, const function_spec &function);
    [[nodiscard]] node_id parse_named(const token &name, const function_spec &function);
    [[nodiscard]] node_id parse_clock(const token &name, const function_spec &function);
    [[nodiscard]] node_id add_amount(std::size_t offset, std::string_view currency);
    [[nodiscard]] node_id parse_history(const token &name, aggregate what);
    void parse_history_field(history_clause &clause, bool median);
    void parse_filter(history_clause &clause, std::size_t term);
    void parse_keys(history_clause &clause, std::vector<node_id> &children);
    [[nodiscard]] std::int64_t parse_duration();
    [[nodiscard]] node_id add_field(const token &name);
    [[nodiscard]] node_id parse_attribute();
    [[nodiscard]] node_id expand(std::size_t offset, node_id supplied, std::string text);
    [[nodiscard]] node_id parse_metadata();
    [[nodiscard]] node_id parse_literal();
    [[nodiscard]] value parse_number(bool negative);

    [[nodiscard]] node_id add_node(operation op, std::size_t offset,
                                   std::initializer_list<node_id> children);
    [[nodiscard]] node_id add_node(operation op, std::size_t offset,
                                   std::span<const node_id> children);
    [[nodiscard]] node_id add_literal(std::size_t offset, value literal);
    [[nodiscard]] node_id add_slot(std::size_t offset, slot where);
    [[nodiscard]] node_id add_term(std::size_t offset, external_term term,
                                   std::span<const node_id> children);
    [[nodiscard]] value keep_text(std::string words);

    std::string_view rule_;
    lexer lexer_;
    token current_;
    unsigned nesting_ = 0;
    bool in_where_ = false;                    // within the condition of a history term
    std::optional<std::size_t> pinned_offset_; // where an attribute stands that is being expanded
    rule_ast ast_;
    friend class nesting_guard;
};

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

inline constexpr std::string_view k_operand_words =
    "a number, a text in quotes, :attribute:, ::metadata::, a function or \"(\"";

// The second pass: gives every node its static type and refuses what does not fit; brings literals
// that codes are compared with to upper case; warns of what is legal but hardly meant.
void check_types(std::string_view rule, rule_ast &ast);

} // namespace saas::core::fraud
