// SPDX-License-Identifier: PostgreSQL
// BEFORE UPDATE trigger that keeps a column updated_at.
#include "core/error.hpp"
#include "pg/boundary.hpp"
#include "pg/trigger.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // heap_modify_tuple_by_cols
#include "access/xact.h"         // GetCurrentTransactionStartTimestamp
#include "catalog/pg_type.h"     // TIMESTAMPTZOID
#include "executor/spi.h"        // SPI_fnumber
#include "utils/timestamp.h"     // TimestampTzGetDatum
}

using namespace saas; // NOLINT: entry points only

SAAS_FUNCTION(saas_set_updated_at) {
    const TriggerData &trigger = pg::trigger_data(fcinfo, "set_updated_at");
    if (!TRIGGER_FIRED_BEFORE(trigger.tg_event) || !TRIGGER_FIRED_FOR_ROW(trigger.tg_event) ||
        !TRIGGER_FIRED_BY_UPDATE(trigger.tg_event))
        throw core::error{pg::k_trigger_protocol_violated,
                          "saas.set_updated_at() is for BEFORE UPDATE … FOR EACH ROW triggers"};
    TupleDesc columns = RelationGetDescr(trigger.tg_relation);
    int column = SPI_fnumber(columns, "updated_at");
    // Anyone may put the trigger on a table of their own, and a value of another type is no pointer.
    if (column <= 0 || SPI_gettypeid(columns, column) != TIMESTAMPTZOID)
        throw core::error{pg::k_trigger_protocol_violated,
                          "the table has no column updated_at of type timestamptz"};
    Datum now = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
    bool is_null = false;
    HeapTuple changed = heap_modify_tuple_by_cols(trigger.tg_newtuple, columns, 1, &column, &now,
                                                  &is_null);
    return PointerGetDatum(changed);
}
