// SPDX-License-Identifier: PostgreSQL
// What a change did to a row: the changed columns before and after, and the row's key.
#pragma once

#include "audit/log.hpp"
#include "audit/plan.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/jsonb.h" // Jsonb
}

namespace saas::audit {

// Fills `row` for the change that fired the row trigger. False when an UPDATE changed nothing that
// is recorded: then `row` is not filled. Plain frames only.
bool describe_change(const TriggerData &data, trigger_plan &plan, log_row &row);

// The row_id of a row whose primary key is not a single uuid: the first 128 bits of SHA-256 over
// the text of the key's jsonb, marked as UUID version 8. Type uuid.
Datum hash_key(Jsonb *key);

// What stands in row_id for a TRUNCATE: hash_key() of {"truncated": "schema.table"}, of the table or
// partition that was truncated, so that it is found as quickly as the changes of a row.
Datum hash_truncated(Relation table);

} // namespace saas::audit
