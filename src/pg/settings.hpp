// SPDX-License-Identifier: PostgreSQL
// The settings of the extension (docs/settings.md).
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "pg/prelude.hpp"

namespace saas::pg {

struct package_role {
    const char *name;       // what the package's files call it
    const char *configured; // what this database calls it: setting saas.role_…
};

// The six roles of the package.
[[nodiscard]] std::span<const package_role> package_roles();

// The configured name of saas_internal, the owner of SECURITY DEFINER functions.
[[nodiscard]] const char *configured_internal_role() noexcept;

// Which ordinary settings are honoured as the request context (saas.trusted_settings).
enum class trusted_source : std::uint8_t {
    off,
    app,  // app.current_user_id and app.current_team_id
    jwt,  // request.jwt.claims, as PostgREST sets it
    both, // request.jwt.claims, or the others when that is empty
};
[[nodiscard]] trusted_source trusted_settings() noexcept;

// The setting saas.request_id, which the application sets for a transaction; empty without.
[[nodiscard]] const char *request_id() noexcept;

// How much memory the fraud lists of one session may take, in kilobytes (saas.fraud_list_memory).
[[nodiscard]] int fraud_list_memory() noexcept;

// Defines the settings. Called once, by _PG_init.
void define_settings();

} // namespace saas::pg
