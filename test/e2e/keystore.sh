#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# The root key: where it may come from, what is refused, and that nothing of it or of what it protects is found on
# the disk. On a server of its own that is restarted again and again, beside the one of PGHOST.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib/tap.sh"
source "$here/../../scripts/lib/server.sh"
saas_data=$saas_dir/keystore-data
saas_log=$saas_dir/keystore-server.log
work=$(mktemp -d /tmp/pg_saas-keys.XXXXXX)
chmod 700 "$work"
[ "$(id -u)" -ne 0 ] || chown "$saas_user" "$work"
clean_up() {
    trap - EXIT INT TERM HUP
    saas_stop >/dev/null 2>&1
    rm -rf "$work" "$saas_data"
}
trap clean_up EXIT
trap 'clean_up; exit 130' INT TERM HUP
rm -rf "$saas_data"

sql() { psql -XAtq -v ON_ERROR_STOP=1 "$@" 2>&1; }
key_file() { # key_file NAME MODE LINES …: a file of the server's user
    printf '%s\n' "${@:3}" >"$work/$1"
    [ "$(id -u)" -ne 0 ] || chown "$saas_user" "$work/$1"
    chmod "$2" "$work/$1"
}
restart() { # restart SETTING=VALUE …
    saas_stop >/dev/null
    saas_start fsync=off wal_level=logical max_connections=20 saas.kek_file= "saas.key_file=$work/data-keys" "$@" || echo "# the server did not start"
}
root_key=$(head -c 32 /dev/urandom | od -An -vtx1 | tr -d ' \n')
other_key=$(head -c 32 /dev/urandom | od -An -vtx1 | tr -d ' \n')
key_file kek 0400 "$root_key"
marker=marker$(head -c 8 /dev/urandom | od -An -vtx1 | tr -d ' \n')

restart "saas.kek_file=$work/kek"
export PGDATABASE=keystore
sql -d postgres -c 'CREATE DATABASE keystore' >/dev/null
sql -c 'CREATE EXTENSION pg_saas CASCADE' -c 'SELECT saas.deploy()' >/dev/null
team=$(sql -c "SELECT saas.create_team('Keys', 'keys', saas.create_user('keys@example.com'))")
second=$(sql -c "SELECT saas.create_team('More keys', 'more-keys', (SELECT id FROM saas.users))")
in_team() { sql -c 'BEGIN' -c "SELECT saas.set_context('$team')" -c "$1" | grep -v '^$'; }
encrypt="SELECT length(saas.encrypt_sensitive_data('x'))"
decrypt="SELECT saas.decrypt_sensitive_data(value) FROM public.sealed"

# What is encrypted is nowhere in plain, and nowhere is the key.
sql -c 'CREATE TABLE public.sealed (value bytea)' -c "SELECT pg_create_logical_replication_slot('look', 'test_decoding')" >/dev/null
sql -v team="$team" -v marker="$marker" >/dev/null <<'SQL'
BEGIN;
SELECT saas.set_context(:'team');
INSERT INTO public.sealed SELECT saas.encrypt_sensitive_data(:'marker');
COMMIT;
CHECKPOINT;
SQL
is "$(in_team "$decrypt")" "$marker" 'a value is encrypted and decrypted'
decoded=$(sql -c "SELECT data FROM pg_logical_slot_get_changes('look', NULL, NULL)")
like "$decoded" 'public.sealed: INSERT' 'the change is in the logical stream'
is "$(grep -c "$marker" <<<"$decoded")" 0 'without the value'
is "$(grep -rlaF "$marker" "$saas_data" "$saas_log" "$work" | grep -c .)" 0 'nor is it in any file of the server'
is "$(grep -rlaiF "$root_key" "$saas_data" "$saas_log" "$work/data-keys" | grep -c .)" 0 'nor is the root key'
is "$(python3 - "$saas_data" "$root_key" <<'PY'
import pathlib, sys
key = bytes.fromhex(sys.argv[2])
print(sum(key in p.read_bytes() for p in pathlib.Path(sys.argv[1]).rglob("*") if p.is_file()))
PY
)" 0 'not as bytes either'
is "$(stat -c %a "$work/data-keys")" 600 'nobody else reads the key file'

