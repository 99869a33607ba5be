// SPDX-License-Identifier: PostgreSQL
// A parsed rule. Nodes stand in one array, children before their parents, so that passes over the
// tree are loops and nothing is freed recursively.
#pragma once

#include "core/fraud/attribute.hpp"
#include "core/fraud/term.hpp"
#include "core/fraud/value.hpp"

#include <cstdint>
#include <deque>
#include <optional>
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
inline constexpr std::size_t k_max_terms = 100; // different lists, models, histories … of one rule

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
    email_domain,
    normalize_email,
    similarity,
    token_set,
    cidr_match,
    luhn,
    age,
    distance_km,
    to_moment,     // put in by the parser, for hour() and dow()
    now,           // the moment of the assessment
    otherwise,     // the first child unless it is missing, then the second
    rule_hit,      // node::name: id or name of the other rule
    before,        // put in by the compiler: UNTIL
    sampled,       // put in by the compiler: SAMPLE
    term,          // node::payload: index in rule_ast::terms
    history_field  // only within the WHERE of a history term; node::name
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
    std::uint32_t payload = 0; // of an attribute: index in rule_ast::slots; of a term: in terms
    bool in_history = false;   // part of the WHERE of a history term: becomes SQL, not code
    value literal;
    std::string_view name; // a view of rule_ast::texts
};

struct rule_head {
    bool shadow = false;
    std::int32_t priority = 0; // the smaller decides first
    fraud::action action = action::allow;
    std::int32_t score = 0; // of SCORE: −100 … 100
    std::string tag;        // of TAG
    std::optional<moment> until;       // the rule holds before this moment
    std::optional<double> sample;      // percent of the payments, by the value of an attribute
};

struct rule_warning {
    std::size_t position; // character, from 1
    std::string message;
    std::string statement = {}; // CREATE INDEX …, where that is the remedy
};

struct history_source;

// A history term as parsed; the check turns it into the history_query of its term.
struct history_clause {
    aggregate function = aggregate::count;
    bool distinct = false;
    double fraction = 0.5; // of a percentile
    std::string field;     // empty for count
    std::uint32_t field_offset = 0;
    const history_source *source = nullptr;
    std::vector<std::string> keys;         // names of fields, one for each key argument
    std::optional<std::uint32_t> filter;   // node of the condition
    std::vector<std::uint32_t> parameters; // nodes of the attributes within the condition
    std::vector<static_type> readings;     // as what each argument is handed over
    std::uint32_t term = 0;                // index in rule_ast::terms
};

struct rule_ast {
    rule_head head;
    std::vector<node> nodes;
    std::vector<std::uint32_t> children;
    std::deque<std::string> texts; // what text literals view; a deque keeps them in place
    std::vector<slot> slots;
    std::vector<external_term> terms;
    std::vector<history_clause> histories; // one for each term of kind history, in order
    std::uint32_t root = 0;
    std::optional<std::uint32_t> sample_by; // node of the attribute of SAMPLE
    std::vector<rule_warning> warnings;

    [[nodiscard]] std::span<const std::uint32_t> children_of(const node &n) const noexcept {
        return std::span{children}.subspan(n.first, n.count);
    }
};

// Parses and type-checks `rule` (UTF-8). Throws rule_error (SA050) with the position of what does
// not fit. Time and memory are linear in the length of the rule.
[[nodiscard]] rule_ast parse_rule(std::string_view rule);

} // namespace saas::core::fraud
