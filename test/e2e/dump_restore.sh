#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# pg_dump and pg_restore lose nothing: rows, and what the user added to the package's tables.
# Needs PGHOST, PGPORT, PGUSER (superuser).
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib/tap.sh"
: "${PGHOST:?}" "${PGPORT:?}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sql() { psql -XAtq -v ON_ERROR_STOP=1 "$@" 2>&1; }
rows() { # a digest of every row of every table in schema saas
    sql -d "$1" <<'SQL' | sha256sum | cut -d' ' -f1
SELECT format('SELECT %L, md5(COALESCE(string_agg(t::text, E''\n'' ORDER BY t::text), '''')) FROM saas.%I AS t', relname, relname)
FROM pg_class WHERE relnamespace = 'saas'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname \gexec
SQL
}

for database in dump_source dump_plain dump_custom; do
    sql -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database" >/dev/null
done
sql -d dump_source <<'SQL' >/dev/null
CREATE EXTENSION pg_saas CASCADE;
SELECT saas.deploy();
SELECT saas.create_user('owner' || n || '@example.com', 'Owner ' || n) FROM generate_series(1, 20) AS n;
SELECT saas.create_team('Team ' || row_number() OVER (), 'team-' || row_number() OVER (), id) FROM saas.users;
ALTER TABLE saas.users ADD COLUMN favourite_colour text;
UPDATE saas.users SET favourite_colour = 'blue';
CREATE INDEX users_favourite_colour_idx ON saas.users (favourite_colour);
CREATE POLICY users_everybody_named_blue ON saas.users FOR DELETE TO saas_app USING (favourite_colour = 'blue');
CREATE FUNCTION public.shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.favourite_colour := upper(NEW.favourite_colour); RETURN NEW; END $$;
CREATE TRIGGER users_99_shout BEFORE UPDATE ON saas.users FOR EACH ROW EXECUTE FUNCTION public.shout();
CREATE SCHEMA shop;
CREATE TABLE shop.projects (team_id uuid NOT NULL REFERENCES saas.teams (id) ON DELETE CASCADE, id uuid NOT NULL, PRIMARY KEY (team_id, id));
SELECT * FROM saas.protect_table('shop.projects');
-- An encrypted column whose number is another one after the restore, and that was renamed.
CREATE TABLE shop.vault (gone integer, sealed bytea);
ALTER TABLE shop.vault DROP COLUMN gone;
SELECT saas.register_asset('shop.vault', 'sealed');
INSERT INTO shop.vault SELECT saas.encrypt_sensitive_data('kept', p_table => 'shop.vault', p_column => 'sealed', p_team => id)
FROM saas.teams WHERE slug = 'team-1';
ALTER TABLE shop.vault RENAME COLUMN sealed TO secret;
SELECT saas.refresh_data_assets('shop.vault');
SQL
# A sealed trail, with rows that are not sealed yet, verifies after the restore as before.
sql -d dump_source <<'SQL' >/dev/null
SELECT pg_sleep(0.05) FROM generate_series(1, 600) WHERE pg_snapshot_xmin(pg_current_snapshot()) <= (SELECT max(l.xact_id) FROM saas.audit_logs AS l);
SELECT saas.seal_audit_log();
UPDATE saas.teams SET name = 'Renamed ' || name;
SQL
platform=00000000-0000-0000-0000-000000000000
anchor=$(sql -d dump_source -c "SELECT saas.audit_checkpoint('$platform')")
trails() { # trails DATABASE: problems, sealed and verified rows of all teams
    sql -d "$1" -v anchor="$anchor" -f - <<SQL
SELECT t.team_id, v.problem, v.sealed_rows, v.verified_rows, v.unsealed_rows FROM (SELECT DISTINCT team_id FROM saas.audit_logs) AS t
CROSS JOIN LATERAL saas.verify_audit_log(t.team_id, p_anchor => CASE WHEN t.team_id = '$platform' THEN :'anchor' END) AS v ORDER BY t.team_id;
SQL
}
source_trails=$(trails dump_source)
like "$source_trails" "^$platform[|][|][1-9]" 'the trail is sealed before the dump'
source_catalog=$(catalog dump_source)
source_rows=$(rows dump_source)

pg_dump -d dump_source >"$work/plain.sql" && psql -Xq -v ON_ERROR_STOP=1 -d dump_plain -f "$work/plain.sql" >"$work/log" 2>&1
ok $? 'pg_dump | psql restores without an error'
pg_dump -Fc -d dump_source -f "$work/custom" && pg_restore --exit-on-error -j2 -d dump_custom "$work/custom" >>"$work/log" 2>&1
ok $? 'pg_dump -Fc | pg_restore --exit-on-error -j2 restores without an error'

for database in dump_plain dump_custom; do
    is "$(catalog $database)" "$source_catalog" "$database: the same catalog, with the user's column, index, policy and trigger"
    is "$(rows $database)" "$source_rows" "$database: the same rows"
    is "$(trails $database)" "$source_trails" "$database: the audit trail verifies as before"
    is "$(sql -d $database -c "SELECT saas.seal_audit_log() >= 0")$(trails $database | cut -d'|' -f2 | sort -u)" t "$database: and is sealed further"
    is "$(sql -d $database -c "SELECT count(*) FROM saas.deploy_status() WHERE state <> 'applied'")" 0 "$database: deploy_status is clean"
    is "$(sql -d $database -c "SELECT saas.decrypt_sensitive_data(v.secret, p_table => 'shop.vault', p_column => 'secret', p_team => t.id) FROM shop.vault AS v, saas.teams AS t WHERE t.slug = 'team-1'")" kept "$database: an encrypted value opens, under the column's new name and number"
    is "$(sql -d $database -c "SELECT count(*) FROM saas.deploy() WHERE action <> 'up to date'")" 0 "$database: there is nothing to deploy"
    is "$(sql -d $database -c "SELECT count(favourite_colour) FROM saas.users WHERE favourite_colour = 'blue'")" 20 "$database: triggers did not fire while loading"
    is "$(sql -d $database -c "SELECT saas.is_protected('shop.projects') AND NOT EXISTS (SELECT FROM saas.validate() WHERE object = 'shop.projects')")" t "$database: a protected table still is"
    is "$(sql -d $database -c "BEGIN; SELECT saas.set_context(t.id, m.user_id) FROM saas.teams AS t JOIN saas.team_members AS m ON m.team_id = t.id LIMIT 1; SET LOCAL ROLE saas_app; SELECT count(*) FROM saas.team_members; COMMIT" | tail -1)" 1 "$database: contexts and policies work"
done
cat "$work/log" | sed 's/^/# /'

for database in dump_source dump_plain dump_custom; do sql -d postgres -c "DROP DATABASE $database" >/dev/null; done
ok $? 'the databases can be dropped'
done_testing
