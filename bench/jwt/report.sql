-- Five columns, as scripts/bench reads them: what, median, unit, range, compared with.
\pset format unaligned
\pset fieldsep '\t'
\pset tuples_only on
WITH medians AS (
    SELECT r.what, percentile_cont(0.5) WITHIN GROUP (ORDER BY r.value) AS median,
        min(r.value) AS least, max(r.value) AS most
    FROM jwt_bench.results AS r
    GROUP BY r.what
), compared (ordinal, what, unit, digits, other, words) AS (
    VALUES
        (1, 'HS256, saas.verify_jwt', 'tokens/s', 0, 'HS256, PL/pgSQL with pgcrypto', 'times PL/pgSQL with pgcrypto'),
        (2, 'HS256, PL/pgSQL with pgcrypto', 'tokens/s', 0, NULL, NULL),
        (3, 'ES256, saas.verify_jwt', 'tokens/s', 0, 'ES256, openssl speed', 'of what openssl speed verifies'),
        (4, 'ES256, saas.authenticate_jwt', 'contexts/s', 0, 'ES256, openssl speed', 'of what openssl speed verifies'),
        (5, 'RS256, saas.verify_jwt', 'tokens/s', 0, 'RS256, openssl speed', 'of what openssl speed verifies'),
        (6, 'EdDSA, saas.verify_jwt', 'tokens/s', 0, 'EdDSA, openssl speed', 'of what openssl speed verifies'),
        (7, 'saas.current_team_id()', 'ns', 1, 'current_setting(…)::uuid', 'of current_setting(…)::uuid'),
        (8, 'current_setting(…)::uuid', 'ns', 1, NULL, NULL)
)
SELECT
    c.what,
    round(m.median::numeric, c.digits),
    c.unit,
    pg_catalog.format('%s to %s', round(m.least::numeric, c.digits), round(m.most::numeric, c.digits)),
    round((m.median / o.median)::numeric, 2) || ' ' || c.words
FROM compared AS c
JOIN medians AS m ON m.what = c.what
LEFT JOIN medians AS o ON o.what = c.other
ORDER BY c.ordinal;
