// SPDX-License-Identifier: PostgreSQL
// Accesses to data keys, from shared memory to SQL.
#include <cstring>

#include "core/sha256.hpp"
#include "encryption/key_accesses.hpp"
#include "pg/datum.hpp"
#include "pg/result_set.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/uuid.h" // DatumGetUUIDP
}

using namespace saas; // NOLINT: entry points only

namespace {

const char *outcome_text(encryption::access_outcome outcome) {
    switch (outcome) {
    case encryption::access_outcome::done:
        return "done";
    case encryption::access_outcome::failed:
        return "failed";
    default:
        return "refused";
    }
}

} // namespace

// (memory, place): accesses from that place on; from the first one when the memory is another. One row each:
// memory, place, microseconds since 2000, database, team, key, kind, subject, role, action, outcome.
SAAS_FUNCTION(saas_key_accesses) {
    core::uuid asked{};
    if (!PG_ARGISNULL(0))
        std::memcpy(asked.data(), DatumGetUUIDP(PG_GETARG_DATUM(0))->data, UUID_LEN);
    const std::int64_t place = PG_ARGISNULL(1) ? 0 : PG_GETARG_INT64(1);
    const core::uuid memory = encryption::key_access_memory();
    const auto from = asked == memory && place > 0 ? static_cast<std::uint64_t>(place) : 0;
    std::vector<pg::text_row> rows;
    for (const auto &[at, access] : encryption::read_key_accesses(from)) {
        const std::string kind{access.kind, strnlen(access.kind, sizeof(access.kind))};
        rows.push_back({core::to_text(memory), std::to_string(at), std::to_string(access.at),
                        std::to_string(access.database), core::to_text(access.team),
                        std::to_string(access.number), kind,
                        access.has_subject ? pg::text_value{core::to_text(access.subject)} : pg::text_value{},
                        std::string{access.role},
                        std::string{access.operation == encryption::key_operation::unwrap ? "open" : "make"},
                        std::string{outcome_text(access.outcome)}});
    }
    pg::return_rows(fcinfo, rows);
    return 0;
}
