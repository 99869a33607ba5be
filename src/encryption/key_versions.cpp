// SPDX-License-Identifier: PostgreSQL
// SQL entry points of rotation: new versions of keys, and the rows that older ones are still needed for. For the
// package's own functions. Frames hold plain data only.
#include <cstring>
#include <iterator>

#include "core/encryption/ciphertext.hpp"
#include "core/encryption/text_form.hpp"
#include "core/sha256.hpp"
#include "encryption/data_keys.hpp"
#include "pg/boundary.hpp"
#include "pg/datum.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/detoast.h"     // toast_raw_datum_size
#include "access/table.h"       // table_open
#include "access/tableam.h"     // table_beginscan
#include "catalog/pg_type.h"    // BYTEAOID
#include "executor/tuptable.h"  // slot_getattr
#include "miscadmin.h"          // CHECK_FOR_INTERRUPTS
#include "utils/memutils.h"     // AllocSetContextCreate
#include "utils/rel.h"          // RelationGetDescr
#include "utils/snapmgr.h"      // InitDirtySnapshot
#include "utils/uuid.h"         // DatumGetUUIDP
}

using namespace saas;             // NOLINT: entry points only
using namespace saas::encryption; // NOLINT

namespace {

core::uuid uuid_argument(Datum value) {
    core::uuid out{};
    std::memcpy(out.data(), DatumGetUUIDP(value)->data, out.size());
    return out;
}

std::string_view kind_argument(Datum value) {
    static constexpr std::string_view k_kinds[] = {"subject", "tenant", "index", "export"};
    const std::string_view given = pg::text_view_unsafe(value);
    for (const std::string_view kind : k_kinds) {
        if (kind == given)
            return kind;
    }
    throw core::error{core::k_invalid_parameter_value, "there is no such kind of keys", {},
                      "The kinds are tenant, subject, index and export."};
}

constexpr std::size_t k_head_digits = core::encryption::k_header_bytes / 3 * 4;

// The number of the key of a stored value, in either form; 0 for other values. Reads the head only.
std::uint64_t key_of(Datum value, bool as_text) {
    std::size_t size = toast_raw_datum_size(value) - VARHDRSZ;
    const std::size_t wanted = as_text ? core::encryption::k_text_form_prefix.size() + k_head_digits
                                       : core::encryption::k_header_bytes;
    const struct varlena *head = PG_DETOAST_DATUM_SLICE(value, 0, static_cast<int>(wanted));
    if (VARSIZE_ANY_EXHDR(head) < wanted)
        return 0;
    const auto *data = reinterpret_cast<const std::uint8_t *>(VARDATA_ANY(head));
    std::uint8_t decoded[core::encryption::k_header_bytes];
    std::span<const std::uint8_t> bytes{data, wanted};
    if (as_text) {
        const std::string_view form{reinterpret_cast<const char *>(data), wanted};
        const auto prefix = core::encryption::k_text_form_prefix;
        if (!form.starts_with(prefix) || !core::from_base64(form.substr(prefix.size()), decoded))
            return 0;
        bytes = decoded;
        size = (size - prefix.size()) / 4 * 3;
    }
    const auto known = core::encryption::parse_header(bytes, size);
    return known ? known->key_number : 0;
}

// Rows whose value is under the key, with those of transactions that have not ended.
std::int64_t count_rows(Relation table, AttrNumber column, std::uint64_t key, bool as_text) {
    SnapshotData snapshot;
    InitDirtySnapshot(snapshot);
    TupleTableSlot *slot = table_slot_create(table, nullptr);
    TableScanDesc scan = table_beginscan(table, &snapshot, 0, nullptr);
    MemoryContext each = AllocSetContextCreate(CurrentMemoryContext, "pg_saas scan", ALLOCSET_SMALL_SIZES);
    std::int64_t found = 0;
    while (table_scan_getnextslot(scan, ForwardScanDirection, slot)) {
        CHECK_FOR_INTERRUPTS();
        bool null = false;
        const Datum value = slot_getattr(slot, column, &null);
        if (null)
            continue;
        MemoryContext before = MemoryContextSwitchTo(each);
        found += key_of(value, as_text) == key ? 1 : 0;
        MemoryContextSwitchTo(before);
        MemoryContextReset(each);
    }
    table_endscan(scan);
    ExecDropSingleTupleTableSlot(slot);
    MemoryContextDelete(each);
    return found;
}

} // namespace

// Arguments: team, kind, subject, asset, version.
SAAS_FUNCTION(saas_make_key_version) {
    for (int i : {0, 1, 4}) {
        if (PG_ARGISNULL(i))
            throw core::error{core::k_invalid_parameter_value, "team, kind and version are needed"};
    }
    key_owner owner{uuid_argument(PG_GETARG_DATUM(0)), kind_argument(PG_GETARG_DATUM(1)), std::nullopt,
                    std::nullopt};
    if (!PG_ARGISNULL(2))
        owner.subject = uuid_argument(PG_GETARG_DATUM(2));
    if (!PG_ARGISNULL(3))
        owner.asset = uuid_argument(PG_GETARG_DATUM(3));
    make_key(owner, static_cast<std::uint32_t>(PG_GETARG_INT32(4)));
    PG_RETURN_VOID();
}

// Arguments: table, number of the column, number of the key. NULL for what has no rows to look at.
SAAS_FUNCTION(saas_rows_under_key) {
    Relation table = table_open(PG_GETARG_OID(0), AccessShareLock);
    const AttrNumber column = PG_GETARG_INT16(1);
    const char kind = table->rd_rel->relkind;
    const TupleDesc shape = RelationGetDescr(table);
    const bool readable = (kind == RELKIND_RELATION || kind == RELKIND_MATVIEW) && column > 0 &&
                          column <= shape->natts;
    std::int64_t found = 0;
    if (readable) {
        const Oid type = TupleDescAttr(shape, column - 1)->atttypid;
        const bool as_text = type == TEXTOID || type == VARCHAROID;
        if (type == BYTEAOID || as_text)
            found = count_rows(table, column, static_cast<std::uint64_t>(PG_GETARG_INT64(2)), as_text);
    }
    table_close(table, AccessShareLock);
    if (!readable)
        PG_RETURN_NULL();
    PG_RETURN_INT64(found);
}
