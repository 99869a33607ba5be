// SPDX-License-Identifier: PostgreSQL
#include "deploy/package_files.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "core/error.hpp"

#include "pg/prelude.hpp"

namespace saas::deploy {
namespace {

namespace fs = std::filesystem;
constexpr core::sqlstate k_broken_package{"SA002"};

[[noreturn]] void broken(const std::string &what) {
    throw core::error{k_broken_package, what, {},
                      "Install the package again: the extension and its SQL files belong together."};
}

fs::path package_folder() {
    char share[MAXPGPATH];
    get_share_path(my_exec_path, share);
    return fs::path{share} / "pg_saas" / "modules";
}

std::string read_text(const fs::path &path) {
    std::ifstream in{path, std::ios::binary};
    std::string text{std::istreambuf_iterator<char>{in}, {}};
    if (!in)
        broken("cannot read " + path.string());
    return text;
}

sql_file read_sql(const fs::path &folder, const std::string &relative) {
    std::string text = read_text(folder / relative);
    std::string checksum = core::deploy::checksum(text);
    return {relative, std::move(text), std::move(checksum)};
}

std::vector<std::string> sql_names(const fs::path &folder) {
    std::vector<std::string> names;
    std::error_code missing;
    for (const auto &entry : fs::directory_iterator{folder, missing}) {
        if (entry.path().extension() == ".sql")
            names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::vector<migration> read_migrations(const fs::path &folder, const std::string &module) {
    std::string prefix = module + "/migrations/";
    std::map<int, migration> by_version;
    for (const std::string &file : sql_names(folder / prefix)) {
        auto parsed = core::deploy::parse_migration_name(file);
        migration &entry = by_version[parsed.version];
        if (!entry.name.empty() && entry.name != parsed.name)
            broken(module + " has two migrations with version " + std::to_string(parsed.version));
        entry.version = parsed.version;
        entry.name = parsed.name;
        (parsed.down ? entry.down : entry.up) = read_sql(folder, prefix + file);
    }
    std::vector<migration> migrations;
    for (auto &[version, entry] : by_version) {
        if (version != static_cast<int>(migrations.size()) + 1)
            broken("versions of the migrations of " + module + " have a gap before " + entry.name);
        if (entry.up.path.empty() || entry.down.path.empty())
            broken(prefix + entry.name + (entry.up.path.empty() ? ".sql" : ".down.sql") +
                   " is missing");
        migrations.push_back(std::move(entry));
    }
    return migrations;
}

} // namespace

package load_package() {
    fs::path folder = package_folder();
    package loaded;
    loaded.bookkeeping = read_sql(folder, "bookkeeping.sql");
    for (auto &entry : core::deploy::parse_module_list(read_text(folder / "modules.list"))) {
        module_files files;
        files.name = entry.name;
        files.required = entry.required;
        files.tables = core::deploy::parse_manifest(read_text(folder / entry.name / "manifest"));
        files.migrations = read_migrations(folder, entry.name);
        for (const std::string &file : sql_names(folder / entry.name / "definitions"))
            files.definitions.push_back(read_sql(folder, entry.name + "/definitions/" + file));
        loaded.modules.push_back(std::move(files));
    }
    return loaded;
}

} // namespace saas::deploy
