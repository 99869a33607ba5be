// SPDX-License-Identifier: PostgreSQL
// The statement that looks after a foreign key for many rows that have gone (key_watch.hpp): that none refers to them,
// or what ON DELETE says of those that do.
//
// Everything here may ereport: plain frames only.
#pragma once

#include "pg/prelude.hpp"

extern "C" {
#include "access/attnum.h" // AttrNumber
}

namespace saas::pg {

enum class key_action { check, erase, empty };

struct referring_key {
    Oid constraint;
    Oid table; // that refers
    key_action action;
    int columns;
    AttrNumber own[INDEX_MAX_KEYS];       // of the referring table
    AttrNumber referred[INDEX_MAX_KEYS];  // of the table whose rows go
    Oid equal[INDEX_MAX_KEYS];            // referred = own
    int emptied_count;                    // of ON DELETE SET NULL (…); 0: all
    AttrNumber emptied[INDEX_MAX_KEYS];
};

// Executes it, as the owner of the referring table, for the referred columns' values, an array each of a type of
// `types`. `many`: planned for these arrays, else once a session for any. True when a row refers to one of them, if
// the action is to check. Needs SPI.
[[nodiscard]] bool run_key_statement(const referring_key *key, const Oid *types, const Datum *arrays, bool many);

} // namespace saas::pg
