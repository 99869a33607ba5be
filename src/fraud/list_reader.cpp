// SPDX-License-Identifier: PostgreSQL
#include "fraud/list_reader.hpp"

#include "pg/datum.hpp"
#include "pg/spi.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h"  // TEXTOID
#include "executor/spi.h"     // SPI_cursor_open_with_args
#include "utils/builtins.h"   // cstring_to_text_with_len
#include "utils/snapmgr.h"    // PushActiveSnapshot
#include "utils/timestamp.h"  // TimestampTz
}

namespace saas::fraud {
namespace {

namespace engine = core::fraud;

// Microseconds from the epoch of Unix to that of the server, 2000-01-01.
constexpr std::int64_t k_server_epoch = 946'684'800LL * 1'000'000;
constexpr long k_batch = 10'000;

engine::moment until_of(HeapTuple row, TupleDesc shape, int column) {
    bool null = false;
    Datum until = SPI_getbinval(row, shape, column, &null);
    if (null || TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(until)))
        return !null && TIMESTAMP_IS_NOBEGIN(DatumGetTimestampTz(until)) ? 0 : engine::k_never;
    return DatumGetTimestampTz(until) + k_server_epoch;
}

// Reads rows (value, expires_at) batch by batch, so that the server never holds them all. Plain data only, but for
// list_set, which calls no server.
bool fetch(Portal portal, engine::list_set &entries, std::size_t limit) {
    for (;;) {
        CHECK_FOR_INTERRUPTS();
        SPI_cursor_fetch(portal, true, k_batch);
        uint64 count = SPI_processed;
        for (uint64 i = 0; i < count; ++i) {
            HeapTuple row = SPI_tuptable->vals[i];
            bool null = false;
            Datum value = SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &null);
            if (!null)
                entries.load(pg::text_view_unsafe(value),
                             until_of(row, SPI_tuptable->tupdesc, 2));
        }
        SPI_freetuptable(SPI_tuptable);
        if (entries.footprint() > limit)
            return false;
        if (count < static_cast<uint64>(k_batch))
            return true;
    }
}

} // namespace

std::optional<std::pair<core::uuid, engine::list_kind>> read_list(const core::uuid &team,
                                                                  std::string_view alias) {
    pg::as_role reader{pg::internal_role_id()};
    pg::spi connection;
    auto rows = connection.query_newest(
        "SELECT l.id::pg_catalog.text, l.kind FROM saas.fraud_lists AS l"
        " WHERE l.team_id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid"
        " AND l.alias OPERATOR(pg_catalog.=) $2",
        {core::to_text(team), std::string{alias}});
    connection.close();
    if (rows.empty() || !rows[0][0] || !rows[0][1])
        return std::nullopt;
    auto id = core::parse_uuid(*rows[0][0]);
    auto kind = engine::list_kind_of(*rows[0][1]);
    if (!id || !kind)
        return std::nullopt;
    return std::pair{*id, *kind};
}

bool read_entries(const core::uuid &team, const core::uuid &list, engine::list_set &entries,
                  std::size_t limit, list_state &state) {
    pg::as_role reader{pg::internal_role_id()};
    pg::spi connection;
    // One snapshot for what was read and for what is known about it.
    pg::call([] { PushActiveSnapshot(GetLatestSnapshot()); });
    std::string team_text = core::to_text(team);
    std::string list_text = core::to_text(list);
    auto about = connection.query_as_seen(
        "SELECT pg_catalog.pg_current_snapshot()::pg_catalog.text, EXISTS (SELECT FROM"
        " saas.fraud_list_changes AS c WHERE c.team_id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid"
        " AND c.list_id OPERATOR(pg_catalog.=) $2::pg_catalog.uuid AND c.xact_id"
        " OPERATOR(pg_catalog.=) pg_catalog.pg_current_xact_id_if_assigned()),"
        " pg_catalog.pg_current_xact_id_if_assigned()::pg_catalog.text",
        {team_text, list_text});
    state.snapshot = about.at(0).at(0).value_or("");
    state.own_changes = about[0].at(1).value_or("") == "t";
    state.own_number = about[0].at(2).value_or("0");
    bool fits = pg::call([&] {
        Oid types[] = {TEXTOID, TEXTOID};
        Datum values[] = {CStringGetTextDatum(team_text.c_str()),
                          CStringGetTextDatum(list_text.c_str())};
        Portal portal = SPI_cursor_open_with_args(
            nullptr,
            "SELECT i.value, i.expires_at FROM saas.fraud_list_items AS i"
            " WHERE i.team_id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid"
            " AND i.list_id OPERATOR(pg_catalog.=) $2::pg_catalog.uuid",
            2, types, values, nullptr, true, 0);
        bool all = fetch(portal, entries, limit);
        SPI_cursor_close(portal);
        PopActiveSnapshot();
        return all;
    });
    connection.close();
    return fits;
}

