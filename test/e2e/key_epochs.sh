#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Destroyed keys stay destroyed in backups, and no crash loses a key: epochs of the key file, dumps that are restored,
# backends that are killed. On a server of its own.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib/tap.sh"
source "$here/../../scripts/lib/server.sh"
saas_data=$saas_dir/epochs-data
saas_log=$saas_dir/epochs-server.log
work=$(mktemp -d /tmp/pg_saas-epochs.XXXXXX)
chmod 700 "$work"
clean_up() {
    trap - EXIT INT TERM HUP
    saas_stop >/dev/null 2>&1
    rm -rf "$work" "$saas_data"
}
trap clean_up EXIT
trap 'clean_up; exit 130' INT TERM HUP
rm -rf "$saas_data"

sql() { psql -XAtq -v ON_ERROR_STOP=1 "$@" 2>&1; }
new_key() { head -c 32 /dev/urandom | od -An -vtx1 | tr -d ' \n'; }
key_file() { # key_file NAME LINE …: a file of the server's user
    rm -f "$work/$1"
    printf '%s\n' "${@:2}" >"$work/$1"
    [ "$(id -u)" -ne 0 ] || chown "$saas_user" "$work/$1"
    chmod 0400 "$work/$1"
}
restart() { # restart SETTING=VALUE …
    saas_stop >/dev/null
    saas_start fsync=off max_connections=20 max_prepared_transactions=2 "saas.kek_file=$work/kek" "saas.key_file=$work/data-keys" "$@" || echo "# the server did not start"
}
[ "$(id -u)" -ne 0 ] || chown "$saas_user" "$work"
first_root=$(new_key)
second_root=$(new_key)
key_file kek "$first_root"
restart
export PGDATABASE=shop
sql -d postgres -c 'CREATE DATABASE shop' >/dev/null
sql -c 'CREATE EXTENSION pg_saas CASCADE' -c 'SELECT saas.deploy()' >/dev/null
team=$(sql -c "SELECT saas.create_team('Shop', 'shop', saas.create_user('owner@example.com'))")
a=00000000-0000-7000-8000-00000000000a
b=00000000-0000-7000-8000-00000000000b
sql >/dev/null <<SQL
CREATE TABLE public.notes (team_id uuid, id uuid PRIMARY KEY DEFAULT saas.uuid_v7(), person uuid, name text, note bytea);
SELECT saas.register_asset('public.notes', 'note');
INSERT INTO public.notes (team_id, person, name, note)
SELECT '$team', p.id, p.name, saas.encrypt_sensitive_data('note of ' || p.name, p_table => 'public.notes', p_column => 'note', p_subject => p.id, p_team => '$team')
FROM (VALUES ('$a'::uuid, 'A'), ('$b', 'B')) AS p (id, name);
SQL
note() { # note DATABASE NAME
    sql -d "$1" -c "SELECT saas.decrypt_sensitive_data(note, p_table => 'public.notes', p_column => 'note', p_team => team_id) FROM public.notes WHERE name = '$2'"
}
advance() { # one step: its phase
    sql -d "${1:-shop}" -c "SELECT phase FROM saas.advance_key_epoch('$team', ${2:-10000})"
}
restore() { # restore DATABASE: the old backup
    sql -d postgres -c "CREATE DATABASE $1" >/dev/null
    pg_restore --no-owner -d "$1" "$work/backup" >"$work/restore.log" 2>&1
    sql -d "$1" -c 'SELECT saas.refresh_data_assets()' >/dev/null
}
is "$(note shop A), $(note shop B)" 'note of A, note of B' 'two people have their notes'
pg_dump -Fc -f "$work/backup" shop

# Erasure.
is "$(sql -c "SELECT saas.shred_subject_key('$team', '$a', 'erasure request 1')")" 1 'the key of A is shredded'
like "$(note shop A)" 'decryption failed' 'the note of A does not open'
is "$(note shop B)" 'note of B' 'that of B does'
proof=$(sql -c "SELECT saas.shred_proof('$team', '$a')")
is "$(sql -c "SELECT p ->> 'shredded', p ->> 'backups_reached', saas.verify_shred_proof(p) FROM (SELECT '$proof'::jsonb) AS j (p)")" 'true|false|t' 'the proof says that backups are not reached yet'
is "$(sql -c "SELECT saas.verify_shred_proof(jsonb_set('$proof', '{backups_reached}', 'true'))")" f 'and cannot be changed'
restore early
is "$(note early A)" 'note of A' 'before the epoch advances, the backup still opens A'
like "$(advance early)" 'this database is a copy' 'a copy does not change the key file'

