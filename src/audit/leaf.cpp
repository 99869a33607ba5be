// SPDX-License-Identifier: PostgreSQL
#include "audit/leaf.hpp"

#include "core/audit/leaf.hpp"
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

Datum bytea_of(const core::digest &hash) {
    auto *out = static_cast<bytea *>(palloc(VARHDRSZ + hash.size()));
    SET_VARSIZE(out, VARHDRSZ + hash.size());
    std::memcpy(VARDATA(out), hash.data(), hash.size());
    return PointerGetDatum(out);
}

core::digest commit(const log_row &row) {
    core::audit::field payload[k_payload_count];
    int64_bytes unused{};
    for (std::size_t i = 0; i < k_payload_count; ++i)
        payload[i] = field_of(row, k_payload[i], unused);
    std::span<const std::uint8_t> salt;
    if (!row.nulls[c_payload_salt])
        salt = variable_bytes(row.values[c_payload_salt]);
    return hasher().commit(salt, payload);
}

core::digest leaf_of(const log_row &row, const core::digest &commitment) {
    core::audit::field columns[k_plain_count];
    int64_bytes numbers[k_plain_count];
    for (std::size_t i = 0; i < k_plain_count; ++i)
        columns[i] = field_of(row, k_plain[i], numbers[i]);
    return hasher().leaf(columns, commitment);
}

bool is_variable(int column) {
    return column != c_team_id && column != c_created_at && column != c_id && column != c_xact_id &&
           column != c_actor_id && column != c_row_id;
}

void fetch_values(log_row &row) {
    for (int i = 0; i < k_log_columns; ++i) {
        if (!row.nulls[i] && is_variable(i))
            row.values[i] = PointerGetDatum(PG_DETOAST_DATUM_PACKED(row.values[i]));
    }
}

bool has_payload(const log_row &row) {
    bool any = !row.nulls[c_payload_salt];
    for (const log_column column : k_payload)
        any = any || !row.nulls[column];
    return any;
}

} // namespace

Datum make_leaf(const log_row &row) {
    return bytea_of(leaf_of(row, commit(row)));
}

bool stored_leaf(log_row &row, Datum &leaf) {
    fetch_values(row);
    if (row.nulls[c_payload_hash]) {
        leaf = make_leaf(row);
        return true;
    }
    const auto hash = variable_bytes(row.values[c_payload_hash]);
    core::digest commitment;
    if (has_payload(row) || hash.size() != commitment.size())
        return false;
    std::memcpy(commitment.data(), hash.data(), commitment.size());
    leaf = bytea_of(leaf_of(row, commitment));
    return true;
}

Datum payload_commitment(log_row &row) {
    fetch_values(row);
    return bytea_of(commit(row));
}

} // namespace saas::audit

SAAS_FUNCTION(saas_audit_leaf) {
    saas::audit::log_row row;
    for (int i = 0; i < saas::audit::c_leaf; ++i) {
        if (!PG_ARGISNULL(i))
            row.set(static_cast<saas::audit::log_column>(i), PG_GETARG_DATUM(i));
    }
    Datum leaf = 0;
    if (!saas::audit::stored_leaf(row, leaf))
        PG_RETURN_NULL();
    return leaf;
}

SAAS_FUNCTION(saas_audit_commitment) {
    using namespace saas::audit;
    constexpr log_column k_arguments[] = {c_payload_salt, c_row_key, c_old_values, c_new_values,
                                          c_client_addr};
    log_row row;
    for (int i = 0; i < 5; ++i) {
        if (!PG_ARGISNULL(i))
            row.set(k_arguments[i], PG_GETARG_DATUM(i));
    }
    return payload_commitment(row);
}
