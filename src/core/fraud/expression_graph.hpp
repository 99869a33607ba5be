// SPDX-License-Identifier: PostgreSQL
// The expressions of a rule set as a graph in which equal expressions are one vertex
// (hash-consing).
#pragma once

#include "core/fraud/ast.hpp"
#include "core/fraud/operations.hpp"
#include "core/fraud/rule_set.hpp"

#include <boost/container_hash/hash.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace saas::core::fraud {

using vertex_id = std::uint32_t;

// `payload`: index of the constant, the slot, the set, the term or the sample. `uses` counts parents and rules.
struct vertex {
    operation op;
    static_type type;
    std::uint32_t payload = 0;
    std::uint32_t first = 0; // children: graph.children[first .. first + count)
    std::uint32_t count = 0;
    std::uint32_t uses = 0;
};

class expression_graph {
public:
    // What the graph must know about other rules: the condition of the one that rule_hit() names, or
    // nothing when there is none.
    using rule_finder = std::function<std::optional<vertex_id>(std::string_view name)>;

    // Adds the condition of a rule, with its UNTIL and SAMPLE, and returns its vertex. Operations on
    // constants alone are computed here, unless they fail. `id` makes the samples of different rules
    // independent.
    [[nodiscard]] vertex_id add(const rule_ast &rule, std::string_view id = {},
                                const rule_finder &find_rule = {});

    // The dearest term that the vertex may ask for, in nanoseconds; 0 without terms.
    [[nodiscard]] std::int64_t cost_of(vertex_id id) const noexcept { return costs_[id]; }

    // The number of the slot of a top-level text attribute, or size() of slots when no rule reads
    // it.
    [[nodiscard]] std::size_t find_slot(std::string_view name) const;

    [[nodiscard]] const vertex &at(vertex_id id) const noexcept { return vertices_[id]; }
    [[nodiscard]] std::size_t size() const noexcept { return vertices_.size(); }
    [[nodiscard]] std::span<const vertex_id> children_of(const vertex &v) const noexcept {
        return std::span{children_}.subspan(v.first, v.count);
    }
    [[nodiscard]] const value &constant(const vertex &v) const noexcept {
        return constants[v.payload];
    }
    [[nodiscard]] bool is_leaf(const vertex &v) const noexcept {
        return v.op == operation::literal || v.op == operation::attribute;
    }

    std::vector<value> constants; // texts are views of `texts`
    std::vector<slot> slots;
    std::vector<std::vector<value>> sets;
    std::vector<external_term> terms;
    std::vector<sample> samples;
    std::deque<std::string> texts;

private:
    using key = std::vector<std::uint32_t>;

    [[nodiscard]] vertex_id intern(vertex made, std::span<const vertex_id> children);
    [[nodiscard]] vertex_id intern_constant(const value &constant);
    [[nodiscard]] vertex_id intern_slot(const slot &where, static_type type);
    [[nodiscard]] vertex_id intern_set(const node &n, std::span<const vertex_id> children);
    [[nodiscard]] vertex_id intern_operation(const node &n, std::vector<vertex_id> &children);
    [[nodiscard]] vertex_id intern_term(const rule_ast &rule, const node &n,
                                        std::vector<vertex_id> &children);
    [[nodiscard]] vertex_id intern_hit(const node &n, const rule_finder &find_rule);
    [[nodiscard]] vertex_id intern_node(const rule_ast &rule, const node &n,
                                        std::vector<vertex_id> &children,
                                        const rule_finder &find_rule);
    [[nodiscard]] vertex_id add_conditions(const rule_ast &rule, std::string_view id,
                                           vertex_id root, const std::vector<vertex_id> &made);
    void append(vertex made, std::span<const vertex_id> children);
    [[nodiscard]] vertex_id read_as(operation reading, static_type type, vertex_id id);
    void read_metadata(operation op, std::span<vertex_id> children);
    [[nodiscard]] bool fold(operation op, std::span<const vertex_id> children, value &result);

    std::vector<vertex> vertices_;
    std::vector<std::int64_t> costs_;
    std::vector<vertex_id> children_;
    boost::unordered_flat_map<key, vertex_id, boost::hash<key>> known_;
    boost::unordered_flat_map<std::string, vertex_id> known_texts_;
    boost::unordered_flat_map<std::string, vertex_id> known_slots_;
    boost::unordered_flat_map<std::string, std::uint32_t> known_terms_;
    std::size_t next_term_ = 0;
    text_arena arena_;
};

} // namespace saas::core::fraud
