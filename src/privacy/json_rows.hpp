// SPDX-License-Identifier: PostgreSQL
// Rows of a query as JSON objects, as text or in jsonb's own format, without a function call a value.
//
// Values mean what pg/json_value.hpp says of documents. Plain data and server calls only: the caller wraps them in pg::call.
#pragma once

#include "core/privacy/plain_text.hpp"
#include "pg/json_value.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/tupdesc.h" // TupleDesc
#include "lib/stringinfo.h" // StringInfo
}

namespace saas::privacy {

// Bytes that stand in every row.
struct json_piece {
    const char *bytes;
    int size;
};

struct json_rows {
    int count;           // of columns
    Oid *column_types;   // as the query has them
    pg::json_type *types;
    json_piece *before;  // what stands before the value of each column, as text
    int members;         // of the jsonb object: the columns, and "_table"
    int *order;          // the column of each member in the order that jsonb wants; -1 for "_table"
    json_piece start;    // of the jsonb object: header, room for entries that are not set, keys
    json_piece table;
    core::privacy::known_day day;
};

// For rows with these columns, of a table of that name. Lives in the current memory context.
[[nodiscard]] json_rows *make_json_rows_unsafe(TupleDesc columns, const char *table);

// Whether it was made for rows with these columns.
[[nodiscard]] bool are_rows_of(const json_rows *rows, TupleDesc columns);

// Appends a row as the text of a JSON object. What is allocated on the way is in the current memory context.
void append_row_text_unsafe(json_rows *rows, const Datum *values, const bool *nulls, StringInfo out);

// Appends a row as a jsonb container, after zeros up to a multiple of four. Raises 54000 when it exceeds jsonb's 256 MB.
void append_row_binary_unsafe(json_rows *rows, const Datum *values, const bool *nulls, StringInfo out);

// Appends a string of JSON with its quotation marks.
void append_json_string(StringInfo out, const char *text, Size size);

// A moment or day in UTC as ISO 8601 has it; `out` has room for MAXDATELEN + 1. Returns its length.
[[nodiscard]] Size write_iso_time(Oid type, Datum value, core::privacy::known_day &day, char *out);

// Makes room for so many bytes, and more of it the longer the text is: what is asked for costs nothing, to move it does.
void make_room(StringInfo out, Size size);

// Room at the end of the text, which is said to be used by take_room().
[[nodiscard]] inline char *room_for(StringInfo out, Size size) {
    if (static_cast<Size>(out->maxlen - out->len) <= size)
        make_room(out, size);
    return out->data + out->len;
}
inline void take_room(StringInfo out, const char *end) {
    out->len = static_cast<int>(end - out->data);
}

} // namespace saas::privacy
