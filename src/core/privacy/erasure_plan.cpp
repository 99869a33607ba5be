// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/erasure_plan.hpp"

#include "core/privacy/components.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

namespace saas::core::privacy {
namespace {

constexpr std::size_t k_unreached = std::numeric_limits<std::size_t>::max();

// The server's own default costs: a page in sequence and at random, a row, a row of an index.
constexpr double k_page = 1;
constexpr double k_random_page = 4;
constexpr double k_row = 0.01;
constexpr double k_index_row = 0.005;

void check(const erasure_graph &graph) {
    const std::size_t count = graph.tables.size();
    bool fits = graph.root < count;
    for (const plan_edge &edge : graph.edges)
        fits = fits && edge.child < count && edge.parent < count;
    if (!fits)
        throw error{k_invalid_parameter_value, "the graph of tables names a table that it does not have"};
}

class planner {
  public:
    planner(const erasure_graph &graph, cancel_poll poll)
        : graph_{graph}, poll_{poll}, outgoing_(graph.tables.size()),
          hops_(graph.tables.size(), k_unreached), by_(graph.tables.size(), k_unreached),
          rows_(graph.tables.size(), 0) {
        for (std::size_t i = 0; i < graph.edges.size(); ++i)
            outgoing_[graph.edges[i].parent].push_back(i);
    }

    erasure_plan run() {
        walk();
        component_ = key_components(graph_, poll_);
        estimate();
        erasure_plan plan;
        for (std::size_t table = 0; table < graph_.tables.size(); ++table) {
            if (hops_[table] == k_unreached)
                plan.unreachable.push_back(table);
            else
                plan.tables.push_back(describe(table));
        }
        sort(plan.tables);
        price(plan);
        return plan;
    }

  private:
    // Deeper below their parents first, which puts children before parents; among the equally deep what
    // is farther from the root, so that the root itself is last unless it is somebody's child.
    void sort(std::vector<planned_table> &tables) const {
        const std::vector<std::size_t> depths = depths_of_groups();
        std::vector<std::size_t> farthest(depths.size(), 0);
        for (const planned_table &one : tables)
            farthest[one.group] = std::max(farthest[one.group], one.hops);
        const auto key = [&](const planned_table &one) {
            return std::tuple{depths[one.group], farthest[one.group], one.group, one.hops};
        };
        std::stable_sort(
            tables.begin(), tables.end(),
            [&](const planned_table &a, const planned_table &b) { return key(a) > key(b); });
    }

    // The longest way down to each component from one without parents. Only reachable tables count.
    std::vector<std::size_t> depths_of_groups() const {
        std::vector<std::vector<std::size_t>> members(graph_.tables.size());
        for (std::size_t table : reached_)
            members[component_[table]].push_back(table);
        std::vector<std::size_t> depths(members.size(), 0);
        // A parent's component has the higher number.
        for (std::size_t group = members.size(); group-- > 0;) {
            for (std::size_t parent : members[group]) {
                for (std::size_t i : outgoing_[parent]) {
                    const std::size_t child = component_[graph_.edges[i].child];
                    if (graph_.edges[i].is_key && child != group)
                        depths[child] = std::max(depths[child], depths[group] + 1);
                }
            }
        }
        return depths;
    }

    // Breadth first from the root along all edges.
    void walk() {
        hops_[graph_.root] = 0;
        reached_.push_back(graph_.root);
        for (std::size_t at = 0; at < reached_.size(); ++at) {
            const std::size_t parent = reached_[at];
            for (std::size_t i : outgoing_[parent]) {
                poll_.step();
                const std::size_t child = graph_.edges[i].child;
                if (hops_[child] != k_unreached)
                    continue;
                hops_[child] = hops_[parent] + 1;
                by_[child] = i;
                reached_.push_back(child);
            }
        }
    }

    // Rows by the edges that lead away from the root; never more than the table has.
    void estimate() {
        rows_[graph_.root] = 1;
        for (std::size_t parent : reached_) {
            if (parent != graph_.root)
                rows_[parent] = std::min(rows_[parent], std::max(graph_.tables[parent].rows, 0.0));
            for (std::size_t i : outgoing_[parent]) {
                const plan_edge &edge = graph_.edges[i];
                if (hops_[edge.child] == hops_[parent] + 1)
                    rows_[edge.child] += rows_[parent] * std::max(edge.rows_per_key, 0.0);
            }
        }
    }

    planned_table describe(std::size_t table) {
        planned_table out;
        out.table = table;
        out.hops = hops_[table];
        out.group = component_[table];
        out.rows = rows_[table];
        for (std::size_t at = table; by_[at] != k_unreached; at = graph_.edges[by_[at]].parent)
            out.route.push_back(by_[at]);
        std::reverse(out.route.begin(), out.route.end());
        settle_circle(out);
        return out;
    }

    // Keys inside a circle: emptied when they may be NULL; else deferred when all that are left can be;
    // else there is no order of statements, only one statement.
    void settle_circle(planned_table &out) {
        bool inside = false;
        bool all_deferrable = true;
        bool all_nullable = true;
        for (std::size_t i = 0; i < graph_.edges.size(); ++i) {
            const plan_edge &edge = graph_.edges[i];
            if (!edge.is_key || component_[edge.child] != out.group ||
                component_[edge.parent] != out.group || hops_[edge.child] == k_unreached)
                continue;
            inside = true;
            all_nullable = all_nullable && edge.is_nullable;
            all_deferrable = all_deferrable && (edge.is_deferrable || edge.is_nullable);
            if (edge.is_nullable && edge.child == out.table)
                out.nulls.push_back(i);
        }
        if (!inside)
            return;
        out.way = all_nullable     ? circle::null_first
                  : all_deferrable ? circle::defer
                                   : circle::together;
    }

    void price(erasure_plan &plan) const {
        for (std::size_t i = 0; i < graph_.edges.size(); ++i) {
            const plan_edge &edge = graph_.edges[i];
            if (hops_[edge.parent] == k_unreached)
                continue;
            const plan_table &child = graph_.tables[edge.child];
            const double found = rows_[edge.parent] * std::max(edge.rows_per_key, 0.0);
            const double by_index = (rows_[edge.parent] + found) * k_random_page + found * k_index_row;
            const double by_scan = child.pages * k_page + child.rows * k_row;
            const double cost = edge.is_indexed ? std::min(by_index, by_scan) : by_scan;
            plan.edges.push_back({i, cost, edge.is_indexed ? 0 : std::max(by_scan - by_index, 0.0)});
        }
    }

    const erasure_graph &graph_;
    cancel_poll poll_;
    std::vector<std::vector<std::size_t>> outgoing_;
    std::vector<std::size_t> hops_;
    std::vector<std::size_t> by_; // the edge that reached the table first
    std::vector<double> rows_;
    std::vector<std::size_t> reached_;
    std::vector<std::size_t> component_;
};

} // namespace

std::string_view name_of(circle way) noexcept {
    switch (way) {
    case circle::null_first:
        return "null_first";
    case circle::defer:
        return "defer";
    case circle::together:
        return "together";
    case circle::none:
        break;
    }
    return "none";
}

erasure_plan plan_erasure(const erasure_graph &graph, cancel_poll poll) {
    check(graph);
    return planner{graph, poll}.run();
}

} // namespace saas::core::privacy
