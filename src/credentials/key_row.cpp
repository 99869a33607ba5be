// SPDX-License-Identifier: PostgreSQL
#include "credentials/key_row.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/error.hpp"
#include "pg/boundary.hpp"
#include "pg/package.hpp"
#include "pg/spi.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/xact.h"       // XactReadOnly
#include "access/xlog.h"       // RecoveryInProgress
#include "catalog/pg_type.h"   // UUIDOID
#include "executor/spi.h"      // SPI_*
#include "lib/stringinfo.h"    // StringInfoData
#include "utils/array.h"       // deconstruct_array
#include "utils/fmgrprotos.h"  // network_subeq
#include "utils/snapmgr.h"     // GetLatestSnapshot
#include "utils/timestamp.h"   // GetCurrentTimestamp
}

namespace saas::credentials {
namespace {

constexpr core::sqlstate k_read_only{"25006"};

// Plain columns: each expression would be set up again for every call.
constexpr const char *k_read =
    "SELECT k.secret_hash, k.role, k.scopes, k.allowed_cidrs, k.rate_limit, k.rate_period_ns,"
    " k.expires_at, k.revoked_at, t.is_active, t.deleted_at"
    " FROM saas.api_keys AS k JOIN saas.teams AS t ON t.id OPERATOR(pg_catalog.=) k.team_id"
    " WHERE k.team_id OPERATOR(pg_catalog.=) $1 AND k.id OPERATOR(pg_catalog.=) $2";
enum column {
    secret_hash = 1,
    role,
    scopes,
    allowed_cidrs,
    rate_limit,
    rate_period_ns,
    expires_at,
    revoked_at,
    team_active,
    team_deleted_at
};
constexpr const char *k_use = "SELECT saas.use_api_key_row($1, $2, $3, $4, $5)";

// A statement that is planned once in a session.
struct kept_plan {
    const char *text;
    std::array<Oid, 5> types;
    int count;
    SPIPlanPtr plan;
};
constinit kept_plan read_plan{k_read, {UUIDOID, UUIDOID}, 2, nullptr};
constinit kept_plan use_plan{k_use, {UUIDOID, UUIDOID, INETOID, INT8OID, INT8OID}, 5, nullptr};

SPIPlanPtr prepared_unsafe(kept_plan &kept) {
    if (kept.plan == nullptr) {
        SPIPlanPtr plan = SPI_prepare(kept.text, kept.count, kept.types.data());
        if (plan == nullptr)
            elog(ERROR, "SPI_prepare: %s", SPI_result_code_string(SPI_result));
        if (SPI_keepplan(plan) != 0)
            elog(ERROR, "SPI_keepplan failed");
        kept.plan = plan;
    }
    return kept.plan;
}

Datum uuid_datum(const core::uuid &value) {
    return PointerGetDatum(value.data()); // pg_uuid_t is its 16 bytes
}

Datum column_unsafe(int number, bool &is_null) {
    return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, number, &is_null);
}

// A copy that outlives SPI.
std::string_view kept_unsafe(const char *from, std::size_t size) {
    char *copy = static_cast<char *>(SPI_palloc(size + 1));
    std::memcpy(copy, from, size);
    return {copy, size};
}

std::string_view role_unsafe() {
    bool is_null = true;
    const Datum value = column_unsafe(role, is_null);
    const text *from = is_null ? nullptr : DatumGetTextPP(value);
    return from == nullptr ? std::string_view{}
                           : kept_unsafe(VARDATA_ANY(from), VARSIZE_ANY_EXHDR(from));
}

std::string_view scopes_unsafe() {
    bool is_null = true;
    const Datum value = column_unsafe(scopes, is_null);
    if (is_null)
        return {};
    Datum *elements = nullptr;
    int count = 0;
    deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &elements, nullptr,
                      &count);
    StringInfoData joined;
    initStringInfo(&joined);
    for (int i = 0; i < count; ++i) {
        const text *scope = DatumGetTextPP(elements[i]);
        if (i > 0)
            appendStringInfoChar(&joined, ',');
        appendBinaryStringInfo(&joined, VARDATA_ANY(scope), static_cast<int>(VARSIZE_ANY_EXHDR(scope)));
    }
    return kept_unsafe(joined.data, static_cast<std::size_t>(joined.len));
}

// Whether the key may be used from there. A key with networks may not be used from nowhere.
bool address_allowed_unsafe(const std::optional<Datum> &ip) {
    bool is_null = true;
    const Datum value = column_unsafe(allowed_cidrs, is_null);
    if (is_null)
        return true;
    if (!ip)
        return false;
    Datum *elements = nullptr;
    int count = 0;
    deconstruct_array(DatumGetArrayTypeP(value), CIDROID, -1, false, TYPALIGN_INT, &elements, nullptr,
                      &count);
    for (int i = 0; i < count; ++i) {
        if (DatumGetBool(DirectFunctionCall2(network_subeq, *ip, elements[i])))
            return true;
    }
    return false;
}

