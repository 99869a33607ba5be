// SPDX-License-Identifier: PostgreSQL
// The key that signs contexts: a row of saas.context_keys, made when the package is deployed.
#pragma once

#include <optional>

#include "core/context/signed_context.hpp"

#include "pg/prelude.hpp"

namespace saas::context {

// Reads the newest key without asking for the caller's rights: no role but the owner may see it.
// nullopt when the package is not deployed. Needs a transaction.
[[nodiscard]] std::optional<core::context::signing_key> read_signing_key();

} // namespace saas::context
