// SPDX-License-Identifier: PostgreSQL
#include "deploy/ledger.hpp"

#include <set>

#include "core/error.hpp"

#include "pg/prelude.hpp"

namespace saas::deploy {
namespace {

// The tables are the deploying role's: it may have dropped a NOT NULL.
const std::string &filled(const pg::text_value &value) {
    if (!value)
        throw core::error{
            core::k_internal_error,
            "a row of the deployer's tables is not whole",
            {},
            "Restore saas.schema_migrations and saas.schema_definitions from a backup."};
    return *value;
}

void drop_object(pg::spi &connection, const std::string &kind, const std::string &identity) {
    connection.execute("DROP " + kind + " IF EXISTS " + identity);
}

std::vector<pg::text_row> recorded_objects(pg::spi &connection, const std::string &module,
                                           const std::string *file) {
    return connection.query(
        "SELECT kind, identity FROM saas.schema_objects"
        " WHERE module = $1 AND ($2 IS NULL OR file = $2) ORDER BY file DESC, position DESC",
        {module, file == nullptr ? pg::text_value{} : pg::text_value{*file}});
}

} // namespace

bool has_bookkeeping(pg::spi &connection) {
    auto rows = connection.query("SELECT to_regclass('saas.schema_objects') IS NOT NULL");
    return rows[0][0] == "t";
}

applied_migrations read_migrations(pg::spi &connection) {
    applied_migrations known;
    for (auto &row : connection.query("SELECT module, version, name, checksum, applied_at, applied_by"
                                      " FROM saas.schema_migrations"))
        known[{filled(row[0]), std::stoi(filled(row[1]))}] = {filled(row[2]), filled(row[3]),
                                                              row[4], row[5]};
    return known;
}

applied_definitions read_definitions(pg::spi &connection) {
    applied_definitions known;
    for (auto &row : connection.query("SELECT module, file, checksum, applied_at, applied_by"
                                      " FROM saas.schema_definitions"))
        known[{filled(row[0]), filled(row[1])}] = {filled(row[1]), filled(row[2]), row[3], row[4]};
    return known;
}

std::set<module_file> read_damaged(pg::spi &connection) {
    std::set<module_file> files;
    for (auto &row : connection.query("SELECT module, file FROM saas.missing_objects()"
                                      " WHERE module IS NOT NULL AND file IS NOT NULL"))
        files.insert({*row[0], *row[1]});
    return files;
}

std::vector<std::pair<std::string, std::string>> objects_of_others(pg::spi &connection,
                                                                   const std::string &module) {
    std::vector<std::pair<std::string, std::string>> objects;
    for (auto &row : connection.query("SELECT module, identity FROM saas.schema_objects"
                                      " WHERE module <> $1 AND kind IN ('function', 'procedure', 'view')",
                                      {module}))
        objects.emplace_back(filled(row[0]), filled(row[1]));
    return objects;
}

void record_migration(pg::spi &connection, const std::string &module, const migration &done) {
    connection.query("INSERT INTO saas.schema_migrations (module, version, name, checksum)"
                     " VALUES ($1, $2::integer, $3, $4)",
                     {module, std::to_string(done.version), done.name, done.up.checksum});
}

void forget_migration(pg::spi &connection, const std::string &module, int version) {
    connection.query("DELETE FROM saas.schema_migrations WHERE module = $1 AND version = $2::integer",
                     {module, std::to_string(version)});
}

void record_definitions(pg::spi &connection, const std::string &module, const sql_file &file,
                        const std::vector<defined_object> &objects) {
    std::set<std::pair<std::string, std::string>> current;
    for (const defined_object &object : objects)
        current.insert({object.kind, object.identity});
    for (auto &row : recorded_objects(connection, module, &file.path)) {
        if (current.count({filled(row[0]), filled(row[1])}) == 0)
            drop_object(connection, *row[0], *row[1]);
    }
    connection.query("DELETE FROM saas.schema_objects WHERE module = $1 AND file = $2",
                     {module, file.path});
    int position = 0;
    for (const defined_object &object : objects) {
        connection.query("INSERT INTO saas.schema_objects (module, file, position, kind, identity)"
                         " VALUES ($1, $2, $3::integer, $4, $5)"
                         " ON CONFLICT (kind, identity) DO UPDATE SET module = excluded.module,"
                         " file = excluded.file, position = excluded.position",
                         {module, file.path, std::to_string(++position), object.kind,
                          object.identity});
    }
    connection.query("INSERT INTO saas.schema_definitions (module, file, checksum)"
                     " VALUES ($1, $2, $3) ON CONFLICT (module, file) DO UPDATE SET"
                     " checksum = excluded.checksum, applied_at = excluded.applied_at,"
                     " applied_by = excluded.applied_by",
                     {module, file.path, file.checksum});
}

void drop_definitions(pg::spi &connection, const std::string &module, const std::string *file) {
    for (auto &row : recorded_objects(connection, module, file))
        drop_object(connection, filled(row[0]), filled(row[1]));
    pg::text_value only = file == nullptr ? pg::text_value{} : pg::text_value{*file};
    for (const char *table : {"schema_objects", "schema_definitions"})
        connection.query(std::string{"DELETE FROM saas."} + table +
                             " WHERE module = $1 AND ($2 IS NULL OR file = $2)",
                         {module, only});
}

} // namespace saas::deploy
