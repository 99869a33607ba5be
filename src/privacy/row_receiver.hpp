// SPDX-License-Identifier: PostgreSQL
// Takes the rows of a statement as the executor makes them and writes them as JSON, without a copy of each.
#pragma once

#include <cstdint>

#include "privacy/json_rows.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "tcop/dest.h" // DestReceiver
}

namespace saas::privacy {

// Where rows are written to. As text they stand in a JSON array, whose brackets are the caller's. In jsonb's format they
// are the values of an array, whose header and entries are made at the end.
struct row_target {
    StringInfoData bytes;
    bool as_text;
    std::int64_t rows; // of the array so far
    uint32 *ends;      // of each row, for jsonb
    std::int64_t room;
};

// An empty one in the current memory context, which is that of all that it grows by.
void start_target(row_target *target, bool as_text);

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

// Bytes of a target as a jsonb array.
[[nodiscard]] Size array_size(const row_target *target);

// Writes the target as a jsonb array to `out`, which is aligned and has room for array_size().
void write_array(const row_target *target, char *out);

} // namespace saas::privacy
