#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Encrypted columns from outside: after a secret was written in every way, a search for it through every file of the
# server and every view of its activity finds nothing, while the same search finds what a plain table was
# given; and dumps restore to the same bytes, also when the triggers fire while they do.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib/tap.sh"
work=$(mktemp -d /tmp/pg_saas-columns.XXXXXX)
trap '"$here/lib/own_server.sh" stop "$work"; rm -rf "$work"' EXIT
export PGDATABASE=source PGUSER=postgres PGOPTIONS=
address=$("$here/lib/own_server.sh" start "$work" shared_preload_libraries=pg_saas,pg_stat_statements,auto_explain \
    wal_level=logical log_statement=all log_min_duration_statement=0 log_parameter_max_length_on_error=-1 log_temp_files=0 \
    auto_explain.log_min_duration=0 auto_explain.log_nested_statements=on pg_stat_statements.track=all work_mem=64kB fsync=off \
    autovacuum=off 2>"$work/start.log") || cat "$work/start.log" >&2
read -r PGHOST PGPORT <<<"$address"
export PGHOST PGPORT
sql() { psql -XAtq -v ON_ERROR_STOP=1 "$@" 2>&1; }

secret=mk$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')
plain=pl$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')
word=pw$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')

sql -d postgres -c 'CREATE DATABASE source' -c 'CREATE ROLE shop_owner' -c 'GRANT CREATE ON DATABASE source TO shop_owner' >/dev/null
sql <<'SQL' >"$work/setup.log"
CREATE EXTENSION pg_saas CASCADE;
CREATE EXTENSION pg_stat_statements;
SELECT count(*) FROM saas.deploy();
SELECT saas.create_user('owner@example.com') AS u \gset
SELECT saas.create_team('Team', 'team', :'u') AS t \gset
CREATE SCHEMA shop AUTHORIZATION shop_owner;
CREATE TABLE shop.people (team_id uuid NOT NULL, id uuid NOT NULL DEFAULT saas.uuid_v7(), n int, person uuid, email text, card bytea, PRIMARY KEY (team_id, id));
CREATE TABLE shop.plain (n int, email text, card bytea);
SELECT saas.encrypt_column('shop.people', 'email', p_subject_column => 'person'), saas.encrypt_column('shop.people', 'card');
SELECT saas.add_blind_index('shop.people', 'email'), saas.create_decrypted_view('shop.people');
CREATE TABLE public.constants AS SELECT :'t'::uuid AS team, :'u'::uuid AS person;
ALTER TABLE shop.people OWNER TO shop_owner;
GRANT ALL ON shop.people, public.constants TO shop_owner;
SELECT pg_create_logical_replication_slot('search', 'test_decoding');
SQL
team=$(sql -c 'SELECT team FROM public.constants')
person=$(sql -c 'SELECT person FROM public.constants')

# The same statements for both tables; the errors, too, are meant.
write() { # table, first columns, their values, marker
    psql -XAtq >>"$work/write.log" 2>&1 <<SQL
SELECT saas.set_context('$team', '$person');
BEGIN; SELECT saas.set_context('$team', '$person');
INSERT INTO $1 ($2 n, email, card) VALUES ($3 1, 'literal $4', 'literal $4');
INSERT INTO $1 ($2 n, email, card) SELECT $3 n, 'select $4 ' || repeat('x', 50) || n, convert_to('select $4 ' || n, 'UTF8') FROM generate_series(2, 3000) AS n;
COPY $1 ($2 n, email, card) FROM STDIN;
$(tr -d ' ' <<<"$3" | sed "s/::uuid//g; s/'//g; s/,/\t/g")4000	copied $4	copied $4
\\.
PREPARE p(text) AS INSERT INTO $1 ($2 n, email) VALUES ($3 4001, \$1);
EXECUTE p('prepared $4');
DO \$\$ BEGIN INSERT INTO $1 ($2 n, email) VALUES ($3 4002, 'do $4'); END \$\$;
UPDATE $1 SET email = 'updated $4' WHERE n = 1;
COMMIT;
INSERT INTO $1 ($2 n, email) VALUES ($3 'not a number', 'failing $4');
SQL
}
write shop.people 'team_id, person,' "'$team'::uuid, '$person'::uuid," "$secret"
write shop.plain '' '' "$plain"
is "$(sql -c "BEGIN; SELECT saas.set_context('$team', '$person'); SELECT count(*) FROM shop.people_decrypted WHERE email LIKE '%$secret%'; COMMIT" | tail -1)" 3003 \
    'every way to write left its row'
sql >>"$work/write.log" <<SQL
BEGIN; SELECT saas.set_context('$team', '$person');
SELECT saas.decrypt_sensitive_data(saas.encrypt_sensitive_data('value $secret'));
SELECT saas.blind_index('updated $secret', 'shop.people'::regclass, 'email');
SELECT count(*) FROM shop.people_decrypted WHERE email = 'updated $secret';
CREATE TABLE shop.legacy (team_id uuid NOT NULL, id uuid NOT NULL DEFAULT saas.uuid_v7(), card bytea);
DO \$\$ BEGIN PERFORM saas.encrypt_column('shop.legacy', 'card'); END \$\$;
COMMIT;
SQL
# pgcrypto's own calls cannot be redacted, so what the passphrase encrypted comes from a table.
sql -c "CREATE TEMP TABLE x AS SELECT 1" >/dev/null
sql >>"$work/write.log" <<SQL
SET session_replication_role = replica;
INSERT INTO shop.legacy (team_id, card) SELECT '$team', public.pgp_sym_encrypt('legacy', 'another') FROM generate_series(1, 3);
RESET session_replication_role;
SELECT * FROM saas.migrate_pgp_column('shop.legacy', 'card', '$word');
SELECT * FROM saas.migrate_pgp_column('shop.legacy', 'card', 'another');
SQL

