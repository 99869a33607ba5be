// SPDX-License-Identifier: PostgreSQL
// The schema package as it is installed beside the server: SHAREDIR/pg_saas/modules.
#pragma once

#include <string>
#include <vector>

#include "core/deploy/package.hpp"

namespace saas::deploy {

struct sql_file {
    std::string path; // relative to the package, as errors name it
    std::string text;
    std::string checksum;
};

struct migration {
    int version;
    std::string name;
    sql_file up;
    sql_file down;
};

struct module_files {
    std::string name;
    std::vector<std::string> required;
    std::vector<core::deploy::declared_table> tables;
    std::vector<migration> migrations; // by version
    std::vector<sql_file> definitions; // by name
};

struct package {
    sql_file bookkeeping; // creates the deployer's own tables
    std::vector<module_files> modules;
};

// Reads the installed package. Throws core::error SA002 when it is missing or incomplete: a version
// twice, a gap, a migration without its down file.
[[nodiscard]] package load_package();

} // namespace saas::deploy
