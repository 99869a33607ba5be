// SPDX-License-Identifier: PostgreSQL
// Which tables a rotation may write to without the executor.
#pragma once

#include "pg/prelude.hpp"

extern "C" {
#include "utils/rel.h" // Relation
}

namespace saas::encryption {

// A table that is open, and the columns that matter; 0 for one that it does not have.
struct rotation_target {
    Relation table;
    AttrNumber value;
    AttrNumber row;
    AttrNumber team;
};

// Whether an UPDATE of the value alone would do no more than write it and, where its page is full,
// enter the new place of the row in the indexes: an ordinary table whose rows this user sees and
// may change, at an isolation level that takes rows as they are now, and no trigger (but the one
// that encrypts, which leaves encrypted values alone), rule, constraint, index or generated column
// that has to do with the value. Raises an error when the table may not be updated for want of a
// replica identity.
bool is_plain_target_unsafe(const rotation_target &target);

} // namespace saas::encryption
