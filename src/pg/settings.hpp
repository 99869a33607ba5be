// SPDX-License-Identifier: PostgreSQL
// The settings of the extension (docs/settings.md).
#pragma once

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

// True when the settings app.current_user_id and app.current_team_id are honoured
// (saas.trusted_settings = on).
[[nodiscard]] bool trusts_settings() noexcept;

// The setting saas.request_id, which the application sets for a transaction; empty without.
[[nodiscard]] const char *request_id() noexcept;

// Defines the settings. Called once, by _PG_init.
void define_settings();

} // namespace saas::pg
