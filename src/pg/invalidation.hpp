// SPDX-License-Identifier: PostgreSQL
// Changes of relations, for what this backend keeps of them.
#pragma once

#include "pg/prelude.hpp"

namespace saas::pg {

// The relation whose definition changed; InvalidOid for any. Runs in the middle of whatever the
// server does: it may only mark what is outdated, and neither throws nor calls the server.
using relation_changed = void (*)(Oid relation);

// Calls `callback` from now on until the backend ends. One slot of the server's serves all
// callbacks: it has ten, for itself and all extensions, and ends the session when they are used up.
void watch_relations(relation_changed callback);

} // namespace saas::pg
