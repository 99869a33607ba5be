// SPDX-License-Identifier: PostgreSQL
// What can be said about a rule before any payment is.
#include "core/fraud/expression_graph.hpp"
#include "core/fraud/history.hpp"
#include "core/fraud/rule_error.hpp"
#include "core/fraud/rule_set.hpp"
#include "core/fraud/satisfaction.hpp"
#include "core/sha256.hpp"

#include <algorithm>

namespace saas::core::fraud {
namespace {

void warn_of_constant(std::string_view rule, const rule_ast &ast, const expression_graph &graph,
                      const vertex &condition, validation &out) {
    std::size_t position = character_position(rule, ast.nodes[ast.root].offset);
    if (condition.op == operation::literal) {
        bool truth = graph.constant(condition).is_true();
        out.warnings.push_back({position, truth ? "the condition is always true"
                                                : "the condition is never true"});
    } else if (never_true(ast)) {
        out.warnings.push_back({position, "the condition is never true"});
    } else if (never_false(ast)) {
        out.warnings.push_back(
            {position, "the condition is always true when what it reads is there"});
    }
}

// Mixed currencies have no sum.
void warn_of_currencies(const history_clause &clause, std::size_t position, validation &out) {
    bool money = clause.field == "amount" || clause.field.starts_with("amount_");
    bool by_currency =
        std::find(clause.keys.begin(), clause.keys.end(), "currency") != clause.keys.end();
    if (money && !clause.filter && !by_currency)
        out.warnings.push_back({position, "amounts of different currencies are taken together: add "
                                          "WHERE currency = :currency:"});
}

void warn_of_history(std::string_view rule, const rule_ast &ast, validation &out) {
    for (const node &n : ast.nodes) {
        if (n.op != operation::term || ast.terms[n.payload].kind != term_kind::history)
            continue;
        const history_query &query = ast.terms[n.payload].history;
        std::size_t position = character_position(rule, n.offset);
        for (const history_clause &clause : ast.histories) {
            if (clause.term == n.payload)
                warn_of_currencies(clause, position, out);
        }
        std::string statement = index_statement(query);
        bool known = std::any_of(out.warnings.begin(), out.warnings.end(),
                                 [&](const rule_warning &w) { return w.statement == statement; });
        if (known)
            continue;
        bool keyed = query.index_columns.size() > 2 || query.source == "refunds";
        out.warnings.push_back(
            {position,
             keyed ? "reads history: about 60 microseconds a payment with this index, without it the "
                     "time grows with the table"
                   : "reads history by a key that no index serves: the time grows with the table",
             keyed ? statement : std::string{}});
    }
}

void check_zones(std::string_view rule, const rule_ast &ast, bool (*knows_zone)(std::string_view)) {
    for (const node &n : ast.nodes) {
        if (n.op != operation::term || ast.terms[n.payload].kind > term_kind::weekday)
            continue;
        const std::string &zone = ast.terms[n.payload].name;
        if (!knows_zone(zone))
            refuse_rule(rule, n.offset, "there is no time zone " + quoted(zone),
                        "For instance 'Europe/Berlin' or 'UTC'.");
    }
}

// What one assessment may cost at most, when it is much.
void warn_of_cost(const rule_ast &ast, validation &out) {
    std::int64_t cost = 0;
    for (const external_term &term : ast.terms)
        cost += cost_of(term.kind);
    if (cost > 200'000)
        out.warnings.push_back({1, "the rule may take about " + std::to_string(cost / 1'000) +
                                       " microseconds a payment"});
}

} // namespace

validation validate(std::string_view rule, bool (*knows_zone)(std::string_view)) {
    validation out;
    try {
        rule_ast ast = parse_rule(rule);
        if (knows_zone != nullptr)
            check_zones(rule, ast, knows_zone);
        expression_graph graph;
        vertex_id condition = graph.add(ast);
        out.valid = true;
        out.warnings = std::move(ast.warnings);
        warn_of_constant(rule, ast, graph, graph.at(condition), out);
        warn_of_history(rule, ast, out);
        warn_of_cost(ast, out);
    } catch (const rule_error &e) {
        out.message = e.problem();
        out.position = e.position();
        out.hint = e.hint();
    }
    return out;
}

// Lengths before contents, so that no two lists of rules have the same bytes.
std::string version_of(std::span<const rule_source> rules) {
    std::string bytes;
    auto append = [&](std::string_view words) {
        bytes.append(std::to_string(words.size())).append(":").append(words);
    };
    for (const rule_source &rule : rules) {
        append(rule.id);
        append(rule.text);
        // rule_hit() finds rules by name, and assessments mention name and scope.
        append(rule.name);
        append(rule.platform ? "platform" : "team");
    }
    return to_hex(sha256(bytes_of(bytes))).substr(0, 32);
}

std::vector<history_query> histories_of(std::string_view rule) {
    std::vector<history_query> out;
    for (external_term &term : parse_rule(rule).terms) {
        if (term.kind == term_kind::history)
            out.push_back(std::move(term.history));
    }
    return out;
}

} // namespace saas::core::fraud
