// SPDX-License-Identifier: PostgreSQL
// Foreign keys to rows that a statement deletes, and of rows that it inserts, looked after by one statement for each key
// instead of one for each row and key, which costs more than all else.
//
// That is as good as the server's own triggers, which it stands in for. Whoever adds a row that refers to another
// one locks that one first: either they have committed before the row goes, or the deletion waits for them; or they wait for the
// deletion, and are refused. So a snapshot taken after the rows have gone sees all that refers to them, in
// the isolation level READ COMMITTED. What refers is locked as the triggers do, so one that another transaction deletes is
// waited for. What new rows refer to is locked, and has to be there, once for all of them. Statements run as the owner of the
// other table, as those of the triggers.
//
// The triggers stay in charge of keys that are deferrable or have ON DELETE SET DEFAULT or operators across types;
// of partitions; of tables with triggers after DELETE that are not the package's, if the key changes rows (they could tell in which
// order); of tables with such a key of which a cascade might lead to more of their rows; when the session is a replica's, and in other isolation levels.
//
// Everything here may ereport: plain frames only.
#pragma once

#include "pg/prelude.hpp"

extern "C" {
#include "nodes/execnodes.h"  // ResultRelInfo
#include "nodes/pg_list.h"    // List
}

namespace saas::pg {

struct key_watch;

// For a DELETE or INSERT that the executor has started and not run: takes the triggers of such keys out of its copy. `returning`
// is the target list of RETURNING, in which keys are found whose columns are there. nullptr: there are none. What it
// returns is in the current memory context.
[[nodiscard]] key_watch *watch_keys(ResultRelInfo *target, CmdType operation, List *returning);

// Notes what RETURNING says of a row.
void note_keys(key_watch *keys, TupleTableSlot *row);

// After the statement: raises 23503 for a row that is still referred to, or refers to none, and deletes or empties what
// ON DELETE says.
// Needs SPI.
void check_keys(key_watch *keys);

} // namespace saas::pg
