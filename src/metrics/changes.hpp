// SPDX-License-Identifier: PostgreSQL
// Which (team, quarter of an hour) of which source this transaction has changed, and where the rows are
// if it only inserted some. Kept in memory until it is about to commit, and then written to saas.rollup_changes,
// each once: so that what is written costs a hash lookup a row and one row a transaction and bucket, and
// commits with the change itself.
#pragma once

#include <cstddef>
#include <cstdint>

#include "pg/prelude.hpp"

extern "C" {
#include "datatype/timestamp.h" // TimestampTz
#include "storage/itemptr.h"    // ItemPointerData
#include "utils/uuid.h"         // pg_uuid_t
}

namespace saas::metrics {

struct change_key {
    pg_uuid_t team;
    pg_uuid_t source;
    TimestampTz span; // its start
};
static_assert(sizeof(change_key) == 40, "compared and hashed as bytes");

// More rows in one span than these are not told one by one: a row of the log stays in line.
constexpr std::uint32_t k_most_rows = 256;
constexpr std::uint32_t k_rows_at_first = 4;

struct change {
    change_key key;
    Oid file;            // that the rows are in; InvalidOid: the span is to be computed anew
    std::uint32_t count; // of rows
    std::uint32_t room;
    std::uint64_t greatest; // place among them
    ItemPointerData *more; // all of them, once they are more than fit into `first`
    ItemPointerData first[k_rows_at_first];

    [[nodiscard]] const ItemPointerData *rows() const { return more != nullptr ? more : first; }
};

// Takes note of a span that is to be computed anew. Plain frames only.
void note_change(const change_key &key);

// Takes note of a row that this transaction itself, and no subtransaction, has inserted into the file (relfilenode)
// of a table or partition. Plain frames only.
void note_insertion(const change_key &key, Oid file, const ItemPointerData &row);

// Writes what was noted so far, so that this transaction sees it, too: all of it to be computed anew,
// since what computes it sees rows that are not committed. Plain frames only.
void write_noted_changes();

// What is known of saas.rollup_changes is outdated when this is it, or InvalidOid.
void log_changed(Oid table) noexcept;

// Writes the rows. Throws SA021 when the table is missing, SA130 when it is not as the package made it. Plain frames only.
void write_changes(const change *changes, std::size_t count, std::int32_t batch);

} // namespace saas::metrics
