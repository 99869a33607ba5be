// SPDX-License-Identifier: PostgreSQL
#include "audit/redact.hpp"

#include "audit/leaf.hpp"
#include "audit/partition.hpp"
#include "core/error.hpp"
#include "pg/boundary.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // heap_deform_tuple
#include "access/table.h"        // table_close
#include "catalog/namespace.h"   // get_namespace_oid
#include "catalog/pg_class.h"    // Form_pg_class
#include "catalog/pg_type.h"     // type oids
#include "executor/spi.h"        // SPI_execute_plan
#include "utils/acl.h"           // has_privs_of_role
#include "utils/array.h"         // deconstruct_array
#include "utils/datum.h"         // datum_image_eq
#include "utils/lsyscache.h"     // get_relname_relid
#include "utils/rel.h"           // RelationGetDescr
#include "utils/syscache.h"      // SearchSysCache1
#include "utils/uuid.h"          // DatumGetUUIDP
}

namespace saas::audit {
namespace {

// A row that is erased, and the salt of its commitment.
struct erased_row {
    pg_uuid_t id;
    const bytea *salt;
};

// The rows to erase by their ids, while the statement below runs.
const erased_row *erasing = nullptr;
int erasing_count = 0;

// Lets the erasure of these rows through as long as it lives.
class permission {
public:
    permission(const erased_row *rows, int count) {
        erasing = rows;
        erasing_count = count;
    }
    ~permission() {
        erasing = nullptr;
        erasing_count = 0;
    }
    permission(const permission &) = delete;
    permission &operator=(const permission &) = delete;
};

constexpr struct {
    const char *name;
    log_column column;
} k_payload[] = {{"row_key", c_row_key},           {"old_values", c_old_values},
                 {"new_values", c_new_values},     {"client_addr", c_client_addr},
                 {"payload_hash", c_payload_hash}};

// The payload column of that name, or k_log_columns.
log_column payload_column(const char *name) {
    for (const auto &known : k_payload) {
        if (std::strcmp(name, known.name) == 0)
            return known.column;
    }
    return k_log_columns;
}

bool same_value(Form_pg_attribute attribute, Datum before, bool before_null, Datum after,
                bool after_null) {
    if (before_null || after_null)
        return before_null && after_null;
    return datum_image_eq(before, after, attribute->attbyval, attribute->attlen);
}

std::span<const std::uint8_t> bytes_of(const bytea *salt) {
    return {reinterpret_cast<const std::uint8_t *>(VARDATA_ANY(salt)), VARSIZE_ANY_EXHDR(salt)};
}

int compare_ids(const void *a, const void *b) {
    return std::memcmp(static_cast<const erased_row *>(a)->id.data, static_cast<const erased_row *>(b)->id.data, UUID_LEN);
}

// Whether the commitment is that of one of the rows with this id: other teams may have one, too.
bool is_commitment(const pg_uuid_t *id, log_row &payload, Datum commitment) {
    erased_row wanted{*id, nullptr};
    const auto *row = std::lower_bound(erasing, erasing + erasing_count, wanted,
                                       [](const erased_row &a, const erased_row &b) { return compare_ids(&a, &b) < 0; });
    for (; row != erasing + erasing_count && compare_ids(row, &wanted) == 0; ++row)
        if (datum_image_eq(commit_payload(payload, bytes_of(row->salt)), commitment, false, -1))
            return true;
    return false;
}

bool is_erasure(TupleDesc shape, HeapTuple before, HeapTuple after) {
    auto **values = static_cast<Datum **>(palloc(2 * sizeof(Datum *)));
    auto **nulls = static_cast<bool **>(palloc(2 * sizeof(bool *)));
    HeapTuple rows[2] = {before, after};
    for (int i = 0; i < 2; ++i) {
        values[i] = static_cast<Datum *>(palloc(sizeof(Datum) * static_cast<Size>(shape->natts)));
        nulls[i] = static_cast<bool *>(palloc(static_cast<Size>(shape->natts)));
        heap_deform_tuple(rows[i], shape, values[i], nulls[i]);
    }
    log_row old_payload;
    log_row new_payload;
    const pg_uuid_t *id = nullptr;
    for (int i = 0; i < shape->natts; ++i) {
        Form_pg_attribute attribute = TupleDescAttr(shape, i);
        if (attribute->attisdropped)
            continue;
        const log_column column = payload_column(NameStr(attribute->attname));
        if (column == k_log_columns) {
            if (!same_value(attribute, values[0][i], nulls[0][i], values[1][i], nulls[1][i]))
                return false;
            if (attribute->atttypid == UUIDOID && std::strcmp(NameStr(attribute->attname), "id") == 0)
                id = DatumGetUUIDP(values[0][i]);
            continue;
        }
        if (!nulls[0][i])
            old_payload.set(column, values[0][i]);
        if (!nulls[1][i])
            new_payload.set(column, values[1][i]);
    }
    if (!old_payload.nulls[c_payload_hash] || new_payload.nulls[c_payload_hash])
        return false;
    for (const auto &known : k_payload) {
        if (known.column != c_payload_hash && !new_payload.nulls[known.column])
            return false;
    }
    return id != nullptr && is_commitment(id, old_payload, new_payload.values[c_payload_hash]);
}

// Prepared once a session for any keys: to plan it over all partitions costs far more than to run it. Needs SPI.
SPIPlanPtr erasing_plan_unsafe() {
    static SPIPlanPtr kept = nullptr;
    if (kept != nullptr)
        return kept;
    Oid types[] = {UUIDARRAYOID, TIMESTAMPTZARRAYOID, UUIDARRAYOID, BYTEAARRAYOID};
    SPIPlanPtr plan = SPI_prepare_cursor(
        "UPDATE saas.audit_logs AS l SET payload_hash = saas.audit_commitment(r.salt,"
        " l.row_key, l.old_values, l.new_values, l.client_addr), row_key = NULL, old_values = NULL, new_values = NULL, client_addr = NULL"
        " FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4))"
        " AS r (team_id, created_at, id, salt)"
        " WHERE l.team_id = r.team_id AND l.created_at = r.created_at AND l.id = r.id AND l.payload_hash IS NULL",
        4, types, CURSOR_OPT_GENERIC_PLAN);
    if (plan == nullptr || SPI_keepplan(plan) != 0)
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("cannot erase an audit payload")));
    kept = plan;
    return kept;
}