# The epoch.
like "$(sql -c "BEGIN" -c "SELECT phase FROM saas.advance_key_epoch('$team')" -c "SELECT phase FROM saas.advance_key_epoch('$team')" -c COMMIT)" \
    'an epoch cannot be ended in a transaction that wrapped keys' 'no key is destroyed in the transaction that wrapped others'
is "$(advance)" rewrapped 'living keys are wrapped anew'
is "$(note early A)" 'note of A' 'which alone reaches no backup'
coproc open_session { psql -XAtq 2>&1; }
# shellcheck disable=SC2154
echo "BEGIN; SELECT saas.rotate_encryption_key('$team', 'subject', '$b') \\g /dev/null
SELECT 'made';" >&"${open_session[1]}"
read -r _ <&"${open_session[0]}"
is "$(advance)" waiting 'not while a transaction makes keys'
echo 'ROLLBACK; SELECT 1;' >&"${open_session[1]}"
read -r _ <&"${open_session[0]}"
exec {open_session[1]}>&-
wait
is "$(advance)" destroyed 'then the key that wrapped them is destroyed'
is "$(note shop B)" 'note of B' 'B goes on'
like "$(note early A)" 'decryption failed' 'A opens nowhere: not in the copy that was open before'
restore late
like "$(note late A)" 'decryption failed' 'and not in the old backup'
like "$(note late B)" 'decryption failed' 'where B needs the keys of today'
sql -c "\copy (SELECT saas.export_encryption_keys()) TO '$work/keys'"
overlay() {
    sql -d "$1" >/dev/null <<SQL
CREATE TEMPORARY TABLE today (key jsonb);
\copy today FROM '$work/keys'
SELECT saas.overlay_encryption_keys(array_agg(key)) FROM today;
SQL
}
overlay late
is "$(note late B)" 'note of B' 'with which it opens'
like "$(note late A)" 'decryption failed' 'A does not'
wrapped=$(pg_restore -f - -a -n saas -t encryption_keys "$work/backup" | awk -F '\t' -v a="$a" '$4 == a { print $9 }')
is "${#wrapped}" 147 'the backup does hold the wrapped key of A'
like "$(sql -d late -c "UPDATE saas.encryption_keys SET status = 'active', kek_epoch = 1, wrapped = '\\$wrapped' WHERE subject_id = '$a'"; note late A)" \
    'decryption failed' 'but nobody opens it, not with the row put back by hand'
is "$(sql -c "SELECT p ->> 'backups_reached', p -> 'keys' -> 0 ->> 'epoch_destroyed_at' IS NOT NULL, saas.verify_shred_proof(p) FROM saas.shred_proof('$team', '$a') AS p")" 'true|t|t' 'the proof says so'
is "$(sql -c "SELECT count(*) FROM saas.encryption_key_epochs WHERE destroyed_at IS NOT NULL")" 1 'and the epochs are written down'

# Legal hold.
is "$(sql -c "SELECT saas.hold_subject_key('$team', '$b', 'court case')")" 1 'the key of B is held'
like "$(note shop B)" 'decryption failed' 'and opens nothing meanwhile'
like "$(sql -c "SELECT saas.shred_subject_key('$team', '$b', 'x')")" 'under legal hold' 'nor is it shredded'
is "$(advance), $(advance)" 'rewrapped, destroyed' 'epochs go on'
is "$(sql -c "SELECT phase FROM saas.advance_key_epoch('$team', 10, 'hold')"), $(sql -c "SELECT phase FROM saas.advance_key_epoch('$team', 10, 'hold')")" 'rewrapped, destroyed' 'that of held keys as well'
is "$(sql -c "SELECT saas.release_subject_key('$team', '$b')")" 1 'the hold ends'
is "$(note shop B)" 'note of B' 'and B opens again'

