// SPDX-License-Identifier: PostgreSQL
// saas.enforce_immutable(): the trigger that keeps columns as they were written first.
#include "core/error.hpp"
#include "pg/boundary.hpp"
#include "pg/erasing.hpp"
#include "pg/trigger.hpp"

#include <string>

#include "pg/prelude.hpp"

extern "C" {
#include "executor/spi.h" // SPI_fnumber
#include "utils/datum.h"  // datum_image_eq
#include "utils/rel.h"    // RelationGetDescr
}

using namespace saas; // NOLINT: entry points only

namespace {

constexpr core::sqlstate k_immutable{"SA071"};

enum class comparison : std::uint8_t { same, changed, no_column };

// Compares one column of the old and the new row, bytes by bytes. Plain data only.
comparison compare(const TriggerData &trigger, const char *name) {
    TupleDesc columns = RelationGetDescr(trigger.tg_relation);
    int number = SPI_fnumber(columns, name);
    if (number <= 0)
        return comparison::no_column;
    bool old_null = false;
    bool new_null = false;
    Datum old_value = SPI_getbinval(trigger.tg_trigtuple, columns, number, &old_null);
    Datum new_value = SPI_getbinval(trigger.tg_newtuple, columns, number, &new_null);
    if (old_null || new_null)
        return old_null == new_null ? comparison::same : comparison::changed;
    Form_pg_attribute column = TupleDescAttr(columns, number - 1);
    return datum_image_eq(old_value, new_value, column->attbyval, column->attlen)
               ? comparison::same
               : comparison::changed;
}

} // namespace

SAAS_FUNCTION(saas_enforce_immutable) {
    const TriggerData &trigger = pg::trigger_data(fcinfo, "enforce_immutable");
    if (!TRIGGER_FIRED_BEFORE(trigger.tg_event) || !TRIGGER_FIRED_FOR_ROW(trigger.tg_event) ||
        !TRIGGER_FIRED_BY_UPDATE(trigger.tg_event) || trigger.tg_trigger->tgnargs == 0)
        throw core::error{
            pg::k_trigger_protocol_violated,
            "saas.enforce_immutable() is for BEFORE UPDATE … FOR EACH ROW triggers and "
            "takes the names of columns"};
    for (int i = 0; i < trigger.tg_trigger->tgnargs; ++i) {
        const char *name = trigger.tg_trigger->tgargs[i];
        comparison found = compare(trigger, name);
        if (found == comparison::no_column)
            throw core::error{pg::k_trigger_protocol_violated,
                              "the table has no column \"" + std::string{name} + "\""};
        // The privacy engine writes what its map declares: personal values, which the law wants gone.
        if (found == comparison::changed && !pg::is_erasing())
            throw core::error{k_immutable,
                              "column \"" + std::string{name} + "\" of \"" +
                                  RelationGetRelationName(trigger.tg_relation) + "\" never changes",
                              {},
                              "Record a correction as a new row."};
    }
    return PointerGetDatum(trigger.tg_newtuple);
}
