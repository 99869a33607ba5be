// SPDX-License-Identifier: PostgreSQL
#include "encryption/key_scan.hpp"

#include <cstring>

#include "pg/datum.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/genam.h"      // index_beginscan
#include "access/table.h"      // table_open
#include "access/tableam.h"    // table_slot_create
#include "access/xact.h"       // IsInParallelMode
#include "catalog/namespace.h" // get_namespace_oid
#include "catalog/pg_am.h"     // BTREE_AM_OID
#include "catalog/pg_class.h"  // RELKIND_RELATION
#include "catalog/pg_index.h"  // Form_pg_index
#include "catalog/pg_type.h"   // UUIDOID
#include "executor/tuptable.h" // slot_getattr
#include "utils/builtins.h"    // CStringGetTextDatum
#include "utils/fmgroids.h"    // F_UUID_EQ
#include "utils/lsyscache.h"   // get_relname_relid
#include "utils/rel.h"         // RelationGetDescr
#include "utils/relcache.h"    // RelationGetIndexList
#include "utils/snapmgr.h"     // GetLatestSnapshot
#include "utils/uuid.h"        // pg_uuid_t
}

namespace saas::encryption {
namespace {

enum column : std::size_t { c_team, c_number, c_kind, c_subject, c_asset, c_version, c_status, c_epoch, c_wrapped, c_uses, c_restricted, c_count };

struct column_form {
    const char *name;
    Oid type;
};
constexpr column_form k_columns[c_count] = {
    {"team_id", UUIDOID},  {"key_no", INT8OID}, {"kind", TEXTOID},      {"subject_id", UUIDOID}, {"asset_id", UUIDOID},
    {"version", INT4OID},  {"status", TEXTOID}, {"kek_epoch", INT4OID}, {"wrapped", BYTEAOID},   {"uses", INT8OID},
    {"is_restricted", BOOLOID},
};
using column_numbers = AttrNumber[c_count];

// What a row is looked up by: these belong to the first columns of an index, in order.
struct condition {
    RegProcedure equal;
    Datum value;
    bool null;
};

[[noreturn]] void refuse_form_unsafe() {
    elog(ERROR, "table saas.encryption_keys has another form than the package gave it");
    pg_unreachable();
}

void find_columns_unsafe(Relation table, column_numbers &numbers) {
    const TupleDesc shape = RelationGetDescr(table);
    for (std::size_t c = 0; c < c_count; ++c) {
        numbers[c] = get_attnum(RelationGetRelid(table), k_columns[c].name);
        if (numbers[c] <= 0 || TupleDescAttr(shape, numbers[c] - 1)->atttypid != k_columns[c].type)
            refuse_form_unsafe();
    }
}

// The whole unique index over these columns, in this order.
Relation open_index_unsafe(Relation table, const column_numbers &numbers, const column *wanted, int count) {
    List *indexes = RelationGetIndexList(table);
    const ListCell *cell = nullptr;
    foreach (cell, indexes) {
        Relation index = index_open(lfirst_oid(cell), AccessShareLock);
        const Form_pg_index form = index->rd_index;
        bool fits = index->rd_rel->relam == BTREE_AM_OID && form->indisvalid && form->indisunique &&
                    form->indnkeyatts == count && heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, nullptr);
        for (int i = 0; fits && i < count; ++i)
            fits = form->indkey.values[i] == numbers[wanted[i]];
        if (fits)
            return index;
        index_close(index, AccessShareLock);
    }
    refuse_form_unsafe();
}

Datum attribute(TupleTableSlot *slot, const column_numbers &numbers, column c, bool &null) {
    return slot_getattr(slot, numbers[c], &null);
}

std::optional<core::uuid> uuid_of(TupleTableSlot *slot, const column_numbers &numbers, column c) {
    bool null = false;
    const Datum value = attribute(slot, numbers, c, null);
    core::uuid out{};
    if (null)
        return std::nullopt;
    std::memcpy(out.data(), DatumGetUUIDP(value)->data, out.size());
    return out;
}

void text_of_unsafe(TupleTableSlot *slot, const column_numbers &numbers, column c, char (&out)[16]) {
    bool null = false;
    const Datum value = attribute(slot, numbers, c, null);
    const auto view = null ? std::string_view{} : pg::text_view_unsafe(value);
    out[view.copy(out, sizeof(out) - 1)] = '\0';
}

void take_unsafe(TupleTableSlot *slot, const column_numbers &numbers, stored_key &out) {
    bool null = false;
    out.number = DatumGetInt64(attribute(slot, numbers, c_number, null));
    out.version = DatumGetInt32(attribute(slot, numbers, c_version, null));
    out.epoch = DatumGetInt32(attribute(slot, numbers, c_epoch, null));
    out.uses = DatumGetInt64(attribute(slot, numbers, c_uses, null));
    out.restricted = DatumGetBool(attribute(slot, numbers, c_restricted, null));
    text_of_unsafe(slot, numbers, c_kind, out.kind);
    text_of_unsafe(slot, numbers, c_status, out.status);
    out.subject = uuid_of(slot, numbers, c_subject);
    out.asset = uuid_of(slot, numbers, c_asset);
    const Datum wrapped = attribute(slot, numbers, c_wrapped, null);
    const bytea *bytes = null ? nullptr : DatumGetByteaPP(wrapped);
    out.has_wrapped = bytes != nullptr && VARSIZE_ANY_EXHDR(bytes) == out.wrapped.size();
    if (out.has_wrapped)
        std::memcpy(out.wrapped.data(), VARDATA_ANY(bytes), out.wrapped.size());
}

// The last row in the order of the index that fulfils the conditions.
bool find_last_unsafe(const column *indexed, int indexed_count, const condition *conditions, int count, stored_key &out) {
    const Oid oid = get_relname_relid("encryption_keys", get_namespace_oid("saas", false));
    if (!OidIsValid(oid))
        refuse_form_unsafe();
    Relation table = table_open(oid, AccessShareLock);
    if (table->rd_rel->relkind != RELKIND_RELATION || table->rd_rel->relam != HEAP_TABLE_AM_OID)
        refuse_form_unsafe();
    column_numbers numbers;
    find_columns_unsafe(table, numbers);
    Relation index = open_index_unsafe(table, numbers, indexed, indexed_count);
    ScanKeyData keys[c_count];
    for (int i = 0; i < count; ++i)
        ScanKeyEntryInitialize(&keys[i], conditions[i].null ? SK_ISNULL | SK_SEARCHNULL : 0, static_cast<AttrNumber>(i + 1),
                               conditions[i].null ? InvalidStrategy : BTEqualStrategyNumber, InvalidOid,
                               index->rd_indcollation[i], conditions[i].null ? InvalidOid : conditions[i].equal,
                               conditions[i].value);
    // A parallel query may not take a new snapshot of its own, but one as for catalogs.
    Snapshot newest = RegisterSnapshot(IsInParallelMode() ? GetCatalogSnapshot(InvalidOid) : GetLatestSnapshot());
#if PG_VERSION_NUM >= 180000
    IndexScanDesc scan = index_beginscan(table, index, newest, nullptr, count, 0);
#else
    IndexScanDesc scan = index_beginscan(table, index, newest, count, 0);
#endif
    index_rescan(scan, keys, count, nullptr, 0);
    TupleTableSlot *slot = table_slot_create(table, nullptr);
    const bool found = index_getnext_slot(scan, BackwardScanDirection, slot);
    if (found)
        take_unsafe(slot, numbers, out);
    ExecDropSingleTupleTableSlot(slot);
    index_endscan(scan);
    UnregisterSnapshot(newest);
    index_close(index, AccessShareLock);
    table_close(table, AccessShareLock);
    return found;
}

} // namespace

