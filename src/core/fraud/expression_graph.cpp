// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/expression_graph.hpp"

#include "core/fraud/likeness.hpp"
#include "core/fraud/network.hpp"

#include <algorithm>
#include <bit>

namespace saas::core::fraud {
namespace {

// Marks keys that are no operation on children.
constexpr std::uint32_t k_number_key = 1'000;

bool is_logic(operation op) noexcept {
    return op == operation::logical_and || op == operation::logical_or ||
           op == operation::logical_not;
}

bool is_arithmetic(operation op) noexcept {
    return op >= operation::negate && op <= operation::modulo;
}

bool is_comparison(operation op) noexcept {
    return op >= operation::equal && op <= operation::less_equal;
}

// Operations that are computed only while a payment is assessed.
bool is_late(operation op) noexcept {
    return op == operation::otherwise || op == operation::age || op == operation::distance_km;
}

// 64 bits of a text, equal everywhere and always: FNV-1a (Fowler, Noll, Vo).
std::uint64_t stable_hash(std::string_view words) noexcept {
    std::uint64_t hash = 0xCBF29CE484222325U;
    for (char c : words)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    return hash;
}

value apply_binary(operation op, const value &a, const value &b) {
    switch (op) {
    case operation::add:
        return add(a, b);
    case operation::subtract:
        return subtract(a, b);
    case operation::multiply:
        return multiply(a, b);
    case operation::divide:
        return divide(a, b);
    case operation::modulo:
        return modulo(a, b);
    case operation::equal:
        return equal(a, b);
    case operation::not_equal:
        return logical_not(equal(a, b));
    case operation::less:
        return less(a, b);
    case operation::less_equal:
        return less_equal(a, b);
    case operation::like:
        return like(a, b);
    case operation::includes:
        return includes(a, b);
    case operation::cidr_match:
        return cidr_match(a, b);
    case operation::similarity:
        return similarity(a, b);
    case operation::token_set:
        return token_set(a, b);
    case operation::logical_and:
        return logical_and(a, b);
    default:
        return logical_or(a, b);
    }
}

value apply_unary(operation op, const value &a, text_arena &arena) {
    switch (op) {
    case operation::negate:
        return negate(a);
    case operation::logical_not:
        return logical_not(a);
    case operation::is_missing:
        return is_missing(a);
    case operation::to_boolean:
        return to_boolean(a);
    case operation::to_number:
        return to_number(a);
    case operation::lower:
        return lower(a, arena);
    case operation::luhn:
        return luhn(a);
    case operation::normalize_email:
        return normalize_email(a, arena);
    case operation::to_moment:
        return to_moment(a);
    default:
        return email_domain(a, arena);
    }
}

} // namespace

vertex_id expression_graph::intern(vertex made, std::span<const vertex_id> children) {
    key k;
    k.reserve(children.size() + 2);
    k.push_back(static_cast<std::uint32_t>(made.op));
    k.push_back(made.payload);
    k.insert(k.end(), children.begin(), children.end());
    auto [at, fresh] = known_.try_emplace(std::move(k), static_cast<vertex_id>(vertices_.size()));
    if (fresh)
        append(made, children);
    return at->second;
}

void expression_graph::append(vertex made, std::span<const vertex_id> children) {
    made.first = static_cast<std::uint32_t>(children_.size());
    made.count = static_cast<std::uint32_t>(children.size());
    children_.insert(children_.end(), children.begin(), children.end());
    std::int64_t cost = made.op == operation::term ? fraud::cost_of(terms[made.payload].kind) : 0;
    for (vertex_id child : children) {
        ++vertices_[child].uses;
        cost = std::max(cost, costs_[child]);
    }
    vertices_.push_back(made);
    costs_.push_back(cost);
}

vertex_id expression_graph::intern_constant(const value &constant) {
    auto next = static_cast<vertex_id>(vertices_.size());
    vertex_id found;
    value kept = constant;
    if (constant.type == value_type::text) {
        auto [at, fresh] = known_texts_.try_emplace(std::string{constant.view()}, next);
        found = at->second;
        if (fresh) {
            texts.emplace_back(constant.view());
            kept = value::of(std::string_view{texts.back()});
        }
    } else {
        auto bits = std::bit_cast<std::uint64_t>(constant.integer);
        key k{k_number_key + static_cast<std::uint32_t>(constant.type),
              static_cast<std::uint32_t>(bits), static_cast<std::uint32_t>(bits >> 32)};
        found = known_.try_emplace(std::move(k), next).first->second;
    }
    if (found == next) {
        static_type type = constant.type == value_type::boolean ? static_type::boolean
                           : constant.type == value_type::text  ? static_type::text
                                                                : static_type::number;
        append({operation::literal, type, static_cast<std::uint32_t>(constants.size())}, {});
        constants.push_back(kept);
    }
    return found;
}

vertex_id expression_graph::intern_slot(const slot &where, static_type type) {
    std::string name;
    for (const std::string &step : where.path)
        name.append(step).push_back('\0');
    auto next = static_cast<vertex_id>(vertices_.size());
    auto [at, fresh] = known_slots_.try_emplace(std::move(name), next);
    if (fresh) {
        append({operation::attribute, type, static_cast<std::uint32_t>(slots.size())}, {});
        slots.push_back(where);
    }
    return at->second;
}

// The members become one sorted set without repetitions; sets with the same members are one set.
vertex_id expression_graph::intern_set(const node &n, std::span<const vertex_id> children) {
    std::vector<vertex_id> ids{children.begin() + 1, children.end()};
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    key k{k_number_key};
    k.insert(k.end(), ids.begin(), ids.end());
    auto [at, fresh] = known_.try_emplace(std::move(k), static_cast<vertex_id>(sets.size()));
    if (fresh) {
        std::vector<value> members;
        members.reserve(ids.size());
        for (vertex_id id : ids)
            members.push_back(constant(vertices_[id]));
        sort_members(members);
        sets.push_back(std::move(members));
    }
    vertex made{operation::in_set, n.type, at->second};
    value result;
    if (fold(n.op, children, result))
        return intern_constant(result);
    return intern(made, children.first(1));
}

bool expression_graph::fold(operation op, std::span<const vertex_id> children, value &result) {
    if (is_late(op))
        return false;
    for (vertex_id child : children) {
        if (vertices_[child].op != operation::literal)
            return false;
    }
    const value &first = constant(vertices_[children[0]]);
    if (op == operation::in_set) {
        result = value::of(false);
        for (vertex_id member : children.subspan(1))
            result = logical_or(result, equal(first, constant(vertices_[member])));
    } else if (children.size() == 1) {
        result = apply_unary(op, first, arena_);
    } else {
        result = first;
        for (vertex_id child : children.subspan(1))
            result = apply_binary(op, result, constant(vertices_[child]));
    }
    return result.type != value_type::failure && result.type != value_type::missing;
}

// Metadata where a truth value or a number belongs is read as one, once for all rules.
vertex_id expression_graph::read_as(operation reading, static_type type, vertex_id id) {
    if (vertices_[id].type != static_type::any)
        return id;
    vertex_id child[] = {id};
    return intern({reading, type}, child);
}

void expression_graph::read_metadata(operation op, std::span<vertex_id> children) {
    bool with_number = std::any_of(children.begin(), children.end(), [&](vertex_id child) {
        return vertices_[child].type == static_type::number;
    });
    for (vertex_id &child : children) {
        if (is_logic(op))
            child = read_as(operation::to_boolean, static_type::boolean, child);
        else if (is_arithmetic(op) || (is_comparison(op) && with_number))
            child = read_as(operation::to_number, static_type::number, child);
    }
}

vertex_id expression_graph::intern_operation(const node &n, std::vector<vertex_id> &children) {
    read_metadata(n.op, children);
    // a = b and b = a are the same.
    if ((n.op == operation::equal || n.op == operation::not_equal) && children[0] > children[1])
        std::swap(children[0], children[1]);
    value result;
    if (fold(n.op, children, result))
        return intern_constant(result);
    return intern({n.op, n.type}, children);
}

std::size_t expression_graph::find_slot(std::string_view name) const {
    auto found = std::find_if(slots.begin(), slots.end(), [&](const slot &s) {
        return s.path.size() == 1 && s.path.front() == name;
    });
    return static_cast<std::size_t>(found - slots.begin());
}

// Terms that ask for the same thing with the same arguments are one.
vertex_id expression_graph::intern_term(const rule_ast &rule, const node &n,
                                        std::vector<vertex_id> &children) {
    const external_term &term = rule.terms[n.payload];
    if (term.kind == term_kind::history) {
        for (const history_clause &clause : rule.histories) {
            if (clause.term != n.payload)
                continue;
            for (std::size_t i = 0; i < children.size(); ++i) {
                if (clause.readings[i] == static_type::number)
                    children[i] = read_as(operation::to_number, static_type::number, children[i]);
                else if (clause.readings[i] == static_type::boolean)
                    children[i] = read_as(operation::to_boolean, static_type::boolean, children[i]);
            }
        }
    }
    std::string name = std::to_string(static_cast<int>(term.kind)) + '\0' + term.name + '\0' +
                       term.history.sql + '\0' + std::to_string(term.history.window);
    auto [at, fresh] =
        known_terms_.try_emplace(std::move(name), static_cast<std::uint32_t>(next_term_));
    if (fresh)
        ++next_term_;
    key k{static_cast<std::uint32_t>(operation::term), at->second};
    k.insert(k.end(), children.begin(), children.end());
    auto [known, first] = known_.try_emplace(std::move(k), static_cast<vertex_id>(vertices_.size()));
    if (first) {
        terms.push_back(term);
        append({operation::term, n.type, static_cast<std::uint32_t>(terms.size() - 1)}, children);
    }
    return known->second;
}

// Whether another rule matches; unknown when there is no such rule.
vertex_id expression_graph::intern_hit(const node &n, const rule_finder &find_rule) {
    std::optional<vertex_id> condition = find_rule ? find_rule(n.name) : std::nullopt;
    if (!condition)
        return intern_constant(value::missing());
    vertex_id child[] = {*condition};
    return intern({operation::rule_hit, static_type::boolean}, child);
}

vertex_id expression_graph::intern_node(const rule_ast &rule, const node &n,
                                        std::vector<vertex_id> &children,
                                        const rule_finder &find_rule) {
    switch (n.op) {
    case operation::literal:
        return intern_constant(n.literal);
    case operation::attribute:
        return intern_slot(rule.slots[n.payload], n.type);
    case operation::in_set:
        return intern_set(n, children);
    case operation::now:
        return intern({operation::now, static_type::number}, {});
    case operation::term:
        return intern_term(rule, n, children);
    case operation::rule_hit:
        return intern_hit(n, find_rule);
    default:
        return intern_operation(n, children);
    }
}

// UNTIL and SAMPLE come first: they are cheap and decide alone when they are false.
vertex_id expression_graph::add_conditions(const rule_ast &rule, std::string_view id,
                                           vertex_id root, const std::vector<vertex_id> &made) {
    std::vector<vertex_id> parts;
    if (rule.head.until) {
        vertex_id limit[] = {intern_constant(value::of(*rule.head.until))};
        parts.push_back(intern({operation::before, static_type::boolean}, limit));
    }
    if (rule.head.sample && rule.sample_by) {
        // 2^64 values of the hash, of which 100 percent are all.
        double share = *rule.head.sample / 100 * 18446744073709551616.0;
        std::uint64_t limit = share >= 18446744073709551615.0 ? ~std::uint64_t{0}
                                                              : static_cast<std::uint64_t>(share);
        samples.push_back({stable_hash(id), limit});
        vertex_id child[] = {made[*rule.sample_by]};
        parts.push_back(intern({operation::sampled, static_type::boolean,
                                static_cast<std::uint32_t>(samples.size() - 1)},
                               child));
    }
    if (parts.empty())
        return root;
    parts.push_back(root);
    return intern({operation::logical_and, static_type::boolean}, parts);
}

vertex_id expression_graph::add(const rule_ast &rule, std::string_view id,
                                const rule_finder &find_rule) {
    std::vector<vertex_id> made(rule.nodes.size());
    std::vector<vertex_id> children;
    for (std::size_t i = 0; i < rule.nodes.size(); ++i) {
        const node &n = rule.nodes[i];
        if (n.in_history && n.op != operation::attribute)
            continue; // became SQL
        children.clear();
        for (std::uint32_t child : rule.children_of(n))
            children.push_back(made[child]);
        made[i] = intern_node(rule, n, children, find_rule);
    }
    vertex_id root = read_as(operation::to_boolean, static_type::boolean, made[rule.root]);
    root = add_conditions(rule, id, root, made);
    ++vertices_[root].uses;
    return root;
}

} // namespace saas::core::fraud
