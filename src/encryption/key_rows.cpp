// SPDX-License-Identifier: PostgreSQL
#include "encryption/key_rows.hpp"

#include <charconv>

#include "core/sha256.hpp"
#include "pg/spi.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/xact.h" // XactReadOnly, IsolationUsesXactSnapshot
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

std::vector<pg::text_row> query(const std::string &sql, const std::vector<pg::text_value> &arguments) {
    pg::as_role reader{pg::internal_role_id()};
    pg::spi connection;
    auto rows = connection.query_newest(sql, arguments);
    connection.close();
    return rows;
}

// The same with the right to write.
std::vector<pg::text_row> change(const std::string &sql, const std::vector<pg::text_value> &arguments) {
    pg::as_role writer{pg::internal_role_id()};
    pg::spi connection;
    auto rows = connection.query(sql, arguments);
    connection.close();
    return rows;
}

} // namespace

std::optional<key_row> read_key(const core::uuid &team, std::uint64_t number) {
    auto rows = query(KEY_COLUMNS " AND k.key_no OPERATOR(pg_catalog.=) $2::pg_catalog.int8",
                      {core::to_text(team), std::to_string(number)});
    return rows.empty() ? std::nullopt : std::optional{row_of(rows.front())};
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
    auto rows = query("SELECT pg_catalog.max(k.kek_epoch)::pg_catalog.text FROM saas.encryption_keys AS k"
                      " WHERE k.team_id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid",
                      {core::to_text(team)});
    return number_of<std::uint32_t>(rows.at(0).at(0));
}

bool insert_key(const key_row &row, std::span<const std::uint8_t> check_value) {
    const core::uuid platform{};
    auto teams = query("SELECT 'x' FROM saas.teams AS t WHERE t.id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid",
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
    change("UPDATE saas.encryption_keys AS k SET uses = $3::pg_catalog.int8 FROM (SELECT l.key_no"
           " FROM saas.encryption_keys AS l WHERE l.team_id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid"
           " AND l.key_no OPERATOR(pg_catalog.=) $2::pg_catalog.int8"
           " AND l.uses OPERATOR(pg_catalog.<) $3::pg_catalog.int8 FOR NO KEY UPDATE SKIP LOCKED) AS l"
           " WHERE k.team_id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid"
           " AND k.key_no OPERATOR(pg_catalog.=) l.key_no",
           {core::to_text(team), std::to_string(number), std::to_string(uses)});
}

} // namespace saas::encryption
