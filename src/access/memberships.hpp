// SPDX-License-Identifier: PostgreSQL
// The teams of the user of the request context, kept in the backend.
#pragma once

#include "context/context.hpp"
#include "core/access/memberships.hpp"
#include "pg/transaction.hpp"
#include "pg/watched_table.hpp"

#include "pg/prelude.hpp"

namespace saas::access {

namespace detail {
// What of_current_user() answered last, and while what stays it holds.
struct last_answer {
    std::uint64_t context = 0;
    std::uint64_t changes = 0;
    LocalTransactionId transaction = InvalidLocalTransactionId;
    const core::access::memberships *teams = nullptr;
};
extern constinit last_answer last;
} // namespace detail

// Registers for changes of memberships, teams and users. Called once, by _PG_init.
void initialise();

// The active memberships, in active teams that are not deleted, of the user of the request context;
// for a worker and an API key, which act for nobody, the team and the role of the context; empty
// without a context. As last committed when this backend last took in changes of others (see accept_changes
// in pg/watched_table.hpp), with those of this transaction. Holds until the next call of this
// function. Throws SA020 for a forged context. Calls the server through pg::call.
[[nodiscard]] const core::access::memberships &of_current_user();

// The same, as long as the context and what is known of memberships stay as they are: for functions
// that are called for each row. Null when of_current_user() has to be asked.
[[nodiscard]] inline const core::access::memberships *of_same_user() noexcept {
    const detail::last_answer &last = detail::last;
    const bool same = last.context == context::generation() &&
                      last.changes == pg::watched_table::all_changes() &&
                      last.transaction == pg::current_transaction();
    return same ? last.teams : nullptr;
}

} // namespace saas::access
