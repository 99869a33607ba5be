// SPDX-License-Identifier: PostgreSQL
// What an object of the catalog runs that handles secrets, by the dependencies that the catalog records.
// Plain frames only: everything may raise and reads the catalog.
#pragma once

#include "pg/prelude.hpp"

namespace saas::redaction {

// Whether what the object (of a catalog, as pg_rewrite) uses handles secrets: functions, operators, and views
// that it reads.
[[nodiscard]] bool depends_on_secrets_unsafe(Oid catalog, Oid object);

// Whether a write to the relation runs something that handles secrets: a trigger, a rule, a generated column,
// a default, a check, also of a column's domain, an expression of an index; of a partition as well.
[[nodiscard]] bool writing_runs_secrets_unsafe(Oid relation);

// Whether reading the relation does: the query of a view, a policy.
[[nodiscard]] bool reading_runs_secrets_unsafe(Oid relation);

// Whether the type is a domain with a check that does.
[[nodiscard]] bool domain_runs_secrets_unsafe(Oid type);

} // namespace saas::redaction
