-- Five columns, as scripts/bench reads them: what, median, unit, range, compared with.
\pset format unaligned
\pset fieldsep '\t'
\pset tuples_only on
WITH medians AS (
    SELECT r.name, r.engine, percentile_cont(0.5) WITHIN GROUP (ORDER BY r.microseconds) AS median,
        min(r.microseconds) AS least, max(r.microseconds) AS most
    FROM history_bench.results AS r
    GROUP BY r.name, r.engine
)
SELECT
    m.name,
    round((m.median - CASE WHEN m.engine = 'rules' THEN n.median ELSE 0 END)::numeric, 2),
    CASE m.engine WHEN 'rules' THEN 'µs per payment, beyond reading attributes' ELSE 'µs' END,
    pg_catalog.format('%s to %s in all', round(m.least::numeric, 2), round(m.most::numeric, 2)),
    CASE
        WHEN d.median IS NOT NULL AND m.engine = 'rules'
            THEN pg_catalog.format('the query as dynamic SQL takes %s µs, %s times as long', round(d.median::numeric, 1), round((d.median / (m.median - n.median))::numeric, 1))
    END
FROM medians AS m
JOIN medians AS n ON n.name = 'none'
LEFT JOIN medians AS d ON d.name = m.name AND d.engine = 'dynamic'
WHERE m.name <> 'none' AND m.engine <> 'dynamic'
ORDER BY m.name;
