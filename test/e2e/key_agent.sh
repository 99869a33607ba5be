#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# The key agent: only it has the root key in memory; it limits, reports, dies and comes back. On a server of its own.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib/tap.sh"
source "$here/../../scripts/lib/server.sh"
saas_data=$saas_dir/agent-data
saas_log=$saas_dir/agent-server.log
work=$(mktemp -d /tmp/pg_saas-agent.XXXXXX)
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
root_key=$(head -c 32 /dev/urandom | od -An -vtx1 | tr -d ' \n')
printf '%s\n' "$root_key" >"$work/kek"
chmod 0400 "$work/kek"
[ "$(id -u)" -ne 0 ] || chown -R "$saas_user" "$work"
restart() { # restart SETTING=VALUE …
    saas_stop >/dev/null
    saas_start fsync=off max_connections=20 "saas.kek_file=$work/kek" "saas.key_file=$work/data-keys" "$@" || echo "# the server did not start"
}
agent_pid() { # the child of the postmaster that calls itself so
    ps -o pid=,args= --ppid "$(head -n 1 "$saas_data/postmaster.pid")" | awk '/pg_saas key agent/ { print $1 }'
}
# Looks for the bytes of a key in what a process can write to: prints how many areas have them, or why not.
cat >"$work/scan.py" <<'PY'
import sys
pid, key, found = sys.argv[1], bytes.fromhex(sys.argv[2]), 0
try:
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            area, rights = line.split()[:2]
            if "w" not in rights:
                continue
            begin, end = (int(part, 16) for part in area.split("-"))
            try:
                memory.seek(begin)
                found += key in memory.read(end - begin)
            except (OSError, ValueError, OverflowError):
                pass
    print(found)
except PermissionError:
    print("not allowed")
PY
chmod 644 "$work/scan.py"
scan() { # scan PID: as the server's user
    as_user python3 "$work/scan.py" "$1" "$root_key"
}
export PGDATABASE=agent
in_backend() { # in_backend STATEMENT: what a scan of the backend finds that executes it
    coproc client { psql -XAtq 2>&1; }
    # shellcheck disable=SC2154
    printf '%s\nSELECT pg_backend_pid();\n' "$1" >&"${client[1]}"
    local pid
    while read -r pid <&"${client[0]}" && ! [[ $pid =~ ^[0-9]+$ ]]; do :; done
    scan "$pid"
    exec {client[1]}>&-
    wait
}

# Without an agent every process has the key: the scan finds it.
restart
sql -d postgres -c 'CREATE DATABASE agent' >/dev/null
sql -c 'CREATE EXTENSION pg_saas CASCADE' -c 'SELECT saas.deploy()' >/dev/null
team=$(sql -c "SELECT saas.create_team('Agent', 'agent', saas.create_user('agent@example.com'))")
asset=00000000-0000-7000-8000-0000000000aa
sql -c "CREATE TABLE public.sealed AS SELECT n, saas.encrypt_sensitive_data('value ' || n, p_asset => '$asset', p_subject => saas.uuid_v7(), p_team => '$team') AS value FROM generate_series(1, 300) AS n" >/dev/null
opened="SELECT count(saas.decrypt_sensitive_data(value, p_asset => '$asset', p_team => '$team')) || ' values' FROM public.sealed"
is "$(sql -c "$opened")" '300 values' 'values are opened in the process itself'
is "$(in_backend "$opened \\g /dev/null")" 1 'which has the root key in memory'

# With one, only the agent has it.
restart saas.key_agent=on
is "$(sql -c "$opened")" '300 values' 'with a key agent the same values open'
is "$(in_backend "$opened \\g /dev/null")" 0 'and the process has no root key'
is "$(scan "$(head -n 1 "$saas_data/postmaster.pid")")" 0 'nor has the postmaster'
is "$(scan "$(agent_pid)")" 'not allowed' 'the memory of the agent is not for other processes of the user'
if [ "$(id -u)" -eq 0 ]; then
    is "$(python3 "$work/scan.py" "$(agent_pid)" "$root_key")" 1 'root finds the key there'