# Backups may hold a key as it was wrapped during its hold, or by a transaction that rolled back.
c=00000000-0000-7000-8000-00000000000c
reached() { # PERSON
    sql -c "SELECT saas.shred_proof('$team', '$1') ->> 'backups_reached'"
}
note_of() { # PERSON NAME
    sql -c "INSERT INTO public.notes (team_id, person, name, note) SELECT '$team', '$1', '$2', saas.encrypt_sensitive_data('note of $2', p_table => 'public.notes', p_column => 'note', p_subject => '$1', p_team => '$team')"
}
note_of "$c" C
sql -c "SELECT saas.hold_subject_key('$team', '$c', 'court case')" -c "SELECT saas.release_subject_key('$team', '$c')" -c "SELECT saas.shred_subject_key('$team', '$c', 'erasure request 2')" >/dev/null
is "$(advance), $(advance)" 'rewrapped, destroyed' 'an epoch after a hold, its release and an erasure'
is "$(reached "$c")" false 'reaches no backup from the time of the hold'
advance_held() {
    sql -c "SELECT phase FROM saas.advance_key_epoch('$team', 10, 'hold')"
}
is "$(advance_held), $(advance_held)" 'rewrapped, destroyed' 'whose epoch is advanced too'
is "$(reached "$c")" true 'then all are reached'
d=00000000-0000-7000-8000-00000000000d
note_of "$d" D
sql -c BEGIN -c "SELECT saas.advance_key_epoch('$team')" -c ROLLBACK >/dev/null
is "$(sql -c "SELECT saas.shred_subject_key('$team', '$d', 'erasure request 3')")" 1 'somebody is erased after an epoch was begun in vain'
is "$(advance), $(advance)" 'rewrapped, destroyed' 'which is then carried through'
is "$(reached "$d")" false 'but began before the erasure'
is "$(advance), $(advance)" 'rewrapped, destroyed' 'the next one'
is "$(reached "$d")" true 'began after it'

# Several teams are due at once, each in another phase.
other=$(sql -c "SELECT saas.create_team('Other', 'other', saas.create_user('other@example.com'))")
sql -c "SELECT saas.rotate_encryption_key('$other')" -c "SELECT saas.schedule_key_rotation(t, 'epoch', '1 day') FROM unnest(ARRAY['$team', '$other']::uuid[]) AS t" \
    -c "SELECT saas.schedule_key_rotation('$other', 'tenant', '1 day')" >/dev/null
is "$(advance)" rewrapped 'one team has begun an epoch'
sql -c "UPDATE saas.encryption_schedules SET next_at = now() - CASE WHEN team_id = '$team' THEN INTERVAL '1 hour' ELSE INTERVAL '2 hours' END" >/dev/null
for _ in 1 2 3; do sql -c 'SELECT saas.rotate_due_keys()' >/dev/null; done
is "$(sql -c 'SELECT count(*) FROM saas.encryption_schedules WHERE next_at < now()')" 0 'all that is due comes to its end'
is "$(sql -c "SELECT sum(e.current - e.oldest) FROM unnest(ARRAY['$team', '$other']::uuid[]) AS t CROSS JOIN saas.key_epochs(t, 'shred') AS e")" 0 'with the old keys destroyed'
sql -c 'DELETE FROM saas.encryption_schedules' >/dev/null

# A prepared transaction is rolled back behind the back of the session that made a key in it.
e=00000000-0000-7000-8000-00000000000e
encrypted="SELECT saas.ciphertext_key_no(saas.encrypt_sensitive_data('x', p_table => 'public.notes', p_column => 'note', p_subject => '$e', p_team => '$team')) AS key_no"
is "$(sql <<SQL
BEGIN;
$encrypted \\gset
PREPARE TRANSACTION 'made';
ROLLBACK PREPARED 'made';
$encrypted \\gset
SELECT count(*) FROM saas.encryption_keys WHERE key_no = :key_no;
SQL
)" 1 'the session encrypts under a key that is there'

