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
SELECT saas.set_masking_rule('public.guests', 'mood', 'constant', '{"value": "it''s \\fine"}');
SQL
)
is "$filled" '' 'a database with personal values'
SAAS_DUMP=$here/../../scripts/masked-dump
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
emails() { sed -n '/^COPY public.guests/,/^\\\.$/p' "$1" | cut -f2 | sort | sha256sum; }
is "$(emails "$work/one.sql")" "$(emails "$work/two.sql")" 'with a seed pseudonyms are the same each time'
[ "$(emails "$work/one.sql")" != "$(emails "$work/three.sql")" ]
ok $? 'without one they are others'
is "$(sql -d masked_target -o /dev/null -f "$work/one.sql")" '' 'it is read without an error'
is "$(sql -d masked_target -c 'SELECT * FROM saas.validate()')" '' 'what was read is whole'
is "$(sql -d masked_target -c "SELECT count(*), count(DISTINCT email), count(note), min(mood), bool_and(email LIKE '%@example.com') FROM public.guests")" \
    "50|50|0|it's \\fine|t" 'rules are followed'
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
done_testing
