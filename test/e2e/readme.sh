#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# The two minutes of SQL in README.md work as they stand there. Needs PGHOST, PGPORT, PGUSER (superuser).
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib/tap.sh"
: "${PGHOST:?}" "${PGPORT:?}"
psql -XAtq -d postgres -c 'DROP DATABASE IF EXISTS readme' -c 'CREATE DATABASE readme'
answer=$(sed -n '/^```sql$/,/^```$/p' "$here/../../README.md" | sed '/^```/d' |
    psql -XAt -v ON_ERROR_STOP=1 -d readme 2>&1)
ok $? 'the tour runs without an error'
[ "$tap_failed" -eq 0 ] || sed 's/^/# /' <<<"$answer"
is "$(grep -c '^processed|' <<<"$answer")" 2 'charge and intent are processed'
like "$answer" '^duplicate\|' 'and the second intent is a duplicate'
like "$answer" '^250000\|EUR\|succeeded\|250000$' 'the application sees intent and payment together'
like "$answer" '\|review\|.*large amounts' 'the rule reviews it'
like "$answer" '^I\|saas.payment_intents\|succeeded$' 'the audit trail has it'
like "$answer" '"EUR": 250000' 'the day has figures'
psql -XAtq -d postgres -c 'DROP DATABASE readme'
done_testing
