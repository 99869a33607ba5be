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
#include "utils/builtins.h"    // TextDatumGetCString
#include "utils/snapmgr.h"     // GetLatestSnapshot
#include "utils/uuid.h"        // UUIDPGetDatum
}

namespace saas::credentials {
namespace {

constexpr core::sqlstate k_read_only{"25006"};

// Expiry goes by the clock: a transaction may have begun before it.
constexpr const char *k_read =
    "SELECT CASE"
    " WHEN k.revoked_at IS NOT NULL THEN 'r'"
    " WHEN k.expires_at <= pg_catalog.clock_timestamp() THEN 'e'"
    " WHEN NOT t.is_active OR t.deleted_at IS NOT NULL THEN 't'"
    " WHEN k.allowed_cidrs IS NOT NULL AND ($3 IS NULL OR NOT"
    " $3 OPERATOR(pg_catalog.<<=) ANY (k.allowed_cidrs::pg_catalog.inet[])) THEN 'a'"
    " ELSE 'v' END, k.secret_hash, k.role, pg_catalog.array_to_string(k.scopes, ','),"
    " k.rate_limit::pg_catalog.int8, k.rate_period_ns"
    " FROM saas.api_keys AS k JOIN saas.teams AS t ON t.id OPERATOR(pg_catalog.=) k.team_id"
    " WHERE k.team_id OPERATOR(pg_catalog.=) $1 AND k.id OPERATOR(pg_catalog.=) $2";
constexpr const char *k_use = "SELECT saas.use_api_key_row($1, $2, $3, $4, $5)";

// A statement that is planned once in a session.
struct kept_plan {
    const char *text;
    std::array<Oid, 5> types;
    int count;
    SPIPlanPtr plan;
};
constinit kept_plan read_plan{k_read, {UUIDOID, UUIDOID, INETOID}, 3, nullptr};
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

// A copy of a text column that outlives SPI.
std::string_view text_unsafe(int number) {
    bool is_null = true;
    const Datum value = column_unsafe(number, is_null);
    if (is_null)
        return {};
    const text *from = DatumGetTextPP(value);
    const auto size = static_cast<std::size_t>(VARSIZE_ANY_EXHDR(from));
    char *copy = static_cast<char *>(SPI_palloc(size + 1));
    std::memcpy(copy, VARDATA_ANY(from), size);
    return {copy, size};
}

void take_row_unsafe(key_row &row) {
    bool is_null = true;
    row.state = static_cast<key_state>(text_unsafe(1).front());
    const Datum hash = column_unsafe(2, is_null);
    const bytea *bytes = is_null ? nullptr : DatumGetByteaPP(hash);
    if (bytes != nullptr && VARSIZE_ANY_EXHDR(bytes) == row.hash.size())
        std::memcpy(row.hash.data(), VARDATA_ANY(bytes), row.hash.size());
    row.role = text_unsafe(3);
    row.scopes = text_unsafe(4);
    const std::int64_t limit = DatumGetInt64(column_unsafe(5, is_null));
    row.has_limit = !is_null && limit > 0;
    const std::int64_t period = DatumGetInt64(column_unsafe(6, is_null));
    if (row.has_limit)
        row.limit = core::rate_limit::rate_of(limit, is_null ? 1 : period);
    row.found = true;
}

void read_unsafe(const Datum *values, const char *nulls, key_row &row) {
    if (SPI_connect() != SPI_OK_CONNECT)
        elog(ERROR, "SPI_connect failed");
    SPIPlanPtr plan = prepared_unsafe(read_plan);
    Snapshot newest = RegisterSnapshot(GetLatestSnapshot());
    if (SPI_execute_snapshot(plan, const_cast<Datum *>(values), nulls, newest, InvalidSnapshot, true,
                             false, 1) != SPI_OK_SELECT)
        elog(ERROR, "SPI_execute_snapshot failed");
    if (SPI_processed == 1)
        take_row_unsafe(row);
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
    const Datum values[] = {uuid_datum(team), uuid_datum(key), ip.value_or(0)};
    const char nulls[] = {' ', ' ', ip ? ' ' : 'n'};
    key_row row{};
    pg::as_role reader{pg::internal_role_id()};
    pg::call([&] { read_unsafe(values, nulls, row); });
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
