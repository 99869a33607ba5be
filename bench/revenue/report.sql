-- Five columns, as scripts/bench reads them: what, median, unit, range, compared with.
\pset format unaligned
\pset fieldsep '\t'
\pset tuples_only on
WITH figures AS (
    SELECT
        t.what,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms) AS ms,
        min(t.ms) AS lowest,
        max(t.ms) AS highest
    FROM revenue_bench.timings AS t
    GROUP BY t.what
)
SELECT
    n.label,
    round(f.ms::numeric),
    'ms',
    round(f.lowest::numeric) || ' – ' || round(f.highest::numeric),
    COALESCE(round((p.ms / f.ms)::numeric, 1) || ' times as fast as ' || n.other || ', ' || round(p.ms::numeric) || ' ms', '–')
FROM (
    VALUES
        (1, 'months', 'monthly_revenue, 60 months of 100,000 changes', 'months plain', 'revenue alone, looked up month by month'),
        (2, 'proof', 'revenue_proof', NULL, NULL),
        (3, 'report', 'report_html, 22 months', NULL, NULL),
        (4, 'anomalies', 'team_anomalies, 500,000 events', NULL, NULL),
        (5, 'users', 'active_users, 7 days of 500,000 events', 'users plain', 'count(DISTINCT) for each day, week and month'),
        (6, 'sessions', 'session_summary, 500,000 events', 'sessions plain', 'two windows and a group'),
        (7, 'cohorts', 'retention_cohorts, 500,000 events', NULL, NULL)
) AS n (n, what, label, base, other)
JOIN figures AS f ON f.what = n.what
LEFT JOIN figures AS p ON p.what = n.base
ORDER BY n.n;
