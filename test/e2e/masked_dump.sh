#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# scripts/masked-dump: a database of test environments without personal values and secrets, which works.
# Needs PGHOST, PGPORT, PGUSER (superuser).
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib/tap.sh"
: "${PGHOST:?}" "${PGPORT:?}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sql() { psql -XAtq -v ON_ERROR_STOP=1 "$@" 2>&1; }

for database in masked_source masked_target; do
    sql -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database" >/dev/null
done
sql -d masked_source -c 'CREATE EXTENSION pg_saas CASCADE' -c 'SELECT FROM saas.deploy()' >/dev/null
printf '%s\n' '\set ON_ERROR_STOP on' 'BEGIN;' "\\i $here/../pgtap/include/two_teams.sql" 'COMMIT;' >"$work/fill.sql"
sql -d masked_source -f "$work/fill.sql" >/dev/null
filled=$(sql -d masked_source <<'SQL' | grep -v '^$'
UPDATE saas.addresses SET recipient = 'Zebediah Marker', phone = '+44 20 7946 0123', line1 = '7 Marker Lane';
UPDATE saas.users SET password_hash = crypt('correct horse marker', gen_salt('bf', 4));
CREATE TABLE public.guests (id bigserial PRIMARY KEY, email text UNIQUE, note text, team_id uuid REFERENCES saas.teams (id), mood text);
COMMENT ON COLUMN public.guests.note IS 'What was said. [confidential]';
INSERT INTO public.guests (email, note, mood) SELECT 'marker' || i || '@example.net', 'marker says ' || i, 'calm' FROM generate_series(1, 50) AS i;
-- What NULL is not allowed in, of every kind; lengths; domains; inheritance; a name that psql could read a command in.
CREATE TYPE public.sex AS ENUM ('x', 'y');
CREATE DOMAIN public.secret AS text NOT NULL;
CREATE DOMAIN public.deep_secret AS public.secret;
CREATE TABLE public.odd (
    id integer PRIMARY KEY, a json NOT NULL, b tsvector NOT NULL, c cidr NOT NULL, d interval NOT NULL, e time NOT NULL, f name NOT NULL,
    g public.sex NOT NULL, h public.deep_secret, i varchar(10) NOT NULL, j char(3) NOT NULL, k int4range NOT NULL, l xml NOT NULL,
    m timestamptz NOT NULL, n char(3), o bit(4) NOT NULL
);
INSERT INTO public.odd VALUES (1, '{"x": "marker says json"}', 'marker says', '10.77.0.0/16', '77 days', '07:07:07', 'marker says name', 'y',
    'marker says domain', 'marker999', 'mrk', '[77,78)', '<marker/>', '1977-07-07', 'EUR', B'1010');
SELECT format('COMMENT ON COLUMN public.odd.%I IS %L', c, format('Of a person. [%s]', CASE c WHEN 'm' THEN 'restricted' ELSE 'confidential' END))
FROM unnest('{a,b,c,d,e,f,g,h,i,j,k,l,m,n,o}'::text[]) AS c \gexec
SELECT saas.set_masking_rule('public.odd', 'n', 'constant', '{"value": "CHF"}');
CREATE TABLE public.parents (id integer);
CREATE TABLE public.children () INHERITS (public.parents);
INSERT INTO public.parents VALUES (1);
INSERT INTO public.children VALUES (2);
SELECT format('CREATE TABLE public.%I (%I integer)', E'a\n\\! touch ran\n\\n''"b', E'c\n\\! touch ran') \gexec
SELECT format('INSERT INTO public.%I VALUES (1)', E'a\n\\! touch ran\n\\n''"b') \gexec
SELECT saas.set_masking_rule('public.guests', 'mood', 'constant', '{"value": "it''s \\fine"}');
SQL
)
is "$filled" '' 'a database with personal values'
SAAS_DUMP=$here/../../scripts/masked-dump
cd "$work" || exit 1
"$SAAS_DUMP" masked_source seed >"$work/one.sql"
is $? 0 'the dump is made'
"$SAAS_DUMP" masked_source seed >"$work/two.sql"
"$SAAS_DUMP" masked_source >"$work/three.sql"
is "$(grep -ciE 'marker (lane|says)|zebediah|marker[0-9]+@|ann@example|7946 0123' "$work/one.sql")" 0 'it has no personal value'
secret=$(sql -d masked_source -c "SELECT encode(key, 'hex') FROM saas.context_keys LIMIT 1")
is "${#secret}" 64 'there is a secret to look for'
is "$(grep -c "$secret" "$work/one.sql")" 0 'and it is not in the dump'
hash=$(sql -d masked_source -c "SELECT password_hash FROM saas.users WHERE password_hash IS NOT NULL LIMIT 1")
[ -n "$hash" ]
ok $? 'there is a hash of a password to look for'
is "$(grep -cF "$hash" "$work/one.sql")" 0 'and it is not in the dump'
sed '/^COPY /,/^\\\.$/!d' "$work/one.sql" >"$work/data"
sql -d masked_source -f "$here/lib/confidential_values.sql" >"$work/values"
[ "$(cut -f1 "$work/values" | sort -u | wc -l)" -ge 25 ]
ok $? 'there are values of many confidential columns'
shown=$(while IFS=$'\t' read -r column value; do grep -qF -- "$value" "$work/data" && echo "$column: $value"; done <"$work/values")
is "$shown" '' 'and none of them is in the dump'
is "$(sed -n '/^COPY public.odd/,/^\\\.$/p' "$work/one.sql" | grep -cE 'marker|mrk|10\.77|77 days|07:07|1977|\[77|1010')" 0 'nor what stands where NULL may not'
emails() { sed -n '/^COPY public.guests/,/^\\\.$/p' "$1" | cut -f2 | sort | sha256sum; }
is "$(emails "$work/one.sql")" "$(emails "$work/two.sql")" 'with a seed pseudonyms are the same each time'
[ "$(emails "$work/one.sql")" != "$(emails "$work/three.sql")" ]
ok $? 'without one they are others'
is "$(sql -d masked_target -o /dev/null -f "$work/one.sql")" '' 'it is read without an error'
is "$(sql -d masked_target -c 'SELECT * FROM saas.validate()')" '' 'what was read is whole'
is "$(sql -d masked_target -c "SELECT count(*), count(DISTINCT email), count(note), min(mood), bool_and(email LIKE '%@example.com') FROM public.guests")" \
    "50|50|0|it's \\fine|t" 'rules are followed'
