-- The rows of scripts/bench: what, median of the passes, unit, lowest and highest, compared with.
\pset tuples_only on
\pset format unaligned
\pset fieldsep '\t'
WITH figure AS (
    SELECT
        r.statement,
        r.variant,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY r.microseconds)::numeric AS us,
        min(r.microseconds)::numeric AS lowest,
        max(r.microseconds)::numeric AS highest
    FROM audit_bench.results AS r
    WHERE r.statement NOT LIKE 'bytes %'
    GROUP BY r.statement, r.variant
)
SELECT
    format('%s, %s', substr(f.statement, 3), CASE f.variant
        WHEN 'none' THEN 'no trigger'
        WHEN 'native' THEN 'audited natively'
        ELSE 'audited by PL/pgSQL'
    END),
    round(f.us, 2),
    'µs of CPU a row',
    format('%s to %s', round(f.lowest, 2), round(f.highest, 2)),
    CASE f.variant
        WHEN 'plpgsql' THEN format('%s times no trigger', round(f.us / n.us, 1))
        WHEN 'native' THEN format(
            '%s times no trigger, %s of PL/pgSQL', round(f.us / n.us, 1), round(f.us / p.us, 2)
        )
    END
FROM figure AS f
JOIN figure AS n ON n.statement = f.statement AND n.variant = 'none'
JOIN figure AS p ON p.statement = f.statement AND p.variant = 'plpgsql'
ORDER BY f.statement, array_position('{none,plpgsql,native}', f.variant);

SELECT
    format('native log of an %s, indexes included', substr(r.statement, 7)),
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY r.microseconds)::numeric),
    'bytes a row',
    format('%s to %s', round(min(r.microseconds)::numeric), round(max(r.microseconds)::numeric)),
    ''
FROM audit_bench.results AS r
WHERE r.statement LIKE 'bytes %'
GROUP BY r.statement
ORDER BY r.statement;
