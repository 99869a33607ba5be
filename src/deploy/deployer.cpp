// SPDX-License-Identifier: PostgreSQL
#include "deploy/deployer.hpp"

#include <algorithm>
#include <chrono>

#include "core/error.hpp"
#include "deploy/ledger.hpp"
#include "deploy/ownership.hpp"
#include "deploy/package_files.hpp"
#include "deploy/transaction.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/namespace.h"    // get_namespace_oid
#include "catalog/pg_namespace.h" // NamespaceRelationId
#include "storage/lmgr.h"         // LockDatabaseObject
}

namespace saas::deploy {
namespace {

constexpr core::sqlstate k_edited_migration{"SA001"};
constexpr core::sqlstate k_still_required{"SA004"};

// What happened, in the order in which it did.
class steps {
  public:
    void add(const std::string &module, const std::string &step, const std::string &action) {
        auto now = clock::now();
        auto spent = std::chrono::duration_cast<std::chrono::microseconds>(now - last_).count();
        last_ = now;
        rows_.push_back({module, step, action, std::to_string(spent) + " microseconds"});
    }
    [[nodiscard]] std::size_t count() const { return rows_.size(); }
    [[nodiscard]] std::vector<pg::text_row> take() { return std::move(rows_); }

  private:
    using clock = std::chrono::steady_clock;
    clock::time_point last_ = clock::now();
    std::vector<pg::text_row> rows_;
};

// Everything that one run of deploy or rollback needs.
struct run {
    pg::spi connection;
    package files;
    std::vector<core::deploy::renamed_role> roles;
    applied_migrations migrations;
    applied_definitions definitions;
    std::set<module_file> damaged;
    steps done;
};

const module_files &files_of(const package &files, const std::string &module) {
    return *std::find_if(files.modules.begin(), files.modules.end(),
                         [&](const module_files &m) { return m.name == module; });
}

std::vector<core::deploy::module_entry> entries_of(const package &files) {
    std::vector<core::deploy::module_entry> entries;
    for (const module_files &module : files.modules)
        entries.push_back({module.name, module.required});
    return entries;
}

int applied_version(const run &state, const std::string &module) {
    int highest = 0;
    for (const auto &[key, value] : state.migrations) {
        if (key.first == module)
            highest = std::max(highest, key.second);
    }
    return highest;
}

// An applied migration must be in the package, with the text that was applied.
void check_history(const run &state) {
    for (const auto &[key, value] : state.migrations) {
        const std::string &owner = key.first;
        auto module = std::find_if(state.files.modules.begin(), state.files.modules.end(),
                                   [&](const module_files &m) { return m.name == owner; });
        std::string name = "migration " + owner + "/" + value.name;
        if (module == state.files.modules.end() || key.second < 1 ||
            module->migrations.size() < static_cast<std::size_t>(key.second))
            throw core::error{k_edited_migration, name + " was applied but is not in the package",
                              {}, "Install the version of pg_saas that this database was deployed "
                                  "with, or a later one."};
        const migration &file = module->migrations[static_cast<std::size_t>(key.second) - 1];
        if (file.up.checksum != value.checksum)
            throw core::error{k_edited_migration, name + " was changed after it was applied",
                              "Applied with SHA-256 " + value.checksum + ", the file has " +
                                  file.up.checksum + ".",
                              "Restore the file, and put the change into a new migration."};
    }
}

void run_definitions(run &state, const module_files &module, bool all) {
    for (const sql_file &file : module.definitions) {
        auto known = state.definitions.find({module.name, file.path});
        bool damaged = state.damaged.count({module.name, file.path}) != 0;
        if (!all && !damaged && known != state.definitions.end() &&
            known->second.checksum == file.checksum)
            continue;
        auto objects = run_file(state.connection, file, state.roles);
        record_definitions(state.connection, module.name, file, objects);
        std::string step = file.path.substr(module.name.size() + 1);
        state.done.add(module.name, step, known == state.definitions.end() ? "created" : "replaced");
    }
    for (const auto &[key, value] : state.definitions) {
        const std::string &path = key.second;
        bool present = std::any_of(module.definitions.begin(), module.definitions.end(),
                                   [&](const sql_file &file) { return file.path == path; });
        if (key.first == module.name && !present) {
            drop_definitions(state.connection, module.name, &path);
            state.done.add(module.name, path.substr(module.name.size() + 1), "dropped");
        }
    }
}

void deploy_module(run &state, const module_files &module) {
    std::size_t before = state.done.count();
    bool migrated = false;
    for (const migration &step : module.migrations) {
        if (state.migrations.count({module.name, step.version}) != 0)
            continue;
        run_file(state.connection, step.up, state.roles);
        record_migration(state.connection, module.name, step);
        state.done.add(module.name, "migrations/" + step.name, "applied");
        migrated = true;
    }
    run_definitions(state, module, migrated);
    if (state.done.count() == before)
        state.done.add(module.name, "-", "up to date");
}

// Tables partitioned by month have their partitions after every deployment, also of a package that
// changed nothing.
void make_partitions(run &state) {
    auto there = state.connection.query(
        "SELECT to_regprocedure('saas.ensure_all_partitions(integer)') IS NOT NULL");
    if (there[0][0] != "t")
        return;
    auto made = state.connection.query("SELECT saas.ensure_all_partitions()");
    if (!made.empty() && made[0][0] && made[0][0] != "0")
        state.done.add("core", "partitions", "made " + *made[0][0]);
}

// Remembers what the tables and functions of the package have, for saas.validate().
void note_catalog(run &state, bool deployed) {
    auto there = state.connection.query("SELECT to_regclass('saas.schema_catalog') IS NOT NULL");
    if (there[0][0] == "t")
        state.connection.query("SELECT saas.note_package_catalog($1::pg_catalog.bool)",
                               {deployed ? "t" : "f"});
}

// The identifiers that encrypted values are bound to follow columns that were made, renamed or
// restored. No step of its own: after a restore there is nothing to deploy. After the functions
// changed hands: row-level security hides the classes from an owner who is no superuser.
void refresh_assets(run &state) {
    auto there = state.connection.query(
        "SELECT to_regprocedure('saas.refresh_data_assets(regclass)') IS NOT NULL");
    if (there[0][0] == "t")
        state.connection.query("SELECT saas.refresh_data_assets()");
}

// One deployer at a time. Not by an advisory lock, which anybody could hold.
void lock_schema_unsafe() {
    LockDatabaseObject(NamespaceRelationId, get_namespace_oid("saas", false), 0,
                       ShareUpdateExclusiveLock);
}

// The frame that deploy and rollback share: rights, lock, bookkeeping, dry run.
template <class Work>
std::vector<pg::text_row> in_deployment(bool dry_run, Work work) {
    run state{};
    state.files = load_package();
    state.roles = configured_roles();
    deployment_settings settings;
    require_deployer(state.connection);
    pg::call([] { lock_schema_unsafe(); });
    trial attempt{dry_run};
    try {
        if (!has_bookkeeping(state.connection))
            run_file(state.connection, state.files.bookkeeping, state.roles);
        state.migrations = read_migrations(state.connection);
        state.definitions = read_definitions(state.connection);
        check_history(state);
        state.damaged = read_damaged(state.connection);
        note_catalog(state, false);
        take_functions(state.connection);
        work(state);
        give_functions(state.connection);
        refresh_assets(state);
        note_catalog(state, true);
    } catch (...) {
        attempt.end();
        throw;
    }
    attempt.end();
    settings.restore();
    state.connection.close();
    return state.done.take();
}

void require_no_dependents(run &state, const std::string &module) {
    for (const module_files &other : state.files.modules) {
        bool requires_it = std::count(other.required.begin(), other.required.end(), module) != 0;
        bool defines = std::any_of(state.definitions.begin(), state.definitions.end(),
                                   [&](const auto &d) { return d.first.first == other.name; });
        if (requires_it && (defines || applied_version(state, other.name) > 0))
            throw core::error{k_still_required,
                              "module \"" + module + "\" is required by \"" + other.name + "\"", {},
                              "Roll back \"" + other.name + "\" first."};
    }
}

std::vector<std::string> deployed_modules(const run &state) {
    std::vector<std::string> names;
    for (const module_files &module : state.files.modules) {
        bool defines = std::any_of(state.definitions.begin(), state.definitions.end(),
                                   [&](const auto &d) { return d.first.first == module.name; });
        if (defines || applied_version(state, module.name) > 0)
            names.push_back(module.name);
    }
    return names;
}

// The server says which objects depend on what goes: here whose they are. `others`: as of objects_of_others().
[[noreturn]] void explain_dependents(const run &state, const std::string &module, int to_version,
                                     std::vector<std::pair<std::string, std::string>> others,
                                     const pg::pg_error &failure) {
    const std::string objects = failure.data->detail == nullptr ? "" : failure.data->detail;
    for (const module_files &other : state.files.modules) {
        for (const auto &table : other.tables) {
            if (other.name != module)
                others.emplace_back(other.name, "saas." + table.name);
        }
    }
    std::set<std::string> needed;
    for (const auto &[owner, name] : others) {
        if (core::deploy::mentions(objects, name))
            needed.insert(owner);
    }
    if (needed.empty())
        throw core::error{core::sqlstate{"2BP01"},
                          "module \"" + module + "\" cannot be taken back to version " + std::to_string(to_version) +
                              ": objects outside of the package need what would go",
                          objects, "Drop them first, or change them."};
    std::string names;
    std::string calls;
    for (const std::string &name : needed)
        names += (names.empty() ? "\"" : ", \"") + name + "\"";
    for (const std::string &name :
         core::deploy::removal_order(entries_of(state.files), deployed_modules(state), {needed.begin(), needed.end()}))
        calls += (calls.empty() ? "SELECT saas.rollback('" : "'), saas.rollback('") + name;
    throw core::error{k_still_required,
                      "module \"" + module + "\" cannot be taken back to version " + std::to_string(to_version) + ": " +
                          names + (needed.size() == 1 ? " needs" : " need") + " what would go",
                      objects,
                      "Roll back first: " + calls + "'). Their data go with them; saas.deploy() brings the modules back."};
}

void roll_back(run &state, const module_files &files, int version, int to_version) {
    drop_definitions(state.connection, files.name);
    state.done.add(files.name, "definitions", "dropped");
    for (int step = version; step > to_version; --step) {
        const migration &down = files.migrations[static_cast<std::size_t>(step) - 1];
        run_file(state.connection, down.down, state.roles);
        forget_migration(state.connection, files.name, step);
        state.done.add(files.name, "migrations/" + down.name, "rolled back");
    }
}

} // namespace

std::vector<pg::text_row> deploy(const std::vector<std::string> &modules, bool dry_run) {
    return in_deployment(dry_run, [&](run &state) {
        for (const auto &entry : core::deploy::select_modules(entries_of(state.files), modules))
            deploy_module(state, files_of(state.files, entry.name));
        make_partitions(state);
    });
}

std::vector<pg::text_row> rollback(const std::string &module, int to_version, bool dry_run) {
    return in_deployment(dry_run, [&](run &state) {
        (void)core::deploy::select_modules(entries_of(state.files), {module}); // known?
        const module_files &files = files_of(state.files, module);
        int version = applied_version(state, module);
        if (to_version < 0 || to_version > version)
            throw core::error{core::k_invalid_parameter_value,
                              "module \"" + module + "\" cannot be rolled back to version " +
                                  std::to_string(to_version),
                              {}, "It is at version " + std::to_string(version) + "."};
        if (to_version == 0)
            require_no_dependents(state, module);
        auto others = objects_of_others(state.connection, module);
        try {
            roll_back(state, files, version, to_version);
        } catch (const pg::pg_error &failure) {
            if (failure.data->sqlerrcode != ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST)
                throw;
            explain_dependents(state, module, to_version, std::move(others), failure);
        }
    });
}

} // namespace saas::deploy
