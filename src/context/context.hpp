// SPDX-License-Identifier: PostgreSQL
// The request context of this backend: ARCHITECTURE section 2.
#pragma once

#include "core/context/signed_context.hpp"

#include "pg/prelude.hpp"

namespace saas::context {

namespace detail {
extern constinit std::uint64_t verified;
}

// Defines saas.context and the settings beside it. Called once, by _PG_init.
void initialise();

// The context that holds now, or null: none was set, or the one in saas.context was made for another
// transaction. Parsed and verified once per value and transaction. Raises SA020 for a forged value.
// The answer is valid until the next statement.
const core::context::request_context *current();

// A number that stands for the signed context as long as it is assigned: what was concluded from
// current() in this transaction holds while the number stays. 0 without one, also for a context from
// trusted settings, of whose changes nobody is told.
[[nodiscard]] inline std::uint64_t generation() noexcept {
    return detail::verified;
}

// Signs a context for the current transaction, whose binding it fills in, and puts it into
// saas.context by SET LOCAL.
void set(core::context::request_context context);

} // namespace saas::context
