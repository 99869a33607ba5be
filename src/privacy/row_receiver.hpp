// SPDX-License-Identifier: PostgreSQL
// Takes the rows of a statement as the executor makes them and writes them as JSON, without a copy of each.
#pragma once

#include <cstdint>

#include "privacy/json_containers.hpp"
#include "privacy/json_rows.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "tcop/dest.h" // DestReceiver
}

namespace saas::privacy {

// Where rows are written to.
struct row_target {
    StringInfo out;
    bool as_text;     // in a JSON array, whose brackets are the caller's
    std::int64_t rows; // there so far, as text
    json_array array; // otherwise
};

struct row_receiver {
    DestReceiver server; // what the executor knows of it
    row_target *target;
    const char *table;
    json_rows **rows;   // how rows are written: made when it is nullptr or of other columns
    MemoryContext kept; // of *rows
    MemoryContext row;  // emptied after each row
    std::int64_t count;
    std::int64_t expected; // number of rows, as far as it is known
    int start;             // of the first one
};

// One for the rows of a table, of which there are about so many.
[[nodiscard]] row_receiver make_receiver(row_target *target, const char *table, json_rows **rows, MemoryContext kept,
                                         MemoryContext row, std::int64_t expected);

} // namespace saas::privacy
