// SPDX-License-Identifier: PostgreSQL
// A parsed rule. Nodes stand in one array, children before their parents, so that passes over the
// tree are loops and nothing is freed recursively.
#pragma once

#include "core/fraud/attribute.hpp"
#include "core/fraud/value.hpp"

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace saas::core::fraud {

inline constexpr std::size_t k_max_rule_length = 65'536; // bytes
inline constexpr unsigned k_max_nesting = 200;           // parentheses, NOT, signs, calls
inline constexpr unsigned k_max_tree_depth = 1'000;      // operators on operators
inline constexpr std::size_t k_max_slots = 500;          // different attributes of one rule
inline constexpr std::size_t k_max_pattern_length = 1'024;

// In the order in which rules of the same priority decide.
enum class action : std::uint8_t { allow, block, challenge, review, score, tag };
[[nodiscard]] std::string_view name_of(action what) noexcept; // "allow", "block", …

// a > b is kept as b < a, a >= b as b <= a, a BETWEEN b AND c as b <= a AND a <= c.
enum class operation : std::uint8_t {
    literal,
    attribute,
    negate,
    add,
    subtract,
    multiply,
    divide,
    modulo,
    equal,
    not_equal,
    less,
    less_equal,
    logical_not,
    logical_and, // two children or more
    logical_or,  // two children or more
    in_set,      // the operand, then the members
    like,
    includes,
    is_missing,
    to_boolean, // put in by the compiler, like to_number
    to_number,
    lower,
    email_domain
};

// What is known about a value before any payment is: metadata can be anything.
enum class static_type : std::uint8_t { boolean, number, text, any };

// A place in the attributes that a rule reads: the keys that lead to it in the JSON document.
struct slot {
    attribute_type type;
    std::vector<std::string> path;

    friend bool operator==(const slot &, const slot &) = default;
};

struct node {
    operation op = operation::literal;
    static_type type = static_type::any;
    std::uint32_t offset = 0; // in the rule's text, bytes
    std::uint32_t first = 0;  // children: rule_ast::children[first .. first + count)
    std::uint32_t count = 0;
    std::uint32_t depth = 1;
    std::uint32_t slot = 0; // of an attribute: index in rule_ast::slots
    value literal;
};

struct rule_head {
    bool shadow = false;
    std::int32_t priority = 0; // the smaller decides first
    fraud::action action = action::allow;
    std::int32_t score = 0; // of SCORE: −100 … 100
    std::string tag;        // of TAG
};

struct rule_warning {
    std::size_t position; // character, from 1
    std::string message;
};

struct rule_ast {
    rule_head head;
    std::vector<node> nodes;
    std::vector<std::uint32_t> children;
    std::deque<std::string> texts; // what text literals view; a deque keeps them in place
    std::vector<slot> slots;
    std::uint32_t root = 0;
    std::vector<rule_warning> warnings;

    [[nodiscard]] std::span<const std::uint32_t> children_of(const node &n) const noexcept {
        return std::span{children}.subspan(n.first, n.count);
    }
};

// Parses and type-checks `rule` (UTF-8). Throws rule_error (SA050) with the position of what does
// not fit. Time and memory are linear in the length of the rule.
[[nodiscard]] rule_ast parse_rule(std::string_view rule);

} // namespace saas::core::fraud
