// SPDX-License-Identifier: PostgreSQL
// Reference tables that every delivery asks, kept in the backend.
#pragma once

namespace saas::payments {

// Registers for the invalidation of the tables. Called once, by _PG_init.
void initialise();

} // namespace saas::payments
