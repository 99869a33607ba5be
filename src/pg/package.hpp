// SPDX-License-Identifier: PostgreSQL
// The schema package from the library's side: its tables are there once it is deployed.
#pragma once

#include "pg/prelude.hpp"

namespace saas::pg {

// The table of that name in schema saas; InvalidOid before the package is deployed. Plain frames only.
[[nodiscard]] Oid package_table_unsafe(const char *name);

// Throws core::error SA021.
[[noreturn]] void refuse_not_deployed();

} // namespace saas::pg
