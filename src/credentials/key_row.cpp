// SPDX-License-Identifier: PostgreSQL
#include "credentials/key_row.hpp"

#include <cstring>

#include "core/error.hpp"
#include "pg/boundary.hpp"
#include "pg/key_lookup.hpp"
#include "pg/spi.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/xact.h"      // XactReadOnly
#include "access/xlog.h"      // RecoveryInProgress
#include "catalog/pg_type.h"  // UUIDOID
#include "executor/spi.h"     // SPI_*
#include "lib/stringinfo.h"   // StringInfoData
#include "utils/array.h"      // deconstruct_array
#include "utils/fmgrprotos.h" // network_subeq
#include "utils/timestamp.h"  // GetCurrentTimestamp
}

namespace saas::credentials {
namespace {

constexpr core::sqlstate k_read_only{"25006"};

enum key_column {
    team_id,
    id,
    secret_hash,
    role,
    scopes,
    allowed_cidrs,
    rate_limit,
    rate_period_ns,
    expires_at,
    revoked_at
};
constexpr pg::column_form k_key_columns[] = {
    {"team_id", UUIDOID},           {"id", UUIDOID},
    {"secret_hash", BYTEAOID},      {"role", TEXTOID},
    {"scopes", TEXTARRAYOID},       {"allowed_cidrs", CIDRARRAYOID},
    {"rate_limit", INT4OID},        {"rate_period_ns", INT8OID},
    {"expires_at", TIMESTAMPTZOID}, {"revoked_at", TIMESTAMPTZOID},
};
constexpr pg::column_form k_team_columns[] = {
    {"id", UUIDOID}, {"is_active", BOOLOID}, {"deleted_at", TIMESTAMPTZOID}};
constinit pg::key_lookup keys_table{"api_keys", k_key_columns, 2};
constinit pg::key_lookup teams_table{"teams", k_team_columns, 1};

constexpr const char *k_use = "SELECT saas.use_api_key_row($1, $2, $3, $4, $5)";

Datum uuid_datum(const core::uuid &value) {
    return PointerGetDatum(value.data()); // pg_uuid_t is its 16 bytes
}

// The row as it lies in the table.
struct raw_row {
    const Datum *values;
    const bool *nulls;
};

// A copy that outlives the row.
std::string_view kept_unsafe(const char *from, std::size_t size) {
    char *copy = static_cast<char *>(palloc(size + 1));
    std::memcpy(copy, from, size);
    return {copy, size};
}

std::string_view scopes_unsafe(Datum value) {
    Datum *elements = nullptr;
    bool *nulls = nullptr;
    int count = 0;
    deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &elements,
                      &nulls, &count);
    StringInfoData joined;
    initStringInfo(&joined);
    for (int i = 0; i < count; ++i) {
        if (i > 0)
            appendStringInfoChar(&joined, ',');
        if (nulls[i])
            continue; // an empty scope, which the reader refuses
        const text *scope = DatumGetTextPP(elements[i]);
        appendBinaryStringInfo(&joined, VARDATA_ANY(scope),
                               static_cast<int>(VARSIZE_ANY_EXHDR(scope)));
    }
    return {joined.data, static_cast<std::size_t>(joined.len)};
}

// Whether the key may be used from there. A key with networks may not be used from nowhere.
bool address_allowed_unsafe(const raw_row &row, const std::optional<Datum> &ip) {
    if (row.nulls[allowed_cidrs])
        return true;
    if (!ip)
        return false;
    Datum *elements = nullptr;
    bool *nulls = nullptr;
    int count = 0;
    deconstruct_array(DatumGetArrayTypeP(row.values[allowed_cidrs]), CIDROID, -1, false,
                      TYPALIGN_INT, &elements, &nulls, &count);
    for (int i = 0; i < count; ++i) {
        if (!nulls[i] && DatumGetBool(DirectFunctionCall2(network_subeq, *ip, elements[i])))
            return true;
    }
    return false;
}

// Expiry goes by the clock: a transaction may have begun before it.
key_state state_unsafe(const raw_row &row, const std::optional<Datum> &ip) {
    if (!row.nulls[revoked_at])
        return key_state::revoked;
    if (!row.nulls[expires_at] &&
        DatumGetTimestampTz(row.values[expires_at]) <= GetCurrentTimestamp())
        return key_state::expired;
    return address_allowed_unsafe(row, ip) ? key_state::valid : key_state::other_address;
}

void take_row_unsafe(const raw_row &raw, const std::optional<Datum> &ip, key_row &row) {
    row.state = state_unsafe(raw, ip);
    const bytea *hash = raw.nulls[secret_hash] ? nullptr : DatumGetByteaPP(raw.values[secret_hash]);
    if (hash != nullptr && VARSIZE_ANY_EXHDR(hash) == row.hash.size())
        std::memcpy(row.hash.data(), VARDATA_ANY(hash), row.hash.size());
    if (!raw.nulls[role]) {
        const text *name = DatumGetTextPP(raw.values[role]);
        row.role = kept_unsafe(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
    }
    row.scopes = raw.nulls[scopes] ? std::string_view{} : scopes_unsafe(raw.values[scopes]);
    row.has_limit = !raw.nulls[rate_limit] && DatumGetInt32(raw.values[rate_limit]) > 0;
    if (row.has_limit)
        row.limit = core::rate_limit::rate_of(
            DatumGetInt32(raw.values[rate_limit]),
            raw.nulls[rate_period_ns] ? 1 : DatumGetInt64(raw.values[rate_period_ns]));
}

bool is_active_team(Datum team) {
    bool active = false;
    const bool found = teams_table.read({&team, 1}, [&](const Datum *values, const bool *nulls) {
        active = !nulls[1] && DatumGetBool(values[1]) && nulls[2];
    });
    return found && active;
}

// The statement is planned once in a session.
SPIPlanPtr use_plan_unsafe() {
    static SPIPlanPtr kept = nullptr;
    if (kept == nullptr) {
        Oid types[] = {UUIDOID, UUIDOID, INETOID, INT8OID, INT8OID};
        SPIPlanPtr plan = SPI_prepare(k_use, 5, types);
        if (plan == nullptr || SPI_keepplan(plan) != 0)
            elog(ERROR, "SPI_prepare: %s", SPI_result_code_string(SPI_result));
        kept = plan;
    }
    return kept;
}

std::int64_t use_unsafe(const Datum *values, const char *nulls) {
    if (SPI_connect() != SPI_OK_CONNECT)
        elog(ERROR, "SPI_connect failed");
    if (SPI_execute_plan(use_plan_unsafe(), const_cast<Datum *>(values), nulls, false, 1) !=
        SPI_OK_SELECT)
        elog(ERROR, "SPI_execute_plan failed");
    bool is_null = true;
    const Datum wait = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
    const std::int64_t answer = is_null ? 0 : DatumGetInt64(wait);
    SPI_finish();
    return answer;
}

} // namespace

void watch_tables() {
    keys_table.watch();
    teams_table.watch();
}

key_row read_key(const core::uuid &team, const core::uuid &key, std::optional<Datum> ip) {
    const Datum values[] = {uuid_datum(team), uuid_datum(key)};
    key_row row{};
    row.found = keys_table.read(values, [&](const Datum *columns, const bool *nulls) {
        take_row_unsafe({columns, nulls}, ip, row);
    });
    if (row.found && row.state == key_state::valid && !is_active_team(values[0]))
        row.state = key_state::inactive_team;
    return row;
}

core::rate_limit::decision use_key_row(const core::uuid &team, const core::uuid &key,
                                       const key_row &row, std::optional<Datum> ip) {
    if (XactReadOnly || RecoveryInProgress()) {
        if (row.has_limit)
            throw core::error{k_read_only,
                              "an API key with a rate limit needs a transaction that can write",
                              "Without shared memory the limit is kept in a row.",
                              "Put pg_saas into shared_preload_libraries."};
        return {true, 0};
    }
    const Datum values[] = {uuid_datum(team), uuid_datum(key), ip.value_or(0),
                            Int64GetDatum(row.limit.interval), Int64GetDatum(row.limit.tolerance)};
    const char nulls[] = {' ', ' ', ip ? ' ' : 'n', row.has_limit ? ' ' : 'n', ' '};
    pg::as_role writer{pg::internal_role_id()};
    const std::int64_t wait = pg::call([&] { return use_unsafe(values, nulls); });
    return {wait == 0, wait};
}

} // namespace saas::credentials
