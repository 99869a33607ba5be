// SPDX-License-Identifier: PostgreSQL
// What can be said about a rule before any payment is.
#include "core/fraud/expression_graph.hpp"
#include "core/fraud/history.hpp"
#include "core/fraud/rule_error.hpp"
#include "core/fraud/rule_set.hpp"

namespace saas::core::fraud {
namespace {

void warn_of_constant(std::string_view rule, const rule_ast &ast, const expression_graph &graph,
                      const vertex &condition, validation &out) {
    if (condition.op != operation::literal)
        return;
    bool truth = graph.constant(condition).is_true();
    out.warnings.push_back({character_position(rule, ast.nodes[ast.root].offset),
                            truth ? "the condition is always true" : "the condition is never true"});
}

} // namespace

validation validate(std::string_view rule) {
    validation out;
    try {
        rule_ast ast = parse_rule(rule);
        expression_graph graph;
        const vertex &condition = graph.at(graph.add(ast));
        out.valid = true;
        out.warnings = std::move(ast.warnings);
        warn_of_constant(rule, ast, graph, condition, out);
    } catch (const rule_error &e) {
        out.message = e.problem();
        out.position = e.position();
        out.hint = e.hint();
    }
    return out;
}

} // namespace saas::core::fraud
