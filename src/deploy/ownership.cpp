// SPDX-License-Identifier: PostgreSQL
#include "deploy/ownership.hpp"

#include "core/error.hpp"
#include "pg/settings.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // GETSTRUCT
#include "access/table.h"        // table_open
#include "access/xact.h"         // CommandCounterIncrement
#include "catalog/dependency.h"  // getExtensionOfObject
#include "catalog/namespace.h"   // get_namespace_oid
#include "catalog/pg_proc.h"     // Form_pg_proc
#include "commands/alter.h"      // AlterObjectOwner_internal
#include "storage/lmgr.h"        // LockDatabaseObject
#include "utils/syscache.h"      // SearchSysCache1
}

namespace saas::deploy {
namespace {

constexpr core::sqlstate k_not_owner{"42501"};
constexpr core::sqlstate k_foreign_object{"SA003"};

// Recorded SECURITY DEFINER functions of schema saas that belong to the deployer or to
// saas_internal: oid, kind, signature. What the record says is the deploying role's to write, so
// each function is looked at again before it changes hands.
constexpr const char *k_definer_functions =
    "SELECT p.oid, CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END,"
    " p.oid::regprocedure::text"
    " FROM saas.schema_objects AS o"
    " JOIN pg_catalog.pg_proc AS p ON p.oid = to_regprocedure(o.identity)"
    " JOIN pg_catalog.pg_roles AS r ON r.oid = p.proowner"
    " WHERE o.kind IN ('function', 'procedure') AND p.prosecdef AND p.prokind IN ('f', 'p')"
    " AND p.pronamespace = 'saas'::regnamespace AND r.rolname IN ($1, $2)"
    " ORDER BY 3";

// True when the function may change hands: a SECURITY DEFINER function of schema saas that still
// belongs to the role it is taken from, and to no extension. Plain data only.
bool is_handed_over_unsafe(Oid function, Oid from) {
    HeapTuple row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
    if (!HeapTupleIsValid(row))
        return false;
    auto *form = reinterpret_cast<Form_pg_proc>(GETSTRUCT(row));
    bool fits = form->proowner == from && form->prosecdef &&
                (form->prokind == PROKIND_FUNCTION || form->prokind == PROKIND_PROCEDURE) &&
                form->pronamespace == get_namespace_oid("saas", true);
    ReleaseSysCache(row);
    return fits && !OidIsValid(getExtensionOfObject(ProcedureRelationId, function));
}

// ALTER FUNCTION … OWNER TO by oid. Not by name: whoever owns the schema could rename it, and a
// function of somebody else would have the name by the time the statement is read.
bool change_owner_unsafe(Oid function, Oid from, Oid to) {
    LockDatabaseObject(ProcedureRelationId, function, 0, AccessExclusiveLock);
    if (!is_handed_over_unsafe(function, from))
        return false;
#if PG_VERSION_NUM >= 170000
    AlterObjectOwner_internal(ProcedureRelationId, function, to);
#else
    Relation functions = table_open(ProcedureRelationId, RowExclusiveLock);
    AlterObjectOwner_internal(functions, function, to);
    table_close(functions, NoLock);
#endif
    CommandCounterIncrement();
    return true;
}

// False when the function is not one that changes hands.
bool change_owner(const pg::text_row &function, Oid from, Oid to) {
    auto oid = static_cast<Oid>(std::stoul(*function[0]));
    pg::as_role privileged{pg::superuser_id()};
    return pg::call([&] { return change_owner_unsafe(oid, from, to); });
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

void refuse_foreign_database(pg::spi &connection) {
    auto owner = connection.query(
        "SELECT r.rolname FROM pg_catalog.pg_database AS d"
        " JOIN pg_catalog.pg_roles AS r ON r.oid OPERATOR(pg_catalog.=) d.datdba"
        " JOIN pg_catalog.pg_roles AS u ON u.rolname OPERATOR(pg_catalog.=) current_user"
        " WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()"
        " AND u.rolsuper AND NOT r.rolsuper");
    if (!owner.empty())
        throw core::error{
            k_foreign_object,
            "the database belongs to role \"" + *owner[0][0] + "\", which is no superuser",
            "What that role puts into schema saas would run with a superuser's rights.",
            "Connect as role \"" + *owner[0][0] + "\"; SET ROLE is not enough."};
}

void require_deployer(pg::spi &connection) {
    refuse_foreign_database(connection);
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
    Oid internal = pg::internal_role_id();
    for (const auto &function : functions)
        change_owner(function, internal, GetUserId());
}

void give_functions(pg::spi &connection) {
    std::string deployer = current_role(connection);
    std::string internal = pg::configured_internal_role();
    bool deployer_is_superuser =
        connection.query("SELECT current_setting('is_superuser')")[0][0] == "on";
    auto functions = connection.query(k_definer_functions, {deployer, internal});
    Oid internal_id = pg::internal_role_id();
    for (const auto &function : functions) {
        if (!change_owner(function, GetUserId(), internal_id) || deployer_is_superuser)
            continue;
        // An owner who is no superuser would otherwise lose the right to call what it deployed.
        pg::as_role owner{internal_id};
        connection.execute("GRANT EXECUTE ON " + *function[1] + " " + *function[2] + " TO " +
                           pg::quote_identifier(deployer));
    }
}

} // namespace saas::deploy
