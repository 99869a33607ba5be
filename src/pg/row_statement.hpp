// SPDX-License-Identifier: PostgreSQL
// DELETE and INSERT … RETURNING by a kept plan, as SPI executes them, but for two things: rows are taken as they come,
// without a copy of each, and foreign keys are looked after once a statement where that is as good as the server's
// trigger for each row (key_watch.hpp).
//
// Everything here may ereport: plain frames only.
#pragma once

#include <cstdint>

#include "pg/prelude.hpp"

extern "C" {
#include "executor/spi.h"     // SPIPlanPtr
#include "executor/tuptable.h" // TupleTableSlot
}

namespace saas::pg {

struct row_statement {
    SPIPlanPtr plan; // of one DELETE or INSERT, saved
    int parameters;
    const Oid *types;
    const Datum *values;
    const char *nulls;  // 'n' or ' ' for each parameter
    std::uint64_t most; // rows, after which it ends; 0: all
    void (*take)(void *argument, TupleTableSlot *row); // what RETURNING says, gone after the call; may be null
    void *argument;
};

// Executes it in a new snapshot and returns the number of rows. Needs SPI. Raises what the statement raises, 23503
// for a row that is still referred to, or refers to none.
std::uint64_t run_row_statement(const row_statement &work);

} // namespace saas::pg
