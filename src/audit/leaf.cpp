// SPDX-License-Identifier: PostgreSQL
#include "audit/leaf.hpp"

#include "core/error.hpp"
#include "pg/boundary.hpp"

#include <array>
#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "datatype/timestamp.h" // POSTGRES_EPOCH_JDATE
#include "utils/inet.h"         // inet_struct
#include "utils/timestamp.h"    // DatumGetTimestampTz
#include "utils/uuid.h"         // UUID_LEN
#include "utils/xid8.h"         // DatumGetFullTransactionId
}

namespace saas::audit {
namespace {

constexpr log_column k_plain[] = {c_team_id,  c_created_at, c_id,        c_xact_id,
                                  c_actor_id, c_row_id,     c_operation, c_table_name,
                                  c_db_role,  c_login_role, c_request_id};
constexpr log_column k_payload[] = {c_row_key, c_old_values, c_new_values, c_client_addr};
constexpr std::size_t k_plain_count = std::size(k_plain);
constexpr std::size_t k_payload_count = std::size(k_payload);

using int64_bytes = std::array<std::uint8_t, 8>;

int64_bytes big_endian(std::uint64_t n) {
    int64_bytes out;
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<std::uint8_t>(n >> (56 - 8 * i));
    return out;
}

std::span<const std::uint8_t> variable_bytes(Datum value) {
    const auto *bytes = reinterpret_cast<const std::uint8_t *>(VARDATA_ANY(DatumGetPointer(value)));
    return {bytes, VARSIZE_ANY_EXHDR(DatumGetPointer(value))};
}

// The bytes of one column. Numbers are written into `number`.
core::audit::field field_of(const log_row &row, log_column column, int64_bytes &number) {
    if (row.nulls[column])
        return std::nullopt;
    const Datum value = row.values[column];
    switch (column) {
    case c_team_id:
    case c_id:
    case c_actor_id:
    case c_row_id:
        return std::span<const std::uint8_t>{
            reinterpret_cast<const std::uint8_t *>(DatumGetPointer(value)), UUID_LEN};
    case c_created_at: {
        constexpr std::int64_t k_epoch =
            std::int64_t{POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE} * USECS_PER_DAY;
        number = big_endian(static_cast<std::uint64_t>(DatumGetTimestampTz(value) + k_epoch));
        return std::span<const std::uint8_t>{number};
    }
    case c_operation:
        number[0] = static_cast<std::uint8_t>(DatumGetChar(value));
        return std::span<const std::uint8_t>{number}.first(1);
    case c_xact_id:
        number = big_endian(U64FromFullTransactionId(DatumGetFullTransactionId(value)));
        return std::span<const std::uint8_t>{number};
    default:
        return variable_bytes(value);
    }
}

core::audit::leaf_hasher &hasher() {
    static core::audit::leaf_hasher kept;
    return kept;
}

bytea *allocate_bytea(std::size_t size) {
    auto *out = static_cast<bytea *>(palloc(VARHDRSZ + size));
    SET_VARSIZE(out, VARHDRSZ + size);
    return out;
}

Datum bytea_of(const core::digest &hash) {
    bytea *out = allocate_bytea(hash.size());
    std::memcpy(VARDATA(out), hash.data(), hash.size());
    return PointerGetDatum(out);
}

template <std::size_t count>
void read_fields(const log_row &row, const log_column (&columns)[count],
                 core::audit::field (&fields)[count], int64_bytes (&numbers)[count]) {
    for (std::size_t i = 0; i < count; ++i)
        fields[i] = field_of(row, columns[i], numbers[i]);
}

core::digest hash_columns(const log_row &row) {
    core::audit::field fields[k_plain_count];
    int64_bytes numbers[k_plain_count];
    read_fields(row, k_plain, fields, numbers);
    return hasher().columns(fields);
}

core::digest hash_payload(const log_row &row) {
    core::audit::field fields[k_payload_count];
    int64_bytes numbers[k_payload_count];
    read_fields(row, k_payload, fields, numbers);
    return hasher().payload(fields);
}

bool is_variable(int column) {
    return column != c_team_id && column != c_created_at && column != c_id && column != c_xact_id &&
           column != c_actor_id && column != c_row_id && column != c_operation;
}

void fetch_values(log_row &row) {
    for (int i = 0; i < k_log_columns; ++i) {
        if (!row.nulls[i] && is_variable(i))
            row.values[i] = PointerGetDatum(PG_DETOAST_DATUM_PACKED(row.values[i]));
    }
}

bool has_payload(const log_row &row) {
    bool any = false;
    for (const log_column column : k_payload)
        any = any || !row.nulls[column];
    return any;
}

// The row of which the first arguments are the columns; argument `payload_hash` is that one.
log_row row_of_arguments(FunctionCallInfo fcinfo, int payload_hash) {
    log_row row;
    for (int i = 0; i < c_payload_hash; ++i) {
        if (!PG_ARGISNULL(i))
            row.set(static_cast<log_column>(i), PG_GETARG_DATUM(i));
    }
    if (!PG_ARGISNULL(payload_hash))
        row.set(c_payload_hash, PG_GETARG_DATUM(payload_hash));
    return row;
}

} // namespace

row_digest read_row_digest(const std::uint8_t *bytes) {
    row_digest out;
    out.erased = bytes[0] != 0;
    std::memcpy(out.columns.data(), bytes + 1, out.columns.size());
    std::memcpy(out.payload.data(), bytes + 1 + out.columns.size(), out.payload.size());
    return out;
}

bool digest_row(log_row &row, row_digest &out) {
    fetch_values(row);
    out.erased = !row.nulls[c_payload_hash];
    out.columns = hash_columns(row);
    if (!out.erased) {
        out.payload = hash_payload(row);
        return true;
    }
    const auto hash = variable_bytes(row.values[c_payload_hash]);
    if (has_payload(row) || hash.size() != out.payload.size())
        return false;
    std::memcpy(out.payload.data(), hash.data(), hash.size());
    return true;
}

core::digest make_leaf(const row_digest &row, std::span<const std::uint8_t> salt) {
    return hasher().leaf(row.columns,
                         row.erased ? row.payload : hasher().commit(salt, row.payload));
}

Datum commit_payload(log_row &row, std::span<const std::uint8_t> salt) {
    fetch_values(row);
    return bytea_of(hasher().commit(salt, hash_payload(row)));
}

} // namespace saas::audit

