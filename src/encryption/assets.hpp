// SPDX-License-Identifier: PostgreSQL
// Assets: columns under an identifier that survives renaming and dumps, from saas.data_assets.
#pragma once

#include "core/uuid.hpp"

#include "pg/prelude.hpp"

namespace saas::encryption {

// Registers for changes of data_assets. Called once, by _PG_init.
void initialise_assets();

// The asset of a column as it is named now. Throws SA104 when the column is not registered, 42703
// when the table has no such column.
[[nodiscard]] core::uuid asset_of(Oid table, const char *column);

} // namespace saas::encryption
