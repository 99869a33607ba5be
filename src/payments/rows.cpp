// SPDX-License-Identifier: PostgreSQL
// saas.with_columns(), saas.insert_row(), saas.update_row(), saas.find_row(), saas.has_row() and
// saas.lock_row(): rows that are read and written one at a time, many times a second.
#include "pg/boundary.hpp"
#include "pg/row_columns.hpp"
#include "pg/row_lookup.hpp"
#include "pg/row_writer.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "fmgr.h" // PG_GETARG_HEAPTUPLEHEADER
}

using namespace saas; // NOLINT: entry points only

SAAS_FUNCTION(saas_with_columns) {
    return pg::with_columns(fcinfo);
}

SAAS_FUNCTION(saas_insert_row) {
    pg::require_row(fcinfo);
    HeapTupleHeader stored = pg::insert_row(PG_GETARG_HEAPTUPLEHEADER(0));
    if (stored == nullptr)
        PG_RETURN_NULL();
    PG_RETURN_POINTER(stored);
}

SAAS_FUNCTION(saas_update_row) {
    pg::require_row(fcinfo);
    HeapTupleHeader stored = pg::update_row(PG_GETARG_HEAPTUPLEHEADER(0));
    if (stored == nullptr)
        PG_RETURN_NULL();
    PG_RETURN_POINTER(stored);
}

SAAS_FUNCTION(saas_find_row) {
    HeapTupleHeader found = pg::find_row(fcinfo);
    if (found == nullptr)
        PG_RETURN_NULL();
    PG_RETURN_POINTER(found);
}

SAAS_FUNCTION(saas_has_row) {
    PG_RETURN_BOOL(pg::has_row(fcinfo));
}

SAAS_FUNCTION(saas_lock_row) {
    HeapTupleHeader found = pg::lock_row(fcinfo);
    if (found == nullptr)
        PG_RETURN_NULL();
    PG_RETURN_POINTER(found);
}
