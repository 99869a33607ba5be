// SPDX-License-Identifier: PostgreSQL
#include "audit/partition.hpp"

#include "core/error.hpp"
#include "pg/invalidation.hpp"
#include "pg/package.hpp"

#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "access/genam.h"            // index_open
#include "access/table.h"            // table_open
#include "catalog/index.h"           // BuildIndexInfo
#include "catalog/pg_am.h"           // HEAP_TABLE_AM_OID
#include "catalog/pg_class.h"        // RELKIND_RELATION
#include "catalog/pg_type.h"         // type oids
#include "commands/trigger.h"        // TriggerDesc
#include "partitioning/partbounds.h" // partition_range_datum_bsearch
#include "partitioning/partdesc.h"   // RelationGetPartitionDesc
#include "storage/lmgr.h"            // LockRelationOid
#include "utils/partcache.h"         // RelationGetPartitionKey
#include "utils/rel.h"               // RelationGetDescr
#include "utils/timestamp.h"         // TimestampTzGetDatum
}

namespace saas::audit {
namespace {

constexpr core::sqlstate k_no_log{"SA042"};

struct column_shape {
    const char *name;
    Oid type;
    bool may_be_null; // as the package made it: heap_insert() does not check NOT NULL
};
constexpr column_shape k_shape[k_log_columns] = {
    {"team_id", UUIDOID, false},      {"created_at", TIMESTAMPTZOID, false},
    {"id", UUIDOID, false},           {"xact_id", XID8OID, false},
    {"actor_id", UUIDOID, true},      {"row_id", UUIDOID, true},
    {"operation", CHAROID, false},    {"table_name", TEXTOID, false},
    {"row_key", JSONBOID, true},      {"old_values", JSONBOID, true},
    {"new_values", JSONBOID, true},   {"db_role", TEXTOID, true},
    {"login_role", TEXTOID, true},    {"request_id", TEXTOID, true},
    {"client_addr", INETOID, true},   {"payload_hash", BYTEAOID, true},
};
static_assert(k_shape[k_log_columns - 1].name != nullptr, "one entry for each log_column");

// The log's own CHECK constraint; the trigger writes nothing that it would refuse.
constexpr char k_own_check[] = "audit_logs_operation_check";

// What is known of the log. One log per backend, since a backend serves one database.
struct known_log {
    Oid log;
    bool valid;
    TimestampTz from; // the partition takes from <= time < to
    TimestampTz to;
    log_target target;
};
known_log known{};

// Any change of the log, its partitions or their indexes. Indexes announce themselves with their
// table. Only marks: it can run while the target is in use.
void relation_changed(Oid relation) {
    if (relation == InvalidOid || relation == known.log ||
        (known.valid && relation == known.target.partition))
        known.valid = false;
    if (relation == InvalidOid || relation == known.log)
        known.log = InvalidOid;
}

void watch_log() {
    static bool watching = false;
    if (!watching) {
        pg::watch_relations(relation_changed);
        watching = true;
    }
}

// Finds the partition for `at`, as the server's tuple routing does, and the range of times for
// which the answer holds. InvalidOid when there is none.
Oid route(Relation log, TimestampTz at, TimestampTz &from, TimestampTz &to) {
    PartitionKey key = RelationGetPartitionKey(log);
    PartitionDesc description = RelationGetPartitionDesc(log, true);
    if (key == nullptr || key->strategy != PARTITION_STRATEGY_RANGE || key->partnatts != 1 ||
        key->parttypid[0] != TIMESTAMPTZOID || description->nparts == 0)
        return InvalidOid;
    PartitionBoundInfo bounds = description->boundinfo;
    Datum value = TimestampTzGetDatum(at);
    bool equal = false;
    const int below = partition_range_datum_bsearch(key->partsupfunc, key->partcollation, bounds, 1,
                                                    &value, &equal);
    const auto bound = [bounds](int i, TimestampTz otherwise) {
        if (i < 0 || i >= bounds->ndatums || bounds->kind[i][0] != PARTITION_RANGE_DATUM_VALUE)
            return otherwise;
        return DatumGetTimestampTz(bounds->datums[i][0]);
    };
    from = bound(below, PG_INT64_MIN);
    to = bound(below + 1, PG_INT64_MAX);
    int partition = bounds->indexes[below + 1];
    if (partition < 0)
        partition = bounds->default_index;
    return partition < 0 ? InvalidOid : description->oids[partition];
}

// True when the partition has the columns as the package made them and no others.
bool map_columns(Relation partition, int *attributes) {
    TupleDesc row = RelationGetDescr(partition);
    int live = 0;
    for (int i = 0; i < row->natts; ++i)
        live += TupleDescAttr(row, i)->attisdropped ? 0 : 1;
    if (live != k_log_columns)
        return false;
    for (int c = 0; c < k_log_columns; ++c) {
        attributes[c] = -1;
        for (int i = 0; i < row->natts; ++i) {
            Form_pg_attribute attribute = TupleDescAttr(row, i);
            if (!attribute->attisdropped && attribute->atttypid == k_shape[c].type &&
                attribute->attgenerated == '\0' &&
                !(attribute->attnotnull && k_shape[c].may_be_null) &&
                std::strcmp(NameStr(attribute->attname), k_shape[c].name) == 0)
                attributes[c] = i;
        }
        if (attributes[c] < 0)
            return false;
    }
    return true;
}

bool has_foreign_checks(Relation partition) {
    const TupleConstr *constraints = RelationGetDescr(partition)->constr;
    for (int i = 0; constraints != nullptr && i < constraints->num_check; ++i) {
        if (std::strcmp(constraints->check[i].ccname, k_own_check) != 0)
            return true;
    }
    return false;
}

bool has_insert_triggers(Relation partition) {
    const TriggerDesc *triggers = partition->trigdesc;
    return triggers != nullptr &&
           (triggers->trig_insert_before_row || triggers->trig_insert_after_row ||
            triggers->trig_insert_instead_row || triggers->trig_insert_before_statement ||
            triggers->trig_insert_after_statement);
}

// Reads the indexes. False when one needs the executor: expressions, predicates, exclusion or
// deferred uniqueness, or too many.
bool read_indexes(Relation partition, log_target &target) {
    List *indexes = RelationGetIndexList(partition);
    target.index_count = 0;
    ListCell *cell = nullptr;
    foreach (cell, indexes) {
        Relation index = index_open(lfirst_oid(cell), RowExclusiveLock);
        IndexInfo *info = BuildIndexInfo(index);
        const bool plain = info->ii_Expressions == NIL && info->ii_Predicate == NIL &&
                           info->ii_ExclusionOps == nullptr && index->rd_index->indimmediate &&
                           target.index_count < k_index_limit;
        if (plain && info->ii_ReadyForInserts) {
            index_target &known_index = target.indexes[target.index_count++];
            known_index.index = lfirst_oid(cell);
            known_index.info = *info;
#if PG_VERSION_NUM < 170000
            known_index.info.ii_OpclassOptions = nullptr; // not used when inserting
#endif
        }
        index_close(index, NoLock);
        if (!plain)
            return false;
    }
    return true;
}

// Decides whether rows may go straight into the partition.
bool read_partition(Oid oid, log_target &target) {
    Relation partition = table_open(oid, NoLock);
    const bool direct = partition->rd_rel->relkind == RELKIND_RELATION &&
                        partition->rd_rel->relam == HEAP_TABLE_AM_OID &&
                        map_columns(partition, target.attributes) &&
                        !has_foreign_checks(partition) && !has_insert_triggers(partition) &&
                        read_indexes(partition, target);
    table_close(partition, NoLock);
    return direct;
}

} // namespace

Relation open_log() {
    watch_log();
    Oid log = known.log;
    if (!OidIsValid(log))
        log = pg::package_table_unsafe("audit_logs");
    if (!OidIsValid(log))
        throw core::error{k_no_log, "table saas.audit_logs does not exist",
                          "A change of an audited table must be recorded.",
                          "Run SELECT saas.deploy()."};
    Relation relation = table_open(log, RowExclusiveLock);
    known.log = log;
    return relation;
}

const log_target &find_target(Relation log, TimestampTz at) {
    log_target &target = known.target;
    if (known.valid && (!target.direct || (at >= known.from && at < known.to))) {
        if (target.direct)
            LockRelationOid(target.partition, RowExclusiveLock); // accepts what others changed
        if (known.valid)
            return target;
    }
    target.direct = false;
    target.partition = InvalidOid;
    if (log->rd_rel->relkind == RELKIND_PARTITIONED_TABLE && !has_insert_triggers(log))
        target.partition = route(log, at, known.from, known.to);
    if (OidIsValid(target.partition)) {
        LockRelationOid(target.partition, RowExclusiveLock);
        known.valid = true; // before the reading: a change that arrives meanwhile clears it again
        target.direct = read_partition(target.partition, target);
    }
    return target;
}

} // namespace saas::audit
