// SPDX-License-Identifier: PostgreSQL
// The triggers on sources of rollups: saas.record_rollup_change(), saas.record_rollup_truncate().
#include "core/error.hpp"
#include "core/rollup/bucket.hpp"
#include "metrics/changes.hpp"
#include "pg/boundary.hpp"
#include "pg/invalidation.hpp"
#include "pg/spi.hpp"
#include "pg/trigger.hpp"

#include <cstring>
#include <string>

#include "pg/prelude.hpp"

extern "C" {
#include "access/sysattr.h"    // MinTransactionIdAttributeNumber
#include "access/xact.h"       // GetTopTransactionIdIfAny
#include "catalog/pg_am.h"     // HEAP_TABLE_AM_OID
#include "catalog/pg_type.h"   // UUIDOID
#include "commands/trigger.h"   // SessionReplicationRole
#include "executor/tuptable.h" // slot_getattr
#include "utils/builtins.h"    // uuid_in
#include "utils/hsearch.h"     // hash_create
#include "utils/memutils.h"    // CacheMemoryContext
#include "utils/rel.h"         // RelationGetDescr
#include "utils/timestamp.h"   // DatumGetTimestampTz
}

using namespace saas; // NOLINT: entry points only

namespace {

constexpr core::sqlstate k_altered{"SA130"};

struct trigger_plan {
    Oid trigger; // key
    Oid table;
    bool valid;
    bool is_heap; // rows can be found by their place
    AttrNumber team;
    AttrNumber time;
    pg_uuid_t source;
};

HTAB *plans = nullptr;
trigger_plan *latest = nullptr;

// Only marks: it runs in the middle of whatever the server does.
void table_changed(Oid table) {
    metrics::log_changed(table);
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, plans);
    while (auto *plan = static_cast<trigger_plan *>(hash_seq_search(&scan))) {
        if (table == InvalidOid || plan->table == table)
            plan->valid = false;
    }
}