void read_changes(const core::uuid &team, const core::uuid &list, const list_state &state,
                  engine::list_set &entries) {
    pg::as_role reader{pg::internal_role_id()};
    pg::spi connection;
    // A number from another server's history may lie ahead of ours: such a row was there when the list was read.
    auto rows = connection.query_newest(
        "SELECT c.value, c.present::pg_catalog.text,"
        " (pg_catalog.date_part('epoch', c.expires_at) OPERATOR(pg_catalog.*)"
        " 1000000)::pg_catalog.int8::pg_catalog.text"
        " FROM saas.fraud_list_changes AS c"
        " WHERE c.team_id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid"
        " AND c.list_id OPERATOR(pg_catalog.=) $2::pg_catalog.uuid"
        " AND c.xact_id OPERATOR(pg_catalog.>=)"
        " pg_catalog.pg_snapshot_xmin($3::pg_catalog.pg_snapshot)"
        " AND (c.xact_id OPERATOR(pg_catalog.=) pg_catalog.pg_current_xact_id_if_assigned()"
        " OR c.xact_id OPERATOR(pg_catalog.=) $4::pg_catalog.xid8"
        " OR (c.xact_id OPERATOR(pg_catalog.<)"
        " pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())"
        " AND NOT pg_catalog.pg_visible_in_snapshot(c.xact_id, $3::pg_catalog.pg_snapshot)))"
        " ORDER BY c.id",
        {core::to_text(team), core::to_text(list), state.snapshot, state.own_number});
    connection.close();
    for (const pg::text_row &row : rows) {
        if (row[0] && row[1])
            entries.change(*row[0], row[2] ? std::stoll(*row[2]) : engine::k_never,
                           *row[1] == "true");
    }
}

engine::value probe_list(const core::uuid &team, const core::uuid &list, engine::list_kind kind,
                         const engine::value &wanted, engine::moment at) {
    if (auto known = engine::unlisted(wanted))
        return *known;
    std::string words = engine::text_of(wanted);
    std::string array = pg::array_literal(engine::list_candidates(kind, words));
    pg::as_role reader{pg::internal_role_id()};
    pg::spi connection;
    auto rows = connection.query_newest(
        "SELECT EXISTS (SELECT FROM saas.fraud_list_items AS i"
        " WHERE i.team_id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid"
        " AND i.list_id OPERATOR(pg_catalog.=) $2::pg_catalog.uuid"
        " AND i.value OPERATOR(pg_catalog.=) ANY ($3::pg_catalog.text[])"
        " AND (i.expires_at IS NULL OR i.expires_at OPERATOR(pg_catalog.>)"
        " pg_catalog.to_timestamp($4::pg_catalog.float8 OPERATOR(pg_catalog./) 1000000)))",
        {core::to_text(team), core::to_text(list), array, std::to_string(at)});
    connection.close();
    return engine::value::of(rows.at(0).at(0).value_or("") == "t");
}

} // namespace saas::fraud
