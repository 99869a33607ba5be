// SPDX-License-Identifier: PostgreSQL
// The transaction that this backend is in.
#pragma once

#include "pg/prelude.hpp"

extern "C" {
#include "storage/proc.h" // MyProc
}

namespace saas::pg {

// Another number for each transaction of this backend, also for two of one message, which start at the
// same time. A parallel worker has one of its own.
[[nodiscard]] inline LocalTransactionId current_transaction() noexcept {
#if PG_VERSION_NUM >= 170000
    return MyProc->vxid.lxid;
#else
    return MyProc->lxid;
#endif
}

} // namespace saas::pg