using namespace saas::audit; // NOLINT: entry points only

// The columns in the order of log_column.
SAAS_FUNCTION(saas_audit_row_digest) {
    log_row row = row_of_arguments(fcinfo, c_payload_hash);
    row_digest digest;
    if (!digest_row(row, digest))
        PG_RETURN_NULL();
    bytea *out = allocate_bytea(k_row_digest_bytes);
    char *bytes = VARDATA(out);
    bytes[0] = digest.erased ? 1 : 0;
    std::memcpy(bytes + 1, digest.columns.data(), digest.columns.size());
    std::memcpy(bytes + 1 + digest.columns.size(), digest.payload.data(), digest.payload.size());
    PG_RETURN_BYTEA_P(out);
}

// The columns in the order of log_column, with the salt before the hash of the payload.
SAAS_FUNCTION(saas_audit_leaf) {
    constexpr int k_salt = c_payload_hash;
    log_row row = row_of_arguments(fcinfo, k_salt + 1);
    row_digest digest;
    if (!digest_row(row, digest) || (!digest.erased && PG_ARGISNULL(k_salt)))
        PG_RETURN_NULL();
    std::span<const std::uint8_t> salt;
    if (!PG_ARGISNULL(k_salt))
        salt = variable_bytes(PointerGetDatum(PG_GETARG_BYTEA_PP(k_salt)));
    return bytea_of(make_leaf(digest, salt));
}

// (salt, row_key, old_values, new_values, client_addr)
SAAS_FUNCTION(saas_audit_commitment) {
    if (PG_ARGISNULL(0))
        PG_RETURN_NULL(); // without a salt anybody could guess what it stands for
    log_row row;
    for (int i = 0; i < 4; ++i) {
        if (!PG_ARGISNULL(i + 1))
            row.set(k_payload[i], PG_GETARG_DATUM(i + 1));
    }
    return commit_payload(row, variable_bytes(PointerGetDatum(PG_GETARG_BYTEA_PP(0))));
}

SAAS_FUNCTION(saas_audit_new_salt) {
    bytea *out = allocate_bytea(saas::core::audit::k_salt_bytes);
    if (!pg_strong_random(VARDATA(out), saas::core::audit::k_salt_bytes))
        throw saas::core::error{saas::core::k_internal_error, "could not generate random bytes"};
    PG_RETURN_BYTEA_P(out);
}
