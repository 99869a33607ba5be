// SPDX-License-Identifier: PostgreSQL
#include "audit/log.hpp"

#include "audit/partition.hpp"
#include "audit/request.hpp"
#include "core/error.hpp"
#include "core/uuid.hpp"

#include <array>
#include <cstring>
#include <span>
#include <string>

#include "pg/prelude.hpp"

extern "C" {
#include "access/genam.h"        // index_insert
#include "access/heapam.h"       // heap_insert
#include "access/htup_details.h" // heap_form_tuple
#include "access/table.h"        // table_open
#include "access/xact.h"         // GetCurrentStatementStartTimestamp
#include "catalog/pg_type.h"     // type oids
#include "catalog/pg_database.h" // Form_pg_database
#include "executor/spi.h"        // SPI_execute_plan
#include "utils/datum.h"         // datumCopy
#include "utils/rel.h"           // RelationGetDescr
#include "utils/syscache.h"      // SearchSysCache1
#include "utils/timestamp.h"     // TimestampTzGetDatum
#include "utils/uuid.h"          // pg_uuid_t
#include "utils/xid8.h"          // FullTransactionIdGetDatum
}

namespace saas::audit {
namespace {

constexpr core::sqlstate k_foreign_log{"SA003"};

// Fresh random bytes. The generator is asked for many at a time: one call costs more than a row.
template <std::size_t size>
std::span<const std::uint8_t, size> random_bytes() {
    static std::array<std::uint8_t, 64 * size> batch;
    static std::size_t used = batch.size();
    if (used == batch.size()) {
        if (!pg_strong_random(batch.data(), batch.size()))
            throw core::error{core::k_internal_error, "could not generate random bytes"};
        used = 0;
    }
    const std::span<const std::uint8_t, size> bytes{batch.data() + used, size};
    used += size;
    return bytes;
}

// By the clock and not by the start of the statement, which may have waited for the row: so the ids
// of one row's changes ascend whichever sessions made them.
Datum next_id() {
    static core::uuid_v7_generator generator;
    constexpr TimestampTz k_epoch =
        TimestampTz{POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE} * USECS_PER_DAY;
    const auto microseconds = static_cast<std::uint64_t>(GetCurrentTimestamp() + k_epoch);
    const core::uuid id =
        generator.next(microseconds, random_bytes<core::uuid_v7_generator::k_random_bytes>());
    auto *copy = static_cast<pg_uuid_t *>(palloc(sizeof(pg_uuid_t)));
    std::memcpy(copy->data, id.data(), UUID_LEN);
    return UUIDPGetDatum(copy);
}

void set_optional(log_row &row, log_column column, optional_datum value) {
    if (!value.missing)
        row.set(column, value.value);
}

// Inserts into the partition's indexes as the executor does, for indexes of plain columns.
void insert_index_entries(Relation partition, HeapTuple tuple, const log_target &target,
                          const Datum *values, const bool *nulls) {
    for (int i = 0; i < target.index_count; ++i) {
        const index_target &known = target.indexes[i];
        IndexInfo info = known.info;
        info.ii_AmCache = nullptr;
        info.ii_Context = CurrentMemoryContext;
        Datum index_values[INDEX_MAX_KEYS];
        bool index_nulls[INDEX_MAX_KEYS];
        for (int k = 0; k < info.ii_NumIndexAttrs; ++k) {
            const int attribute = info.ii_IndexAttrNumbers[k] - 1;
            index_values[k] = values[attribute];
            index_nulls[k] = nulls[attribute];
        }
        Relation index = index_open(known.index, RowExclusiveLock);
        index_insert(index, index_values, index_nulls, &tuple->t_self, partition,
                     info.ii_Unique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO, false, &info);
#if PG_VERSION_NUM >= 170000
        index_insert_cleanup(index, &info);
#endif
        index_close(index, NoLock);
    }
}

void insert_directly(const log_row &row, const log_target &target) {
    Relation partition = table_open(target.partition, NoLock);
    TupleDesc shape = RelationGetDescr(partition);
    Datum values[MaxTupleAttributeNumber];
    bool nulls[MaxTupleAttributeNumber];
    std::memset(nulls, true, static_cast<Size>(shape->natts));
    for (int i = 0; i < k_log_columns; ++i) {
        values[target.attributes[i]] = row.values[i];
        nulls[target.attributes[i]] = row.nulls[i];
    }
    HeapTuple tuple = heap_form_tuple(shape, values, nulls);
    heap_insert(partition, tuple, GetCurrentCommandId(true), 0, nullptr);
    insert_index_entries(partition, tuple, target, values, nulls);
    table_close(partition, NoLock);
}

[[noreturn]] void fail_in_spi(const char *step, int code) {
    throw core::error{core::k_internal_error,
                      std::string{"cannot "} + step +
                          " the audit statement: " + SPI_result_code_string(code)};
}

// All columns but the hash of an erased payload, which a new row does not have.
constexpr int k_written_columns = c_payload_hash;

SPIPlanPtr prepare_insert() {
    Oid types[k_written_columns] = {UUIDOID, TIMESTAMPTZOID, UUIDOID,  XID8OID,  UUIDOID,
                                    UUIDOID, CHAROID,        TEXTOID,  JSONBOID, JSONBOID,
                                    JSONBOID, TEXTOID,       TEXTOID,  TEXTOID,  INETOID};
    SPIPlanPtr plan = SPI_prepare(
        "INSERT INTO saas.audit_logs (team_id, created_at, id, xact_id, actor_id, row_id,"
        " operation, table_name, row_key, old_values, new_values, db_role, login_role,"
        " request_id, client_addr)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        k_written_columns, types);
    if (plan == nullptr || SPI_keepplan(plan) != 0)
        fail_in_spi("prepare", SPI_result);
    return plan;
}

Oid database_owner() {
    HeapTuple row = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
    if (!HeapTupleIsValid(row))
        throw core::error{core::k_internal_error, "the database is not in the catalog"};
    const Oid owner = reinterpret_cast<Form_pg_database>(GETSTRUCT(row))->datdba;
    ReleaseSysCache(row);
    return owner;
}

// Runs as the owner of the log, who may have put triggers and defaults on it: they get his rights,
// not those of the user whose change is recorded, nor a superuser's, and can leave nothing in the
// session that would run with other rights later. FORCE ROW LEVEL SECURITY,
// which binds the owner too, is lifted for this statement alone.
void insert_by_statement(log_row &row, Oid owner) {
    static SPIPlanPtr plan = nullptr;
    refuse_borrowed_rights(owner);
    // The trigger's plan may be made anew by what the owner's triggers do.
    row.values[c_table_name] = datumCopy(row.values[c_table_name], false, -1);
    char absent[k_written_columns + 1] = {};
    for (int i = 0; i < k_written_columns; ++i)
        absent[i] = row.nulls[i] ? 'n' : ' ';
    Oid caller = InvalidOid;
    int security = 0;
    GetUserIdAndSecContext(&caller, &security);
    SetUserIdAndSecContext(owner, security | SECURITY_LOCAL_USERID_CHANGE |
                                      SECURITY_RESTRICTED_OPERATION | SECURITY_NOFORCE_RLS);
    SPI_connect();
    if (plan == nullptr)
        plan = prepare_insert();
    const int result = SPI_execute_plan(plan, row.values, absent, false, 0);
    if (result != SPI_OK_INSERT)
        fail_in_spi("execute", result);
    SPI_finish();
    // After an error the end of the (sub)transaction restores both.
    SetUserIdAndSecContext(caller, security);
}

} // namespace

void refuse_borrowed_rights(Oid owner) {
    if (superuser_arg(owner) && !superuser_arg(database_owner()))
        throw core::error{k_foreign_log,
                          "saas.audit_logs belongs to a superuser, the database does not",
                          "A change of an audited table must be recorded.",
                          "Give the log and its partitions to the owner of the database."};
}

void describe_request(log_row &row, char operation, const Datum *team) {
    const TimestampTz now = GetCurrentStatementStartTimestamp();
    if (team != nullptr) {
        row.set(c_team_id, *team);
    } else {
        static const pg_uuid_t platform = {};
        const optional_datum current = current_team();
        row.set(c_team_id, current.missing ? UUIDPGetDatum(&platform) : current.value);
    }
    row.set(c_created_at, TimestampTzGetDatum(now));
    row.set(c_id, next_id());
    row.set(c_xact_id, FullTransactionIdGetDatum(GetTopFullTransactionId()));
    row.set(c_operation, CharGetDatum(operation));
    set_optional(row, c_actor_id, current_user());
    set_optional(row, c_db_role, effective_role());
    set_optional(row, c_login_role, login_role());
    set_optional(row, c_request_id, request_id());
    set_optional(row, c_client_addr, client_address());
}

void write_log(log_row &row) {
    Relation log = open_log();
    const log_target &target = find_target(log, DatumGetTimestampTz(row.values[c_created_at]));
    if (target.direct)
        insert_directly(row, target);
    else
        insert_by_statement(row, log->rd_rel->relowner);
    table_close(log, NoLock);
}

} // namespace saas::audit
