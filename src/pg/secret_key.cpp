// SPDX-License-Identifier: PostgreSQL
#include "pg/secret_key.hpp"

#include <cstring>

#include "pg/boundary.hpp"
#include "pg/package.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/heapam.h"       // heap_getnext
#include "access/htup_details.h" // heap_getattr
#include "access/table.h"        // table_open
#include "access/tableam.h"      // table_beginscan
#include "catalog/pg_am.h"       // HEAP_TABLE_AM_OID
#include "catalog/pg_class.h"    // RELKIND_RELATION
#include "catalog/pg_type.h"     // UUIDOID, BYTEAOID
#include "utils/rel.h"           // RelationGetDescr
#include "utils/snapmgr.h"       // GetCatalogSnapshot
#include "utils/uuid.h"          // pg_uuid_t
}

namespace saas::pg {
namespace {

// The number of the column of that name and type, or 0.
AttrNumber find_column(TupleDesc columns, const char *name, Oid type) {
    for (int i = 0; i < columns->natts; ++i) {
        Form_pg_attribute column = TupleDescAttr(columns, i);
        if (!column->attisdropped && column->atttypid == type &&
            std::strcmp(NameStr(column->attname), name) == 0)
            return column->attnum;
    }
    return 0;
}

// Copies the row wanted into `out`. Plain data only.
bool read_unsafe(const char *name, const secret_id *wanted, secret_key &out) {
    Oid table = package_table_unsafe(name);
    if (!OidIsValid(table))
        return false;
    Relation relation = table_open(table, AccessShareLock);
    TupleDesc columns = RelationGetDescr(relation);
    AttrNumber id_column = find_column(columns, "id", UUIDOID);
    AttrNumber key_column = find_column(columns, "key", BYTEAOID);
    // The owner may have put something else in its place: read only what has the form, and ask for
    // the form under the lock, since waiting for it may have changed it.
    if (relation->rd_rel->relkind != RELKIND_RELATION ||
        relation->rd_rel->relam != HEAP_TABLE_AM_OID || id_column == 0 || key_column == 0) {
        table_close(relation, AccessShareLock);
        return false;
    }
    bool found = false;
    // What is committed by now, which GetLatestSnapshot() refuses to parallel workers.
    Snapshot snapshot = RegisterSnapshot(GetCatalogSnapshot(table));
    TableScanDesc scan = table_beginscan(relation, snapshot, 0, nullptr);
    HeapTuple tuple;
    while ((tuple = heap_getnext(scan, ForwardScanDirection)) != nullptr) {
        bool id_null = true;
        bool key_null = true;
        Datum id = heap_getattr(tuple, id_column, columns, &id_null);
        Datum value = heap_getattr(tuple, key_column, columns, &key_null);
        if (id_null || key_null)
            continue;
        bytea *bytes = DatumGetByteaPP(value);
        pg_uuid_t *row = DatumGetUUIDP(id);
        const bool taken = wanted != nullptr
                               ? std::memcmp(row->data, wanted->data(), UUID_LEN) == 0
                               : !found || std::memcmp(row->data, out.id.data(), UUID_LEN) > 0;
        if (taken && VARSIZE_ANY_EXHDR(bytes) == out.key.size()) {
            std::memcpy(out.key.data(), VARDATA_ANY(bytes), out.key.size());
            std::memcpy(out.id.data(), row->data, UUID_LEN);
            found = true;
        }
    }
    table_endscan(scan);
    UnregisterSnapshot(snapshot);
    table_close(relation, AccessShareLock);
    return found;
}

} // namespace

std::optional<secret_key> read_secret_key(const char *table, const secret_id *id) {
    secret_key found{};
    if (!call([&] { return read_unsafe(table, id, found); }))
        return std::nullopt;
    return found;
}

} // namespace saas::pg
