-- Five columns, as scripts/bench reads them: what, median, unit, range, compared with.
\pset format unaligned
\pset fieldsep '\t'
\pset tuples_only on
SET work_mem TO '512MB';
CREATE TEMPORARY VIEW medians AS
SELECT q.ordinal, q.shape, q.variant, percentile_cont(0.5) WITHIN GROUP (ORDER BY r.milliseconds * 1e6 / q.items) AS median,
    min(r.milliseconds * 1e6 / q.items) AS least, max(r.milliseconds * 1e6 / q.items) AS most
FROM sketches_bench.queries AS q
JOIN sketches_bench.results AS r USING (ordinal, variant)
GROUP BY q.ordinal, q.shape, q.variant;
SELECT
    format('%s: %s', m.shape, CASE m.variant
        WHEN 'groups' THEN CASE m.ordinal WHEN 3 THEN 'sum() of a number' ELSE 'count(*) and sum(ms)' END
        WHEN 'both' THEN 'both sketches in one pass'
        WHEN 'exact' THEN 'count(DISTINCT) and percentile_cont'
        WHEN 'others' THEN 'hll and tdigest'
        ELSE m.variant
    END),
    CASE m.ordinal WHEN 3 THEN round(m.median::numeric / 1000, 2) ELSE round(m.median::numeric) END,
    CASE m.ordinal WHEN 3 THEN 'µs per sketch' ELSE 'ns per row' END,
    CASE m.ordinal
        WHEN 3 THEN format('%s to %s', round(m.least::numeric / 1000, 2), round(m.most::numeric / 1000, 2))
        ELSE format('%s to %s', round(m.least::numeric), round(m.most::numeric))
    END,
    CASE
        WHEN m.variant = 'both' THEN (
            SELECT string_agg(
                format(CASE o.variant WHEN 'groups' THEN '%s: %s of it' WHEN 'exact' THEN '%s takes %s times as long'
                    ELSE '%s take %s times as long' END,
                    CASE o.variant WHEN 'groups' THEN 'count(*) and sum(ms)' WHEN 'exact' THEN 'exact' ELSE 'hll and tdigest' END,
                    round((o.median / m.median)::numeric, 2)), '; ' ORDER BY o.variant)
            FROM medians AS o WHERE o.ordinal = m.ordinal AND o.variant IN ('groups', 'exact', 'others')
        )
        WHEN m.ordinal = 3 AND m.variant IN ('distinct_sketch', 'quantile_sketch') THEN (
            SELECT format('%s takes %s times as long', o.variant, round((o.median / m.median)::numeric, 2))
            FROM medians AS o
            WHERE o.ordinal = 3 AND o.variant = CASE m.variant WHEN 'distinct_sketch' THEN 'hll' ELSE 'tdigest' END
        )
    END
FROM medians AS m
ORDER BY m.ordinal, m.median;

-- Sizes.
SELECT format('bytes of an hour, %s', v.name), round(v.average), 'bytes', format('%s to %s', v.least, v.most), NULL
FROM (
    SELECT 1, 'quantile_sketch', avg(pg_column_size(latency)), min(pg_column_size(latency)), max(pg_column_size(latency))
    FROM sketches_bench.hours
    UNION ALL
    SELECT 2, 'tdigest', avg(pg_column_size(latency)), min(pg_column_size(latency)), max(pg_column_size(latency))
    FROM sketches_bench.other_hours
    UNION ALL
    SELECT 3, 'distinct_sketch', avg(pg_column_size(users)), min(pg_column_size(users)), max(pg_column_size(users))
    FROM sketches_bench.hours
    UNION ALL
    SELECT 4, 'hll', avg(pg_column_size(users)), min(pg_column_size(users)), max(pg_column_size(users))
    FROM sketches_bench.other_hours
) AS v (ordinal, name, average, least, most)
WHERE v.average IS NOT NULL
ORDER BY v.ordinal;

-- Errors against the exact answers.
CREATE TEMPORARY TABLE errors AS
SELECT 1 AS ordinal, 'hour' AS span, h.rows, abs(saas.approx_percentile(h.latency, 0.95) / e.p95 - 1) AS p95,
    abs(saas.approx_percentile(h.latency, 0.99) / e.p99 - 1) AS p99,
    abs(saas.distinct_sketch_count(h.users)::double precision / e.users - 1) AS users
FROM sketches_bench.hours AS h
JOIN (
    SELECT date_bin('1 hour', at, '2026-01-01') AS hour, tenant, percentile_cont(0.95) WITHIN GROUP (ORDER BY ms) AS p95,
        percentile_cont(0.99) WITHIN GROUP (ORDER BY ms) AS p99, count(DISTINCT user_id) AS users
    FROM sketches_bench.many GROUP BY 1, 2
) AS e USING (hour, tenant)
UNION ALL
SELECT 2, 'day', 0, abs(saas.approx_percentile(d.latency, 0.95) / e.p95 - 1), abs(saas.approx_percentile(d.latency, 0.99) / e.p99 - 1),
    abs(saas.distinct_sketch_count(d.users)::double precision / e.users - 1)
FROM sketches_bench.days AS d
JOIN (
    SELECT date_bin('1 day', at, '2026-01-01') AS day, tenant, percentile_cont(0.95) WITHIN GROUP (ORDER BY ms) AS p95,
        percentile_cont(0.99) WITHIN GROUP (ORDER BY ms) AS p99, count(DISTINCT user_id) AS users
    FROM sketches_bench.many GROUP BY 1, 2
) AS e USING (day, tenant);
SELECT format('error of a %s: %s', e.span, v.what), round(100 * avg(v.error)::numeric, 2), '% on average',
    format('up to %s', round(100 * max(v.error)::numeric, 2)), 'the exact answers'
FROM errors AS e
CROSS JOIN LATERAL (VALUES (1, 'p95', e.p95), (2, 'p99', e.p99), (3, 'distinct', e.users)) AS v (ordinal, what, error)
GROUP BY e.ordinal, e.span, v.ordinal, v.what
ORDER BY e.ordinal, v.ordinal;

-- Memory of 100,000 groups.
CREATE FUNCTION pg_temp.hash_node(p_statement text) RETURNS jsonb
LANGUAGE plpgsql
AS $$
DECLARE
    v_plan jsonb;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ' || p_statement INTO v_plan;
    RETURN jsonb_path_query_first(v_plan, '$.**{0 to 4} ? (exists(@."HashAgg Batches") || exists(@."Peak Memory Usage"))');
END
$$;
SELECT format('memory of 100,000 groups of 50 rows, %s', v.what), round((v.node ->> 'Peak Memory Usage')::numeric / 1024), 'MB',
    format('%s batches', v.node ->> 'HashAgg Batches'), NULL
FROM (
    SELECT q.what, pg_temp.hash_node(format('SELECT user_id %% 100000, %s FROM sketches_bench.many GROUP BY 1', q.aggregates)) AS node
    FROM (VALUES
        ('count(*) and sum(ms)', 'count(*), sum(ms)'),
        ('both sketches', 'saas.distinct_sketch(user_id), saas.quantile_sketch(ms)')
    ) AS q (what, aggregates)
) AS v;
