// SPDX-License-Identifier: PostgreSQL
// Who may deploy, and who owns what the package makes.
#pragma once

#include <vector>

#include "core/deploy/package.hpp"
#include "pg/spi.hpp"

#include "pg/prelude.hpp"

namespace saas::deploy {

// The package's role names and what this database calls them (settings saas.role_…).
[[nodiscard]] std::vector<core::deploy::renamed_role> configured_roles();

// Raises SA003 for a superuser in the database of another role that is none. That role can replace
// whatever schema saas holds, so not even reading it is safe for a superuser.
void refuse_foreign_database(pg::spi &connection);

// Raises 42501 unless the caller is a superuser or owns the database, and SA003 when the schema or an
// object in it belongs to another role: outside an extension script nothing else keeps CREATE OR
// REPLACE from running somebody else's function under a trusted name.
void require_deployer(pg::spi &connection);

// Gives the package's SECURITY DEFINER functions to the deploying role, so that it can replace them,
// and afterwards to saas_internal, a role without login that row-level security does not filter. The
// caller's own rights do not cover a change to that role; the step is limited to functions that the
// deployer recorded in schema saas.
void take_functions(pg::spi &connection);
void give_functions(pg::spi &connection);

} // namespace saas::deploy
