// SPDX-License-Identifier: PostgreSQL
#include "pg/key_lookup.hpp"

#include <cstring>

#include "pg/index_scan.hpp"
#include "pg/package.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/genam.h"        // index_endscan
#include "access/htup_details.h" // heap_getattr
#include "access/table.h"        // table_open
#include "access/tableam.h"      // table_slot_create
#include "access/xact.h"         // CommandCounterIncrement
#include "catalog/pg_am.h"       // HEAP_TABLE_AM_OID
#include "catalog/pg_class.h"    // RELKIND_RELATION
#include "catalog/pg_index.h"    // Form_pg_index
#include "catalog/pg_type.h"     // UUIDOID
#include "executor/tuptable.h"   // slot_getattr
#include "utils/fmgroids.h"      // F_UUID_EQ
#include "utils/rel.h"           // RelationGetDescr
#include "utils/relcache.h"      // RelationGetPrimaryKeyIndex
#include "utils/snapmgr.h"       // GetLatestSnapshot
}

namespace saas::pg {
namespace {

[[noreturn]] void refuse_form_unsafe(const char *table) {
    ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
                    errmsg("table saas.%s has another form than the package gave it", table)));
    pg_unreachable();
}

std::int16_t find_column(TupleDesc columns, const column_form &wanted) {
    for (int i = 0; i < columns->natts; ++i) {
        Form_pg_attribute column = TupleDescAttr(columns, i);
        if (!column->attisdropped && column->atttypid == wanted.type &&
            std::strcmp(NameStr(column->attname), wanted.name) == 0)
            return column->attnum;
    }
    return 0;
}

// Whether the index is a plain one that begins with these columns, in this order.
bool begins_with(Relation index, std::span<const std::int16_t> columns) {
    const Form_pg_index form = index->rd_index;
    if (index->rd_rel->relam != BTREE_AM_OID || !form->indisvalid ||
        form->indnkeyatts < static_cast<int>(columns.size()))
        return false;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (form->indkey.values[i] != columns[i])
            return false;
    }
    return true;
}

bool is_key(Relation index, std::span<const std::int16_t> columns) {
    return index->rd_index->indnkeyatts == static_cast<int>(columns.size()) &&
           begins_with(index, columns);
}

Oid find_index(Relation table, std::span<const std::int16_t> columns) {
    List *indexes = RelationGetIndexList(table);
    Oid found = InvalidOid;
    ListCell *cell = nullptr;
    foreach (cell, indexes) {
        Relation index = index_open(lfirst_oid(cell), AccessShareLock);
        if (begins_with(index, columns) && RelationGetIndexPredicate(index) == NIL)
            found = RelationGetRelid(index);
        index_close(index, NoLock);
        if (OidIsValid(found))
            break;
    }
    list_free(indexes);
    return found;
}

bool is_usable_now(Oid index) {
    if (!OidIsValid(index))
        return false;
    Relation opened = index_open(index, AccessShareLock);
    const bool usable = is_usable(opened);
    index_close(opened, AccessShareLock);
    return usable;
}

} // namespace

void key_lookup::learn_columns_unsafe(void *relation) {
    auto *table = static_cast<Relation>(relation);
    if (table->rd_rel->relkind != RELKIND_RELATION || table->rd_rel->relam != HEAP_TABLE_AM_OID)
        refuse_form_unsafe(name_);
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        numbers_[i] = find_column(RelationGetDescr(table), columns_[i]);
        if (numbers_[i] == 0)
            refuse_form_unsafe(name_);
    }
}

void key_lookup::learn_unsafe(void *relation) {
    auto *table = static_cast<Relation>(relation);
    learn_columns_unsafe(table);
    index_ = RelationGetPrimaryKeyIndex(table);
    if (!OidIsValid(index_))
        refuse_form_unsafe(name_);
    Relation index = index_open(index_, AccessShareLock);
    const bool fits = is_key(index, std::span{numbers_}.first(keys_));
    index_close(index, NoLock);
    if (!fits)
        refuse_form_unsafe(name_);
}