// Expiry goes by the clock: a transaction may have begun before it.
key_state state_unsafe(const std::optional<Datum> &ip) {
    bool is_null = true;
    (void)column_unsafe(revoked_at, is_null);
    if (!is_null)
        return key_state::revoked;
    const TimestampTz end = DatumGetTimestampTz(column_unsafe(expires_at, is_null));
    if (!is_null && end <= GetCurrentTimestamp())
        return key_state::expired;
    const bool active = DatumGetBool(column_unsafe(team_active, is_null)) && !is_null;
    (void)column_unsafe(team_deleted_at, is_null);
    if (!active || !is_null)
        return key_state::inactive_team;
    return address_allowed_unsafe(ip) ? key_state::valid : key_state::other_address;
}

void take_row_unsafe(const std::optional<Datum> &ip, key_row &row) {
    bool is_null = true;
    row.state = state_unsafe(ip);
    const Datum hash = column_unsafe(secret_hash, is_null);
    const bytea *bytes = is_null ? nullptr : DatumGetByteaPP(hash);
    if (bytes != nullptr && VARSIZE_ANY_EXHDR(bytes) == row.hash.size())
        std::memcpy(row.hash.data(), VARDATA_ANY(bytes), row.hash.size());
    row.role = role_unsafe();
    row.scopes = scopes_unsafe();
    const std::int32_t limit = DatumGetInt32(column_unsafe(rate_limit, is_null));
    row.has_limit = !is_null && limit > 0;
    const std::int64_t period = DatumGetInt64(column_unsafe(rate_period_ns, is_null));
    if (row.has_limit)
        row.limit = core::rate_limit::rate_of(limit, is_null ? 1 : period);
    row.found = true;
}

// The types that the values are read as: the owner may have put something else in the table's place.
bool has_form_unsafe() {
    constexpr Oid k_types[] = {BYTEAOID, TEXTOID, TEXTARRAYOID, CIDRARRAYOID, INT4OID,
                               INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, BOOLOID, TIMESTAMPTZOID};
    for (int i = 0; i < team_deleted_at; ++i) {
        if (SPI_gettypeid(SPI_tuptable->tupdesc, i + 1) != k_types[i])
            return false;
    }
    return true;
}

void read_unsafe(const Datum *values, const std::optional<Datum> &ip, key_row &row) {
    if (SPI_connect() != SPI_OK_CONNECT)
        elog(ERROR, "SPI_connect failed");
    SPIPlanPtr plan = prepared_unsafe(read_plan);
    Snapshot newest = RegisterSnapshot(GetLatestSnapshot());
    if (SPI_execute_snapshot(plan, const_cast<Datum *>(values), nullptr, newest, InvalidSnapshot, true,
                             false, 1) != SPI_OK_SELECT)
        elog(ERROR, "SPI_execute_snapshot failed");
    if (!has_form_unsafe())
        elog(ERROR, "the columns of saas.api_keys have other types");
    if (SPI_processed == 1)
        take_row_unsafe(ip, row);
    UnregisterSnapshot(newest);
    SPI_finish();
}

std::int64_t use_unsafe(const Datum *values, const char *nulls) {
    if (SPI_connect() != SPI_OK_CONNECT)
        elog(ERROR, "SPI_connect failed");
    SPIPlanPtr plan = prepared_unsafe(use_plan);
    if (SPI_execute_plan(plan, const_cast<Datum *>(values), nulls, false, 1) != SPI_OK_SELECT)
        elog(ERROR, "SPI_execute_plan failed");
    bool is_null = true;
    const Datum wait = column_unsafe(1, is_null);
    const std::int64_t answer = is_null ? 0 : DatumGetInt64(wait);
    SPI_finish();
    return answer;
}

} // namespace

key_row read_key(const core::uuid &team, const core::uuid &key, std::optional<Datum> ip) {
    if (!pg::call([] { return OidIsValid(pg::package_table_unsafe("api_keys")); }))
        pg::refuse_not_deployed();
    const Datum values[] = {uuid_datum(team), uuid_datum(key)};
    key_row row{};
    pg::as_role reader{pg::internal_role_id()};
    pg::call([&] { read_unsafe(values, ip, row); });
    return row;
}

core::rate_limit::decision use_key_row(const core::uuid &team, const core::uuid &key,
                                       const key_row &row, std::optional<Datum> ip) {
    if (XactReadOnly || RecoveryInProgress()) {
        if (row.has_limit)
            throw core::error{k_read_only, "an API key with a rate limit needs a transaction that can write",
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
