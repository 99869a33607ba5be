// SPDX-License-Identifier: PostgreSQL
// saas.refuse_delete(): the trigger that keeps rows from being deleted.
#include "core/error.hpp"
#include "pg/boundary.hpp"

#include <string>
#include <string_view>

#include "pg/prelude.hpp"

extern "C" {
#include "commands/trigger.h" // CALLED_AS_TRIGGER, TriggerData
#include "miscadmin.h"        // InNoForceRLSOperation
#include "utils/rel.h"        // RelationGetRelationName
}

using namespace saas; // NOLINT: entry points only

namespace {

constexpr core::sqlstate k_trigger_protocol_violated{"39P01"};
constexpr core::sqlstate k_never_deleted{"SA033"};

[[noreturn]] void misused() {
    throw core::error{
        k_trigger_protocol_violated,
        "saas.refuse_delete() is for BEFORE DELETE … FOR EACH ROW and BEFORE TRUNCATE "
        "… FOR EACH STATEMENT triggers, with no argument or 'strict'",
        {},
        "Create the triggers with saas.add_refuse_delete()."};
}

bool is_strict(const Trigger *trigger) {
    if (trigger->tgnargs == 0)
        return false;
    if (trigger->tgnargs != 1 || std::string_view{trigger->tgargs[0]} != "strict")
        misused();
    return true;
}

} // namespace

// Only the server's own foreign key actions run a DELETE as the table's owner without forced
// row-level security, so that tells a cascade from a DELETE that somebody wrote.
SAAS_FUNCTION(saas_refuse_delete) {
    auto *trigger = reinterpret_cast<TriggerData *>(fcinfo->context);
    if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event))
        misused();
    bool strict = is_strict(trigger->tg_trigger);
    bool is_row = TRIGGER_FIRED_FOR_ROW(trigger->tg_event);
    bool is_delete = TRIGGER_FIRED_BY_DELETE(trigger->tg_event);
    if (is_row != is_delete || !(is_delete || TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event)))
        misused();
    if (is_delete && !strict && InNoForceRLSOperation())
        return PointerGetDatum(trigger->tg_trigtuple);
    throw core::error{k_never_deleted,
                      "rows of \"" + std::string{RelationGetRelationName(trigger->tg_relation)} +
                          "\" are never deleted",
                      {},
                      "Mark the row as cancelled or deleted instead."};
}