# In the backend that used it the key is locked, and left out of core dumps.
coproc held { psql -XAtq 2>&1; }
# shellcheck disable=SC2154
echo "BEGIN; SELECT saas.set_context('$team') \\g /dev/null
$encrypt; SELECT pg_backend_pid();" >&"${held[1]}"
read -r _ <&"${held[0]}"
read -r pid <&"${held[0]}"
like "$(awk '/^VmFlags:/ { print }' "/proc/$pid/smaps")" ' dd( |$)' 'memory of the backend is left out of core dumps'
like "$(awk '/^VmFlags:/ && / dd/ { print }' "/proc/$pid/smaps")" ' lo( |$)' 'and locked'
exec {held[1]}>&-
wait

# Sources, one at a time; the first that is configured counts.
sealed="keystore sealed"
restart shared_preload_libraries=
like "$(in_team "$encrypt")" "$sealed" 'sealed when the library is not preloaded'
like "$(in_team "$decrypt")" "$sealed" 'for decrypting too'
like "$(sql -v VERBOSITY=verbose -c 'SELECT saas.decrypt_sensitive_data(NULL)' -c "BEGIN; SELECT saas.set_context('$team'); $encrypt")" \
    'SA100.*shared_preload_libraries|HINT: .*shared_preload_libraries' 'with a hint'
is "$(sql -c 'SELECT saas.keystore_sealed()')" t 'and says so'
restart
like "$(in_team "$encrypt")" "$sealed" 'sealed without a source'
restart "'saas.kek_command=cat $work/kek'"
is "$(in_team "$decrypt")" "$marker" 'a command prints the key'
restart "saas.kek_command=false" "saas.kek_file=$work/kek"
like "$(in_team "$decrypt")" "$sealed" 'a command that fails is not made up for by a file'
like "$(cat "$saas_log")" 'WARNING:  keystore sealed: saas.kek_command failed' 'and the log says so'
SAAS_KEK=$root_key restart
is "$(in_team "$decrypt")" "$marker" 'an environment variable holds the key'
postmaster=$(head -n 1 "$saas_data/postmaster.pid")
is "$(tr '\0' '\n' <"/proc/$postmaster/environ" | grep -cF "$root_key")" 0 'and is gone from the environment of the server'
pid=$(sql -c 'SELECT pg_sleep(0)' -c 'SELECT pg_backend_pid()' | tail -n 1)
is "$(sql -c "COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; env | grep -c SAAS_KEK >$work/seen || true'"; cat "$work/seen")" 0 'and of the programs it starts'
mkdir -p "$work/credentials" && cp -p "$work/kek" "$work/credentials/saas_kek"
CREDENTIALS_DIRECTORY=$work/credentials restart
is "$(in_team "$decrypt")" "$marker" 'a credential of systemd is the key'
printf '%s' "$root_key" | xxd -r -p | base64 | tr -d '\n' >"$work/base64" && chmod 400 "$work/base64"
[ "$(id -u)" -ne 0 ] || chown "$saas_user" "$work/base64"
restart "saas.kek_file=$work/base64"
is "$(in_team "$decrypt")" "$marker" 'the key may be in Base64'

# Files that are refused.
refused() { # refused NAME WHAT-THE-LOG-SAYS SETTING …
    restart "${@:3}"
    like "$(in_team "$decrypt")" "$sealed" "sealed: $1"
    like "$(cat "$saas_log")" "WARNING:  keystore sealed: $2" "  the log: $2"
}
refused 'no such file' 'the file of the root key cannot be opened' "saas.kek_file=$work/none"
key_file group 0440 "$root_key"
refused 'a file that the group may read' 'the file of the root key is refused: group or others' "saas.kek_file=$work/group"
key_file world 0404 "$root_key"
refused 'a file that everybody may read' 'the file of the root key is refused: group or others' "saas.kek_file=$work/world"
cp -p "$work/kek" "$saas_data/kek"
refused 'a file in the data directory' 'the file of the root key is refused: it is inside the data' "saas.kek_file=$saas_data/kek"
ln -s "$saas_data/kek" "$work/link"
refused 'a link to one' 'the file of the root key is refused: it is inside the data' "saas.kek_file=$work/link"
rm "$saas_data/kek"
refused 'a folder' 'the file of the root key' "saas.kek_file=$work/credentials"
key_file short 0400 "${root_key:2}"
refused 'a key that is too short' 'what the source gave is no root key' "saas.kek_file=$work/short"
key_file zero 0400 "${root_key//?/0}"
refused 'a key of zeros' 'what the source gave is no root key' "saas.kek_file=$work/zero"
: | key_file empty 0400
refused 'an empty file' 'what the source gave is no root key' "saas.kek_file=$work/empty"

