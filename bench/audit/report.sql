-- One line a figure: what, median, unit, range, compared with. Separated by tabs.
WITH figure AS (
    SELECT
        r.statement,
        r.variant,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY r.microseconds)::numeric AS median,
        min(r.microseconds)::numeric AS lowest,
        max(r.microseconds)::numeric AS highest
    FROM bench.results AS r
    GROUP BY r.statement, r.variant
),
baseline AS (
    SELECT f.statement, f.median
    FROM figure AS f
    WHERE f.variant = 'none'
)
SELECT
    format('%s, %s', substr(f.statement, 3), CASE f.variant
        WHEN 'none' THEN 'no trigger'
        WHEN 'native' THEN 'saas.audit_table'
        ELSE 'PL/pgSQL trigger'
    END),
    round(f.median, 2),
    'µs CPU per row',
    format('%s to %s', round(f.lowest, 2), round(f.highest, 2)),
    CASE WHEN f.variant = 'none' THEN '' ELSE format('%s times no trigger', round(f.median / b.median, 2)) END
FROM figure AS f
JOIN baseline AS b ON b.statement = f.statement
ORDER BY f.statement, array_position(ARRAY['none', 'native', 'plpgsql'], f.variant);

SELECT
    format('log of one %s, %s', substr(r.statement, 7), CASE r.variant
        WHEN 'native' THEN 'saas.audit_table'
        ELSE 'PL/pgSQL trigger'
    END),
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY r.microseconds)::numeric),
    'bytes with indexes',
    format('%s to %s', round(min(r.microseconds)::numeric), round(max(r.microseconds)::numeric)),
    ''
FROM bench.results AS r
WHERE r.statement LIKE 'bytes %'
GROUP BY r.statement, r.variant
ORDER BY r.statement, r.variant;
