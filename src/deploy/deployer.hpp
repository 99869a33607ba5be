// SPDX-License-Identifier: PostgreSQL
// saas.deploy(), saas.rollback(), saas.deploy_status(), saas.modules(): ARCHITECTURE section 1.
#pragma once

#include <string>
#include <vector>

#include "pg/spi.hpp"

#include "pg/prelude.hpp"

namespace saas::deploy {

// Deploys the modules (all when empty) with what they require: pending migrations, then the
// definitions whose text changed. One row per step: module, step, action, duration as an interval.
// Errors: 42501 when the caller does not own the database; SA001 for a migration edited after it was
// applied or missing from the package; SA002 for a broken package; SA003 for objects of another role;
// a failing statement's own SQLSTATE with file, line and statement in the detail.
std::vector<pg::text_row> deploy(const std::vector<std::string> &modules, bool dry_run);

// Takes a module back to a version: drops its definitions, runs the down migrations above it.
// Rows as above. Error SA004 when a deployed module requires the one that would go to zero, or something that would go
// with a version; 2BP01 when objects outside of the package do.
std::vector<pg::text_row> rollback(const std::string &module, int to_version, bool dry_run);

// Rows: module, kind, name, state, applied_at, applied_by.
std::vector<pg::text_row> status();

// Rows: module, required (array text), migrations, applied, definitions, deployed.
std::vector<pg::text_row> modules();

// Rows: module, table, kind, for every table that a manifest declares.
std::vector<pg::text_row> declared_tables();

} // namespace saas::deploy
