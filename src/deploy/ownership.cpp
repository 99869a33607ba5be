// SPDX-License-Identifier: PostgreSQL
#include "deploy/ownership.hpp"

#include "core/error.hpp"
#include "pg/settings.hpp"

#include "pg/prelude.hpp"

namespace saas::deploy {
namespace {

constexpr core::sqlstate k_not_owner{"42501"};
constexpr core::sqlstate k_foreign_object{"SA003"};

// Recorded SECURITY DEFINER functions of schema saas that belong to the deployer or to saas_internal:
// kind, signature, owner. The signature comes from the catalog, not from the record, and functions of
// other roles, of other schemas and of extensions stay out, whatever the record says: the next step
// runs as the superuser.
constexpr const char *k_definer_functions =
    "SELECT CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END,"
    " p.oid::regprocedure::text, r.rolname"
    " FROM saas.schema_objects AS o"
    " JOIN pg_catalog.pg_proc AS p ON p.oid = to_regprocedure(o.identity)"
    " JOIN pg_catalog.pg_roles AS r ON r.oid = p.proowner"
    " WHERE o.kind IN ('function', 'procedure') AND p.prosecdef AND p.prokind IN ('f', 'p')"
    " AND p.pronamespace = 'saas'::regnamespace AND r.rolname IN ($1, $2)"
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.objid = p.oid"
    "   AND d.classid = 'pg_catalog.pg_proc'::regclass AND d.deptype = 'e')"
    " ORDER BY 2";

void change_owner(pg::spi &connection, const pg::text_row &function, const std::string &owner) {
    connection.execute("ALTER " + *function[0] + " " + *function[1] + " OWNER TO " +
                       pg::quote_identifier(owner));
}

std::string current_role(pg::spi &connection) {
    return *connection.query("SELECT current_user")[0][0];
}

} // namespace

std::vector<core::deploy::renamed_role> configured_roles() {
    std::vector<core::deploy::renamed_role> roles;
    for (const auto &role : pg::package_roles())
        roles.push_back({role.name, role.configured});
    return roles;
}

void require_deployer(pg::spi &connection) {
    auto allowed = connection.query(
        "SELECT current_setting('is_superuser') = 'on'"
        " OR pg_has_role(current_user, 'pg_database_owner', 'USAGE')");
    if (allowed[0][0] != "t")
        throw core::error{k_not_owner, "permission denied to deploy", {},
                          "Deploy as the owner of the database or as a superuser."};
    auto foreign = connection.query(
        "SELECT kind, name, rolname FROM ("
        "  SELECT 'schema' AS kind, n.nspname::text AS name, n.nspowner AS owner"
        "    FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'saas'"
        "  UNION ALL SELECT 'relation', c.oid::regclass::text, c.relowner"
        "    FROM pg_catalog.pg_class AS c WHERE c.relnamespace = 'saas'::regnamespace"
        "    AND c.relkind IN ('r', 'p', 'v', 'm', 'S')"
        "  UNION ALL SELECT 'function', p.oid::regprocedure::text, p.proowner"
        "    FROM pg_catalog.pg_proc AS p WHERE p.pronamespace = 'saas'::regnamespace"
        "    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d"
        "      WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e')"
        ") AS objects JOIN pg_catalog.pg_roles AS r ON r.oid = objects.owner"
        " WHERE r.rolname NOT IN (current_user, 'pg_database_owner', $1) ORDER BY 1, 2 LIMIT 1",
        {pg::configured_internal_role()});
    if (!foreign.empty())
        throw core::error{k_foreign_object,
                          *foreign[0][0] + " " + *foreign[0][1] + " belongs to role \"" +
                              *foreign[0][2] + "\"",
                          "The deployer replaces only what its own role made.",
                          "Deploy as that role, or change the owner of everything in schema saas."};
}

void take_functions(pg::spi &connection) {
    std::string deployer = current_role(connection);
    auto functions =
        connection.query(k_definer_functions, {deployer, pg::configured_internal_role()});
    pg::as_role privileged{pg::superuser_id()};
    for (const auto &function : functions) {
        if (function[2] != deployer)
            change_owner(connection, function, deployer);
    }
}

void give_functions(pg::spi &connection) {
    std::string deployer = current_role(connection);
    std::string internal = pg::configured_internal_role();
    bool deployer_is_superuser =
        connection.query("SELECT current_setting('is_superuser')")[0][0] == "on";
    auto functions = connection.query(k_definer_functions, {deployer, internal});
    pg::as_role privileged{pg::superuser_id()};
    for (const auto &function : functions) {
        if (function[2] == internal)
            continue;
        change_owner(connection, function, internal);
        // An owner who is no superuser would otherwise lose the right to call what it deployed.
        if (!deployer_is_superuser)
            connection.execute("GRANT EXECUTE ON " + *function[0] + " " + *function[1] + " TO " +
                               pg::quote_identifier(deployer));
    }
}

} // namespace saas::deploy
