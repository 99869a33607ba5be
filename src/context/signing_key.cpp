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
#include "catalog/pg_class.h"    // RELKIND_RELATION
#include "catalog/pg_type.h"     // UUIDOID, BYTEAOID
#include "utils/lsyscache.h"     // get_attnum, get_rel_relkind, get_atttype
#include "utils/snapmgr.h"       // GetCatalogSnapshot
#include "utils/uuid.h"          // pg_uuid_t
}

namespace saas::context {
namespace {

// Copies the key with the highest id (they ascend) into `key`. Plain data only.
bool read_newest_unsafe(std::uint8_t *key, std::size_t size) {
    Oid table = pg::package_table_unsafe("context_keys");
    if (!OidIsValid(table))
        return false;
    AttrNumber id_column = get_attnum(table, "id");
    AttrNumber key_column = get_attnum(table, "key");
    // The owner may have put something else in its place: read only what has the form.
    if (get_rel_relkind(table) != RELKIND_RELATION || get_atttype(table, id_column) != UUIDOID ||
        get_atttype(table, key_column) != BYTEAOID)
        return false;
    pg_uuid_t newest;
    bool found = false;
    Relation relation = table_open(table, AccessShareLock);
    // What is committed by now, which GetLatestSnapshot() refuses to parallel workers.
    Snapshot snapshot = RegisterSnapshot(GetCatalogSnapshot(table));
    TableScanDesc scan = table_beginscan(relation, snapshot, 0, nullptr);
    HeapTuple tuple;
    while ((tuple = heap_getnext(scan, ForwardScanDirection)) != nullptr) {
        bool id_null = true;
        bool key_null = true;
        Datum id = heap_getattr(tuple, id_column, RelationGetDescr(relation), &id_null);
        Datum value = heap_getattr(tuple, key_column, RelationGetDescr(relation), &key_null);
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
