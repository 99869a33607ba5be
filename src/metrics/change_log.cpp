// SPDX-License-Identifier: PostgreSQL
// Rows for saas.rollup_changes, straight into the table and its index: no SQL is run on behalf of whoever
// writes, so that nothing the owner of the database may have put there runs either.
#include "core/error.hpp"
#include "metrics/changes.hpp"
#include "pg/package.hpp"

#include <algorithm>
#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "access/genam.h"        // index_insert
#include "access/heapam.h"       // heap_insert
#include "access/htup_details.h" // heap_form_tuple
#include "access/table.h"        // table_open
#include "access/xact.h"         // GetTopFullTransactionId
#include "catalog/index.h"       // BuildIndexInfo
#include "catalog/pg_am.h"       // HEAP_TABLE_AM_OID
#include "catalog/pg_class.h"    // RELKIND_RELATION
#include "catalog/pg_type.h"     // type oids
#include "commands/trigger.h"    // TriggerDesc
#include "miscadmin.h"           // CHECK_FOR_INTERRUPTS
#include "nodes/execnodes.h"     // IndexInfo
#include "utils/array.h"         // ArrayType
#include "utils/rel.h"           // RelationGetDescr
#include "utils/relcache.h"      // RelationGetIndexList
#include "utils/timestamp.h"     // TimestampTzGetDatum
#include "utils/xid8.h"          // FullTransactionIdGetDatum
}

