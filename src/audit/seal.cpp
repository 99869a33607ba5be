// SPDX-License-Identifier: PostgreSQL
// Sealing: the rows that finished transactions wrote become leaves of their teams' trees. Runs with
// the caller's rights: saas.seal_audit_log(), which holds the sealer's lock, calls it as
// saas_internal.
#include "audit/cursor.hpp"
#include "audit/leaf.hpp"
#include "core/error.hpp"
#include "core/uuid.hpp"
#include "pg/result_set.hpp"
#include "pg/spi.hpp"

#include <cstring>
#include <map>
#include <optional>
#include <vector>

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h" // type oids
#include "utils/uuid.h"      // UUID_LEN
#include "utils/xid8.h"      // DatumGetFullTransactionId
}

namespace saas::audit {
namespace {

constexpr std::size_t k_list = 512; // leaves in one row of saas.audit_leaves
constexpr std::size_t k_hash = sizeof(core::digest);
constexpr std::size_t k_salt = core::audit::k_salt_bytes;

#define SAAS_PENDING_ROWS                                                                          \
    "SELECT l.team_id, l.xact_id, l.id, l.created_at, saas.audit_row_digest(l.team_id,"            \
    " l.created_at, l.id, l.xact_id, l.actor_id, l.row_id, l.operation, l.table_name, l.row_key,"  \
    " l.old_values, l.new_values, l.db_role, l.login_role, l.request_id, l.client_addr,"           \
    " l.payload_hash) FROM saas.audit_logs AS l WHERE l.xact_id >= $1 AND l.xact_id < $3"          \
    " AND (l.xact_id, l.id) > ($1, $2)"
#define SAAS_IN_ORDER " ORDER BY l.xact_id, l.id LIMIT $4"

constexpr const char *k_pending = SAAS_PENDING_ROWS SAAS_IN_ORDER;

// For a range in which some rows are sealed: in a database that was restored into a cluster whose
// transactions count otherwise.
constexpr const char *k_pending_among_sealed =
    "WITH sealed AS MATERIALIZED (SELECT a.team_id, p.xact_id, p.id FROM saas.audit_leaves AS a"
    " CROSS JOIN LATERAL saas.audit_leaf_positions(a.positions) AS p"
    " WHERE a.last_xact_id >= $1) " SAAS_PENDING_ROWS
    " AND NOT EXISTS (SELECT FROM sealed AS s WHERE s.team_id = l.team_id"
    " AND s.xact_id = l.xact_id AND s.id = l.id)" SAAS_IN_ORDER;

#undef SAAS_PENDING_ROWS
#undef SAAS_IN_ORDER

constexpr const char *k_some_sealed = "SELECT 1 FROM saas.audit_leaves AS a"
                                      " WHERE a.last_xact_id >= $1::pg_catalog.xid8 LIMIT 1";
constexpr const char *k_size =
    "SELECT c.tree_size FROM saas.audit_checkpoints AS c"
    " WHERE c.team_id = $1::pg_catalog.uuid ORDER BY c.number DESC LIMIT 1";

struct place {
    std::uint64_t transaction = 0;
    core::uuid id{};
};

bytea *make_bytea(std::span<const std::uint8_t> bytes) {
    auto *out = static_cast<bytea *>(palloc(VARHDRSZ + bytes.size()));
    SET_VARSIZE(out, VARHDRSZ + bytes.size());
    std::memcpy(VARDATA(out), bytes.data(), bytes.size());
    return out;
}

// The statements that write, prepared once for a run.
class writer {
public:
    writer() {
        pg::call([this] {
            Oid leaves[] = {UUIDOID, INT8OID, INT8OID, XID8OID, XID8OID, BYTEAOID, BYTEAOID};
            Oid salts[] = {UUIDOID, INT8OID, BYTEAOID};
            Oid checkpoint[] = {UUIDOID, BYTEAOID, XID8OID, UUIDOID};
            leaves_ = SPI_prepare("INSERT INTO saas.audit_leaves (team_id, first_index, leaf_count,"
                                  " first_xact_id, last_xact_id, hashes, positions)"
                                  " VALUES ($1, $2, $3, $4, $5, $6, $7)",
                                  7, leaves);
            salts_ = SPI_prepare("INSERT INTO saas.audit_salts (team_id, first_index, salts)"
                                 " VALUES ($1, $2, $3)",
                                 3, salts);
            checkpoint_ = SPI_prepare(
                "SELECT saas.add_audit_checkpoint($1, $2, $3, $4, NULL)", 4, checkpoint);
        });
    }

