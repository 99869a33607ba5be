// SPDX-License-Identifier: PostgreSQL
// One row of a table by its key, straight from an index: what a SELECT of the row, also with FOR
// UPDATE, answers in its place, without a statement around it.
//
// Everything here may ereport: plain frames only.
#pragma once

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup.h" // HeapTupleHeader
#include "fmgr.h"        // FunctionCallInfo
}

namespace saas::pg {

// Arguments of the call: a row of the table's type, of which the type alone counts; the name of a
// btree index of the table; a value for each of the index's columns or of the first ones. Returns
// the first row of the index with these values that the active snapshot shows, null when there is
// none. NULL finds nothing, but in an index with NULLS NOT DISTINCT. Raises 42809 for a type of no
// plain table and for an index of another kind, 42704 for an unknown index, 42804 for a value of
// another type, 42501 without the right to read or under row-level security.
HeapTupleHeader find_row(FunctionCallInfo fcinfo);

// The same: whether there is one. Reads no values that are stored out of line.
bool has_row(FunctionCallInfo fcinfo);

// Arguments of the call: a row of the table's type, how to lock (FOR UPDATE, FOR NO KEY UPDATE, FOR
// SHARE or FOR KEY SHARE), and the rest as above. Waits for whoever has locked the row; if it has
// been changed meanwhile, returns it as it is now, provided that the values are still the same.
// Raises also 22023 for another lock, 25006 in a transaction that only reads, 40001 for a change
// that the isolation level hides, 42501 without the right to update.
HeapTupleHeader lock_row(FunctionCallInfo fcinfo);

} // namespace saas::pg
