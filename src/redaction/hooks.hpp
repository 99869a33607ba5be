// SPDX-License-Identifier: PostgreSQL
// Redaction: plaintext, keys and credentials that functions of the package are given stay out of the
// server's log, of pg_stat_activity and of pg_stat_statements.
#pragma once

namespace saas::redaction {

// Installs the hooks. Called once, by _PG_init. In the server's main process they are installed once
// all libraries are loaded, so that they come before those of pg_stat_statements.
void initialise();

// Whether the library was loaded with the server (shared_preload_libraries).
[[nodiscard]] bool is_preloaded() noexcept;

} // namespace saas::redaction
