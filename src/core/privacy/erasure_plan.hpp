// SPDX-License-Identifier: PostgreSQL
// In which order a person's rows can go, over all tables that they are found in.
//
// Tables are nodes, and each way from a row to the rows that belong to it is an edge from the parent
// to the child: a foreign key, or a soft edge (equal columns without a key, a place in a JSON value,
// an e-mail address). Rows are found along edges from the root outwards; they go in an order that
// puts children before their parents wherever a foreign key is between them. Keys that form a circle are
// Tarjan's strongly connected components ("Depth-first search and linear graph algorithms", 1972).
#pragma once

#include "core/error.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace saas::core::privacy {

struct plan_table {
    double rows = 0;  // estimated rows of the whole table
    double pages = 0; // of 8 KiB
};

struct plan_edge {
    std::size_t child = 0;
    std::size_t parent = 0;
    bool is_key = false;        // a foreign key stands behind it
    bool is_nullable = false;   // the child's columns may be emptied first
    bool is_deferrable = false; // the key can be checked at the end of the transaction
    bool is_indexed = false;    // an index of the child finds rows by the edge's columns
    double rows_per_key = 1;    // rows of the child for one row of the parent, on average
};

struct erasure_graph {
    std::vector<plan_table> tables;
    std::vector<plan_edge> edges;
    std::size_t root = 0;
};

// How rows of a table go although keys form a circle through it.
enum class circle : std::uint8_t {
    none,
    null_first, // a key of the circle is emptied before
    defer,      // its keys are checked at the end of the transaction
    together    // the rows of all its tables go in one statement
};
[[nodiscard]] std::string_view name_of(circle way) noexcept;

struct planned_table {
    std::size_t table = 0;
    std::size_t hops = 0; // edges from the root on the shortest way
    std::size_t group = 0; // tables of one circle have one number
    circle way = circle::none;
    double rows = 0;                // estimated rows that belong to the person
    std::vector<std::size_t> route; // edges from the root to it, on the shortest way
    std::vector<std::size_t> nulls; // edges of its own to empty first
};

struct planned_edge {
    std::size_t edge = 0;
    double cost = 0;  // of finding the child's rows, in the planner's units
    double saved = 0; // of it, what an index would spare; 0 when there is one
};

struct erasure_plan {
    std::vector<planned_table> tables; // in the order in which rows go
    std::vector<planned_edge> edges;   // of reachable parents, in the order given
    std::vector<std::size_t> unreachable;
};

// Throws 22023 when an edge or the root names no table. `poll` is asked once an edge.
[[nodiscard]] erasure_plan plan_erasure(const erasure_graph &graph, cancel_poll poll = cancel_poll{});

// Reads a graph: for each table "rows pages", for each edge "child parent flags rows_per_key" with numbers
// from 0 and the flags k key, n nullable, d deferrable, i indexed, or - for none. Throws 22023.
[[nodiscard]] erasure_graph read_graph(const std::vector<std::string> &tables,
                                       const std::vector<std::string> &edges, std::int64_t root);

} // namespace saas::core::privacy