fi
is "$(stat -c %a "$saas_data/pg_saas.key_agent")" 700 'only the user of the server reaches its socket'
is "$(sql -c 'SELECT saas.keystore_sealed()')" f 'the keystore is not sealed'
is "$(sql -c "SELECT length(saas.encrypt_sensitive_data('x', p_asset => '$asset', p_subject => saas.uuid_v7(), p_team => '$team'))")" 53 'new keys are made'
is "$(sql -c "SELECT phase FROM saas.advance_key_epoch('$team')"), $(sql -c "SELECT phase FROM saas.advance_key_epoch('$team')")" 'rewrapped, destroyed' 'epochs advance through it'
is "$(sql -c "$opened")" '300 values' 'and everything opens'

# Its death.
kill -TERM "$(agent_pid)"
like "$(sql -v VERBOSITY=verbose -c "$opened")" 'SA100.*keystore sealed|300 values' 'while it is gone: sealed, no hang'
for _ in $(seq 100); do
    [ -z "$(agent_pid)" ] || [ "$(sql -c 'SELECT saas.keystore_sealed()')" = t ] || break
    sleep 0.1
done
is "$(sql -c "$opened")" '300 values' 'it is started again'
coproc kept { psql -XAtq 2>&1; }
# shellcheck disable=SC2154
echo "$opened;" >&"${kept[1]}"
read -r _ <&"${kept[0]}"
kill -TERM "$(agent_pid)"
for _ in $(seq 100); do
    [ "$(sql -c 'SELECT saas.keystore_sealed()')" = t ] || break
    sleep 0.1
done
echo "UPDATE saas.encryption_keys SET not_after = NULL, status = status, wrapped = wrapped; $opened;" >&"${kept[1]}"
read -r line <&"${kept[0]}"
is "$line" '300 values' 'a session that was connected to the one before connects again'
exec {kept[1]}>&-
wait

# An agent that does not answer: the wait can be cancelled.
agent=$(agent_pid)
kill -STOP "$agent"
begin=$(date +%s%N)
like "$(PGOPTIONS='-c statement_timeout=500' sql -c "$opened")" 'statement timeout' 'waiting for an agent that hangs is cancelled'
is "$((($(date +%s%N) - begin) / 1000000 < 5000))" 1 'at once'
kill -CONT "$agent"
is "$(sql -c "$opened")" '300 values' 'and it goes on when the agent does'

# Limits and the log.
restart saas.key_agent=on saas.key_agent_rate=50
like "$(sql -v VERBOSITY=verbose -c "$opened")" 'SA107.*too many keys' 'a role that asks for many keys is refused'
sleep 1.2
is "$(sql -c "SELECT count(saas.decrypt_sensitive_data(value, p_asset => '$asset', p_team => '$team')) FROM public.sealed WHERE n <= 20")" 20 'and served again after a second'
sql -c 'SELECT saas.flush_key_accesses()' >/dev/null
is "$(sql -c "SELECT string_agg(DISTINCT outcome, ', ') FROM saas.key_access_logs WHERE action = 'open' AND role_name = 'postgres'")" 'done, refused' 'the access log has what was opened and refused, also by statements that failed'
is "$(sql -c "SELECT count(*) FROM saas.key_access_logs WHERE outcome = 'refused'")" 1 'one refusal a second'
saas_stop
like "$(cat "$saas_log")" 'key agent: role postgres of database agent opened [0-9]+ keys and was refused 1' 'the log says who has opened how many'
is "$(grep -caiF "$root_key" "$saas_log")" 0 'and no key'
rm "$work/kek"
restart saas.key_agent=on
like "$(sql -c "$opened")" 'keystore sealed' 'without a root key the agent is sealed'
is "$(sql -c 'SELECT saas.keystore_sealed()')" t 'and says so'
done_testing
