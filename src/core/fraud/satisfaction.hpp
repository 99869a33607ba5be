// SPDX-License-Identifier: PostgreSQL
// Whether conditions can be true at all, and whether one includes another: an analysis of intervals,
// sets and presence of attributes over the disjunctive normal form. What it does not understand
// (arithmetic, functions, comparisons of attributes) it takes as conditions that can be either, so it never
// claims too much; beyond 256 alternatives it claims nothing.
#pragma once

#include "core/fraud/ast.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace saas::core::fraud {

// No payment makes the condition true.
[[nodiscard]] bool never_true(const rule_ast &rule);
// No payment makes the condition false; one that lacks an attribute can make it unknown.
[[nodiscard]] bool never_false(const rule_ast &rule);
// Whenever the condition of `narrow` is true, that of `wide` is true.
[[nodiscard]] bool implies(const rule_ast &narrow, const rule_ast &wide);

// What is to be said about `rule` beside another rule, called `name`: that the other one always decides
// first, or does the same whenever this one matches. Nothing when both have their use.
[[nodiscard]] std::optional<std::string> conflict(const rule_ast &rule, const rule_ast &other,
                                                  std::string_view name);

} // namespace saas::core::fraud