# Another root key opens nothing; a new one beside the old one opens all.
key_file other 0400 "$other_key"
restart "saas.kek_file=$work/other"
like "$(in_team "$decrypt")" 'the key file is not genuine' 'another root key does not open the key file'
like "$(in_team "$encrypt")" 'the key file is not genuine' 'nor encrypts'
key_file both 0400 "$other_key" "$root_key"
restart "saas.kek_file=$work/both"
is "$(in_team "$decrypt")" "$marker" 'a new key in front of the old one opens it'

# The key file: read while the server runs.
restart "saas.kek_file=$work/kek" saas.key_file=
like "$(in_team "$encrypt")" "$sealed" 'sealed without a key file'
restart "saas.kek_file=$work/kek" "saas.key_file=$saas_data/data-keys"
like "$(team=$second && in_team "$encrypt")" 'the key file cannot be written' 'a key file in the data directory is refused'
is "$(ls "$saas_data"/data-keys 2>/dev/null | grep -c .)" 0 'and not made'
restart "saas.kek_file=$work/kek"
is "$(in_team "$decrypt")" "$marker" 'the server has both again'
chmod 640 "$work/data-keys" && touch "$work/data-keys"
like "$(in_team "$decrypt")" 'the key file is refused' 'a key file that others may read'
chmod 600 "$work/data-keys"
cp -p "$work/data-keys" "$work/saved" && printf 'x' | dd of="$work/data-keys" bs=1 seek=60 conv=notrunc status=none
like "$(in_team "$decrypt")" 'the key file is not genuine' 'a key file that was changed'
mv "$work/data-keys" "$work/broken"
like "$(in_team "$decrypt")" 'decryption failed' 'without the file nothing opens'
like "$(in_team "$encrypt")" 'the key cannot be used to encrypt' 'nor is anything encrypted under keys that do not open'
rm -f "$work/data-keys" && cp -p "$work/saved" "$work/data-keys"
is "$(in_team "$decrypt")" "$marker" 'restored, it opens'

# Many teams at once write the file one after another.
sql -c "SELECT saas.create_team('T' || n, 't-' || n, (SELECT id FROM saas.users LIMIT 1)) FROM generate_series(1, 20) AS n" >/dev/null
for n in $(seq 20); do
    sql -c 'BEGIN' -c "SELECT saas.set_context(id) FROM saas.teams WHERE slug = 't-$n'" -c "INSERT INTO public.sealed SELECT saas.encrypt_sensitive_data('$n')" -c COMMIT >/dev/null &
done
wait
is "$(sql -c 'SELECT count(*) FROM public.sealed')" 21 'sessions of twenty teams make their keys at once'
is "$(stat -c %s "$work/data-keys")" $((40 + 21 * 112 + 32)) 'and the file has them all'
is "$(ls "$work" | grep -c 'data-keys.new')" 0 'and nothing is left behind'
# Text is encrypted in UTF-8, whatever the encoding of the database.
sql -d postgres -c "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'" >/dev/null
latin=$(PGCLIENTENCODING=UTF8 sql -d latin <<'SQL'
CREATE EXTENSION pg_saas CASCADE;
SELECT count(*) FROM saas.deploy();
SELECT saas.create_team('Latin', 'latin', saas.create_user('latin@example.com')) AS team \gset
BEGIN;
SELECT saas.set_context(:'team') \g /dev/null
SELECT saas.encrypt_sensitive_data('Grüße') AS value \gset
SELECT saas.decrypt_sensitive_data(:'value') = 'Grüße', convert_from(saas.decrypt_sensitive_bytes(:'value'), 'UTF8') = 'Grüße',
    (saas.ciphertext_info(:'value')).plaintext_bytes;
SELECT saas.decrypt_sensitive_data(saas.encrypt_sensitive_bytes('\xe282ac'));
SQL
)
like "$latin" '^t[|]t[|]7$' 'text of a LATIN1 database is encrypted in UTF-8'
like "$latin" 'ERROR:  decryption failed$' 'and what the database cannot show is not shown in an error'
is "$(grep -caiF -e "$root_key" -e "$other_key" "$saas_log")" 0 'no key is in the log'
done_testing