    void add_list(const core::uuid &team, std::uint64_t first_index,
                  std::span<const std::uint8_t> hashes, std::span<const std::uint8_t> positions,
                  std::span<const std::uint8_t> salts) const {
        pg::call([&] {
            const Datum index = Int64GetDatum(static_cast<std::int64_t>(first_index));
            const Datum hash_list = PointerGetDatum(make_bytea(hashes));
            const Datum position_list = PointerGetDatum(make_bytea(positions));
            const Datum salt_list = PointerGetDatum(make_bytea(salts));
            Datum leaf[] = {PointerGetDatum(team.data()),
                            index,
                            Int64GetDatum(static_cast<std::int64_t>(hashes.size() / k_hash)),
                            transaction_at(positions, 0),
                            transaction_at(positions, positions.size() - sizeof(position)),
                            hash_list,
                            position_list};
            Datum salt[] = {PointerGetDatum(team.data()), index, salt_list};
            run(leaves_, leaf);
            run(salts_, salt);
            pfree(DatumGetPointer(hash_list));
            pfree(DatumGetPointer(position_list));
            pfree(DatumGetPointer(salt_list));
        });
    }

    void add_checkpoint(const core::uuid &team, std::span<const std::uint8_t> hashes,
                        const place &through) const {
        pg::call([&] {
            Datum values[] = {
                PointerGetDatum(team.data()), PointerGetDatum(make_bytea(hashes)),
                FullTransactionIdGetDatum(FullTransactionId{through.transaction}),
                PointerGetDatum(through.id.data())};
            run(checkpoint_, values);
            pfree(DatumGetPointer(values[1]));
        });
    }

private:
    static void run(SPIPlanPtr plan, Datum *values) {
        SPI_execute_plan(plan, values, nullptr, false, 0);
        SPI_freetuptable(SPI_tuptable);
    }
    static Datum transaction_at(std::span<const std::uint8_t> positions, std::size_t at) {
        std::uint64_t n = 0;
        for (std::size_t i = 0; i < 8; ++i)
            n = n << 8 | positions[at + i];
        return FullTransactionIdGetDatum(FullTransactionId{n});
    }

    SPIPlanPtr leaves_ = nullptr;
    SPIPlanPtr salts_ = nullptr;
    SPIPlanPtr checkpoint_ = nullptr;
};

std::uint64_t tree_size(pg::spi &connection, const core::uuid &team) {
    const auto rows = connection.query(k_size, {core::to_text(team)});
    return rows.empty() ? 0 : std::stoull(rows.front().front().value_or("0"));
}

// The rows of one team: each list of leaves is written when it is full.
class team_rows {
public:
    team_rows(const core::uuid &team, std::uint64_t size, const writer &out)
        : team_{team}, out_{out}, next_index_{size} {}

    void add(const position &where, const row_digest &digest) {
        digests_.push_back(digest);
        positions_.insert(positions_.end(), where.bytes.begin(), where.bytes.end());
        if (digests_.size() == k_list)
            write_list();
    }

    void end(const place &through) {
        if (!digests_.empty())
            write_list();
        out_.add_checkpoint(team_, hashes_, through);
    }

private:
    void write_list() {
        std::vector<std::uint8_t> salts(digests_.size() * k_salt);
        if (!pg_strong_random(salts.data(), salts.size()))
            throw core::error{core::k_internal_error, "could not generate random bytes"};
        const std::size_t before = hashes_.size();
        for (std::size_t i = 0; i < digests_.size(); ++i) {
            const core::digest leaf =
                make_leaf(digests_[i], std::span{salts}.subspan(i * k_salt, k_salt));
            hashes_.insert(hashes_.end(), leaf.begin(), leaf.end());
        }
        out_.add_list(team_, next_index_, std::span{hashes_}.subspan(before), positions_, salts);
        next_index_ += digests_.size();
        digests_.clear();
        positions_.clear();
    }

