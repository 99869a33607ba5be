// SPDX-License-Identifier: PostgreSQL
// What is at a path in jsonb, without a function call for each step.
//
// Everything here may ereport and allocates in the current memory context: plain frames only.
#pragma once

#include <span>
#include <string>

#include "pg/prelude.hpp"

extern "C" {
#include "utils/jsonb.h" // Jsonb, JsonbValue
}

namespace saas::pg {

// The whole value. `out` points into it.
void json_whole(Jsonb *value, JsonbValue &out);

// What is at the path, as the operator #> finds it, but for places that count from the end of an array.
// False when there is nothing; JSON's null is something. `out` may point into `begin`.
bool find_json(const JsonbValue &begin, std::span<const std::string> path, JsonbValue &out);

// The text of a value, as the operator ->> gives it. False for null.
bool json_text(const JsonbValue &value, Datum &out);

} // namespace saas::pg
