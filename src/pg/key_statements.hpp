// SPDX-License-Identifier: PostgreSQL
// The statement that looks after a foreign key for many rows (key_watch.hpp): of rows that have gone that none refers
// to them, or what ON DELETE says of those that do; of rows that have come that there is what they refer to.
//
// Everything here may ereport: plain frames only.
#pragma once

#include "pg/prelude.hpp"

extern "C" {
#include "access/attnum.h" // AttrNumber
}

namespace saas::pg {

// none_refers, erase, empty: of rows that have gone; all_refer: of rows that have come.
enum class key_action { none_refers, erase, empty, all_refer };

struct related_key {
    Oid constraint;
    Oid table; // the other one: that refers, or is referred to
    key_action action;
    int columns;
    AttrNumber others[INDEX_MAX_KEYS]; // columns of the other table
    AttrNumber own[INDEX_MAX_KEYS];    // of the table whose rows come or go
    Oid equal[INDEX_MAX_KEYS];         // column referred to = column that refers
    int emptied_count;                 // of ON DELETE SET NULL (…); 0: all
    AttrNumber emptied[INDEX_MAX_KEYS];
};

// Executes it, as the owner of the other table, for the values of the own columns, an array each of a type of `types`.
// `many`: planned for these arrays, else once a session for any. True when the key is violated. Needs SPI.
[[nodiscard]] bool run_key_statement(const related_key *key, const Oid *types, const Datum *arrays, bool many);

} // namespace saas::pg
