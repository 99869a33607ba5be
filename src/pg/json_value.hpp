// SPDX-License-Identifier: PostgreSQL
// Values of any SQL type as jsonb, for records that must mean the same to every reader.
//
// Differs from to_jsonb() on purpose. No setting of the session changes the text: timestamps with
// time zone are in UTC, bytea is hexadecimal, intervals are ISO 8601, floating point is the
// shortest exact form. And no user function runs: to_jsonb() would call a cast to json that the
// owner of a type made. A value of type json is taken as text, since not every json is a jsonb, unless documents
// are asked for.
//
// Everything here may ereport and allocates in the current memory context: plain frames only.
#pragma once

#include <cstdint>

#include "pg/prelude.hpp"

extern "C" {
#include "utils/jsonb.h" // Jsonb, JsonbValue
}

namespace saas::pg {

enum class json_kind : std::uint8_t {
    boolean,
    int2,
    int4,
    int8,
    numeric,
    float4,
    float8,
    text,
    uuid,
    datetime, // date, timestamp, timestamptz
    interval,
    bytea,
    jsonb,
    json,   // where documents are asked for
    hstore, // likewise
    array,
    composite,
    other, // by the type's output function
};

// How values of one type become jsonb. Looked up once, used for many values.
struct json_type {
    json_kind kind;
    Oid type;           // with domains resolved to their base type
    bool documents;     // json and hstore, also inside of others, are JSON and not its text
    FmgrInfo output;    // of kinds hstore and other
    json_type *element; // of kind array
    std::int16_t element_length;
    bool element_by_value;
    char element_align;
};

// Looks a type up. What `out` points to is allocated in `context`.
void find_json_type(Oid type, MemoryContext context, json_type &out, bool documents = false);

// Converts a value that is not NULL. The result may point into `value`.
void to_json_value(json_type &type, Datum value, JsonbValue &out);

// One member of an object; the key has no NUL at its end.
struct json_member {
    const char *key;
    int key_length;
    JsonbValue value;
};

// The order of keys in a jsonb object: shorter first, then by bytes. Negative, zero or positive.
int compare_json_keys(const char *a, int a_length, const char *b, int b_length);

// Writes an object in jsonb's own format. `members` are in the order of their keys, without
// duplicates; values are scalars or jbvBinary. Raises 54000 when the object exceeds jsonb's 256 MB.
Jsonb *make_json_object(const json_member *members, int count);

// Raises 54000 for a container with so many bytes of keys and values.
[[noreturn]] void refuse_json_size(Size size);

// Writes an array in jsonb's own format, likewise. `elements` are scalars or jbvBinary. Raises 54000
// when the array exceeds jsonb's 256 MB.
Jsonb *make_json_array(const JsonbValue *elements, int count);

} // namespace saas::pg
