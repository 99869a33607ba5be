#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Refreshes and writers that are killed: after recovery the rollups equal a full computation, and each row counts once.
# Needs PGHOST, PGPORT, PGUSER (superuser).
set -uo pipefail
source "$(dirname "$0")/lib/tap.sh"
: "${PGHOST:?}" "${PGPORT:?}"
export PGDATABASE=rollups_killed
export PGOPTIONS="-c synchronous_commit=on" # what is committed survives

sql() { psql -XAtq -v ON_ERROR_STOP=1 "$@" 2>&1; }
differences() {
    sql -c "SELECT count(*) FROM ((SELECT bucket, n, total FROM saas_rollups.killed_hour EXCEPT SELECT date_trunc('hour', at), count(*), sum(amount) FROM public.killed GROUP BY 1)
        UNION ALL (SELECT date_trunc('hour', at), count(*), sum(amount) FROM public.killed GROUP BY 1 EXCEPT SELECT bucket, n, total FROM saas_rollups.killed_hour)) AS d"
}
# Runs a statement that waits for the lock on a table, and kills its server process there.
kill_waiting() { # kill_waiting TABLE STATEMENT
    local holder statement pid
    psql -XAtq -c "BEGIN; LOCK TABLE $1 IN EXCLUSIVE MODE; SELECT pg_sleep(30)" >/dev/null 2>&1 &
    holder=$!
    for _ in $(seq 100); do
        [ -n "$(sql -c "SELECT 1 FROM pg_locks WHERE relation = '$1'::regclass AND mode = 'ExclusiveLock' AND granted")" ] && break
        sleep 0.05
    done
    psql -XAtq -c "$2" >/dev/null 2>&1 &
    statement=$!
    for _ in $(seq 100); do
        pid=$(sql -c "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = '$PGDATABASE'")
        [ -n "$pid" ] && break
        sleep 0.05
    done
    kill -9 "$pid" || echo "# nobody waited"
    wait $statement $holder # the server ends all sessions, and recovers
    for _ in $(seq 200); do sql -d postgres -c 'SELECT 1' >/dev/null && break; sleep 0.05; done
}

sql -d postgres -c 'DROP DATABASE IF EXISTS rollups_killed' -c 'CREATE DATABASE rollups_killed' >/dev/null
sql -c 'CREATE EXTENSION pg_saas CASCADE' -c "SELECT count(*) FROM saas.deploy()" >/dev/null
sql -c "SELECT saas.create_team('Killed', 'killed', saas.create_user('killed@example.com'))" \
    -c "CREATE TABLE public.killed (team_id uuid NOT NULL, id integer NOT NULL, at timestamptz NOT NULL, amount bigint NOT NULL, PRIMARY KEY (team_id, id))" \
    -c "CREATE INDEX ON public.killed (team_id, at)" \
    -c "SELECT count(*) FROM saas.create_rollup('killed', 'public.killed', 'at', '{\"n\": \"count\", \"total\": {\"sum\": \"amount\"}}', p_read_role => 'viewer')" >/dev/null
add() { # add FIRST
    sql -c "INSERT INTO public.killed SELECT t.id, $1 + n, '2026-06-01 10:00+00'::timestamptz + n * INTERVAL '7 minutes', n FROM saas.teams AS t CROSS JOIN generate_series(1, 40) AS n WHERE t.slug = 'killed'"
}

add 0
sql -c "SELECT saas.refresh_rollups('killed')" >/dev/null
is "$(differences)" 0 'a rollup'
add 100
kill_waiting saas_rollups.killed_hour "SELECT saas.refresh_rollups('killed')"
is "$(sql -c "SELECT count(*) FROM saas.rollup_changes WHERE row_ids IS NOT NULL")" 19 'killed while it adds rows: the changes are there again'
is "$(sql -c "SELECT problem IS NULL FROM saas.refresh_rollups('killed')")" t 'the next refresh takes them'
is "$(differences)" 0 'and each row counts once'
add 200
sql -c 'UPDATE public.killed SET amount = amount + 1 WHERE id % 7 = 0' >/dev/null
kill_waiting saas_rollups.killed_day "SELECT saas.refresh_rollups('killed')"
is "$(sql -c "SELECT problem IS NULL FROM saas.refresh_rollups('killed')")" t 'killed while it computes days anew, after the hours'
is "$(differences)" 0 'each row counts once'
kill_waiting saas.rollup_changes "INSERT INTO public.killed SELECT t.id, 300, '2026-06-01 10:00+00', 5 FROM saas.teams AS t WHERE t.slug = 'killed'"
is "$(sql -c "SELECT count(*) FROM public.killed WHERE id = 300")" 0 'a writer that is killed before its change is noted has written nothing'
add 400
sql -c "SELECT saas.refresh_rollups('killed')" >/dev/null
is "$(differences)" 0 'later rows count once'
is "$(sql -c "SELECT (SELECT sum(n) FROM saas_rollups.killed_month) = (SELECT count(*) FROM public.killed)")" t 'in the month as well'
sql -d postgres -c 'DROP DATABASE rollups_killed' >/dev/null
done_testing
