-- Five columns, as scripts/bench reads them: what, median, unit, range, compared with.
\pset format unaligned
\pset fieldsep '\t'
\pset tuples_only on
WITH rates AS (
    SELECT r.what, percentile_cont(0.5) WITHIN GROUP (ORDER BY r.attempts / r.seconds) AS median,
        min(r.attempts / r.seconds) AS least, max(r.attempts / r.seconds) AS most
    FROM backtest_bench.results AS r
    GROUP BY r.what
)
SELECT
    CASE r.what WHEN 'one by one' THEN 'saas.assess() for each attempt' ELSE 'backtest of ' || r.what END,
    round(r.median),
    'attempts/s',
    pg_catalog.format('%s to %s', round(r.least), round(r.most)),
    CASE r.what
        WHEN 'one rule' THEN pg_catalog.format('%s times saas.assess() for each attempt', round((r.median / o.median)::numeric, 1))
    END
FROM rates AS r
JOIN rates AS o ON o.what = 'one by one'
ORDER BY r.what DESC;
