#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Writers whose transactions overlap for random times, while the sealer runs again and again, in two
# sessions at once: no row is missed, none is sealed twice. Needs PGHOST, PGPORT, PGUSER (superuser).
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib/tap.sh"
: "${PGHOST:?}" "${PGPORT:?}"
seconds=${SEAL_SECONDS:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PGDATABASE=seal_stress
sql() { psql -XAtq -v ON_ERROR_STOP=1 "$@" 2>&1; }

sql -d postgres -c "DROP DATABASE IF EXISTS $PGDATABASE" -c "CREATE DATABASE $PGDATABASE" >/dev/null
sql <<'SQL' >/dev/null
CREATE EXTENSION pg_saas CASCADE;
SELECT saas.deploy();
CREATE TABLE public.notes (team_id uuid, id uuid DEFAULT saas.uuid_v7(), n integer, PRIMARY KEY (team_id, id));
SELECT saas.audit_table('public.notes');
SQL
cat >"$work/write.sql" <<'SQL'
\set team random(1, 3)
\set before random(0, 20)
\set after random(0, 20)
\set undo random(1, 10) = 1
BEGIN;
SELECT pg_current_xact_id();
SELECT pg_sleep(:before / 1000.0);
INSERT INTO public.notes (team_id, n) SELECT ('0190a000-0000-7000-8000-00000000000' || :team)::uuid, i FROM generate_series(1, 3) AS i;
SAVEPOINT s;
INSERT INTO public.notes (team_id, n) VALUES (('0190a000-0000-7000-8000-00000000000' || (:team % 3 + 1))::uuid, 4);
SELECT pg_sleep(:after / 1000.0);
\if :undo
ROLLBACK;
\else
COMMIT;
\endif
SQL
cat >"$work/seal.sql" <<'SQL'
\set rows random(1, 50)
SELECT saas.seal_audit_log(:rows);
SQL

pgbench -n -c 14 -j 2 -T "$seconds" -f "$work/write.sql" >"$work/writers" 2>&1 &
writers=$!
pgbench -n -c 2 -j 1 -T "$seconds" -f "$work/seal.sql" >"$work/sealers" 2>&1
ok $? 'two sealers run beside the writers'
wait "$writers"
ok $? 'fourteen writers run to the end'
grep -h 'number of transactions actually' "$work/writers" "$work/sealers" | sed 's/^/# /'

sealed_meanwhile=$(sql -c "SELECT COALESCE(sum(leaf_count), 0) FROM saas.audit_leaves")
like "$sealed_meanwhile" '^[1-9][0-9]+$' 'rows were sealed while they wrote'
sql <<'SQL' >/dev/null
DO $$
BEGIN
    FOR i IN 1..600 LOOP
        PERFORM saas.seal_audit_log();
        EXIT WHEN (SELECT count(*) FROM saas.audit_logs) = (SELECT sum(leaf_count) FROM saas.audit_leaves);
        PERFORM pg_sleep(0.05);
    END LOOP;
END
$$;
SQL
is "$(sql -c "SELECT count(*) FROM saas.audit_logs")" "$(sql -c "SELECT sum(leaf_count) FROM saas.audit_leaves")" 'every row is sealed'
is "$(sql -c "SELECT count(DISTINCT (a.team_id, p.id)) FROM saas.audit_leaves AS a CROSS JOIN LATERAL saas.audit_leaf_positions(a.positions) AS p JOIN saas.audit_logs AS l ON l.team_id = a.team_id AND l.id = p.id")" \
    "$(sql -c "SELECT count(*) FROM saas.audit_logs")" 'once'
is "$(sql -c "SELECT string_agg(v.problem, ',') FROM (SELECT DISTINCT team_id FROM saas.audit_logs) AS t CROSS JOIN LATERAL saas.verify_audit_log(t.team_id) AS v")" '' 'every team verifies'
is "$(sql -c "SELECT count(*) > 3 FROM saas.audit_checkpoints")" t 'in many checkpoints'

sql -d postgres -c "DROP DATABASE $PGDATABASE" >/dev/null
ok $? 'the database can be dropped'
done_testing
