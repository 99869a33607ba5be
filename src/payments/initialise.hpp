// SPDX-License-Identifier: PostgreSQL
// What the module registers when the library is loaded.
#pragma once

namespace saas::payments {

// For the invalidation of the tables that are kept in the backend. Called once each, by _PG_init.
void initialise_reference();
void initialise_ledger();

} // namespace saas::payments
