// SPDX-License-Identifier: PostgreSQL
// INSERT and UPDATE of one row with all that belongs to them: defaults, triggers, generated
// columns, constraints, indexes, foreign keys. What the executor prepares for that is kept (see
// prepared_table).
//
// Everything here may ereport: plain frames only.
#pragma once

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup.h" // HeapTupleHeader
#include "fmgr.h"        // FunctionCallInfo
}

namespace saas::pg {

// Raises 42809 unless the first argument of the call is a row of some type.
void require_row(FunctionCallInfo fcinfo);

// Inserts a row of a table's row type. A column that is NULL although it must not be gets its
// default. Returns the row as it was stored; null when a trigger has skipped it. Raises 42809 for a
// row of no table, 428C9 for a value in a column that is GENERATED ALWAYS AS IDENTITY.
HeapTupleHeader insert_row(HeapTupleHeader row);

// Stores a row in the place of the one with the same primary key, which the transaction has locked;
// nothing when no column differs. Returns the row as it was stored; null when a trigger has skipped
// it. Raises P0002 when there is no such row, 40001 when another transaction has changed it since
// the statement began, 27000 when a BEFORE trigger has changed it, 428C9 for another value in a
// column that is GENERATED ALWAYS AS IDENTITY.
HeapTupleHeader update_row(HeapTupleHeader row);

} // namespace saas::pg
