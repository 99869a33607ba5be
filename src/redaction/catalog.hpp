// SPDX-License-Identifier: PostgreSQL
// Which functions and relations of this database handle secrets.
//
// A function does when it is one of schema saas that takes or returns plaintext, keys or credentials
// (core/redaction/secrets.hpp), or one of another schema whose body names such a function or relation.
// A relation does when it has a trigger with such a function, as a table with encrypted columns, or is
// a view that uses one.
// Answers are kept per oid until the catalog changes.
//
// Plain frames only: everything may raise and reads the catalog, so that it needs a transaction.
#pragma once

#include "core/redaction/sql_text.hpp"

#include "pg/prelude.hpp"

namespace saas::redaction {

// Called once, by _PG_init.
void watch_catalog();

// Whether this database has the extension at all. False costs next to nothing.
[[nodiscard]] bool has_package_unsafe();

[[nodiscard]] bool function_handles_secrets_unsafe(Oid function);

// What of a relation handles secrets.
struct relation_answer {
    bool writing; // a trigger does
    bool reading; // the query of the view does
};
[[nodiscard]] relation_answer relation_handles_secrets_unsafe(Oid relation);

// Whether a statement that is not analysed yet names such a function or relation. Names are looked up in
// the schema they are qualified with, or in all schemas.
[[nodiscard]] bool text_handles_secrets_unsafe(const char *sql);

} // namespace saas::redaction
