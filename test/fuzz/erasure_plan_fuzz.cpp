// SPDX-License-Identifier: PostgreSQL
// Graphs of tables from any lines of text: read or refused, and what is planned keeps its promises: each
// table once, whatever can be reached, children before parents except in a circle.
#include "core/privacy/erasure_plan.hpp"

#include <cstdint>
#include <cstdlib>
#include <map>
#include <sstream>

namespace privacy = saas::core::privacy;

namespace {

void check(const privacy::erasure_graph &graph, const privacy::erasure_plan &plan) {
    std::map<std::size_t, std::size_t> places;
    for (const auto &one : plan.tables) {
        if (!places.emplace(one.table, places.size()).second || !(one.rows >= 0))
            std::abort();
    }
    if (places.size() + plan.unreachable.size() != graph.tables.size())
        std::abort();
    for (const auto &edge : graph.edges) {
        if (!places.contains(edge.parent))
            continue;
        if (!places.contains(edge.child))
            std::abort();
        const auto &child = plan.tables[places[edge.child]];
        const auto &parent = plan.tables[places[edge.parent]];
        if (edge.is_key && child.group != parent.group && places[edge.child] > places[edge.parent])
            std::abort();
        if (edge.is_key && child.group == parent.group && child.way == privacy::circle::none)
            std::abort();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    std::istringstream input{std::string{reinterpret_cast<const char *>(data), size}};
    std::vector<std::string> tables;
    std::vector<std::string> edges;
    for (std::string line; std::getline(input, line);) {
        if (!line.empty() && line[0] == 't')
            tables.push_back(line.substr(1));
        else
            edges.push_back(line);
    }
    try {
        const auto graph = privacy::read_graph(tables, edges, 0);
        check(graph, privacy::plan_erasure(graph));
    } catch (const saas::core::error &) {
    }
    return 0;
}
