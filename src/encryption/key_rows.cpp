// SPDX-License-Identifier: PostgreSQL
#include "encryption/key_rows.hpp"

#include <charconv>
#include <cstring>
#include <type_traits>

#include "core/sha256.hpp"
#include "pg/datum.hpp"
#include "pg/spi.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/xact.h"     // XactReadOnly, IsolationUsesXactSnapshot
#include "catalog/pg_type.h" // UUIDOID
#include "executor/spi.h"    // SPI_*
#include "utils/snapmgr.h"   // GetLatestSnapshot
#include "utils/uuid.h"      // pg_uuid_t
}

namespace saas::encryption {
namespace {

#define KEY_COLUMNS                                                                                \
    "SELECT k.key_no::pg_catalog.text, k.team_id::pg_catalog.text, k.kind,"                        \
    " k.subject_id::pg_catalog.text, k.asset_id::pg_catalog.text, k.version::pg_catalog.text,"     \
    " k.status, k.kek_epoch::pg_catalog.text, pg_catalog.encode(k.wrapped, 'hex'),"                \
    " k.uses::pg_catalog.text FROM saas.encryption_keys AS k"                                      \
    " WHERE k.team_id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid"

template <class Integer>
Integer number_of(const pg::text_value &text) {
    Integer value = 0;
    if (text)
        std::from_chars(text->data(), text->data() + text->size(), value);
    return value;
}

std::optional<core::uuid> uuid_of(const pg::text_value &text) {
    return text ? core::parse_uuid(*text) : std::nullopt;
}

pg::text_value text_of(const std::optional<core::uuid> &value) {
    return value ? pg::text_value{core::to_text(*value)} : std::nullopt;
}

key_row row_of(const pg::text_row &text) {
    key_row row;
    row.number = number_of<std::uint64_t>(text[0]);
    row.team = uuid_of(text[1]).value_or(core::uuid{});
    row.kind = text[2].value_or("");
    row.subject = uuid_of(text[3]);
    row.asset = uuid_of(text[4]);
    row.version = number_of<std::uint32_t>(text[5]);
    row.status = text[6].value_or("");
    row.epoch = number_of<std::uint32_t>(text[7]);
    if (text[8] && text[8]->size() == 2 * core::encryption::k_wrapped_bytes) {
        row.wrapped.resize(core::encryption::k_wrapped_bytes);
        if (!core::from_hex(*text[8], row.wrapped))
            row.wrapped.clear();
    }
    row.uses = number_of<std::uint64_t>(text[9]);
    return row;
}

std::vector<pg::text_row> query(const std::string &sql,
                                const std::vector<pg::text_value> &arguments) {
    pg::as_role reader{pg::internal_role_id()};
    pg::spi connection;
    auto rows = connection.query_newest(sql, arguments);
    connection.close();
    return rows;
}

// The same with the right to write.
std::vector<pg::text_row> change(const std::string &sql,
                                 const std::vector<pg::text_value> &arguments) {
    pg::as_role writer{pg::internal_role_id()};
    pg::spi connection;
    auto rows = connection.query(sql, arguments);
    connection.close();
    return rows;
}

// A row as plain bytes, out of the frame in which the server may jump.
struct stored_key {
    char kind[16];
    char status[16];
    std::optional<core::uuid> subject;
    std::optional<core::uuid> asset;
    std::int32_t version;
    std::int32_t epoch;
    std::int64_t uses;
    bool has_wrapped;
    core::encryption::wrapped_key wrapped;
};
static_assert(std::is_trivially_destructible_v<stored_key>);

// The values of the row that SPI found, whose types the query's casts make sure of.
struct found_row {
    HeapTuple tuple = SPI_tuptable->vals[0];
    TupleDesc columns = SPI_tuptable->tupdesc;

