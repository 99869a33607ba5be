// SPDX-License-Identifier: PostgreSQL
// Strongly connected components of a directed graph.
#pragma once

#include <cstdint>
#include <vector>

namespace saas::core {

// Components of the graph in which `successors[v]` lists where edges from v lead (indices below
// successors.size()). Members of a component are ascending; a component comes after every component
// that it leads to. Tarjan 1972, with a stack of its own instead of recursion, so that the depth of
// the graph is not limited by the thread's stack. O(vertices + edges).
[[nodiscard]] std::vector<std::vector<std::uint32_t>>
strong_components(const std::vector<std::vector<std::uint32_t>> &successors);

} // namespace saas::core
