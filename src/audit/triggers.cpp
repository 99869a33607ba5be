// SPDX-License-Identifier: PostgreSQL
// The audit triggers: saas.audit_row_change(), saas.audit_truncate(), saas.append_only().
#include "audit/change.hpp"
#include "audit/log.hpp"
#include "audit/plan.hpp"
#include "audit/redact.hpp"
#include "core/audit/column_list.hpp"
#include "core/error.hpp"
#include "pg/boundary.hpp"
#include "pg/trigger.hpp"

#include <string>

#include "pg/prelude.hpp"

extern "C" {
#include "utils/builtins.h" // CStringGetTextDatum
#include "utils/jsonb.h"    // PG_GETARG_JSONB_P
#include "utils/rel.h"      // RelationGetRelationName
#include "utils/uuid.h"     // PG_RETURN_UUID_P
}

namespace {

namespace audit = saas::audit;
namespace core = saas::core;
namespace pg = saas::pg;

constexpr core::sqlstate k_append_only{"SA041"};

[[noreturn]] void refuse_use(const TriggerData &data, const char *function, const char *use) {
    throw core::error{core::audit::k_bad_audit_trigger,
                      std::string{"trigger \""} + data.tg_trigger->tgname + "\" on \"" +
                          RelationGetRelationName(data.tg_relation) + "\" uses saas." + function +
                          "() in the wrong place",
                      std::string{"It works as "} + use + " only.",
                      "Create audit triggers by saas.audit_table()."};
}

const char *event_name(TriggerEvent event) {
    if (TRIGGER_FIRED_BY_TRUNCATE(event))
        return "TRUNCATE";
    if (TRIGGER_FIRED_BY_DELETE(event))
        return "DELETE";
    return TRIGGER_FIRED_BY_UPDATE(event) ? "UPDATE" : "INSERT";
}

} // namespace

SAAS_FUNCTION(saas_audit_row_change) {
    const TriggerData &data = pg::trigger_data(fcinfo, "audit_row_change");
    if (!TRIGGER_FIRED_AFTER(data.tg_event) || !TRIGGER_FIRED_FOR_ROW(data.tg_event))
        refuse_use(data, "audit_row_change", "an AFTER trigger FOR EACH ROW");
    audit::log_row row;
    if (audit::describe_change(data, audit::find_plan(data), row))
        audit::write_log(row);
    return PointerGetDatum(nullptr);
}

SAAS_FUNCTION(saas_audit_truncate) {
    const TriggerData &data = pg::trigger_data(fcinfo, "audit_truncate");
    if (!TRIGGER_FIRED_AFTER(data.tg_event) || !TRIGGER_FIRED_BY_TRUNCATE(data.tg_event) ||
        data.tg_trigger->tgnargs != 1)
        refuse_use(data, "audit_truncate", "an AFTER TRUNCATE trigger with the table's name");
    core::audit::check_table_name(data.tg_trigger->tgargs[0]);
    audit::log_row row;
    row.set(audit::c_table_name, CStringGetTextDatum(data.tg_trigger->tgargs[0]));
    row.set(audit::c_row_id, audit::hash_truncated(data.tg_relation));
    audit::describe_request(row, 'T', nullptr);
    audit::write_log(row);
    return PointerGetDatum(nullptr);
}

SAAS_FUNCTION(saas_append_only) {
    const TriggerData &data = pg::trigger_data(fcinfo, "append_only");
    if (TRIGGER_FIRED_BY_INSERT(data.tg_event))
        refuse_use(data, "append_only", "a trigger on UPDATE, DELETE or TRUNCATE");
    if (audit::erases_payload(data))
        return PointerGetDatum(data.tg_newtuple);
    throw core::error{k_append_only,
                      std::string{"table \""} + RelationGetRelationName(data.tg_relation) +
                          "\" is append-only",
                      std::string{event_name(data.tg_event)} + " was refused.",
                      "Retention drops whole partitions; nothing else leaves this table."};
}

SAAS_FUNCTION(saas_audit_row_id) {
    return audit::hash_key(PG_GETARG_JSONB_P(0));
}
