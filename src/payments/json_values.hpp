// SPDX-License-Identifier: PostgreSQL
// A provider's object as the values that a mapping makes of it.
//
// Everything here may ereport and allocates in the current memory context: plain frames only.
#pragma once

#include "core/payments/json_mapping.hpp"

#include <string_view>

#include "pg/prelude.hpp"

extern "C" {
#include "utils/jsonb.h" // Jsonb, JsonbValue
}

namespace saas::payments {

struct json_part {
    JsonbValue value;
    bool is_there;
};

struct json_source {
    const core::payments::json_mapping *mapping;
    std::string_view provider;
    json_part whole;
    json_part *parts;
    int exponent;          // of the currency met last
    int provider_exponent; // in which the provider counts it
};

// Finds the parts that @names of the mapping stand for. A NULL object has no members.
void open_json(json_source &source, const core::payments::json_mapping &mapping,
               std::string_view provider, Jsonb *object);

// The SQL type of what the conversion gives.
Oid type_of(core::payments::conversion how);

// The value for one line of the mapping; false: NULL. Throws or raises SA072 for what makes no sense.
bool convert_json(json_source &source, const core::payments::mapped_value &line, Datum &out);

} // namespace saas::payments
