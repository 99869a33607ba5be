-- Five columns, as scripts/bench reads them: what, median, unit, range, compared with. Times are processor time.
\pset format unaligned
\pset fieldsep '\t'
\pset tuples_only on
CREATE TEMPORARY TABLE medians AS
SELECT r.what, percentile_cont(0.5) WITHIN GROUP (ORDER BY r.milliseconds) AS median,
    format('%s to %s', round(min(r.milliseconds)::numeric, 1), round(max(r.milliseconds)::numeric, 1)) AS range
FROM rollups_bench.results AS r
GROUP BY r.what;
SELECT v.title, round(m.median::numeric, 1), 'ms', m.range,
    format(v.compared, round(o.median::numeric, 1), round((CASE WHEN v.slower THEN o.median / m.median ELSE m.median / o.median END)::numeric, 2))
FROM (VALUES
    (1, 'late', 'late by time', true, 'refresh after 24 late rows of one team, one an hour', 'all teams of the hours between the first and the last: %s ms, %s times as long'),
    (2, 'recent', 'full', true, 'refresh after 1 % more rows, late by up to six hours', 'full computation: %s ms, %s times as long'),
    (2, 'changed', 'late', false, 'refresh after one row was updated in each of the 24 hours, which are computed anew', 'after rows that came: %s ms; ratio %s'),
    (3, 'anywhere', 'full', true, 'refresh after 1 % more rows anywhere in the week, which touch nearly every bucket', 'full computation: %s ms, %s times as long'),
    (4, 'one hour', 'full', true, 'refresh after one late row', 'full computation: %s ms, %s times as long'),
    (5, 'read rollup', 'read events', true, 'a week of a team by hour, from the rollup', 'from the events: %s ms, %s times as long'),
    (6, 'read live', 'read rollup', false, 'the same from the real-time view', 'from the rollup: %s ms; the view takes %s times as long'),
    (7, 'bulk noted', 'bulk plain', false, 'writing 100,000 events of six hours in one statement, changes noted', 'without: %s ms; ratio %s'),
    (8, 'single noted', 'single plain', false, '1,000 events sent in a transaction each without waiting for the disk, changes noted', 'without: %s ms; ratio %s'),
    (9, 'one hour, new connection', 'one hour', false, 'refresh after one late row in a new connection', 'in one that has refreshed before: %s ms; ratio %s')
) AS v (ordinal, what, other, slower, title, compared)
JOIN medians AS m ON m.what = v.what
JOIN medians AS o ON o.what = v.other
ORDER BY v.ordinal, v.what DESC;
SELECT v.title, round(100000 / m.median * 1000, -3), 'points/s', format('%s ms', m.range), NULL
FROM (VALUES ('arrays', 'record_metrics, 100,000 points as arrays'), ('documents', 'record_metrics, 100,000 points as jsonb')) AS v (what, title)
CROSS JOIN LATERAL (SELECT n.median::numeric AS median, n.range FROM medians AS n WHERE n.what = v.what) AS m;
-- What one late row costs as the rollup grows.
SELECT format('refresh after one late row: %s', g.what), round(percentile_cont(0.5) WITHIN GROUP (ORDER BY g.milliseconds)::numeric, 1), 'ms',
    format('%s to %s', round(min(g.milliseconds)::numeric, 1), round(max(g.milliseconds)::numeric, 1)), NULL
FROM rollups_bench.growth AS g
GROUP BY g.ordinal, g.what
ORDER BY g.ordinal;
