// SPDX-License-Identifier: PostgreSQL
// The deployer's memory: rows of saas.schema_migrations, schema_definitions and schema_objects.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "deploy/package_files.hpp"
#include "deploy/statements.hpp"
#include "pg/spi.hpp"

#include "pg/prelude.hpp"

namespace saas::deploy {

struct applied {
    std::string name;
    std::string checksum;
    pg::text_value at;
    pg::text_value by;
};

using applied_migrations = std::map<std::pair<std::string, int>, applied>;          // module, version
using applied_definitions = std::map<std::pair<std::string, std::string>, applied>; // module, file

// True when the deployer's tables exist, which the first deployment makes.
bool has_bookkeeping(pg::spi &connection);

applied_migrations read_migrations(pg::spi &connection);
applied_definitions read_definitions(pg::spi &connection);

// Files of definitions of which an object was dropped since they ran: module, file.
using module_file = std::pair<std::string, std::string>;
std::set<module_file> read_damaged(pg::spi &connection);

// Functions, procedures and views that files of other modules defined: module, qualified name.
std::vector<std::pair<std::string, std::string>> objects_of_others(pg::spi &connection,
                                                                   const std::string &module);

void record_migration(pg::spi &connection, const std::string &module, const migration &done);
void forget_migration(pg::spi &connection, const std::string &module, int version);

// Records that the file was run and which objects it defined. Objects that it used to define and no
// longer does are dropped.
void record_definitions(pg::spi &connection, const std::string &module, const sql_file &file,
                        const std::vector<defined_object> &objects);

// Drops what the module's files defined, last made first; forgets the files. With `file` only that one.
void drop_definitions(pg::spi &connection, const std::string &module,
                      const std::string *file = nullptr);

} // namespace saas::deploy
