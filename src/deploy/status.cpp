// SPDX-License-Identifier: PostgreSQL
// What is deployed, compared with what is installed.
#include <algorithm>

#include "deploy/deployer.hpp"
#include "deploy/ledger.hpp"
#include "deploy/ownership.hpp"
#include "deploy/package_files.hpp"

#include "pg/prelude.hpp"

namespace saas::deploy {
namespace {

struct deployed {
    applied_migrations migrations;
    applied_definitions definitions;
};

deployed read_deployed() {
    deployed known;
    pg::spi connection;
    refuse_foreign_database(connection);
    if (has_bookkeeping(connection)) {
        known.migrations = read_migrations(connection);
        known.definitions = read_definitions(connection);
    }
    connection.close();
    return known;
}

// pending, applied or changed, and when and by whom.
void add_row(std::vector<pg::text_row> &rows, const std::string &module, const std::string &kind,
             const std::string &name, const std::string &checksum, const applied *known) {
    std::string state = "pending";
    if (known != nullptr)
        state = known->checksum == checksum ? "applied" : "changed";
    rows.push_back({module, kind, name, state, known != nullptr ? known->at : pg::text_value{},
                    known != nullptr ? known->by : pg::text_value{}});
}

} // namespace

std::vector<pg::text_row> status() {
    package files = load_package();
    deployed known = read_deployed();
    std::vector<pg::text_row> rows;
    for (const module_files &module : files.modules) {
        for (const migration &step : module.migrations) {
            auto row = known.migrations.find({module.name, step.version});
            bool found = row != known.migrations.end();
            add_row(rows, module.name, "migration", step.name, step.up.checksum,
                    found ? &row->second : nullptr);
            if (found)
                known.migrations.erase(row);
        }
        for (const sql_file &file : module.definitions) {
            auto row = known.definitions.find({module.name, file.path});
            bool found = row != known.definitions.end();
            add_row(rows, module.name, "definition", file.path.substr(module.name.size() + 1),
                    file.checksum, found ? &row->second : nullptr);
            if (found)
                known.definitions.erase(row);
        }
    }
    for (const auto &[key, value] : known.migrations)
        rows.push_back({key.first, "migration", value.name, "missing", value.at, value.by});
    for (const auto &[key, value] : known.definitions)
        rows.push_back({key.first, "definition", value.name, "missing", value.at, value.by});
    return rows;
}

std::vector<pg::text_row> modules() {
    package files = load_package();
    deployed known = read_deployed();
    std::vector<pg::text_row> rows;
    for (const module_files &module : files.modules) {
        std::string required = "{";
        for (const std::string &name : module.required)
            required += (required.size() > 1 ? "," : "") + name;
        auto of_module = [&](const auto &entry) { return entry.first.first == module.name; };
        auto applied = std::count_if(known.migrations.begin(), known.migrations.end(), of_module);
        auto defined = std::count_if(known.definitions.begin(), known.definitions.end(), of_module);
        rows.push_back({module.name, required + "}", std::to_string(module.migrations.size()),
                        std::to_string(applied), std::to_string(module.definitions.size()),
                        applied + defined > 0 ? "t" : "f"});
    }
    return rows;
}

std::vector<pg::text_row> declared_tables() {
    std::vector<pg::text_row> rows;
    for (const char *table : {"schema_migrations", "schema_definitions", "schema_objects"})
        rows.push_back({"deploy", table, "local"});
    for (const module_files &module : load_package().modules) {
        for (const auto &table : module.tables)
            rows.push_back({module.name, table.name, table.kind});
    }
    return rows;
}

} // namespace saas::deploy
