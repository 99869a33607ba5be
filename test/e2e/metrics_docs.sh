#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# The examples of the pages about metrics work as they stand there, one page after another in one session, as
# docs/modules/metrics.md says. Needs PGHOST, PGPORT, PGUSER (superuser).
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib/tap.sh"
: "${PGHOST:?}" "${PGPORT:?}"
export PGOPTIONS="-c client_min_messages=warning"
docs=$here/../../docs/modules
database=metrics_docs
work=$(mktemp -d)
trap 'rm -rf "$work"; psql -XAtq -d postgres -c "DROP DATABASE IF EXISTS $database"' EXIT
psql -XAtq -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database"

examples() { # language, page
    sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" "$docs/$2.md" | sed '/^```/d'
}
for page in metrics revenue product_metrics service_levels report; do
    printf '\\echo == %s\n' "$page"
    examples sql "$page"
done >"$work/examples.sql"
# What follows the examples needs their team to stay.
printf "COMMIT;\n\\\\echo == ids\nSELECT :'team', :'ada';\n" >>"$work/examples.sql"
answer=$(psql -XAt -v ON_ERROR_STOP=1 -d "$database" -f "$work/examples.sql" 2>&1)
ok $? 'every example runs without an error'
[ "$tap_failed" -eq 0 ] || tail -n 20 <<<"$answer" | sed 's/^/# /'
is "$(grep -c '^== ' <<<"$answer")" 6 'on every page'
like "$answer" '^2026-02-01\|14700\|0\|9800\|0\|0\|0\|24500$' 'revenue and its movements'
like "$answer" '^expansion\|9800\|14700\|24500$' 'each movement'
like "$answer" '^stripe\|t$' 'a policy of its own'
like "$answer" '^2026-11-21\|1\|2\|2\|0.5000$' 'users by day'
like "$answer" '^2\|project.generated\|1\|0.5000$' 'a funnel'
like "$answer" '^2\|2\|150$' 'sessions'
like "$answer" '^api\|3\|0.333333\|' 'a service'
like "$answer" '^api\|page\|33.33$' 'whose budget burns'
like "$answer" 'is more than the usual .* on Tuesday at 14:00' 'an anomaly in words'
like "$answer" '^saas_team_subscriptions\{team=".*",status="active"\} 1$' 'a page for Prometheus'
like "$answer" '"stickiness": ' 'the team in one document'

ids=$(tail -n 1 <<<"$answer")
team=${ids%|*} user=${ids#*|}
# The example of the page names its own database and file.
(cd "$work" && export team user && bash <(examples sh report | sed "s/-d shop/-d $database/")) >"$work/log" 2>&1
ok $? 'the report is made as the page says'
sed 's/^/# /' "$work/log"
like "$(head -c 15 "$work/report.html")" '^<!DOCTYPE html>$' 'and is a page'
done_testing
