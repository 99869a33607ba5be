// SPDX-License-Identifier: PostgreSQL
// Values that hold documents of their own, json and hstore, as parts of a jsonb value.
//
// Everything here may ereport and allocates in the current memory context: plain frames only.
#pragma once

#include "pg/prelude.hpp"

extern "C" {
#include "utils/jsonb.h" // JsonbValue
}

namespace saas::pg {

// A value of type json as the document that it is; one that jsonb cannot hold (U+0000, halves of surrogate pairs, numbers
// beyond numeric, objects beyond its size) as a string.
void json_to_json_value(Datum value, JsonbValue &out);

// Whether this is the type of the extension hstore, whatever its schema.
[[nodiscard]] bool is_hstore(Oid type);

// A value of type hstore, given what its output function wrote, as an object of strings and nulls.
void hstore_to_json_value(const char *written, JsonbValue &out);

} // namespace saas::pg
