// SPDX-License-Identifier: PostgreSQL
// Rows of a query as JSON objects, as jsonb in its own format or as text, without a function call a value.
//
// Values mean what pg/json_value.hpp says, but a json column is JSON. Plain data and server calls only: the caller wraps them
// in pg::call.
#pragma once

#include "pg/json_value.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup.h"    // HeapTuple
#include "access/tupdesc.h" // TupleDesc
#include "lib/stringinfo.h" // StringInfo
}

namespace saas::privacy {

struct json_rows {
    TupleDesc columns;
    int count;               // of members: the columns, and "_table"
    pg::json_member *members; // in the order that jsonb wants
    int *sources;            // number of the column of each member; -1 for "_table"
    pg::json_type *types;    // of each column
    bool *is_json;           // it is of type json
    const char **prefixes;   // what stands before the value of each column, as text
    Datum *values;
    bool *nulls;
};

// For rows with these columns, of a table of that name. Lives in the current memory context.
[[nodiscard]] json_rows *make_json_rows_unsafe(TupleDesc columns, const char *table);

// A row as a jsonb object, in the current memory context.
[[nodiscard]] Jsonb *row_as_jsonb_unsafe(json_rows *rows, HeapTuple row);

// Appends a row as the text of a JSON object.
void append_row_unsafe(json_rows *rows, HeapTuple row, StringInfo out);

} // namespace saas::privacy
