#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# The examples of docs/modules/privacy*.md work as they stand there, one page after another in a database of its own each.
# Needs PGHOST, PGPORT, PGUSER (superuser).
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib/tap.sh"
: "${PGHOST:?}" "${PGPORT:?}"
export PGOPTIONS='-c client_min_messages=warning'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
psql -XAtq -d postgres -c 'DROP DATABASE IF EXISTS privacy_docs' -c 'DROP DATABASE IF EXISTS privacy_docs_empty' -c 'CREATE DATABASE privacy_docs_empty'
# pg_cron works in one database of a server alone: here is what the examples call of it.
psql -XAtq -v ON_ERROR_STOP=1 -d privacy_docs_empty >/dev/null <<'SQL'
CREATE EXTENSION pg_saas CASCADE;
SELECT saas.deploy();
CREATE SCHEMA cron;
CREATE FUNCTION cron.schedule(text, text, text) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
SQL
declare -A answers
for page in "$here"/../../docs/modules/privacy*.md; do
    name=$(basename "$page" .md)
    psql -XAtq -d postgres -c 'DROP DATABASE IF EXISTS privacy_docs' -c 'CREATE DATABASE privacy_docs TEMPLATE privacy_docs_empty'
    answers[$name]=$(sed -n '/^```sql$/,/^```$/p' "$page" | sed '/^```/d; /saas.schedule_cleanup()/d' | psql -XAt -v ON_ERROR_STOP=1 -d privacy_docs 2>&1)
    ok $? "the examples of $name run without an error"
    grep -E 'ERROR|HINT|LINE' <<<"${answers[$name]}" | sed 's/^/# /'
done
like "${answers[privacy]}" '^shop\.products\|phone\|' 'what looks personal is proposed'
like "${answers[privacy]}" '^saas\.users\|1$' 'a dry run says what would go'
like "${answers[privacy]}" '\|completed$' 'a request is carried out'
like "${answers[privacy]}" '"kind": "erasure certificate 1"' 'with its certificate'
like "${answers[privacy]}" '\|done here\|' 'which is known where the person has gone'
like "$(grep -E '^[tf]$' <<<"${answers[privacy_consent]}" | paste -sd ' ')" '^t f' 'consent holds from when it was given'
like "${answers[privacy_exports]}" '"personal_info": \[\{' 'an export has the person'
like "${answers[privacy_exports]}" '^ready$' 'a job, too'
like "${answers[privacy_masking]}" '^2\|1\|2\|' 'rows that share what people are recognised by are a class'
like "${answers[privacy_retention]}" '^letters\|public\.letters\|delete\|0\|t\|$' 'a policy is carried out'
like "${answers[privacy_retention]}" '^saas\.users\|' 'the scope of a breach is told'
psql -XAtq -d postgres -c 'DROP DATABASE privacy_docs' -c 'DROP DATABASE privacy_docs_empty'
done_testing
