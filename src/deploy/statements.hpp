// SPDX-License-Identifier: PostgreSQL
// Runs the statements of one file of the package, one at a time.
#pragma once

#include <string>
#include <vector>

#include "core/deploy/package.hpp"
#include "deploy/package_files.hpp"
#include "pg/spi.hpp"

#include "pg/prelude.hpp"

namespace saas::deploy {

// An object that a definitions file makes and that a later version or a rollback takes away.
struct defined_object {
    std::string kind;     // function, procedure, view, trigger or policy, as DROP names it
    std::string identity; // what follows in DROP: name, signature, `name ON table`
};

// Runs the file; returns the functions, views, triggers and policies that it defined, in order. An
// existing policy of the same name is dropped before a CREATE POLICY, since it has no OR REPLACE.
// A failing statement raises its own error with file, line and statement in the detail.
std::vector<defined_object> run_file(pg::spi &connection, const sql_file &file,
                                     const std::vector<core::deploy::renamed_role> &roles);

} // namespace saas::deploy
