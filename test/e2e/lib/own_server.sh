#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# A server with settings of its own, for tests that read its log and files:
# own_server.sh start FOLDER [setting=value …] prints host and port; own_server.sh stop FOLDER.
set -euo pipefail
source "$(dirname "$0")/../../../scripts/lib/server.sh"
saas_data=$2/data
saas_log=$2/server.log
saas_dir=$2
case $1 in
start)
    chmod 755 "$2"
    saas_start "${@:3}" >&2
    echo "$PGHOST $PGPORT"
    ;;
stop) saas_stop ;;
esac