    core::uuid team_;
    const writer &out_;
    std::uint64_t next_index_;
    std::vector<row_digest> digests_; // of the list that is not full yet
    std::vector<std::uint8_t> positions_;
    std::vector<std::uint8_t> hashes_; // of all leaves
};

core::uuid uuid_of(Datum value) {
    core::uuid out;
    std::memcpy(out.data(), DatumGetUUIDP(value)->data, out.size());
    return out;
}

// A row that is none the package writes gets a digest that no row has, so that verifying names it.
row_digest digest_of(std::span<const std::uint8_t> bytes) {
    if (bytes.size() != k_row_digest_bytes)
        return {};
    return read_row_digest(bytes.data());
}

struct sealed_rows {
    std::int64_t count = 0;
    place last;
    std::map<core::uuid, team_rows> teams;
};

void read_rows(pg::spi &connection, cursor &row, const writer &out, sealed_rows &sealed) {
    core::cancel_poll poll{pg::stop_requested};
    while (row.next()) {
        poll.step();
        bool null = false;
        const core::uuid team = uuid_of(row.value(1, null));
        sealed.last = {U64FromFullTransactionId(DatumGetFullTransactionId(row.value(2, null))),
                       uuid_of(row.value(3, null))};
        auto known = sealed.teams.find(team);
        if (known == sealed.teams.end())
            known = sealed.teams
                        .emplace(team, team_rows{team, tree_size(connection, team), out})
                        .first;
        known->second.add(make_position(sealed.last.transaction, sealed.last.id.data(),
                                        row.integer(4)),
                          digest_of(row.bytes(5)));
        ++sealed.count;
    }
}

// What the run is to seal: the rows after a place, of transactions below one, at most so many.
struct range {
    place after;
    std::uint64_t below;
    std::optional<std::int64_t> limit;
    std::uint64_t horizon; // when there are fewer, all below this is sealed
};

// Returns how many rows it sealed, and how far that is.
pg::text_row seal_rows(pg::spi &connection, const range &wanted) {
    const Oid types[] = {XID8OID, UUIDOID, XID8OID, INT8OID};
    const Datum values[] = {
        FullTransactionIdGetDatum(FullTransactionId{wanted.after.transaction}),
        PointerGetDatum(wanted.after.id.data()),
        FullTransactionIdGetDatum(FullTransactionId{wanted.below}),
        Int64GetDatum(wanted.limit.value_or(0))};
    const char *nulls = wanted.limit ? nullptr : "   n";
    const bool some_sealed =
        !connection.query(k_some_sealed, {std::to_string(wanted.after.transaction)}).empty();
    const writer out;
    sealed_rows sealed;
    cursor row{some_sealed ? k_pending_among_sealed : k_pending, types, values, nulls};
    read_rows(connection, row, out, sealed);
    row.close();
    place through{wanted.horizon, {}};
    if (wanted.limit && sealed.count == *wanted.limit)
        through = sealed.last;
    for (auto &[team, rows] : sealed.teams)
        rows.end(through);
    return {std::to_string(sealed.count), std::to_string(through.transaction),
            core::to_text(through.id)};
}

std::uint64_t transaction_argument(FunctionCallInfo fcinfo, int i) {
    return U64FromFullTransactionId(DatumGetFullTransactionId(PG_GETARG_DATUM(i)));
}

} // namespace
} // namespace saas::audit

// saas.seal_audit_rows(after transaction, after id, below, limit, horizon)
SAAS_FUNCTION(saas_seal_audit_rows) {
    using namespace saas; // NOLINT: entry points only
    if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(4))
        throw core::error{core::k_invalid_parameter_value, "a bound of what to seal is null"};
    audit::range wanted{{audit::transaction_argument(fcinfo, 0), audit::uuid_of(PG_GETARG_DATUM(1))},
                        audit::transaction_argument(fcinfo, 2),
                        std::nullopt,
                        audit::transaction_argument(fcinfo, 4)};
    if (!PG_ARGISNULL(3))
        wanted.limit = PG_GETARG_INT64(3);
    pg::spi connection;
    const pg::text_row answer = audit::seal_rows(connection, wanted);
    connection.close();
    pg::return_rows(fcinfo, {answer});
    return 0;
}
