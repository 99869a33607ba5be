// SPDX-License-Identifier: PostgreSQL
#include "encryption/key_rows.hpp"

#include <charconv>

#include "core/sha256.hpp"
#include "encryption/key_scan.hpp"
#include "pg/boundary.hpp"
#include "pg/spi.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/xact.h"     // XactReadOnly, IsolationUsesXactSnapshot
}

namespace saas::encryption {
namespace {

template <class Integer>
Integer number_of(const pg::text_value &text) {
    Integer value = 0;
    if (text)
        std::from_chars(text->data(), text->data() + text->size(), value);
    return value;
}

pg::text_value text_of(const std::optional<core::uuid> &value) {
    return value ? pg::text_value{core::to_text(*value)} : std::nullopt;
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

key_row row_of(const core::uuid &team, const stored_key &stored) {
    key_row row;
    row.number = static_cast<std::uint64_t>(stored.number);
    row.team = team;
    row.kind = stored.kind;
    row.subject = stored.subject;
    row.asset = stored.asset;
    row.version = static_cast<std::uint32_t>(stored.version);
    row.status = stored.status;
    row.restricted = stored.restricted;
    row.epoch = static_cast<std::uint32_t>(stored.epoch);
    if (stored.has_wrapped)
        row.wrapped.assign(stored.wrapped.begin(), stored.wrapped.end());
    row.uses = static_cast<std::uint64_t>(stored.uses);
    return row;
}

} // namespace

std::optional<key_row> read_key(const core::uuid &team, std::uint64_t number) {
    stored_key stored{};
    if (!pg::call([&] { return find_key_unsafe(team, number, stored); }))
        return std::nullopt;
    return row_of(team, stored);
}

std::optional<key_row> read_newest_key(const key_owner &owner) {
    stored_key stored{};
    const char *kind = owner.kind.data(); // a literal
    if (!pg::call([&] {
            return find_newest_key_unsafe(owner.team, kind, owner.subject, owner.asset, stored);
        }))
        return std::nullopt;
    return row_of(owner.team, stored);
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