// Runs as the owner of the log, like the writing of it.
uint64 erase_unsafe(Datum *key) {
    Relation log = open_log();
    const Oid owner = log->rd_rel->relowner;
    table_close(log, NoLock);
    Oid caller = InvalidOid;
    int security = 0;
    GetUserIdAndSecContext(&caller, &security);
    refuse_borrowed_rights(owner);
    SetUserIdAndSecContext(owner, security | SECURITY_LOCAL_USERID_CHANGE |
                                      SECURITY_RESTRICTED_OPERATION | SECURITY_NOFORCE_RLS);
    SPI_connect();
    const int result = SPI_execute_plan(erasing_plan_unsafe(), key, nullptr, false, 0);
    const uint64 rows = SPI_processed;
    SPI_finish();
    SetUserIdAndSecContext(caller, security);
    if (result != SPI_OK_UPDATE)
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("cannot erase an audit payload")));
    return rows;
}

// The rows by their ids, which the trigger looks for. Raises 22023 for arrays that do not fit each other.
const erased_row *read_rows_unsafe(const Datum *keys, int *count) {
    constexpr Oid k_types[] = {UUIDOID, TIMESTAMPTZOID, UUIDOID, BYTEAOID};
    Datum *values[4];
    for (int i = 0; i < 4; ++i) {
        int16 length;
        bool by_value;
        char alignment;
        bool *nulls;
        int found;
        get_typlenbyvalalign(k_types[i], &length, &by_value, &alignment);
        ArrayType *array = DatumGetArrayTypeP(keys[i]);
        deconstruct_array(array, k_types[i], length, by_value, alignment, &values[i], &nulls, &found);
        if (ARR_NDIM(array) > 1 || ARR_HASNULL(array) || (i > 0 && found != *count))
            ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("each row of the audit trail has a team, a time, an id and a salt")));
        *count = found;
    }
    auto *rows = static_cast<erased_row *>(palloc(static_cast<Size>(Max(*count, 1)) * sizeof(erased_row)));
    for (int i = 0; i < *count; ++i)
        rows[i] = {*DatumGetUUIDP(values[2][i]), DatumGetByteaPP(values[3][i])};
    qsort(rows, static_cast<Size>(*count), sizeof(erased_row), compare_ids);
    return rows;
}

} // namespace

bool erases_payload(const TriggerData &data) {
    if (erasing == nullptr || !TRIGGER_FIRED_BY_UPDATE(data.tg_event))
        return false;
    return !TRIGGER_FIRED_FOR_ROW(data.tg_event) ||
           is_erasure(RelationGetDescr(data.tg_relation), data.tg_trigtuple, data.tg_newtuple);
}

} // namespace saas::audit

// (teams, times, ids, salts of rows) -> how many were erased
SAAS_FUNCTION(saas_redact_audit_payloads) {
    Datum keys[4] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), PG_GETARG_DATUM(2), PG_GETARG_DATUM(3)};
    int count = 0;
    const saas::audit::erased_row *rows = saas::audit::read_rows_unsafe(keys, &count);
    if (count == 0)
        PG_RETURN_INT64(0);
    saas::audit::permission permitted{rows, count};
    PG_RETURN_INT64(static_cast<int64>(saas::pg::call([&] { return saas::audit::erase_unsafe(keys); })));
}

// Whether the session acts as the owner of the log. Inside a SECURITY DEFINER function too: then
// the role that called counts, not the role whose rights the function has.
SAAS_FUNCTION(saas_is_audit_owner) {
    const Oid schema = get_namespace_oid("saas", true);
    const Oid log = OidIsValid(schema) ? get_relname_relid("audit_logs", schema) : InvalidOid;
    HeapTuple entry = SearchSysCache1(RELOID, ObjectIdGetDatum(log));
    if (!HeapTupleIsValid(entry))
        PG_RETURN_BOOL(false);
    const Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(entry))->relowner;
    ReleaseSysCache(entry);
    PG_RETURN_BOOL(has_privs_of_role(GetOuterUserId(), owner));
}
