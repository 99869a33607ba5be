-- Five columns, as scripts/bench reads them: what, median, unit, range, compared with.
\pset format unaligned
\pset fieldsep '\t'
\pset tuples_only on
WITH medians AS (
    SELECT r.what, percentile_cont(0.5) WITHIN GROUP (ORDER BY r.microseconds) AS median,
        min(r.microseconds) AS least, max(r.microseconds) AS most
    FROM rotation_bench.results AS r
    GROUP BY r.what
), labels (what, position, label, unit, beside) AS (
    VALUES
        ('update', 1, 'plain UPDATE of a value of 72 bytes', 'row', NULL),
        ('rotate', 2, 'rotation_step(): a row brought to a new key', 'row', 'update'),
        ('walk', 3, 'rotation_step(): the walk that finds nothing more', 'row', 'update'),
        ('keys', 4, 'plain UPDATE of a wrapped key', 'key', NULL),
        ('rewrap', 5, 'advance_key_epoch(): a key wrapped anew', 'key', 'keys')
)
SELECT
    l.label,
    round(m.median::numeric, 3),
    'µs CPU per ' || l.unit,
    pg_catalog.format('%s to %s', round(m.least::numeric, 3), round(m.most::numeric, 3)),
    CASE WHEN b.what IS NOT NULL THEN pg_catalog.format('%s times the plain UPDATE', round((m.median / b.median)::numeric, 2)) ELSE '' END
FROM medians AS m
JOIN labels AS l ON l.what = m.what
LEFT JOIN medians AS b ON b.what = l.beside
ORDER BY l.position;
