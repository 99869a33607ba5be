// SPDX-License-Identifier: PostgreSQL
// Strongly connected components of the keys between tables.
#pragma once

#include "core/privacy/erasure_plan.hpp"

#include <vector>

namespace saas::core::privacy {

// The component of each table, by number, over the edges that are keys. Numbers are in an order in
// which a child's component comes before its parent's. Without recursion, so that no graph is too deep.
[[nodiscard]] std::vector<std::size_t> key_components(const erasure_graph &graph, cancel_poll &poll);

} // namespace saas::core::privacy
