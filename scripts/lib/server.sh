# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: PostgreSQL
# A private PostgreSQL for the scripts: its own copy of the installed server, so that installing the
# extension needs no root and touches no other cluster; its own data folder, a free port, a socket in
# a temporary folder, an ordinary user. Source this file.
#
# Debian's server finds its libraries relative to its binaries, so a copy of bin/ with links to the
# rest is a complete server of its own.

saas_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
saas_major=${SAAS_PG_MAJOR:-15}
saas_system_bin=/usr/lib/postgresql/$saas_major/bin

# The ordinary user that the server runs as: whoever calls, or postgres when root calls.
saas_user=$(id -un)
[ "$(id -u)" -ne 0 ] || saas_user=postgres

as_user() {
    if [ "$(id -u)" -ne 0 ]; then
        "$@"
    else
        setpriv --reuid "$saas_user" --regid "$(id -g "$saas_user")" --init-groups \
            env -C /tmp HOME=/tmp PATH="$PATH" "$@"
    fi
}

# Whether the server's user can reach the checkout. Asked as the user without any rights where root
# calls: user postgres comes only with its package, and the answer must be the same before and after.
saas_reachable() {
    if [ "$(id -u)" -ne 0 ]; then
        test -x "$saas_root"
    else
        setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$saas_root"
    fi
}

# .pg/ in the checkout, or a folder in /tmp when the ordinary user cannot reach the checkout or its
# path has a space, which make and PGXS do not take in the path of pg_config. Scripts that this one
# calls use the same folder.
saas_choose_folder() {
    if [ -n "${SAAS_DIR:-}" ]; then
        saas_dir=$SAAS_DIR
    elif [[ $saas_root != *[[:space:]]* ]] && saas_reachable; then
        saas_dir=$saas_root/.pg
    else
        saas_dir=/tmp/pg_saas-$(printf %s "$saas_root" | sha256sum | cut -c1-12)
    fi
    if [ -e "$saas_dir" ] && [ ! -O "$saas_dir" ]; then
        echo "$saas_dir belongs to another user: run as that user, remove it, or set SAAS_DIR." >&2
        exit 1
    fi
    export SAAS_DIR=$saas_dir
    saas_server=$saas_dir/server
    saas_bin=$saas_server/lib/postgresql/$saas_major/bin
    saas_data=$saas_dir/data
    saas_log=$saas_dir/server.log
    export PG_CONFIG=$saas_bin/pg_config
    export PATH="$saas_bin:$PATH"
}

# Makes the private copy of the server, and makes it anew after an upgrade of the server or when
# extensions were installed or removed beside it.
saas_copy_server() {
    local version
    version="$("$saas_system_bin/postgres" --version)
$(ls "/usr/lib/postgresql/$saas_major/lib" "/usr/share/postgresql/$saas_major/extension" | sha256sum)"
    if [ "$(cat "$saas_server/version" 2>/dev/null)" != "$version" ]; then
        rm -rf "$saas_server"
        mkdir -p "$saas_bin" "$saas_server/share/postgresql"
        cp "$saas_system_bin"/* "$saas_bin/"
        cp -rs "/usr/lib/postgresql/$saas_major/lib" "$saas_bin/../lib"
        cp -rs "/usr/share/postgresql/$saas_major" "$saas_server/share/postgresql/$saas_major"
        ln -s /usr/include "$saas_server/include"
        printf %s "$version" >"$saas_server/version"
    fi
}

# Builds the extension and installs it into the private server.
saas_install() {
    make -C "$saas_root" -s -j"$(nproc)" PG_CONFIG="$PG_CONFIG" "$@"
    make -C "$saas_root" -s PG_CONFIG="$PG_CONFIG" install "$@" >/dev/null
}

saas_free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

saas_running() {
    [ -s "$saas_data/postmaster.pid" ] && as_user "$saas_bin/pg_ctl" -D "$saas_data" status >/dev/null 2>&1
}

# The settings that give the server a root key, made first when there is none: the library is preloaded,
# and the key files lie outside the data directory.
saas_key_settings() {
    local keys=$saas_dir/keys
    [ -e "$("$PG_CONFIG" --pkglibdir)/pg_saas.so" ] || return 0
    if [ ! -s "$keys/kek" ]; then
        mkdir -p "$keys"
        chmod 700 "$keys"
        (umask 077 && head -c 32 /dev/urandom | od -An -vtx1 | tr -d ' \n' >"$keys/kek")
        chmod 400 "$keys/kek"
        [ "$(id -u)" -ne 0 ] || chown -R "$saas_user" "$keys"
    fi
    printf '%s ' -c shared_preload_libraries=pg_saas -c "saas.kek_file=$keys/kek" \
        -c "saas.key_file=$keys/data-keys"
}

# Starts the cluster, made first when there is none. Exports PGHOST, PGPORT, PGUSER, PGDATABASE.
# Further settings come as arguments: saas_start fsync=off max_connections=50
saas_start() {
    if [ ! -s "$saas_data/PG_VERSION" ]; then
        rm -rf "$saas_data"
        mkdir -p "$saas_data"
        [ "$(id -u)" -ne 0 ] || chown -R "$saas_user" "$saas_data"
        chmod 700 "$saas_data"
        as_user "$saas_bin/initdb" -D "$saas_data" -U postgres -E UTF8 --locale=C.UTF-8 \
            -A trust --no-sync >/dev/null
    fi
    if ! saas_running; then
        local socket setting options=()
        socket=$(mktemp -d /tmp/pg_saas.XXXXXX)
        [ "$(id -u)" -ne 0 ] || chown "$saas_user" "$socket"
        for setting in "$@"; do options+=(-c "$setting"); done
        : >"$saas_log"
        [ "$(id -u)" -ne 0 ] || chown "$saas_user" "$saas_log"
        as_user "$saas_bin/pg_ctl" -D "$saas_data" -s -w -l "$saas_log" -o \
            "-p $(saas_free_port) -k $socket -c listen_addresses=127.0.0.1 $(saas_key_settings) ${options[*]}" start
    fi
    saas_connection
}

# Reads where the running cluster listens from its own pid file. Without one there is no connection,
# lest a client goes to the server of the machine.
saas_connection() {
    if [ ! -s "$saas_data/postmaster.pid" ]; then
        echo "The private server is not running: scripts/demo or scripts/server start." >&2
        return 1
    fi
    PGPORT=$(sed -n 4p "$saas_data/postmaster.pid")
    PGHOST=$(sed -n 5p "$saas_data/postmaster.pid")
    PGUSER=postgres
    PGDATABASE=${PGDATABASE:-postgres}
    export PGHOST PGPORT PGUSER PGDATABASE
}

# Stops the cluster by the pid in its own data folder.
saas_stop() {
    saas_running || return 0
    local socket
    socket=$(sed -n 5p "$saas_data/postmaster.pid")
    as_user "$saas_bin/pg_ctl" -D "$saas_data" -s -m fast -w stop
    case $socket in /tmp/pg_saas.*) rm -rf "$socket" ;; esac
}

saas_choose_folder
