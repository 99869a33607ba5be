// SPDX-License-Identifier: PostgreSQL
// The teams of the user of the request context, kept in the backend.
#pragma once

#include "core/access/memberships.hpp"

#include "pg/prelude.hpp"

namespace saas::access {

// Registers for changes of memberships, teams and users. Called once, by _PG_init.
void initialise();

// The active memberships, in active teams that are not deleted, of the user of the request context;
// for a worker and an API key, which act for nobody, the team and the role of the context; empty
// without a context. As last committed when this backend last took in changes of others (see accept_changes
// in pg/watched_table.hpp), with those of this transaction. Holds until the next call of this
// function. Throws SA020 for a forged context. Calls the server through pg::call.
[[nodiscard]] const core::access::memberships &of_current_user();

} // namespace saas::access