is "$(sql -d masked_target -c "SELECT n || '|' || length(i) || '|' || length(h) || '|' || g FROM public.odd")" 'CHF|10|32|x' 'what stands in a place fits it'
is "$(sql -d masked_target -c "SELECT (SELECT count(*) FROM public.parents), (SELECT count(*) FROM public.children)")" '2|1' 'a row that is inherited is there once'
[ ! -e "$work/ran" ]
ok $? 'names are no commands'
is "$(sql -d masked_target -c "SELECT count(*) FROM pg_class WHERE relname LIKE E'a\n%touch%'")" 1 'and the table of that name is there'
is "$(sql -d masked_target -c "SELECT DISTINCT action FROM saas.deploy()")" 'up to date' 'nothing is left to deploy'
is "$(sql -d masked_target -c "INSERT INTO public.guests (mood) VALUES ('x') RETURNING id > 50")" t 'sequences go on'
is "$(sql -d masked_target -c "SELECT (SELECT count(*) FROM saas.payments), (SELECT sum(amount_captured) FROM saas.payments)")" \
    "$(sql -d masked_source -c "SELECT (SELECT count(*) FROM saas.payments), (SELECT sum(amount_captured) FROM saas.payments)")" 'money is as it was'
is "$(sql -d masked_target <<'SQL'
BEGIN;
SELECT saas.set_context(m.team_id, m.user_id) FROM saas.team_members AS m WHERE m.role = 'owner' ORDER BY m.team_id LIMIT 1 \g /dev/null
SET LOCAL ROLE saas_app;
SELECT count(*) FROM saas.teams;
UPDATE saas.addresses SET city = 'Elsewhere';
COMMIT;
SELECT saas.seal_audit_log() > 0;
SQL
)" $'1\nt' 'the application works on it, and the audit trail begins anew'
sql -d masked_source -c 'CREATE TABLE public.places (p point NOT NULL)' -c "COMMENT ON COLUMN public.places.p IS 'Where a person is. [confidential]'" >/dev/null
"$SAAS_DUMP" masked_source >"$work/four.sql" 2>"$work/refused"
[ $? -ne 0 ] && grep -q 'column p of type point is not masked without a rule' "$work/refused"
ok $? 'what nobody knows how to mask is refused'
done_testing