void create_cache() {
    HASHCTL control{};
    control.keysize = sizeof(Oid);
    control.entrysize = sizeof(trigger_plan);
    control.hcxt = CacheMemoryContext;
    plans = hash_create("pg_saas rollup triggers", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
    pg::watch_relations(table_changed);
}

[[noreturn]] void refuse(const TriggerData &data, const std::string &what) {
    throw core::error{k_altered,
                      std::string{"trigger \""} + data.tg_trigger->tgname + "\" on \"" +
                          RelationGetRelationName(data.tg_relation) + "\" cannot note changes for rollups",
                      what,
                      "Give the column its name and type back, or drop the rollups of this table with "
                      "saas.drop_rollup() and create them anew."};
}

AttrNumber find_column(const TriggerData &data, const char *name, Oid type) {
    TupleDesc row = RelationGetDescr(data.tg_relation);
    for (int i = 0; i < row->natts; ++i) {
        Form_pg_attribute attribute = TupleDescAttr(row, i);
        if (!attribute->attisdropped && attribute->atttypid == type &&
            std::strcmp(NameStr(attribute->attname), name) == 0)
            return attribute->attnum;
    }
    refuse(data, std::string{"The table has no column \""} + name +
                     (type == UUIDOID ? "\" of type uuid." : "\" of type timestamp with time zone."));
}

void read_plan(const TriggerData &data, trigger_plan &plan) {
    char **arguments = data.tg_trigger->tgargs;
    if (data.tg_trigger->tgnargs != 3)
        refuse(data, "It must have three arguments: the source, and the columns of team and time.");
    plan.table = RelationGetRelid(data.tg_relation);
    plan.valid = true; // before the reading: a change that arrives meanwhile clears it again
    plan.source = *DatumGetUUIDP(DirectFunctionCall1(uuid_in, CStringGetDatum(arguments[0])));
    plan.is_heap = data.tg_relation->rd_rel->relam == HEAP_TABLE_AM_OID;
    plan.team = find_column(data, arguments[1], UUIDOID);
    plan.time = find_column(data, arguments[2], TIMESTAMPTZOID);
}

const trigger_plan &find_plan(const TriggerData &data) {
    Oid oid = data.tg_trigger->tgoid;
    if (latest != nullptr && latest->trigger == oid && latest->valid)
        return *latest;
    if (plans == nullptr)
        create_cache();
    bool found = false;
    auto *plan = static_cast<trigger_plan *>(hash_search(plans, &oid, HASH_ENTER, &found));
    if (!found)
        plan->valid = false;
    if (!plan->valid) {
        trigger_plan read{};
        read.trigger = oid;
        *plan = read;
        read_plan(data, read);
        *plan = read;
    }
    latest = plan;
    return *plan;
}

// A row without team, or with no time that rollups have, is in no bucket.
bool find_key(const trigger_plan &plan, TupleTableSlot *row, metrics::change_key &key) {
    bool is_null = false;
    const Datum team = slot_getattr(row, plan.team, &is_null);
    if (is_null)
        return false;
    const TimestampTz time = DatumGetTimestampTz(slot_getattr(row, plan.time, &is_null));
    if (is_null || !core::rollup::is_in_range(time))
        return false;
    key.team = *DatumGetUUIDP(team);
    key.source = plan.source;
    key.span = core::rollup::floor_to(time, core::rollup::k_span);
    return true;
}

void note_row(const trigger_plan &plan, TupleTableSlot *row) {
    metrics::change_key key; // NOLINT: set when it is read
    if (find_key(plan, row, key))
        metrics::note_change(key);
}

// A refresh adds what such a row contributes, if it finds it: by its place and by the transaction that
// inserted it. One that a subtransaction inserted has another number there, and may be rolled back alone.
// Where rows are replicated or restored the buckets may be, too, and have it already.
void note_inserted_row(const TriggerData &data, const trigger_plan &plan, TupleTableSlot *row) {
    metrics::change_key key; // NOLINT: set when it is read
    if (!find_key(plan, row, key))
        return;
    bool is_null = true;
    if (plan.is_heap && SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA &&
        DatumGetTransactionId(slot_getsysattr(row, MinTransactionIdAttributeNumber, &is_null)) ==
            GetTopTransactionIdIfAny() &&
        !is_null)
        metrics::note_insertion(key, data.tg_relation->rd_rel->relfilenode, row->tts_tid);
    else
        metrics::note_change(key);
}

} // namespace

SAAS_FUNCTION(saas_record_rollup_change) {
    const TriggerData &data = pg::trigger_data(fcinfo, "record_rollup_change");
    if (!TRIGGER_FIRED_AFTER(data.tg_event) || !TRIGGER_FIRED_FOR_ROW(data.tg_event))
        throw core::error{pg::k_trigger_protocol_violated,
                          "saas.record_rollup_change() is for AFTER … FOR EACH ROW triggers"};
    const trigger_plan &plan = find_plan(data);
    if (TRIGGER_FIRED_BY_INSERT(data.tg_event)) {
        note_inserted_row(data, plan, data.tg_trigslot);
        return PointerGetDatum(nullptr);
    }
    note_row(plan, data.tg_trigslot);
    if (TRIGGER_FIRED_BY_UPDATE(data.tg_event))
        note_row(plan, data.tg_newslot);
    return PointerGetDatum(nullptr);
}

SAAS_FUNCTION(saas_record_rollup_truncate) {
    const TriggerData &data = pg::trigger_data(fcinfo, "record_rollup_truncate");
    if (!TRIGGER_FIRED_AFTER(data.tg_event) || !TRIGGER_FIRED_BY_TRUNCATE(data.tg_event) ||
        data.tg_trigger->tgnargs != 1)
        throw core::error{pg::k_trigger_protocol_violated,
                          "saas.record_rollup_truncate() is for AFTER TRUNCATE triggers with a source"};
    const std::string source{data.tg_trigger->tgargs[0]};
    const pg::as_role internal{pg::internal_role_id()};
    pg::spi connection;
    connection.query("SELECT saas.invalidate_rollup_source($1::uuid)", {source});
    connection.close();
    return PointerGetDatum(nullptr);
}

SAAS_FUNCTION(saas_write_rollup_changes) {
    metrics::write_noted_changes();
    PG_RETURN_VOID();
}