bool find_key_unsafe(const core::uuid &team, std::uint64_t number, stored_key &out) {
    static constexpr column k_indexed[] = {c_team, c_number};
    pg_uuid_t team_value;
    std::memcpy(team_value.data, team.data(), team.size());
    const condition conditions[] = {{F_UUID_EQ, UUIDPGetDatum(&team_value), false},
                                    {F_INT8EQ, Int64GetDatum(static_cast<std::int64_t>(number)), false}};
    return find_last_unsafe(k_indexed, 2, conditions, 2, out);
}

bool find_newest_key_unsafe(const core::uuid &team, const char *kind, const std::optional<core::uuid> &subject,
                            const std::optional<core::uuid> &asset, stored_key &out) {
    static constexpr column k_indexed[] = {c_team, c_kind, c_subject, c_asset, c_version};
    pg_uuid_t ids[3] = {};
    std::memcpy(ids[0].data, team.data(), team.size());
    if (subject)
        std::memcpy(ids[1].data, subject->data(), subject->size());
    if (asset)
        std::memcpy(ids[2].data, asset->data(), asset->size());
    const condition conditions[] = {
        {F_UUID_EQ, UUIDPGetDatum(&ids[0]), false},
        {F_TEXTEQ, CStringGetTextDatum(kind), false},
        {F_UUID_EQ, subject ? UUIDPGetDatum(&ids[1]) : Datum{0}, !subject},
        {F_UUID_EQ, asset ? UUIDPGetDatum(&ids[2]) : Datum{0}, !asset},
    };
    return find_last_unsafe(k_indexed, 5, conditions, 4, out);
}

} // namespace saas::encryption
