// SPDX-License-Identifier: PostgreSQL
// Which (team, quarter of an hour) of which source this transaction has changed. Kept in memory until
// it is about to commit, and then written to saas.rollup_changes, each once: so that what is written costs
// a hash lookup a row and one row a transaction and bucket, and commits with the change itself.
#pragma once

#include <cstddef>
#include <cstdint>

#include "pg/prelude.hpp"

extern "C" {
#include "datatype/timestamp.h" // TimestampTz
#include "utils/uuid.h"         // pg_uuid_t
}

namespace saas::metrics {

struct change_key {
    pg_uuid_t team;
    pg_uuid_t source;
    TimestampTz span; // its start
};
static_assert(sizeof(change_key) == 40, "compared and hashed as bytes");

// Takes note of a change. Plain frames only.
void note_change(const change_key &key);

// Writes what was noted so far, so that this transaction sees it, too. Plain frames only.
void write_noted_changes();

// What is known of saas.rollup_changes is outdated when this is it, or InvalidOid.
void log_changed(Oid table) noexcept;

// Writes the rows. Throws SA021 when the table is missing, SA130 when it is not as the package made it. Plain frames only.
void write_changes(const change_key *keys, std::size_t count, std::int32_t batch);

} // namespace saas::metrics
