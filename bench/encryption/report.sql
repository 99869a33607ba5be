-- Five columns, as scripts/bench reads them: what, median, unit, range, compared with.
\pset format unaligned
\pset fieldsep '\t'
\pset tuples_only on
WITH medians AS (
    SELECT r.what, r.size, percentile_cont(0.5) WITHIN GROUP (ORDER BY r.microseconds) AS median,
        min(r.microseconds) AS least, max(r.microseconds) AS most
    FROM encryption_bench.results AS r
    GROUP BY r.what, r.size
), labels (what, position, label) AS (
    VALUES
        ('scan', 1, 'scan only'),
        ('copy', 2, 'copy of the value'),
        ('xaes', 3, 'encrypt, XAES-256-GCM, bound to column and row'),
        ('tenant', 4, 'encrypt, XAES-256-GCM, bound to the team'),
        ('gcm', 5, 'encrypt, AES-256-GCM, bound to column and row'),
        ('siv', 6, 'encrypt, AES-256-SIV, bound to column and row'),
        ('open', 7, 'decrypt, XAES-256-GCM, bound to column and row'),
        ('pgp', 8, 'pgp_sym_encrypt() with its defaults'),
        ('openssl', 9, 'openssl speed, AES-256-GCM')
)
SELECT
    pg_catalog.format('%s bytes, %s', m.size, l.label),
    round(m.median::numeric, 3),
    'µs CPU per value',
    pg_catalog.format('%s to %s', round(m.least::numeric, 3), round(m.most::numeric, 3)),
    concat_ws(
        '; ',
        CASE
            WHEN m.size = 32 AND m.what IN ('xaes', 'tenant', 'gcm', 'siv')
                THEN pg_catalog.format('pgp_sym_encrypt() takes %s times as long', round((p.median / m.median)::numeric))
        END,
        CASE
            WHEN m.what IN ('xaes', 'gcm')
                THEN pg_catalog.format('beyond the copy %s times openssl speed', round(((m.median - c.median) / o.median)::numeric, 2))
        END
    )
FROM medians AS m
JOIN labels AS l ON l.what = m.what
LEFT JOIN medians AS p ON p.size = 32 AND p.what = 'pgp'
LEFT JOIN medians AS c ON c.size = m.size AND c.what = 'copy'
LEFT JOIN medians AS o ON o.size = m.size AND o.what = 'openssl'
ORDER BY m.size, l.position;
