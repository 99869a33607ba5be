// SPDX-License-Identifier: PostgreSQL
// Foreign keys of a row that has just been written, checked without the query that the server's
// trigger runs for each: the referenced row is looked up by its index and locked FOR KEY SHARE.
//
// Only what is well is decided here: found in the newest snapshot, and locked without waiting or
// following an update. Whatever else happens is left to the trigger, whose waits and errors are the
// server's; so are constraints that are deferrable, MATCH FULL, or on unlike types, and every
// isolation level but READ COMMITTED.
//
// Everything here may ereport: plain frames only.
#pragma once

#include "pg/prelude.hpp"

extern "C" {
#include "access/skey.h"     // ScanKeyData
#include "nodes/execnodes.h" // ResultRelInfo
#include "utils/relcache.h"  // Relation
}

namespace saas::pg {

struct foreign_key {
    int trigger; // its place among those of the table
    char enabled;
    Oid table; // that is referenced
    Oid index;
    int length;
    AttrNumber columns[INDEX_MAX_KEYS]; // that refer, in the order of the index
    ScanKeyData keys[INDEX_MAX_KEYS];
};

struct foreign_keys {
    foreign_key *keys; // in the context that was current
    int count;
    bool is_whole; // false: to be looked for again, a referenced table was locked
};

// The foreign keys of the table that can be checked here after a row of this command.
[[nodiscard]] foreign_keys find_foreign_keys(Relation table, const ResultRelInfo *target,
                                             CmdType command);

// Whether one of the keys depends on the relation.
[[nodiscard]] bool depend_on(const foreign_keys &known, Oid relation) noexcept;

// Checks the keys of the row that was stored, by an UPDATE in the place of `former` (else null),
// and switches the trigger off where all is well, until restore_triggers(). Nothing is looked up
// once *outdated is true.
void check_foreign_keys(const foreign_keys &known, ResultRelInfo *target, TupleTableSlot *former,
                        TupleTableSlot *row, const bool *outdated);

void restore_triggers(const foreign_keys &known, ResultRelInfo *target) noexcept;

} // namespace saas::pg
