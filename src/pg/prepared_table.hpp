// SPDX-License-Identifier: PostgreSQL
// What the executor prepares for every statement that writes to a table, kept for the next one:
// CHECK constraints, conditions of triggers and of partial indexes, and defaults are parsed and
// planned once and not for each row that is written alone.
//
// Everything here may ereport: plain frames only.
#pragma once

#include "pg/foreign_keys.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/skey.h"      // ScanKeyData
#include "nodes/execnodes.h"  // EState, ResultRelInfo
#include "nodes/parsenodes.h" // RangeTblEntry
#include "utils/relcache.h"   // Relation
}

namespace saas::pg {

struct prepared_table {
    Oid table;
    CmdType command; // CMD_INSERT or CMD_UPDATE
    Oid role;        // who may call the functions that were looked up
    bool has_domains;
    bool in_use;
    bool outdated; // to be made anew before the next use
    MemoryContext context;
    TupleDesc shape;
    EState *state;
    ResultRelInfo *target;
    Bitmapset **written_columns; // where the executor looks for the columns of an UPDATE
    TupleTableSlot *row;
    TupleTableSlot *former;
    ExprState **defaults; // null where there is none
    foreign_keys references;
    Oid *indexes;
    Oid key_index; // of CMD_UPDATE
    int key_length;
    AttrNumber key_columns[INDEX_MAX_KEYS];
    ScanKeyData keys[INDEX_MAX_KEYS];
    prepared_table *next;
};

// Opens the table and its indexes for one row. Raises 42501 without the right or under row-level
// security, 25006 in a transaction that only reads, 42809 for what is not a plain table. The caller
// hands it back with close_table(), or after an error with abandon_table().
prepared_table *open_table(Oid table, CmdType command);
void close_table(prepared_table *opened);
void abandon_table(prepared_table *opened) noexcept;

} // namespace saas::pg
