// SPDX-License-Identifier: PostgreSQL
// Restriction of processing as committed by now, for transactions that otherwise keep to an older snapshot.
#include <cstring>

#include "core/uuid.hpp"
#include "pg/boundary.hpp"
#include "pg/spi.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "fmgr.h"       // PG_GETARG_DATUM
#include "utils/uuid.h" // DatumGetUUIDP
}

using namespace saas; // NOLINT: entry points only

namespace {

std::string subject_text(Datum value) {
    core::uuid subject;
    std::memcpy(subject.data(), DatumGetUUIDP(value)->data, subject.size());
    return core::to_text(subject);
}

// Whether the query, of the person $1, finds a row by now. Read as saas_internal: it is about everybody.
bool finds_row(const char *sql, Datum subject) {
    pg::as_role reader{pg::internal_role_id()};
    pg::spi connection;
    const bool found = !connection.query_newest(sql, {subject_text(subject)}).empty();
    connection.close();
    return found;
}

} // namespace

SAAS_FUNCTION(saas_is_restricted_by_now) {
    PG_RETURN_BOOL(finds_row("SELECT 1 FROM saas.processing_restrictions AS r "
                             "WHERE r.subject_id = $1::pg_catalog.uuid AND r.purpose IS NULL AND r.lifted_at IS NULL",
                             PG_GETARG_DATUM(0)));
}

// (subject, is_restricted)
SAAS_FUNCTION(saas_has_keys_unlike) {
    PG_RETURN_BOOL(finds_row(PG_GETARG_BOOL(1) ? "SELECT 1 FROM saas.encryption_keys AS k "
                                                 "WHERE k.subject_id = $1::pg_catalog.uuid AND NOT k.is_restricted LIMIT 1"
                                               : "SELECT 1 FROM saas.encryption_keys AS k "
                                                 "WHERE k.subject_id = $1::pg_catalog.uuid AND k.is_restricted LIMIT 1",
                             PG_GETARG_DATUM(0)));
}