    Datum value(int column, bool &null) const {
        return SPI_getbinval(tuple, columns, column, &null);
    }
    void text(int column, char (&out)[16]) const {
        bool null = false;
        const Datum datum = value(column, null);
        const auto view = null ? std::string_view{} : pg::text_view_unsafe(datum);
        out[view.copy(out, sizeof(out) - 1)] = '\0';
    }
    std::int64_t integer(int column, bool wide) const {
        bool null = false;
        const Datum datum = value(column, null);
        return null ? 0 : wide ? DatumGetInt64(datum) : DatumGetInt32(datum);
    }
    std::optional<core::uuid> uuid(int column) const {
        bool null = false;
        const Datum datum = value(column, null);
        core::uuid out{};
        if (null)
            return std::nullopt;
        std::memcpy(out.data(), DatumGetUUIDP(datum)->data, out.size());
        return out;
    }
    bool wrapped(int column, core::encryption::wrapped_key &out) const {
        bool null = false;
        const Datum datum = value(column, null);
        const bytea *bytes = null ? nullptr : DatumGetByteaPP(datum);
        if (bytes == nullptr || VARSIZE_ANY_EXHDR(bytes) != out.size())
            return false;
        std::memcpy(out.data(), VARDATA_ANY(bytes), out.size());
        return true;
    }
};

// Reads a key by its number with a plan that is kept: a scan over the values of many people reads
// as many keys.
bool read_stored_unsafe(const core::uuid &team, std::uint64_t number, stored_key &out) {
    static SPIPlanPtr plan = nullptr;
    if (SPI_connect() < 0)
        elog(ERROR, "SPI_connect failed");
    if (plan == nullptr) {
        Oid types[] = {UUIDOID, INT8OID};
        SPIPlanPtr made = SPI_prepare(
            "SELECT k.kind::pg_catalog.text, k.subject_id::pg_catalog.uuid, "
            "k.asset_id::pg_catalog.uuid,"
            " k.version::pg_catalog.int4, k.status::pg_catalog.text, k.kek_epoch::pg_catalog.int4,"
            " k.wrapped::pg_catalog.bytea, k.uses::pg_catalog.int8 FROM saas.encryption_keys AS k"
            " WHERE k.team_id OPERATOR(pg_catalog.=) $1 AND k.key_no OPERATOR(pg_catalog.=) $2",
            2, types);
        if (made == nullptr || SPI_keepplan(made) != 0)
            elog(ERROR, "SPI_prepare failed");
        plan = made;
    }
    pg_uuid_t team_value;
    std::memcpy(team_value.data, team.data(), team.size());
    Datum values[] = {UUIDPGetDatum(&team_value), Int64GetDatum(static_cast<std::int64_t>(number))};
    // A parallel query may not take a new snapshot of its own, but one as for catalogs.
    Snapshot newest =
        RegisterSnapshot(IsInParallelMode() ? GetCatalogSnapshot(InvalidOid) : GetLatestSnapshot());
    if (SPI_execute_snapshot(plan, values, nullptr, newest, InvalidSnapshot, true, false, 1) < 0)
        elog(ERROR, "SPI_execute_snapshot failed");
    UnregisterSnapshot(newest);
    const bool found = SPI_processed == 1;
    if (found) {
        const found_row row;
        row.text(1, out.kind);
        out.subject = row.uuid(2);
        out.asset = row.uuid(3);
        out.version = static_cast<std::int32_t>(row.integer(4, false));
        row.text(5, out.status);
        out.epoch = static_cast<std::int32_t>(row.integer(6, false));
        out.has_wrapped = row.wrapped(7, out.wrapped);
        out.uses = row.integer(8, true);
    }
    SPI_finish();
    return found;
}

} // namespace

std::optional<key_row> read_key(const core::uuid &team, std::uint64_t number) {
    pg::as_role reader{pg::internal_role_id()};
    stored_key stored{};
    if (!pg::call([&] { return read_stored_unsafe(team, number, stored); }))
        return std::nullopt;
    key_row row;
    row.number = number;
    row.team = team;
    row.kind = stored.kind;
    row.subject = stored.subject;
    row.asset = stored.asset;
    row.version = static_cast<std::uint32_t>(stored.version);
    row.status = stored.status;
    row.epoch = static_cast<std::uint32_t>(stored.epoch);
    if (stored.has_wrapped)
        row.wrapped.assign(stored.wrapped.begin(), stored.wrapped.end());
    row.uses = static_cast<std::uint64_t>(stored.uses);
    return row;
}

std::optional<key_row> read_newest_key(const key_owner &owner) {
    std::string sql = KEY_COLUMNS " AND k.kind OPERATOR(pg_catalog.=) $2";
    sql += owner.subject ? " AND k.subject_id OPERATOR(pg_catalog.=) $3::pg_catalog.uuid"
                         : " AND k.subject_id IS NULL AND $3 IS NULL";
    sql += owner.asset ? " AND k.asset_id OPERATOR(pg_catalog.=) $4::pg_catalog.uuid"
                       : " AND k.asset_id IS NULL AND $4 IS NULL";
    sql += " ORDER BY k.version USING OPERATOR(pg_catalog.>) LIMIT 1";
    auto rows = query(sql, {core::to_text(owner.team), std::string{owner.kind},
                            text_of(owner.subject), text_of(owner.asset)});
    return rows.empty() ? std::nullopt : std::optional{row_of(rows.front())};
}

std::uint32_t highest_epoch(const core::uuid &team) {
    auto rows =
        query("SELECT pg_catalog.max(k.kek_epoch)::pg_catalog.text FROM saas.encryption_keys AS k"
              " WHERE k.team_id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid",
              {core::to_text(team)});
    return number_of<std::uint32_t>(rows.at(0).at(0));
}

bool has_keys_before(const core::uuid &team, bool held, std::uint32_t epoch) {
    auto rows = query("SELECT 'x' FROM saas.encryption_keys AS k"
                      " WHERE k.team_id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid"
                      " AND k.kek_epoch OPERATOR(pg_catalog.<) $2::pg_catalog.int4"
                      " AND k.wrapped IS NOT NULL"
                      " AND (k.status OPERATOR(pg_catalog.=) 'hold') OPERATOR(pg_catalog.=) $3::pg_catalog.bool"
                      " LIMIT 1",
                      {core::to_text(team), std::to_string(epoch), held ? "t" : "f"});
    return !rows.empty();
}

bool insert_key(const key_row &row, std::span<const std::uint8_t> check_value) {
    const core::uuid platform{};
    auto teams = query(
        "SELECT 'x' FROM saas.teams AS t WHERE t.id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid",
        {core::to_text(row.team)});
    if (teams.empty() && row.team != platform)
        return false;
    change("INSERT INTO saas.encryption_keys (team_id, key_no, kind, subject_id, asset_id, version,"
           " kek_epoch, wrapped, kcv) VALUES ($1::pg_catalog.uuid,"
           " $2::pg_catalog.int8, $3, $4::pg_catalog.uuid, $5::pg_catalog.uuid,"
           " $6::pg_catalog.int4, $7::pg_catalog.int4, pg_catalog.decode($8, 'hex'),"
           " pg_catalog.decode($9, 'hex')) ON CONFLICT DO NOTHING",
           {core::to_text(row.team), std::to_string(row.number), row.kind, text_of(row.subject),
            text_of(row.asset), std::to_string(row.version), std::to_string(row.epoch),
            core::to_hex(row.wrapped), core::to_hex(check_value)});
    return true;
}

void write_uses(const core::uuid &team, std::uint64_t number, std::uint64_t uses) {
    if (XactReadOnly || IsolationUsesXactSnapshot())
        return;
    change(
        "UPDATE saas.encryption_keys AS k SET uses = $3::pg_catalog.int8 FROM (SELECT l.key_no"
        " FROM saas.encryption_keys AS l WHERE l.team_id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid"
        " AND l.key_no OPERATOR(pg_catalog.=) $2::pg_catalog.int8"
        " AND l.uses OPERATOR(pg_catalog.<) $3::pg_catalog.int8 FOR NO KEY UPDATE SKIP LOCKED) AS l"
        " WHERE k.team_id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid"
        " AND k.key_no OPERATOR(pg_catalog.=) l.key_no",
        {core::to_text(team), std::to_string(number), std::to_string(uses)});
}

} // namespace saas::encryption