# Killed in the middle: nothing is lost, and it goes on.
sql >/dev/null <<SQL
INSERT INTO public.notes (team_id, person, name, note)
SELECT '$team', p.id, 'P' || n, saas.encrypt_sensitive_data('note of P' || n, p_table => 'public.notes', p_column => 'note', p_subject => p.id, p_team => '$team')
FROM generate_series(1, 3000) AS n CROSS JOIN LATERAL (SELECT saas.uuid_v7() AS id WHERE n > 0) AS p;
SQL
all_open() {
    sql -c "SELECT count(*) FROM public.notes WHERE name LIKE 'P%' AND saas.decrypt_sensitive_data(note, p_table => 'public.notes', p_column => 'note', p_team => team_id) = 'note of ' || name"
}
wait_for_server() {
    for _ in $(seq 600); do
        [ "$(sql -c 'SELECT 1')" = 1 ] && return
        sleep 0.1
    done
}
killed_while() { # killed_while STATEMENT: kills the backend in the transaction of the statement
    # shellcheck disable=SC2154
    coproc victim { psql -XAtq 2>&1; }
    echo "SELECT pg_backend_pid(); BEGIN; $1; SELECT 'done';" >&"${victim[1]}"
    local pid line
    read -r pid <&"${victim[0]}"
    while read -r line <&"${victim[0]}" && [ "$line" != 'done' ]; do :; done
    kill -9 "$pid"
    while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done # until the server has noticed
    exec {victim[1]}>&-
    wait
    wait_for_server
}
is "$(all_open)" 3000 'three thousand people have notes'
killed_while "SELECT saas.advance_key_epoch('$team', 1000)"
is "$(sql -c "SELECT current - oldest FROM saas.key_epochs('$team', 'shred')")" 1 'killed after an epoch began: the key file has both keys'
is "$(all_open)" 3000 'and everything opens'
is "$(advance shop 1000)" rewrapping 'the next call goes on'
is "$(sql -c "SELECT current - oldest FROM saas.key_epochs('$team', 'shred')")" 1 'with the same epoch'
killed_while "SELECT saas.advance_key_epoch('$team', 1000)"
is "$(all_open)" 3000 'killed between batches: everything opens'
while [ "$(phase=$(advance shop 1000); echo "$phase" >"$work/phase"; cat "$work/phase")" = rewrapping ]; do :; done
is "$(cat "$work/phase")" rewrapped 'all are wrapped anew'
killed_while "SELECT saas.advance_key_epoch('$team', 1000)"
is "$(sql -c "SELECT current - oldest FROM saas.key_epochs('$team', 'shred')")" 0 'killed after the old key was destroyed, before the commit'
is "$(all_open)" 3000 'everything opens'
is "$(advance shop 10000), $(advance)" 'rewrapped, destroyed' 'and the next epoch comes and goes'
is "$(sql -c "SELECT count(*) FROM saas.encryption_key_epochs WHERE destroyed_at IS NULL AND purpose = 'shred'")" 1 'the rows of epochs follow the key file'

# The same for rows that are brought to a new key.
sql -c "SELECT saas.rotate_encryption_key(team_id, kind, subject_id) FROM saas.encryption_keys WHERE kind = 'subject' AND status = 'active'" >/dev/null
step="SELECT saas.rotation_step('public.notes', 'note', 500, 100000)"
old_rows() { sql -c "SELECT count(*) FROM public.notes AS n JOIN saas.encryption_keys AS k ON k.key_no = saas.ciphertext_key_no(n.note) WHERE k.status = 'decrypt_only'"; }
sql -c "$step" >/dev/null
before=$(old_rows)
killed_while "$step"
is "$(old_rows)" "$before" 'killed in a step: its rows are as they were'
is "$(sql -c 'SELECT count(*) > 0 FROM saas.encryption_rotation_progress WHERE reencrypted > 0 AND finished_at IS NULL')" t 'and the steps before count'
for _ in $(seq 50); do
    [ "$(sql -c "SELECT finished FROM saas.rotation_step('public.notes', 'note', 500, 100000)")" = f ] || break
done
is "$(old_rows)" 0 'the next steps go on to the end'
is "$(all_open)" 3000 'and everything opens'

# Another root key.
key_file kek "$second_root" "$first_root"
restart
is "$(sql -c 'SELECT saas.rotate_root_key() > 0')" t 'the key file is wrapped by a new root key'
key_file kek "$second_root"
restart
is "$(all_open)" 3000 'the old one is not needed any more'
is "$(sql -c "SELECT saas.verify_shred_proof('$proof')")" f 'but to verify what it has signed'
key_file kek "$first_root"
restart
like "$(note shop B)" 'the key file is not genuine' 'and opens nothing by itself'
done_testing