void key_lookup::find_table() {
    if (known_ != table_.generation() && each_known_ != table_.generation() && !table_.find())
        refuse_not_deployed();
}

bool key_lookup::open_unsafe(std::span<const Datum> key, found_row &row) {
    Relation table = table_open(table_.oid(), AccessShareLock);
    if (known_ != table_.generation()) { // also when waiting for the lock brought news
        const std::uint64_t before = table_.generation();
        learn_unsafe(table);
        known_ = before;
    }
    Relation index = index_open(index_, AccessShareLock);
    Snapshot newest = RegisterSnapshot(GetLatestSnapshot());
    ScanKeyData conditions[INDEX_MAX_KEYS];
    for (std::size_t i = 0; i < keys_; ++i)
        ScanKeyInit(&conditions[i], static_cast<AttrNumber>(i + 1), BTEqualStrategyNumber,
                    F_UUID_EQ, key[i]);
    IndexScanDesc scan =
        begin_index_scan(table, index, newest, conditions, static_cast<int>(keys_));
    TupleTableSlot *slot = table_slot_create(table, nullptr);
    row.scan = scan;
    row.slot = slot;
    row.snapshot = newest;
    row.table = table;
    row.index = index;
    if (!index_getnext_slot(scan, ForwardScanDirection, slot)) {
        close_unsafe(row);
        return false;
    }
    for (std::size_t i = 0; i < columns_.size(); ++i)
        row.values[i] = slot_getattr(slot, numbers_[i], &row.nulls[i]);
    return true;
}

void key_lookup::close_unsafe(found_row &row) {
    ExecDropSingleTupleTableSlot(static_cast<TupleTableSlot *>(row.slot));
    index_endscan(static_cast<IndexScanDesc>(row.scan));
    UnregisterSnapshot(static_cast<Snapshot>(row.snapshot));
    index_close(static_cast<Relation>(row.index), AccessShareLock);
    table_close(static_cast<Relation>(row.table), AccessShareLock);
}

void key_lookup::begin_unsafe(std::span<const Datum> key, found_rows &rows) {
    Relation table = table_open(table_.oid(), AccessShareLock);
    if (each_known_ != table_.generation()) {
        const std::uint64_t before = table_.generation();
        learn_columns_unsafe(table);
        each_index_ = find_index(table, std::span{numbers_}.first(keys_));
        each_known_ = before;
    }
    CommandCounterIncrement();
    Snapshot newest = RegisterSnapshot(GetLatestSnapshot());
    ScanKeyData conditions[INDEX_MAX_KEYS];
    for (std::size_t i = 0; i < keys_; ++i)
        ScanKeyInit(&conditions[i], numbers_[i], BTEqualStrategyNumber, F_UUID_EQ, key[i]);
    rows.scan = systable_beginscan(table, each_index_, is_usable_now(each_index_), newest,
                                   static_cast<int>(keys_), conditions);
    rows.snapshot = newest;
    rows.table = table;
}

bool key_lookup::next_unsafe(found_rows &rows) {
    HeapTuple row = systable_getnext(static_cast<SysScanDesc>(rows.scan));
    if (!HeapTupleIsValid(row))
        return false;
    TupleDesc columns = RelationGetDescr(static_cast<Relation>(rows.table));
    for (std::size_t i = 0; i < columns_.size(); ++i)
        rows.values[i] = heap_getattr(row, numbers_[i], columns, &rows.nulls[i]);
    return true;
}

void key_lookup::end_unsafe(found_rows &rows) {
    systable_endscan(static_cast<SysScanDesc>(rows.scan));
    UnregisterSnapshot(static_cast<Snapshot>(rows.snapshot));
    table_close(static_cast<Relation>(rows.table), AccessShareLock);
}

} // namespace saas::pg
