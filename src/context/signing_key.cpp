// SPDX-License-Identifier: PostgreSQL
#include "context/signing_key.hpp"

#include <algorithm>
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

namespace saas::context {
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

// Copies the key with the highest id (they ascend) into `key`. Plain data only.
bool read_newest_unsafe(std::uint8_t *key, std::size_t size) {
    Oid table = pg::package_table_unsafe("context_keys");
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
    pg_uuid_t newest;
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
        bool newer = !found || std::memcmp(row->data, newest.data, UUID_LEN) > 0;
        if (newer && VARSIZE_ANY_EXHDR(bytes) == size) {
            std::memcpy(key, VARDATA_ANY(bytes), size);
            newest = *row;
            found = true;
        }
    }
    table_endscan(scan);
    UnregisterSnapshot(snapshot);
    table_close(relation, AccessShareLock);
    return found;
}

} // namespace

std::optional<core::context::signing_key> read_signing_key() {
    core::context::signing_key key{};
    if (!pg::call([&] { return read_newest_unsafe(key.data(), key.size()); }))
        return std::nullopt;
    return key;
}

} // namespace saas::context