# Files that exist while a sort is under way.
sorting() { # table: names of temporary files with these words
    coproc session { psql -XAtq 2>&1; }
    printf "BEGIN; DECLARE c CURSOR FOR SELECT * FROM %s ORDER BY md5(n::text); FETCH 1 FROM c;\n\\\\echo ready\n" "$1" >&"${session[1]}"
    while read -r -u "${session[0]}" line && [ "$line" != ready ]; do :; done
    find "$work/data" -path '*pgsql_tmp*' -type f -size +0 | wc -l >"$work/temp.count"
    grep -rlaE "$secret|$plain" "$work/data/base/pgsql_tmp" >"$work/temp.found" 2>/dev/null
    printf '\\q\n' >&"${session[1]}"
    wait "$session_PID" 2>/dev/null
}
sorting shop.plain
like "$(cat "$work/temp.found")" pgsql_tmp 'a sort of the plain table puts its values into temporary files'
sorting shop.people
like "$(cat "$work/temp.count")" '^[1-9]' 'a sort of the encrypted table writes temporary files'
is "$(cat "$work/temp.found")" '' 'which hold nothing of the secret'

sql -c 'CHECKPOINT' -c 'SELECT pg_switch_wal()' >/dev/null
sql -c "SELECT data FROM pg_logical_slot_get_changes('search', NULL, NULL)" >"$work/decoded"
sql -c 'SELECT query FROM pg_stat_statements' -c 'SELECT query FROM pg_stat_activity' >"$work/statements"
hits() { # words, files …: names of the files with them
    grep -rlaF -- "$@" 2>/dev/null | sed "s|$work/||" | sort
}
like "$(hits "$plain" "$work/data/base")" '^data/base' 'the search finds the plain value in the heap'
like "$(hits "$plain" "$work/data/pg_wal")" pg_wal 'in the WAL'
like "$(hits "$plain" "$work/decoded")" decoded 'in the logical decoding'
like "$(hits "$plain" "$work/server.log")" server.log 'in the log'
like "$(hits "$plain" "$work/statements")" statements 'and in pg_stat_statements'
is "$(hits "$secret" "$work/data" "$work/decoded" "$work/server.log" "$work/statements")" '' \
    'the secret is nowhere: heap, WAL, logical decoding, log, pg_stat_statements, pg_stat_activity'
is "$(hits "$word" "$work/data" "$work/decoded" "$work/server.log" "$work/statements")" '' 'nor is the passphrase of a conversion'
is "$(sql -c "SELECT count(*) FROM shop.legacy WHERE saas.is_ciphertext(card)")" 3 'which converted what it opened'

# Dumps.
digest() { sql -d "$1" -c "SELECT md5(string_agg(p::text, E'\n' ORDER BY p.id)) FROM shop.people AS p"; }
opens() { # database: rows that open and are found by their blind index
    sql -d "$1" -c "BEGIN; SELECT saas.set_context('$team', '$person'); SELECT count(*) FROM shop.people_decrypted AS d JOIN shop.people AS p USING (team_id, id)
        WHERE d.email LIKE '%$secret%' AND p.email_index = saas.blind_index(d.email, 'shop.people'::regclass, 'email'); COMMIT" | tail -1
}
before=$(digest source)
is "$(opens source)" 3003 'every value opens and has its blind index'
pg_dump -Fc -f "$work/full.dump" && sql -d postgres -c 'CREATE DATABASE target' >/dev/null
pg_restore --exit-on-error -d target "$work/full.dump" >"$work/restore.log" 2>&1
ok $? 'pg_dump | pg_restore'
is "$(digest target)" "$before" 'gives the same bytes'
is "$(opens target)" 3003 'which open, and are found'
is "$(pg_restore -f - "$work/full.dump" | grep -cF "$secret")" 0 'the dump holds nothing of the secret'
restore() { # name, role, options of pg_dump …
    local name=$1 role=$2
    shift 2
    sql -d target -c 'TRUNCATE shop.people' >/dev/null
    pg_dump --data-only -t shop.people "$@" >"$work/data.sql"
    PGOPTIONS="-c role=$role" psql -Xq -v ON_ERROR_STOP=1 -d target -f "$work/data.sql" >>"$work/restore.log" 2>&1
    ok $? "$name"
    is "$(digest target)" "$before" "$name: the triggers fired and encrypted nothing twice"
}
restore 'data only, by COPY' postgres
restore 'data only, by INSERT' postgres --inserts --rows-per-insert=100
restore 'data only, as the owner of the table' shop_owner --column-inserts --on-conflict-do-nothing
sql -d target -c 'TRUNCATE shop.people' >/dev/null
pg_restore --data-only --disable-triggers -t people -d target "$work/full.dump" >>"$work/restore.log" 2>&1
is "$(digest target)" "$before" 'data only, with triggers disabled'
is "$(opens target)" 3003 'and all open'
# A restore that meets rows of another origin, and one with plaintext in it, encrypts what is plain, once.
sql -d target -c 'TRUNCATE shop.people' -c "INSERT INTO shop.people (team_id, person, n, email) VALUES ('$team', '$person', 1, 'from $secret outside')" >/dev/null
is "$(sql -d target -c "SELECT count(*) FROM shop.people WHERE email LIKE 'enc1:%'")$(opens target)" 11 'plaintext in a restore is encrypted once'
sed 's/^/# /' "$work/restore.log"
done_testing
