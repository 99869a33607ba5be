#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# saas.security_advice(): nothing where there is nothing, and each finding where it was produced.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib/tap.sh"
work=$(mktemp -d /tmp/pg_saas-advice.XXXXXX)
trap '"$here/lib/own_server.sh" stop "$work"; rm -rf "$work"' EXIT
export PGDATABASE=postgres PGUSER=postgres PGOPTIONS='-c client_min_messages=error'

start() { # setting=value …
    local address
    address=$("$here/lib/own_server.sh" start "$work" fsync=off "$@" 2>"$work/start.log") || cat "$work/start.log" >&2
    read -r PGHOST PGPORT <<<"$address"
    export PGHOST PGPORT
}
sql() { psql -XAtq -v ON_ERROR_STOP=1 "$@" 2>&1; }
advice() { sql -c "SELECT severity, object, finding FROM saas.security_advice()"; }
found() { # severity, object, words of the finding: NAME is made of them
    like "$(advice | sed 's/|/ /g')" "^$1 $2 .*$3" "found: $1, $2, $3"
}

ulimit -S -c 0
start shared_preload_libraries=pg_saas
sql -c 'CREATE EXTENSION pg_saas CASCADE' -c 'SELECT * FROM saas.deploy()' >/dev/null
is "$(advice)" '' 'a server as it should be has no finding'
"$here/lib/own_server.sh" stop "$work"

ulimit -S -c unlimited 2>/dev/null || true
start shared_preload_libraries=pg_stat_statements,auto_explain log_parameter_max_length_on_error=-1 \
    log_statement=all log_min_duration_statement=0 auto_explain.log_min_duration=0 debug_print_plan=on \
    password_encryption=md5 "listen_addresses=127.0.0.1,127.0.0.2" logging_collector=on log_file_mode=0640 saas.trusted_settings=app
found error shared_preload_libraries 'not loaded with the server'
found error keystore 'no root key'
found warning log_parameter_max_length 'values bound to statements'
found warning log_parameter_max_length_on_error 'values bound to statements'
found warning log_statement all
found warning log_min_duration_statement 'every statement'
found warning auto_explain.log_min_duration 'plans of statements'
found warning debug_print_plan 'trees of statements'
found warning pg_stat_statements.track_utility 'passwords'
found warning log_file_mode 0640
if [ "$(ulimit -H -c)" = 0 ]; then
    ok 0 'found: warning, core dumps # skip the limit of this machine is 0'
else
    found warning 'core dumps' 'memory of a session'
fi
found error ssl 'without encryption'
found error password_encryption MD5
found warning saas.trusted_settings 'app: whoever'

sql <<'SQL' >/dev/null
CREATE ROLE shop LOGIN; GRANT saas_app TO shop;
ALTER ROLE shop SUPERUSER CREATEROLE BYPASSRLS;
CREATE ROLE looks LOGIN; GRANT shop TO looks; GRANT pg_read_all_stats TO looks;
CREATE ROLE intern LOGIN; GRANT saas_internal TO intern;
ALTER DATABASE postgres SET app.encryption_key = 'x';
ALTER ROLE looks SET app.api_token = 'x';
ALTER ROLE looks IN DATABASE postgres SET app.password = 'x';
SQL
found error 'role shop' 'is a superuser'
found error 'role shop' 'has BYPASSRLS'
found error 'role shop' CREATEROLE
found error 'role looks' 'pg_read_all_stats: sees the statements'
found error 'role intern' 'rights of the package'
found warning track_activities 'until it is analysed, to looks'
found error 'setting app.encryption_key of database postgres' 'looks like a secret'
found error 'setting app.api_token of role looks' 'looks like a secret'
found error 'setting app.password of role looks in database postgres' 'looks like a secret'

# The remedies that are statements mend what they say.
sql -c "SELECT remedy FROM saas.security_advice() WHERE remedy ~ '^(REVOKE|ALTER ROLE)'" | sed 's/; then.*/;/' >"$work/remedies.sql"
sql -f "$work/remedies.sql" >/dev/null
ok $? 'the remedies for roles are statements'
is "$(sql -c "SELECT object FROM saas.security_advice() WHERE object ~ '^role'")" '' 'and afterwards the findings are gone'
like "$(sql -c 'SET ROLE saas_app' -c 'SELECT * FROM saas.security_advice()')" 'permission denied' 'applications cannot ask'
is "$(sql -c 'ALTER DATABASE postgres OWNER TO shop' -c 'SET ROLE shop' -c "SELECT count(*) > 5 FROM saas.security_advice()")" t \
    'the owner of the database can, without being a superuser'
done_testing
