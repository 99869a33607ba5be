// SPDX-License-Identifier: PostgreSQL
// Which functions and relations of this database handle secrets.
//
// A function does when it is one of schema saas that takes or returns plaintext, keys or credentials
// (core/redaction/secrets.hpp), or one of another schema whose body names such a function or relation.
// A relation does when writing it runs such a function, as a trigger of a table with encrypted columns, or when
// reading it does, as a view (dependencies.hpp).
// Answers are kept per oid until the catalog changes.
//
// Plain frames only: everything may raise and reads the catalog, so that it needs a transaction.
#pragma once

#include <cstdint>

#include "core/redaction/sql_text.hpp"

#include "pg/prelude.hpp"

namespace saas::redaction {

// Called once, by _PG_init.
void watch_catalog();

// Whether this database has the extension at all. False costs next to nothing.
[[nodiscard]] bool has_package_unsafe();

// The same as far as it is known without a look-up: false when it certainly has none.
[[nodiscard]] bool may_have_package() noexcept;

[[nodiscard]] bool function_handles_secrets_unsafe(Oid function);

enum class access : std::uint32_t { read, write };
[[nodiscard]] bool relation_handles_secrets_unsafe(Oid relation, access use);

// Whether a statement that is not analysed yet names such a function or relation. Names are looked up in
// the schema they are qualified with, or in all schemas.
[[nodiscard]] bool text_handles_secrets_unsafe(const char *sql);

// The same of the body of a function, in whatever language.
[[nodiscard]] bool code_handles_secrets_unsafe(const char *code);

} // namespace saas::redaction
