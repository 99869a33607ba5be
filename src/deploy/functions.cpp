// SPDX-License-Identifier: PostgreSQL
// SQL entry points of the deployer.
#include "deploy/deployer.hpp"
#include "pg/datum.hpp"
#include "pg/result_set.hpp"

#include "pg/prelude.hpp"

using namespace saas; // NOLINT: entry points only

SAAS_FUNCTION(saas_deploy) {
    std::vector<std::string> modules;
    if (!PG_ARGISNULL(0))
        modules = pg::text_array(PG_GETARG_DATUM(0));
    bool dry_run = !PG_ARGISNULL(1) && PG_GETARG_BOOL(1);
    pg::return_rows(fcinfo, deploy::deploy(modules, dry_run));
    return 0;
}

SAAS_FUNCTION(saas_rollback) {
    std::string module = pg::text_string(PG_GETARG_DATUM(0));
    int to_version = PG_GETARG_INT32(1);
    bool dry_run = PG_GETARG_BOOL(2);
    pg::return_rows(fcinfo, deploy::rollback(module, to_version, dry_run));
    return 0;
}

SAAS_FUNCTION(saas_deploy_status) {
    pg::return_rows(fcinfo, deploy::status());
    return 0;
}

SAAS_FUNCTION(saas_modules) {
    pg::return_rows(fcinfo, deploy::modules());
    return 0;
}

SAAS_FUNCTION(saas_declared_tables) {
    pg::return_rows(fcinfo, deploy::declared_tables());
    return 0;
}
