#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# The deployer on a private server whose package files the test may change: broken and edited
# migrations, killed backends, two deployers at once, other owners, roll back and deploy again.
# Needs PGHOST, PGPORT, PGUSER (superuser) and PG_CONFIG of the private server.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib/tap.sh"
: "${PGHOST:?}" "${PGPORT:?}" "${PG_CONFIG:?}"
package=$("$PG_CONFIG" --sharedir)/pg_saas/modules
[ -d "$package" ] || {
    echo "Bail out! $package does not exist"
    exit 1
}
original=$(mktemp -d)
cp -a "$package/." "$original/"
restore_package() { rm -rf "${package:?}"/* && cp -a "$original/." "$package/"; }
trap 'restore_package; rm -rf "$original"' EXIT

sql() { psql -XAtq -v ON_ERROR_STOP=1 "$@" 2>&1; }
fresh() { # fresh DATABASE [OWNER]
    sql -d postgres -c "DROP DATABASE IF EXISTS $1" >/dev/null
    sql -d postgres -c "CREATE DATABASE $1 ${2:+OWNER $2}" >/dev/null
    sql -d "$1" -c 'CREATE EXTENSION pg_saas CASCADE' >/dev/null
}
applied() { sql -d "$1" -c "SELECT count(*) FROM saas.deploy_status() WHERE state = 'applied'"; }
outstanding() { sql -d "$1" -c "SELECT count(*) FROM saas.deploy_status() WHERE state <> 'applied'"; }
next_version() { printf %04d $(($(find "$package/core/migrations" -name '????_*.sql' ! -name '*.down.sql' | wc -l) + 1)); }
add_migration() { # add_migration NAME TEXT
    local stem
    stem=$package/core/migrations/$(next_version)_$1
    printf '%s' "$2" >"$stem.sql"
    echo 'SELECT 1;' >"$stem.down.sql"
}

# A dry run executes and leaves nothing.
fresh deploy_a
before=$(catalog deploy_a)
like "$(sql -d deploy_a -c "SELECT string_agg(action, ' ') FROM saas.deploy(dry_run => true)")" '^applied' 'a dry run reports its steps'
is "$(catalog deploy_a)" "$before" 'a dry run leaves the catalog as it was'

# Deploy, and deploy again.
sql -d deploy_a -c 'SELECT saas.deploy()' >/dev/null
is "$(outstanding deploy_a)" 0 'after deploying nothing is outstanding'
is "$(sql -d deploy_a -c "SELECT count(*) FROM saas.deploy() WHERE action <> 'up to date'")" 0 'deploying again does nothing'
deployed=$(catalog deploy_a)

# The library is loaded by its first function; what reads its settings works before that, too.
first_statements=(
    "SELECT saas.acts_as_service()" "SELECT count(*) FROM saas.protection_findings('saas.teams')"
    "SELECT count(*) FROM saas.validate()"
)
for statement in "${first_statements[@]}"; do
    is "$(sql -d deploy_a -c "$statement" | grep -c ERROR)" 0 "first in a session: $statement"
done

# Roll back to zero and deploy again.
roll_back_all() {
    sql -d "$1" -c "SELECT module FROM saas.modules() WITH ORDINALITY AS m (module, requires, migrations, applied, definitions, deployed, n) WHERE deployed ORDER BY n DESC" |
        while read -r module; do sql -d "$1" -c "SELECT saas.rollback('$module')" || exit 1; done >/dev/null
}
like "$(sql -d deploy_a -c "SELECT saas.rollback('core')")" 'required by' 'a module that others require stays'
message=$(sql -d deploy_a -v VERBOSITY=verbose -c "SELECT saas.rollback('security', 9)")
like "$message" 'SA004: module "security" cannot be taken back to version 9: .*"privacy" needs? what would go' 'nor loses what another needs'
like "$message" "view saas.personal_data_map depends on view saas.located_data_assets" 'the objects are named'
like "$message" "Roll back first: SELECT saas.rollback\('privacy'\)" 'and what is to be done first'
is "$(catalog deploy_a)" "$deployed" 'and the catalog is as it was'
sql -d deploy_a -c 'CREATE VIEW public.mine AS SELECT * FROM saas.personal_data_map' >/dev/null
message=$(sql -d deploy_a -v VERBOSITY=verbose -c "SELECT saas.rollback('privacy')")
like "$message" '2BP01: module "privacy" cannot be taken back to version 0: objects outside of the package need what would go' 'nor what an object of the database'"'"'s owner needs'
like "$message" 'view mine depends on view saas.personal_data_map|view public.mine depends on' 'which is named'
sql -d deploy_a -c 'DROP VIEW public.mine' >/dev/null
roll_back_all deploy_a
ok $? 'every module rolls back to zero'
is "$(sql -d deploy_a -c "SELECT count(*) FROM pg_class WHERE relnamespace = 'saas'::regnamespace AND relkind IN ('r', 'p', 'v') AND relname !~ '^schema_'")" 0 'no table or view is left'
is "$(sql -d deploy_a -c 'SELECT count(*) FROM saas.schema_objects')" 0 'no recorded object is left'
sql -d deploy_a -c 'SELECT saas.deploy()' >/dev/null
is "$(catalog deploy_a)" "$deployed" 'deploying again gives the same catalog'
like "$(sql -d deploy_a -c "SELECT saas.rollback('core', 99)")" 'cannot be rolled back to version 99' 'a version above the applied one is refused'
like "$(sql -d deploy_a -c "SELECT saas.deploy('{nonsense}')")" 'no module "nonsense"' 'an unknown module is refused'

# A broken migration names file, line and statement, and applies nothing.
add_migration broken $'-- é first\nCREATE TABLE saas.half (id integer);\n\nCREATE TABLE saas.half\n    (id nonsense_type);\n'
message=$(sql -d deploy_a -c 'SELECT saas.deploy()')
like "$message" 'type "nonsense_type" does not exist' 'a broken migration fails with the server'"'"'s message'
like "$message" "core/migrations/$(basename "$(ls "$package"/core/migrations/*_broken.sql)"), line 5, statement: CREATE TABLE saas.half" 'and names file, line and statement'
is "$(sql -d deploy_a -c "SELECT to_regclass('saas.half') IS NULL")" t 'and leaves nothing half done'
is "$(catalog deploy_a)" "$deployed" 'and the catalog is as it was'
printf 'CREATE TABLE saas.x (\n  id integer,,\n);\n' >"$(ls "$package"/core/migrations/*_broken.sql)"
like "$(sql -d deploy_a -c 'SELECT saas.deploy()')" '_broken.sql, line 2' 'a syntax error names its line'
printf 'COMMIT;\n' >"$(ls "$package"/core/migrations/*_broken.sql)"
like "$(sql -d deploy_a -c 'SELECT saas.deploy()')" 'cannot control transactions' 'a migration cannot commit'
restore_package

# An applied migration that was edited, or that is gone.
echo '-- later thought' >>"$package/core/migrations/0001_identity.sql"
message=$(sql -d deploy_a -v VERBOSITY=verbose -c 'SELECT saas.deploy()')
like "$message" 'SA001.*core/0001_identity was changed after it was applied' 'an edited migration is an error that names it'
is "$(sql -d deploy_a -c "SELECT name FROM saas.deploy_status() WHERE state = 'changed'")" 0001_identity 'deploy_status shows it as changed'
restore_package
mkdir "$original.moved" && mv "$package"/privacy "$original.moved/" && sed -i '/^privacy/d' "$package/modules.list"
like "$(sql -d deploy_a -c "SELECT string_agg(DISTINCT state, ',') FROM saas.deploy_status() WHERE module = 'privacy'")" missing 'what is not in the package any more is shown as missing'
rm -rf "$original.moved"
restore_package

# What somebody dropped comes back.
sql -d deploy_a -c 'DROP POLICY users_app_select ON saas.users' -c 'DROP TRIGGER users_10_updated_at ON saas.users' -c 'DROP FUNCTION saas.clear_context()' >/dev/null
sql -d deploy_a -c 'SELECT saas.deploy()' >/dev/null
is "$(catalog deploy_a)" "$deployed" 'a policy, a trigger and a function that were dropped are made again'

# A definition that changes is replayed, one that goes takes its objects along.
cat >"$package/core/definitions/99_test.sql" <<'SQL'
CREATE OR REPLACE FUNCTION saas.test_definition(p_n integer) RETURNS integer LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, saas, pg_temp AS $$ SELECT p_n $$;
CREATE OR REPLACE VIEW saas.test_view WITH (security_invoker = true) AS SELECT 1 AS one;
CREATE POLICY test_policy ON saas.users FOR DELETE TO saas_app USING (false);
SQL
sql -d deploy_a -c 'SELECT saas.deploy()' >/dev/null
is "$(sql -d deploy_a -c 'SELECT saas.test_definition(7)')" 7 'a new definition is created'
is "$(sql -d deploy_a -c "SELECT proowner::regrole FROM pg_proc WHERE proname = 'test_definition'")" saas_internal 'its SECURITY DEFINER function belongs to saas_internal'
sed -i '2d; s/SELECT p_n/SELECT p_n + 1/' "$package/core/definitions/99_test.sql"
sql -d deploy_a -c 'SELECT saas.deploy()' >/dev/null
is "$(sql -d deploy_a -c 'SELECT saas.test_definition(7)')" 8 'a changed definition is replaced'
is "$(sql -d deploy_a -c "SELECT to_regclass('saas.test_view') IS NULL")" t 'what its file no longer defines is dropped'
restore_package
sql -d deploy_a -c 'SELECT saas.deploy()' >/dev/null
is "$(catalog deploy_a)" "$deployed" 'a file that is gone takes its objects along'

# A backend that is killed in the middle leaves nothing.
add_migration slow $'CREATE TABLE saas.slow (id integer);\nSELECT pg_sleep(60);\n'
for way in pg_terminate_backend kill-9; do
    psql -XAtq -d deploy_a -c 'SELECT saas.deploy()' >/dev/null 2>&1 &
    client=$!
    for _ in $(seq 100); do
        pid=$(sql -d postgres -c "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = 'deploy_a'")
        [ -n "$pid" ] && break
        sleep 0.1
    done
    if [ $way = kill-9 ]; then kill -9 "$pid"; else sql -d postgres -c "SELECT pg_terminate_backend($pid)" >/dev/null; fi
    wait $client
    for _ in $(seq 100); do sql -d postgres -c 'SELECT 1' >/dev/null && break; sleep 0.1; done
    is "$(sql -d deploy_a -c "SELECT to_regclass('saas.slow') IS NULL")" t "$way in the middle leaves nothing behind"
    is "$(catalog deploy_a)" "$deployed" "and after $way the catalog is as it was"
done
restore_package

# Two deployers at once: one deploys, the other waits and finds nothing to do.
fresh deploy_b
first=$(mktemp) second=$(mktemp)
psql -XAtq -d deploy_b -c "SELECT count(*) FROM saas.deploy() WHERE action <> 'up to date'" >"$first" 2>&1 &
psql -XAtq -d deploy_b -c "SELECT count(*) FROM saas.deploy() WHERE action <> 'up to date'" >"$second" 2>&1 &
wait
is "$(sort -n "$first" "$second" | head -1)" 0 'of two deployers at once one finds nothing to do'
is "$(outstanding deploy_b)" 0 'and the other deploys everything'
is "$(catalog deploy_b)" "$deployed" 'with the same catalog'
rm -f "$first" "$second"

# The owner of the database deploys without being a superuser; others do not.
sql -d postgres -c 'DROP DATABASE IF EXISTS deploy_c' -c 'DROP ROLE IF EXISTS test_owner' -c 'DROP ROLE IF EXISTS test_stranger' \
    -c 'CREATE ROLE test_owner LOGIN' -c 'CREATE ROLE test_stranger LOGIN' >/dev/null
fresh deploy_c test_owner
is "$(PGUSER=test_owner sql -d deploy_c -c 'SELECT saas.deploy()' | grep -c WARNING)" 0 'the owner of the database deploys without a warning'
is "$(PGUSER=test_owner outstanding deploy_c)" 0 'and everything'
is "$(sql -d deploy_c -c 'SELECT count(*) FROM saas.personal_data_map AS m WHERE m.table_name LIKE '"'saas.%'"' AND NOT EXISTS (SELECT FROM saas.data_assets AS d WHERE d.table_name = to_regclass(m.table_name) AND d.column_name = m.column_name)')" 0 'every column is registered as an asset'
owned_by=$(PGUSER=test_owner sql -d deploy_c -f "$here/lib/catalog.sql")
is "$(grep -c "^relation users r p \(t\|true\) \(t\|true\) test_owner" <<<"$owned_by")" 1 'and owns the tables'
PGUSER=test_owner roll_back_all deploy_c && PGUSER=test_owner sql -d deploy_c -c 'SELECT saas.deploy()' >/dev/null
is "$(PGUSER=test_owner sql -d deploy_c -f "$here/lib/catalog.sql")" "$owned_by" 'and rolls back and deploys again'
like "$(PGUSER=test_owner sql -d deploy_c -c "SELECT saas.create_user('a@example.com')")" '^[0-9a-f-]{36}$' 'and may call what it deployed'
is "$(PGUSER=test_owner sql -d deploy_c -c 'SELECT count(*) FROM saas.users')" 0 'while row-level security holds for the owner too'
PGUSER=test_owner sql -d deploy_c >/dev/null <<'SQL'
CREATE TABLE public.guests (id integer PRIMARY KEY, full_name text, zip char(5));
INSERT INTO public.guests VALUES (1, 'Ann Other', '10115');
CREATE TABLE public.visits (id integer, at timestamptz) PARTITION BY RANGE (at);
CREATE TABLE public.visits_1 PARTITION OF public.visits FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');
CREATE TABLE public.visits_2 PARTITION OF public.visits FOR VALUES FROM ('2020-02-01') TO ('2020-03-01');
GRANT SELECT, DELETE ON public.visits TO saas_internal;
SQL
is "$(PGUSER=test_owner sql -d deploy_c -c "SELECT saas.anonymise_table('public.guests', '{\"zip\": {\"strategy\": \"generalise\", \"first\": 2}}')" -c "SELECT zip, full_name = 'Ann Other' FROM public.guests")" $'1\n10   |f' 'the owner anonymises a table in place'
sql -d deploy_c -c 'SET ROLE saas_service' -c "SELECT saas.set_retention_policy('visits', 'public.visits', 'at', '1 year', 'delete', 'test')" >/dev/null
is "$(PGUSER=test_owner sql -d deploy_c -c 'SELECT partition_name FROM saas.drop_old_partitions()')" $'public.visits_1\npublic.visits_2' 'and drops partitions that are past their time'
PGUSER=test_owner sql -d deploy_c -c 'DROP TABLE public.guests, public.visits' >/dev/null
sql -d deploy_c -c 'GRANT USAGE ON SCHEMA saas TO test_stranger' >/dev/null
like "$(PGUSER=test_stranger sql -d deploy_c -c 'SELECT saas.deploy()')" 'permission denied for function deploy' 'a stranger does not deploy'
sql -d deploy_c -c 'GRANT EXECUTE ON FUNCTION saas.deploy(text[], boolean) TO test_stranger' >/dev/null
like "$(PGUSER=test_stranger sql -d deploy_c -c 'SELECT saas.deploy()')" 'permission denied to deploy' 'not even with EXECUTE'

# A lock that anybody may take keeps nobody from deploying.
PGUSER=test_stranger sql -d deploy_c -c "SELECT pg_advisory_lock(hashtextextended('saas.deploy', 0)), pg_sleep(5)" >/dev/null &
holder=$!
sleep 0.5
like "$(PGUSER=test_owner sql -d deploy_c -c "SET lock_timeout = '1s'" -c 'SELECT saas.deploy()')" 'up to date' 'an advisory lock does not stop a deployment'
kill $holder 2>/dev/null
wait $holder 2>/dev/null

# What the owner writes into the deployer's records gives no right over functions of others.
sql -d deploy_c -c "CREATE FUNCTION public.trusted() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT current_user::text'" >/dev/null
PGUSER=test_owner sql -d deploy_c -c "INSERT INTO saas.schema_objects VALUES ('core', 'x', 1, 'function', 'public.trusted()')" -c 'SELECT saas.deploy()' >/dev/null
is "$(sql -d deploy_c -c "SELECT proowner::regrole FROM pg_proc WHERE proname = 'trusted'")" postgres 'a forged record does not change the owner of another role'"'"'s function'
PGUSER=test_owner sql -d deploy_c -c "CREATE OR REPLACE FUNCTION saas.current_rights() RETURNS text LANGUAGE sql AS \$\$SELECT current_user::text\$\$" \
    -c "INSERT INTO saas.schema_objects VALUES ('core', 'y', 1, 'function', 'saas.current_rights(); ALTER ROLE test_owner SUPERUSER; --()')" >/dev/null
PGUSER=test_owner sql -d deploy_c -c 'SELECT saas.deploy()' >/dev/null
is "$(sql -d deploy_c -c "SELECT rolsuper FROM pg_roles WHERE rolname = 'test_owner'")" f 'nor does it run anything as the superuser'

# Nor does a schema that changes its name while functions change hands.
PGUSER=test_owner sql -d deploy_c >/dev/null <<'SQL'
CREATE FUNCTION saas.digest(text, text) RETURNS bytea LANGUAGE sql SECURITY DEFINER AS 'SELECT NULL::bytea';
INSERT INTO saas.schema_objects VALUES ('core', 'z', 1, 'function', 'saas.digest(text, text)');
SELECT saas.deploy();
CREATE FUNCTION public.swap() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF to_regnamespace('saas_was') IS NULL THEN
        ALTER SCHEMA saas RENAME TO saas_was;
        ALTER SCHEMA public RENAME TO saas;
    END IF;
    RETURN 'nothing()';
END
$$;
CREATE TABLE public.schema_objects (LIKE saas.schema_objects);
ALTER TABLE saas.schema_objects RENAME TO recorded;
CREATE VIEW saas.schema_objects AS
SELECT * FROM saas.recorded WHERE identity = 'saas.digest(text, text)'
UNION ALL SELECT 'core', 'z', 2, 'function', public.swap();
SELECT saas.deploy();
SQL
is "$(sql -d deploy_c -c "SELECT string_agg(DISTINCT proowner::regrole::text, ',') FROM pg_proc WHERE proname = 'digest' AND probin IS NOT NULL")" postgres 'a function of another role that gets the name does not change its owner'

# A superuser neither deploys nor asks in the database of a role that is none.
fresh deploy_f test_owner
like "$(sql -d deploy_f -v VERBOSITY=verbose -c 'SELECT saas.deploy()')" 'SA003.*the database belongs to role "test_owner"' 'a superuser does not deploy for somebody else'
like "$(sql -d deploy_f -c 'SELECT saas.validate()')" 'the database belongs to role "test_owner"' 'nor reads what somebody else recorded'

# Records and functions that are not as the deployer made them.
PGUSER=test_owner sql -d deploy_f -c 'SELECT saas.deploy()' >/dev/null
PGUSER=test_owner sql -d deploy_f -c 'DROP FUNCTION saas.ensure_all_partitions(integer)' \
    -c "CREATE FUNCTION saas.ensure_all_partitions(p_months_ahead integer DEFAULT 3) RETURNS SETOF integer LANGUAGE sql AS 'SELECT 1 WHERE false'" >/dev/null
is "$(PGUSER=test_owner sql -d deploy_f -c "SELECT count(*) > 0 FROM saas.deploy()")" t 'a function of the package that returns nothing is survived'
PGUSER=test_owner sql -d deploy_f -c 'ALTER TABLE saas.schema_migrations ALTER checksum DROP NOT NULL' -c 'UPDATE saas.schema_migrations SET checksum = NULL' >/dev/null
like "$(PGUSER=test_owner sql -d deploy_f -c 'SELECT saas.deploy_status()')" "a row of the deployer's tables is not whole" 'a record that is not whole is an error'
PGUSER=test_owner sql -d deploy_f -c "UPDATE saas.schema_migrations SET checksum = 'x'" -c 'UPDATE saas.schema_migrations SET version = 0 WHERE version = 1' >/dev/null
like "$(PGUSER=test_owner sql -d deploy_f -c 'SELECT saas.deploy()')" 'was applied but is not in the package' 'and so is a version that cannot be'

# Somebody else's object under a name in the schema is refused.
fresh deploy_d
sql -d deploy_d -c 'GRANT CREATE ON SCHEMA saas TO test_stranger' -c 'GRANT USAGE ON SCHEMA saas TO test_stranger' >/dev/null
PGUSER=test_stranger sql -d deploy_d -c "CREATE FUNCTION saas.active_role(p_team uuid, p_user uuid) RETURNS text LANGUAGE sql AS \$\$SELECT 'owner'\$\$" >/dev/null
like "$(sql -d deploy_d -v VERBOSITY=verbose -c 'SELECT saas.deploy()')" 'SA003.*active_role.*belongs to role "test_stranger"' 'an object of another role is refused'

# Roles may have other names.
sql -d postgres -c 'DROP DATABASE IF EXISTS deploy_e' -c 'DROP ROLE IF EXISTS "Shop App"' -c 'CREATE DATABASE deploy_e' \
    -c "ALTER DATABASE deploy_e SET saas.role_app = 'Shop App'" >/dev/null
sql -d deploy_e -c 'CREATE EXTENSION pg_saas CASCADE' -c 'SELECT saas.deploy()' >/dev/null
is "$(sql -d deploy_e -c "SELECT has_table_privilege('Shop App', 'saas.teams', 'SELECT') AND NOT has_table_privilege('saas_app', 'saas.teams', 'SELECT')")" t 'a configured role name takes the place of saas_app'
is "$(sql -d deploy_e -c "SELECT count(*) > 0 FROM pg_policies WHERE schemaname = 'saas' AND 'Shop App' = ANY (roles)")" t 'in the policies too'

sql -d postgres -c 'DROP DATABASE deploy_a' -c 'DROP DATABASE deploy_b' -c 'DROP DATABASE deploy_c' -c 'DROP DATABASE deploy_d' \
    -c 'DROP DATABASE deploy_e' -c 'DROP DATABASE deploy_f' -c 'DROP ROLE test_owner' -c 'DROP ROLE test_stranger' -c 'DROP ROLE "Shop App"' >/dev/null
ok $? 'everything the test made can be dropped'
done_testing
