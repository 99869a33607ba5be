#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# The server's processes are killed with SIGKILL in the middle of an erasure, an export job and a clean-up: each goes on where
# its last commit was. A backup from before an erasure is restored, and the certificates beside it repeat the erasure.
# Needs PGHOST, PGPORT, PGUSER (superuser).
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib/tap.sh"
: "${PGHOST:?}" "${PGPORT:?}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PGDATABASE=privacy_crash
# What is committed is in the files: a killed process has no time to write.
export PGOPTIONS='-c synchronous_commit=on -c client_min_messages=warning'
sql() { psql -XAtq -v ON_ERROR_STOP=1 "$@" 2>&1; }

sql -d postgres -c "DROP DATABASE IF EXISTS $PGDATABASE" -c "CREATE DATABASE $PGDATABASE" >/dev/null
sql <<'SQL' >/dev/null
CREATE EXTENSION pg_saas CASCADE;
SELECT saas.deploy();
CREATE TABLE public.clicks (id uuid PRIMARY KEY DEFAULT saas.uuid_v7(), person uuid NOT NULL REFERENCES saas.users (id), page text, at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON public.clicks (person);
GRANT SELECT, DELETE, UPDATE ON public.clicks TO saas_internal;
SELECT saas.declare_personal_data('public.clicks', 'person', '{person}', p_section => 'activity_history');
SELECT saas.set_retention_policy('clicks', 'public.clicks', 'at', '1 year', 'delete', 'no longer needed');
SELECT saas.create_user('gone@example.com', 'Gone Tomorrow'), saas.create_user('stays@example.com', 'Stays Here');
INSERT INTO public.clicks (person, page, at)
SELECT u.id, u.display_name || ' ' || n, now() - CASE WHEN n > 600 THEN INTERVAL '2 years' ELSE '0' END FROM saas.users AS u, generate_series(1, 800) AS n;
CREATE TABLE public.slow (seconds float8 NOT NULL);
INSERT INTO public.slow VALUES (0.01);
-- Takes its time at every statement, and at every chunk.
CREATE FUNCTION public.slowly() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN PERFORM pg_sleep(s.seconds) FROM public.slow AS s; RETURN NULL; END $$;
CREATE TRIGGER slowly AFTER DELETE ON public.clicks FOR EACH STATEMENT EXECUTE FUNCTION public.slowly();
CREATE TRIGGER slowly AFTER INSERT ON saas.data_export_chunks FOR EACH STATEMENT EXECUTE FUNCTION public.slowly();
SQL
gone=$(sql -c "SELECT id FROM saas.users WHERE email = 'gone@example.com'")
stays=$(sql -c "SELECT id FROM saas.users WHERE email = 'stays@example.com'")
clicks() { sql -c "SELECT count(*) FROM public.clicks WHERE person = '$1'"; }

# Kills the backend of a statement, with SIGKILL, when it has slept a while in its middle, and waits for the server.
killed_in() { # statement
    local pid='' client
    sql -c 'UPDATE public.slow SET seconds = 0.4' >/dev/null
    PGAPPNAME=victim psql -XAtq -c "$1" >"$work/killed" 2>&1 &
    client=$!
    for _ in $(seq 100); do
        pid=$(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'victim' AND wait_event = 'PgSleep' AND clock_timestamp() > query_start + INTERVAL '0.2 s'")
        [ -z "$pid" ] || break
        sleep 0.1
    done
    kill -9 "$pid"
    wait "$client"
    for _ in $(seq 200); do
        [ "$(sql -c 'SELECT 1')" != 1 ] || break
        sleep 0.1
    done
    like "$(cat "$work/killed")" 'server closed the connection|terminat' "$2"
    sql -c 'UPDATE public.slow SET seconds = 0' >/dev/null
}

# An export job: chunks that were committed stay, those that were not are written again.
sql -c 'UPDATE public.slow SET seconds = 0' >/dev/null
export=$(sql -c "SELECT saas.request_data_export('$gone', p_chunk_rows => 100)")
is "$(sql -c "SELECT saas.run_data_export('$export', 0)")" running 'an export has begun'
before=$(sql -c "SELECT count(*), sum(row_count) FROM saas.data_export_chunks WHERE export_id = '$export'")
killed_in "SELECT saas.run_data_export('$export', 600000)" 'its worker is killed in the middle'
is "$(sql -c "SELECT count(*), sum(row_count) FROM saas.data_export_chunks WHERE export_id = '$export'")" "$before" 'what was committed is there, and nothing else'
is "$(sql -c "SELECT saas.run_data_export('$export', 600000)")" ready 'the next call comes to the end'
is "$(sql -c "SELECT count(*), count(DISTINCT r ->> 'id') FROM saas.data_export_chunks AS c, jsonb_array_elements(saas.read_data_export('$export', c.number)::jsonb -> 'rows') AS r
    WHERE c.export_id = '$export' AND c.table_name = 'public.clicks'")" '800|800' 'every row is in it, once'
is "$(sql -c "SELECT bool_and(m ->> 'sha256' = encode(sha256(convert_to(saas.read_data_export('$export', (m ->> 'number')::integer), 'UTF8')), 'hex')), count(*) = e.chunks
    FROM saas.data_exports AS e, jsonb_array_elements(e.manifest -> 'chunks') AS m WHERE e.id = '$export' GROUP BY e.chunks")" 't|t' 'as the manifest says'

# A clean-up is one transaction: all or nothing of it.
killed_in 'SELECT * FROM saas.cleanup_old_data()' 'a clean-up is killed in the middle'
is "$(clicks "$gone") $(clicks "$stays")" '800 800' 'nothing has gone'
is "$(sql -c "SELECT records, is_complete FROM saas.cleanup_old_data() WHERE policy = 'clicks'")" '400|t' 'the next one does it all'
is "$(clicks "$gone") $(clicks "$stays")" '600 600' 'and nothing else'
is "$(sql -c "SELECT records FROM saas.cleanup_old_data() WHERE policy = 'clicks'")" 0 'once'

# A backup, then the erasure.
pg_dump -Fc -f "$work/backup" "$PGDATABASE" >/dev/null 2>&1
request=$(sql -c "SELECT saas.request_user_deletion('$gone', 'request of the person')")
sql -c "SELECT saas.verify_deletion_identity('$request', 'letter', INTERVAL '0')" >/dev/null
done_rows() { sql -c "SELECT done FROM saas.erasure_steps WHERE request_id = '$request' AND table_name = 'public.clicks'"; }
for _ in $(seq 20); do
    [ "$(done_rows)" != 100 ] || break
    sql -c "SELECT status FROM saas.run_deletion_request('$request', 100, 0)" >/dev/null
done
is "$(clicks "$gone") $(done_rows)" '500 100' 'an erasure has begun'
killed_in "SELECT * FROM saas.run_deletion_request('$request', 50, 600000)" 'its worker is killed in the middle'
is "$(clicks "$gone") $(done_rows)" '500 100' 'what was committed has gone, and is counted'
is "$(sql -c "SELECT status FROM saas.run_deletion_request('$request', 50, 600000)")" erased 'the next call comes to the end'
is "$(clicks "$gone") $(done_rows) $(clicks "$stays")" '0 600 600' 'every row has gone, counted once, and none of anybody else'
is "$(sql -c "SELECT saas.complete_deletion_request('$request') #>> '{verification,residual}'")" '[]' 'the search finds nothing'
is "$(sql -c "SELECT saas.verify_erasure_certificate(certificate), certificate ->> 'erased_rows' = (SELECT sum(s.done)::text FROM saas.erasure_steps AS s WHERE s.request_id = r.id AND s.action = 'delete')
    FROM saas.user_deletion_requests AS r WHERE r.id = '$request'")" 't|t' 'and the certificate has as many leaves as rows were deleted'
sql -c 'SELECT saas.erasure_certificates()' >"$work/certificates"

# The backup is restored: the person is back, and has to go again.
sql -d postgres -c 'DROP DATABASE IF EXISTS privacy_crash_restored' -c 'CREATE DATABASE privacy_crash_restored' >/dev/null
pg_restore -d privacy_crash_restored "$work/backup" >"$work/restore.log" 2>&1
export PGDATABASE=privacy_crash_restored
is "$(clicks "$gone")" 600 'the backup brings the person back'
repeat() { sql -v certificates="$(cat "$work/certificates")" <<<"SELECT request_id, outcome FROM saas.repeat_erasures(:'certificates')"; }
is "$(repeat)" "$request|queued" 'the certificate asks for the erasure again'
is "$(sql -c 'SELECT status FROM saas.process_deletion_requests()')" completed 'which is carried out'
is "$(clicks "$gone") $(clicks "$stays")" '0 600' 'the person has gone again, and nobody else'
is "$(sql -c "SELECT count(*) FROM saas.users WHERE email LIKE 'gone@%'")" 0 'with the account'
is "$(repeat)" "$request|nobody" 'once'
export PGDATABASE=postgres
sql -c 'DROP DATABASE privacy_crash_restored' -c 'DROP DATABASE privacy_crash' >/dev/null
done_testing
