-- Five columns, as scripts/bench reads them: what, median, unit, range, compared with.
\pset format unaligned
\pset fieldsep '\t'
\pset tuples_only on
WITH medians AS (
    SELECT r.what, percentile_cont(0.5) WITHIN GROUP (ORDER BY r.microseconds) AS median,
        min(r.microseconds) AS least, max(r.microseconds) AS most
    FROM api_key_bench.results AS r
    GROUP BY r.what
)
SELECT
    CASE m.what
        WHEN 'plain' THEN 'saas.authenticate_api_key'
        WHEN 'limited' THEN 'saas.authenticate_api_key, with a rate limit'
        WHEN 'lookup' THEN 'PL/pgSQL and pgcrypto, no rate limit, no last use'
        WHEN 'lookup and count' THEN 'PL/pgSQL and pgcrypto, rate limit and last use in a row'
        ELSE 'saas.parse_api_key of a mistyped key'
    END,
    round(m.median::numeric, 2),
    'µs per call',
    pg_catalog.format('%s to %s', round(m.least::numeric, 2), round(m.most::numeric, 2)),
    CASE
        WHEN m.what IN ('plain', 'limited')
            THEN pg_catalog.format(
                'PL/pgSQL takes %s times as long without limit and last use, %s times with them',
                round((l.median / m.median)::numeric, 2), round((c.median / m.median)::numeric, 2)
            )
    END
FROM medians AS m
JOIN medians AS l ON l.what = 'lookup'
JOIN medians AS c ON c.what = 'lookup and count'
ORDER BY array_position(ARRAY['plain', 'limited', 'lookup', 'lookup and count', 'mistyped'], m.what);
