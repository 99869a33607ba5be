\pset footer off
\echo
\echo 'CPU of the backend, microseconds per row, and how many times that without a trigger:'
WITH median AS (
    SELECT r.statement, r.variant,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY r.microseconds) AS us
    FROM audit_bench.results AS r
    GROUP BY r.statement, r.variant
)
SELECT substr(n.statement, 3) AS statement,
    round(n.us::numeric, 2) AS "no trigger",
    format('%s (%sx)', round(a.us::numeric, 2), round((a.us / n.us)::numeric, 1)) AS native,
    format('%s (%sx)', round(p.us::numeric, 2), round((p.us / n.us)::numeric, 1)) AS "PL/pgSQL"
FROM median AS n
JOIN median AS a ON a.statement = n.statement AND a.variant = 'native'
JOIN median AS p ON p.statement = n.statement AND p.variant = 'plpgsql'
WHERE n.variant = 'none'
ORDER BY n.statement;
\echo 'Bytes of the native log per row, indexes included:'
SELECT substr(r.statement, 7) AS statement,
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY r.microseconds)::numeric) AS bytes
FROM audit_bench.results AS r
WHERE r.statement LIKE 'bytes %'
GROUP BY r.statement
ORDER BY r.statement;
