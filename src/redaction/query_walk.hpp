// SPDX-License-Identifier: PostgreSQL
// Whether an analysed statement calls a function, or uses a relation, that handles secrets.
#pragma once

#include "pg/prelude.hpp"

extern "C" {
#include "nodes/parsenodes.h" // Query
}

namespace saas::redaction {

// Decided by the oids in the tree. Of utility commands that execute something not yet analysed (DO,
// PREPARE, EXECUTE, COPY) `text` is read instead. Plain frames only; reads the catalog.
[[nodiscard]] bool query_handles_secrets_unsafe(Query *query, const char *text);

// Whether the statement that was prepared under that name does; false when there is none.
[[nodiscard]] bool prepared_handles_secrets_unsafe(const char *name);

} // namespace saas::redaction
