#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# A worker that is killed in the middle of an erasure loses nothing but its batch: the next one goes on, every row is
# counted once, the certificate is right. A dump and restore keeps what proves it. Needs PGHOST, PGPORT, PGUSER (superuser).
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib/tap.sh"
: "${PGHOST:?}" "${PGPORT:?}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PGDATABASE=privacy_resume
sql() { psql -XAtq -v ON_ERROR_STOP=1 "$@" 2>&1; }

sql -d postgres -c "DROP DATABASE IF EXISTS $PGDATABASE" -c "CREATE DATABASE $PGDATABASE" >/dev/null
sql <<'SQL' >/dev/null
CREATE EXTENSION pg_saas CASCADE;
SELECT saas.deploy();
CREATE TABLE public.clicks (id uuid PRIMARY KEY DEFAULT saas.uuid_v7(), person uuid NOT NULL REFERENCES saas.users (id), page text);
CREATE INDEX ON public.clicks (person);
GRANT SELECT, DELETE ON public.clicks TO saas_internal;
SELECT saas.declare_personal_data('public.clicks', 'person', '{person}');
SELECT saas.create_team('Shop', 'shop', saas.create_user('owner@example.com'));
INSERT INTO public.clicks (person, page) SELECT saas.create_user('gone@example.com', 'Gone Tomorrow'), '/' FROM generate_series(1, 1);
INSERT INTO public.clicks (person, page)
SELECT u.id, '/' || n FROM saas.users AS u, generate_series(1, CASE u.email WHEN 'gone@example.com' THEN 20000 ELSE 100 END) AS n;
-- Every batch takes its time, so that a kill hits it.
CREATE FUNCTION public.slowly() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.05); RETURN NULL; END $$;
CREATE TRIGGER slowly AFTER DELETE ON public.clicks FOR EACH STATEMENT EXECUTE FUNCTION public.slowly();
SQL
person=$(sql -c "SELECT id FROM saas.users WHERE email = 'gone@example.com'")
request=$(sql -c "SELECT saas.request_user_deletion('$person', 'request of the person')")
sql -c "SELECT saas.verify_deletion_identity('$request', 'letter', INTERVAL '0')" >/dev/null
left() { sql -c "SELECT count(*) FROM public.clicks WHERE person = '$person'"; }
done_rows() { sql -c "SELECT done FROM saas.erasure_steps WHERE request_id = '$request' AND table_name = 'public.clicks'"; }

is "$(sql -c "SELECT status FROM saas.run_deletion_request('$request', 3000, 0)")" running 'a call begins'
# Two calls that never end by themselves: one is killed as an administrator does, one with its connection.
PGAPPNAME=victim psql -XAtq -c "SELECT * FROM saas.run_deletion_request('$request', 100, 600000)" >"$work/killed" 2>&1 &
for _ in $(seq 100); do
    [ "$(sql -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'victim' AND wait_event = 'PgSleep'")" != 1 ] || break
    sleep 0.1
done
before=$(left)
is "$(sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'")" t 'a worker is killed in the middle'
wait
like "$(cat "$work/killed")" 'terminating connection' 'and dies'
is "$(left)" "$before" 'its batch is undone'
is "$((20001 - $(left)))" "$(done_rows)" 'what is gone is what is counted'
is "$(sql -c "SET statement_timeout = 500" -c "SELECT * FROM saas.run_deletion_request('$request', 100, 600000)" | grep -c 'statement timeout')" 1 'a call can be cancelled'
is "$((20001 - $(left)))" "$(done_rows)" 'which leaves things as they were, too'
sql -c 'DROP TRIGGER slowly ON public.clicks' >/dev/null
is "$(sql -c "SELECT status FROM saas.run_deletion_request('$request')")" erased 'the next call comes to the end'
is "$(left) $(done_rows)" '0 20001' 'every row has gone, counted once'
is "$(sql -c 'SELECT count(*) FROM public.clicks')" 100 'those of others are there'
is "$(sql -c "SELECT saas.complete_deletion_request('$request') ->> 'erased_rows'")" 20002 'the certificate counts them and the person'

pg_dump -Fc -f "$work/backup" "$PGDATABASE" >/dev/null 2>&1
sql -d postgres -c 'DROP DATABASE IF EXISTS privacy_restored' -c 'CREATE DATABASE privacy_restored' >/dev/null
pg_restore -d privacy_restored "$work/backup" >"$work/restore.log" 2>&1
is "$(sql -d privacy_restored -c "SELECT status, saas.verify_erasure_certificate(certificate) IS NOT NULL FROM saas.user_deletion_requests")" 'completed|t' 'a restored dump has the certificate'
is "$(sql -d privacy_restored -c "SELECT count(*) FROM saas.verify_erasure('$request')")" 0 'and can be searched'
sql -d privacy_restored -c "INSERT INTO public.clicks (person, page) SELECT id, 'mail to gone@example.com' FROM saas.users LIMIT 1" >/dev/null
is "$(sql -d privacy_restored -c "SELECT table_name, column_name FROM saas.verify_erasure('$request')")" 'public.clicks|page' 'which finds what a backup brings back'
sql -d postgres -c 'DROP DATABASE privacy_restored' -c "DROP DATABASE $PGDATABASE" >/dev/null
done_testing
