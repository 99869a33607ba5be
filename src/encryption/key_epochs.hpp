// SPDX-License-Identifier: PostgreSQL
// What keeps an epoch from being ended while a transaction wraps keys in it: its rows are not seen by
// others before it ends.
#pragma once

#include "core/uuid.hpp"

#include "pg/prelude.hpp"

namespace saas::encryption {

// Until the transaction ends, nobody ends an epoch of the team. Waits for one that does so now. Called before the
// current epoch is asked for.
void keep_epochs(const core::uuid &team);

// At the end of the transaction.
void forget_kept_epochs() noexcept;

} // namespace saas::encryption