namespace saas::metrics {
namespace {

constexpr core::sqlstate k_altered{"SA130"};

enum column { c_team, c_source, c_span, c_xact, c_batch, c_changed_at, c_relation, c_rows, c_count };

struct column_shape {
    const char *name;
    Oid type;
};
constexpr column_shape k_shape[c_count] = {
    {"team_id", UUIDOID}, {"source_id", UUIDOID}, {"span", TIMESTAMPTZOID},
    {"xact_id", XID8OID}, {"batch", INT4OID},     {"changed_at", TIMESTAMPTZOID},
    {"relation", OIDOID}, {"row_ids", TIDARRAYOID},
};

// The package of a release before has no columns for rows, until it is deployed anew.
constexpr int k_needed = c_relation;
constexpr int k_most_columns = 32;
constexpr int k_most_indexes = 4;

// What is known of the table, until it or its indexes change. Indexes announce themselves with their
// table.
struct known_log {
    Oid table;
    bool valid;
    bool has_rows;
    int places[c_count]; // of its columns, from 0
    int index_count;
    Oid indexes[k_most_indexes];
    IndexInfo infos[k_most_indexes]; // of plain columns only: no pointer in it is set
};
known_log known{};

struct target {
    Relation table;
    Relation indexes[k_most_indexes];
    IndexInfo infos[k_most_indexes];
};

bool read_shape(Relation table) {
    TupleDesc row = RelationGetDescr(table);
    if (table->rd_rel->relkind != RELKIND_RELATION || table->rd_rel->relam != HEAP_TABLE_AM_OID ||
        table->trigdesc != nullptr || row->natts > k_most_columns)
        return false;
    int found = 0;
    for (int i = 0; i < row->natts; ++i) {
        Form_pg_attribute attribute = TupleDescAttr(row, i);
        if (attribute->attisdropped)
            continue;
        if (found == c_count || attribute->atttypid != k_shape[found].type ||
            std::strcmp(NameStr(attribute->attname), k_shape[found].name) != 0)
            return false;
        known.places[found++] = i;
    }
    known.has_rows = found == c_count;
    return found == c_count || found == k_needed;
}

bool read_indexes(Relation table) {
    known.index_count = 0;
    ListCell *cell = nullptr;
    foreach (cell, RelationGetIndexList(table)) {
        if (known.index_count == k_most_indexes)
            return false;
        Relation index = index_open(lfirst_oid(cell), RowExclusiveLock);
        IndexInfo *info = BuildIndexInfo(index);
        const bool plain = info->ii_Expressions == NIL && info->ii_Predicate == NIL &&
                           info->ii_ExclusionOps == nullptr && info->ii_ReadyForInserts &&
                           index->rd_index->indimmediate;
        index_close(index, NoLock);
        if (!plain)
            return false;
        known.indexes[known.index_count] = lfirst_oid(cell);
        known.infos[known.index_count] = *info;
#if PG_VERSION_NUM < 170000
        known.infos[known.index_count].ii_OpclassOptions = nullptr; // not used when inserting
#endif
        ++known.index_count;
    }
    return true;
}

void open_log(target &log) {
    if (!known.valid)
        known.table = pg::package_table_unsafe("rollup_changes");
    if (!OidIsValid(known.table))
        pg::refuse_not_deployed();
    log.table = table_open(known.table, RowExclusiveLock); // accepts what others changed
    if (!known.valid) {
        known.valid = true; // before the reading: a change that arrives meanwhile clears it again
        if (!read_shape(log.table) || !read_indexes(log.table)) {
            known.valid = false;
            throw core::error{k_altered, "table saas.rollup_changes is not as the package made it",
                              "It has other columns, or triggers or indexes of another kind.",
                              "Drop what was added to it; SELECT * FROM saas.validate() may say what is missing."};
        }
    }
    for (int i = 0; i < known.index_count; ++i) {
        log.indexes[i] = index_open(known.indexes[i], RowExclusiveLock);
        log.infos[i] = known.infos[i];
        log.infos[i].ii_AmCache = nullptr;
        log.infos[i].ii_Context = CurrentMemoryContext;
    }
}

// Places of rows as an array of type tid. Most are one, so that it is made by hand.
ArrayType *array_of(const change &noted) {
    const std::size_t size = ARR_OVERHEAD_NONULLS(1) + noted.count * sizeof(ItemPointerData);
    auto *array = static_cast<ArrayType *>(palloc0(size));
    SET_VARSIZE(array, size);
    array->ndim = 1;
    array->elemtype = TIDOID;
    ARR_DIMS(array)[0] = static_cast<int>(noted.count);
    ARR_LBOUND(array)[0] = 1;
    std::memcpy(ARR_DATA_PTR(array), noted.rows(), noted.count * sizeof(ItemPointerData));
    return array;
}

void insert_row(target &log, Datum *values, bool *nulls) {
    HeapTuple tuple = heap_form_tuple(RelationGetDescr(log.table), values, nulls);
    heap_insert(log.table, tuple, GetCurrentCommandId(true), 0, nullptr);
    for (int i = 0; i < known.index_count; ++i) {
        IndexInfo *info = &log.infos[i];
        Datum keys[INDEX_MAX_KEYS];
        bool key_nulls[INDEX_MAX_KEYS] = {};
        for (int k = 0; k < info->ii_NumIndexAttrs; ++k)
            keys[k] = values[info->ii_IndexAttrNumbers[k] - 1];
        index_insert(log.indexes[i], keys, key_nulls, &tuple->t_self, log.table,
                     info->ii_Unique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO, false, info);
    }
    heap_freetuple(tuple);
}

} // namespace

// Only marks: it can run in the middle of whatever the server does.
void log_changed(Oid table) noexcept {
    if (table == InvalidOid || table == known.table)
        known.valid = false;
}

void write_changes(const change *changes, std::size_t count, std::int32_t batch) {
    target log{};
    open_log(log);
    const int *place = known.places;
    Datum values[k_most_columns] = {};
    bool nulls[k_most_columns];
    std::fill(nulls, nulls + k_most_columns, true); // those of dropped columns stay so
    std::for_each(place, place + k_needed, [&nulls](int column) { nulls[column] = false; });
    values[place[c_xact]] = FullTransactionIdGetDatum(GetTopFullTransactionId());
    values[place[c_batch]] = Int32GetDatum(batch);
    values[place[c_changed_at]] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
    for (std::size_t i = 0; i < count; ++i) {
        if (i % 1024 == 1023)
            CHECK_FOR_INTERRUPTS();
        const change &noted = changes[i];
        values[place[c_team]] = UUIDPGetDatum(&noted.key.team);
        values[place[c_source]] = UUIDPGetDatum(&noted.key.source);
        values[place[c_span]] = TimestampTzGetDatum(noted.key.span);
        ArrayType *rows = nullptr;
        if (known.has_rows) {
            rows = noted.file == InvalidOid ? nullptr : array_of(noted);
            nulls[place[c_relation]] = nulls[place[c_rows]] = rows == nullptr;
            values[place[c_relation]] = ObjectIdGetDatum(noted.file);
            values[place[c_rows]] = PointerGetDatum(rows);
        }
        insert_row(log, values, nulls);
        if (rows != nullptr)
            pfree(rows);
    }
    for (int i = 0; i < known.index_count; ++i) {
#if PG_VERSION_NUM >= 170000
        index_insert_cleanup(log.indexes[i], &log.infos[i]);
#endif
        index_close(log.indexes[i], NoLock);
    }
    table_close(log.table, NoLock);
}

} // namespace saas::metrics
