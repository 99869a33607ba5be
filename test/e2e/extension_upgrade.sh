#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# ALTER EXTENSION UPDATE from a made-up older version, then saas.deploy(), ends with the catalog of a
# fresh installation. Needs PGHOST, PGPORT, PGUSER (superuser) and PG_CONFIG of the private server.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib/tap.sh"
: "${PGHOST:?}" "${PGPORT:?}" "${PG_CONFIG:?}"
root=$(cd "$here/../.." && pwd)
share=$("$PG_CONFIG" --sharedir)
package=$share/pg_saas/modules
[ -d "$package" ] || {
    echo "Bail out! $package does not exist"
    exit 1
}
current=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" "$root/pg_saas.control")
original=$(mktemp -d)
cp -a "$package/." "$original/"
trap 'rm -f "$share/extension/pg_saas--0.0.9.sql" "$share/extension/pg_saas--0.0.9--$current.sql"; rm -rf "${package:?}"/*; cp -a "$original/." "$package"; rm -rf "$original"' EXIT
sql() { psql -XAtq -v ON_ERROR_STOP=1 "$@" 2>&1; }
extension_functions() {
    sql -d "$1" -c "SELECT p.oid::regprocedure::text, (SELECT string_agg(a::text, chr(44) ORDER BY a::text) FROM unnest(p.proacl) AS a), p.prosrc, p.provolatile, p.proparallel, p.proleakproof, obj_description(p.oid) FROM pg_proc AS p JOIN pg_depend AS d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e' JOIN pg_extension AS e ON e.oid = d.refobjid WHERE e.extname = 'pg_saas' ORDER BY 1"
}

# The older version has no has_team_role, and deploy_status has another comment; its package has only
# module core, with another text of a definition.
cat "$root"/sql/extension/*.sql | sed 's/CREATE OR REPLACE /CREATE /' |
    python3 -c "
import re, sys
text = sys.stdin.read()
text = re.sub(r'CREATE FUNCTION saas\.has_team_role.*?COMMENT ON FUNCTION saas\.has_team_role[^;]*;', '', text, flags=re.S)
text = re.sub(r'(COMMENT ON FUNCTION saas\.deploy_status\(\) IS\s*)[^;]*;', r\"\1'Old comment.';\", text)
print(text)" >"$share/extension/pg_saas--0.0.9.sql"
# An update script replaces functions; types and casts, which cannot be replaced, are the same in both.
grep -LE '^CREATE (TYPE|CAST)' "$root"/sql/extension/*.sql | xargs cat >"$share/extension/pg_saas--0.0.9--$current.sql"
echo core >"$package/modules.list"
sed -i 's/no active membership in this team/membership is missing/' "$package/core/definitions/20_context.sql"

for database in upgrade_old upgrade_new; do
    sql -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database" >/dev/null
done
sql -d upgrade_old -c "CREATE EXTENSION pgcrypto" -c "CREATE EXTENSION pg_saas VERSION '0.0.9'" >/dev/null
ok $? 'the older version installs'
is "$(sql -d upgrade_old -c "SELECT to_regprocedure('saas.has_team_role(uuid, text)') IS NULL")" t 'and lacks a function'
sql -d upgrade_old -c 'SET check_function_bodies = off; SELECT saas.deploy()' >/dev/null
ok $? 'its package deploys'

rm -rf "${package:?}"/* && cp -a "$original/." "$package"
sql -d upgrade_old -c 'ALTER EXTENSION pg_saas UPDATE' >/dev/null
ok $? 'ALTER EXTENSION UPDATE succeeds'
sql -d upgrade_old -c 'SELECT saas.deploy()' >/dev/null
ok $? 'and then saas.deploy()'
sql -d upgrade_new -c 'CREATE EXTENSION pgcrypto' -c 'CREATE EXTENSION pg_saas' -c 'SELECT saas.deploy()' >/dev/null
is "$(sql -d upgrade_old -c "SELECT extversion FROM pg_extension WHERE extname = 'pg_saas'")" "$current" 'the version is the current one'
is "$(extension_functions upgrade_old | sha256sum)" "$(extension_functions upgrade_new | sha256sum)" 'the native functions are those of a fresh installation'
is "$(catalog upgrade_old)" "$(catalog upgrade_new)" 'and so is the whole catalog'
for database in upgrade_old upgrade_new; do sql -d postgres -c "DROP DATABASE $database" >/dev/null; done
done_testing
