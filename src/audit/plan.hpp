// SPDX-License-Identifier: PostgreSQL
// What one audit trigger records of its table: worked out from the trigger's arguments and the
// catalog once, kept for the life of the backend, and dropped when the table or a function changes.
#pragma once

#include "pg/json_value.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "commands/trigger.h" // TriggerData
}

namespace saas::audit {

// One column that is recorded, or that is part of the key.
struct column_plan {
    int attribute; // index into the row's values, from 0
    const char *name;
    int name_length;
    int length; // of the type: pg_type.typlen
    bool by_value;
    bool redacted;
    pg::json_type type;
};

// Everything the trigger needs to know of its table. The columns are in the order of jsonb keys.
struct trigger_plan {
    Oid trigger; // the key of the cache
    Oid table;
    bool valid;
    bool changed; // since the plan was begun
    MemoryContext context;
    Datum table_name; // the logical name, text
    int team;         // index of the column that holds the team, or -1
    int column_count;
    column_plan *columns;
    int key_count; // the primary key without the team's column
    column_plan *keys;
    bool key_is_uuid; // one column of type uuid
};

// The plan of the trigger that fires. Raises SA040 when its arguments do not fit its table. Plain
// frames only. The plan may go away at the next call, also by a nested trigger.
trigger_plan &find_plan(const TriggerData &data);

} // namespace saas::audit
