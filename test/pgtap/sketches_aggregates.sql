-- Sketches as aggregates: answers against the exact ones, groups, parallel plans, moving windows, NULL and special values.
BEGIN;
SELECT no_plan();
SET LOCAL jit = off;
SET LOCAL search_path TO saas, public;

SELECT setseed(0.5) \g /dev/null
CREATE TABLE public.events AS
SELECT n % 40 AS tenant, n / 4000 AS hour, (30000 * random())::integer AS user_id, exp(3 + random() * 3) AS ms,
    '2026-01-01'::timestamptz + n * interval '1 s' AS at, '/page/' || (1000 * power(random(), 4))::integer AS page
FROM generate_series(1, 80000) AS n;
ANALYZE public.events;

-- Errors: quantiles at most 1 %, distinct counts at most 2 %, in every group.
SELECT is_empty($$
    SELECT tenant, f.fraction FROM (
        SELECT tenant, quantile_sketch(ms) AS sketch, percentile_cont(ARRAY[0, 0.01, 0.5, 0.9, 0.95, 0.99, 1]) WITHIN GROUP (ORDER BY ms) AS exact
        FROM public.events GROUP BY tenant
    ) AS e, unnest(ARRAY[0, 0.01, 0.5, 0.9, 0.95, 0.99, 1], exact) AS f (fraction, exact)
    WHERE abs(approx_percentile(sketch, f.fraction) / f.exact - 1) > 0.01
$$, 'quantiles are within 1 %');
SELECT is_empty($$
    SELECT * FROM (SELECT tenant, approx_count_distinct(user_id) AS found, count(DISTINCT user_id) AS exact FROM public.events GROUP BY tenant
        UNION ALL SELECT NULL, approx_count_distinct(user_id), count(DISTINCT user_id) FROM public.events) AS e
    WHERE abs(found::double precision / exact - 1) > 0.02
$$, 'distinct counts are within 2 %');

-- Merging equals building, by bytes.
CREATE TABLE public.hours AS
SELECT tenant, hour, distinct_sketch(user_id) AS users, quantile_sketch(ms) AS latency, histogram_sketch(ms, '{30, 50, 100, 200}') AS bars,
    top_k_sketch(page, 600) AS pages, counter_sketch(at, hour) AS counter, level_sketch(at, ms) AS level
FROM public.events GROUP BY tenant, hour;
CREATE TABLE public.days AS
SELECT tenant, distinct_sketch(user_id) AS users, quantile_sketch(ms) AS latency, histogram_sketch(ms, '{30, 50, 100, 200}') AS bars,
    top_k_sketch(page, 600) AS pages, counter_sketch(at, hour) AS counter, level_sketch(at, ms) AS level
FROM public.events GROUP BY tenant;
SELECT is_empty($$
    SELECT tenant FROM (SELECT tenant, merge(users) AS users, merge(latency) AS latency, merge(bars) AS bars, merge(pages) AS pages, merge(counter) AS counter FROM public.hours GROUP BY tenant) AS m
    JOIN public.days AS d USING (tenant)
    WHERE (m.users::text, m.latency::text, m.bars::text, m.pages::text, m.counter::text) <> (d.users::text, d.latency::text, d.bars::text, d.pages::text, d.counter::text)
$$, 'days merged from hours are those built from rows');
SELECT is_empty($$
    SELECT tenant FROM (SELECT tenant, merge(level) AS level FROM public.hours GROUP BY tenant) AS m JOIN public.days AS d USING (tenant)
    WHERE abs(time_weighted_average(m.level) / time_weighted_average(d.level) - 1) > 1e-12
$$, 'and so are averages weighted by time');
SELECT is(merge(users)::text, (SELECT distinct_sketch(user_id)::text FROM public.events), 'dense forms merge') FROM public.days;
SELECT is(merge(latency)::text, (SELECT quantile_sketch(ms)::text FROM public.events), 'all quantiles merge') FROM public.days;

-- A parallel plan gives the same, from states under construction.
CREATE FUNCTION pg_temp.plan(p_query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_line text;
    v_plan text := '';
BEGIN
    FOR v_line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || p_query LOOP
        v_plan := v_plan || v_line || E'\n';
    END LOOP;
    RETURN v_plan;
END
$$;
\set all_of_them 'SELECT approx_count_distinct(user_id), distinct_sketch(user_id)::text, quantile_sketch(ms)::text, histogram_sketch(ms, ''{30, 50, 100, 200}'')::text, top_k_sketch(page, 600)::text, counter_sketch(at, hour)::text, level_sketch(at, hour)::text FROM public.events'
\set grouped 'SELECT tenant, distinct_sketch(user_id)::text, quantile_sketch(ms)::text, counter_sketch(at, hour)::text FROM public.events GROUP BY tenant'
\set merged 'SELECT merge(users)::text AS a, merge(latency)::text AS b, merge(bars)::text AS c, merge(pages)::text AS d, count(*) FROM public.hours'
CREATE TEMPORARY TABLE serial AS :all_of_them;
CREATE TEMPORARY TABLE serial_groups AS :grouped;
CREATE TEMPORARY TABLE serial_merged AS :merged;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL max_parallel_workers_per_gather = 2;
SELECT matches(pg_temp.plan(:'all_of_them'), 'Partial Aggregate', 'the plan is parallel');
SELECT matches(pg_temp.plan(:'merged'), 'Partial Aggregate', 'the plan of merging is parallel');
SELECT results_eq(:'all_of_them', 'SELECT * FROM serial', 'parallel workers give the same');
SELECT results_eq(:'grouped' || ' ORDER BY 1', 'SELECT * FROM serial_groups ORDER BY 1', 'the same in groups');
SELECT results_eq(:'merged', 'SELECT * FROM serial_merged', 'the same when merging');
SET LOCAL max_parallel_workers_per_gather = 0;

-- Plans that sort, hash, spill and make several grouping sets give the same.
SET LOCAL enable_hashagg = off;
SELECT results_eq(:'grouped' || ' ORDER BY 1', 'SELECT * FROM serial_groups ORDER BY 1', 'sorted groups');
SET LOCAL enable_hashagg = on;
SET LOCAL work_mem = '64kB';
SELECT results_eq('SELECT * FROM (' || :'grouped' || ') AS g ORDER BY 1', 'SELECT * FROM serial_groups ORDER BY 1', 'groups that spill');
RESET work_mem;
SELECT results_eq(
    'SELECT quantile_sketch(ms)::text, distinct_sketch(user_id)::text FROM public.events GROUP BY GROUPING SETS ((), (tenant)) ORDER BY 1, 2',
    'SELECT * FROM (SELECT quantile_sketch(ms)::text, distinct_sketch(user_id)::text FROM public.events UNION ALL SELECT quantile_sketch(ms)::text, distinct_sketch(user_id)::text FROM public.events GROUP BY tenant) AS a ORDER BY 1, 2',
    'grouping sets'
);

-- Moving windows: what leaves the frame is taken away, and the answers are those of new aggregates.
SELECT is_empty($$
    SELECT n FROM (
        SELECT n, quantile_sketch(v) OVER w AS moved, histogram_sketch(v, '{10, 50}') OVER w AS bars, array_agg(v) OVER w AS frame
        FROM (SELECT n, CASE WHEN n % 7 = 0 THEN NULL WHEN n % 11 = 0 THEN double precision 'NaN' ELSE (n * 7919) % 101 - 20 END AS v FROM generate_series(1, 300) AS n) AS s
        WINDOW w AS (ORDER BY n ROWS BETWEEN 12 PRECEDING AND 3 FOLLOWING)
    ) AS m, LATERAL (SELECT quantile_sketch(v) AS built, histogram_sketch(v, '{10, 50}') AS bars FROM unnest(m.frame) AS v) AS b
    WHERE m.moved::text IS DISTINCT FROM b.built::text OR m.bars::text IS DISTINCT FROM b.bars::text
$$, 'moving aggregates equal new ones');
SELECT is_empty($$
    SELECT hour FROM (
        SELECT hour, merge(latency) OVER w AS moved, merge(bars) OVER w AS bars, merge(users) OVER w AS users FROM public.hours WHERE tenant = 3 WINDOW w AS (ORDER BY hour ROWS 3 PRECEDING)
    ) AS m, LATERAL (SELECT merge(latency) AS latency, merge(bars) AS bars, merge(users) AS users FROM public.hours AS h WHERE h.tenant = 3 AND h.hour BETWEEN m.hour - 3 AND m.hour) AS b
    WHERE (m.moved::text, m.bars::text, m.users::text) <> (b.latency::text, b.bars::text, b.users::text)
$$, 'moving merges equal new ones');

-- NULL and nothing.
SELECT is(quantile_sketch(NULL)::text, NULL, 'only NULL: no sketch') FROM generate_series(1, 3);
SELECT is(distinct_sketch(v)::text, NULL, 'only NULL: no sketch') FROM (VALUES (NULL::integer)) AS v (v);
SELECT is(approx_count_distinct(v), 0::bigint, 'only NULL: no value') FROM (VALUES (NULL::integer), (NULL)) AS v (v);
SELECT is(approx_count_distinct(v), 1::bigint, 'NULL does not count') FROM (VALUES (NULL::integer), (7)) AS v (v);
SELECT is(quantile_sketch(v)::text, NULL, 'no rows') FROM (SELECT 1 AS v WHERE false) AS v;
SELECT is(merge(NULL, NULL::quantile_sketch)::text, NULL, 'nothing and nothing');
SELECT is(merge(latency, NULL)::text, latency::text, 'NULL is empty') FROM public.days WHERE tenant = 1;
SELECT is(merge(NULL, latency)::text, latency::text, 'on both sides') FROM public.days WHERE tenant = 1;
SELECT is(merge(v)::text, latency::text, 'NULL among merged sketches') FROM public.days, LATERAL (VALUES (NULL), (latency), (NULL)) AS v (v) WHERE tenant = 1 GROUP BY latency::text;

-- Quantiles of special values.
SELECT is(approx_percentile(quantile_sketch(v), ARRAY[0, 0.2, 0.4, 0.6, 0.8, 1, NULL]), '{-Infinity,-10.062111801242235,0,10.062111801242235,Infinity,NaN,NULL}', 'the order of SQL')
FROM unnest('{NaN,Infinity,10,0,-10,-Infinity}'::double precision[]) AS v;
SELECT is(approx_percentile(q, '{}'::double precision[]), '{}', 'no fraction, no value') FROM (SELECT quantile_sketch(1) AS q) AS q;
SELECT is(approx_percentile(subtract(q, q), 0.5), NULL, 'an empty sketch has no quantile') FROM (SELECT quantile_sketch(1) AS q) AS q;
SELECT is(approx_percentile_rank(subtract(q, q), 1), NULL, 'nor a rank') FROM (SELECT quantile_sketch(1) AS q) AS q;
SELECT is(approx_percentile_rank(quantile_sketch(n), 250), 0.251::double precision, 'rank, to the end of the bucket') FROM generate_series(1, 1000) AS n;
SELECT throws_ok(format('SELECT approx_percentile(quantile_sketch(1), %L::double precision)', f), '22003', 'a percentile must be between 0 and 1', 'no fraction: ' || f) FROM unnest(ARRAY['-0.01', '1.01', 'NaN', 'Infinity']) AS f;
SELECT throws_ok('SELECT approx_percentile(quantile_sketch(1), ARRAY[0.5, 2])', '22003', NULL, 'nor in an array');
SELECT is(subtract(merge(a, b), b)::text, a::text, 'subtracting undoes merging') FROM (SELECT (SELECT latency FROM public.days WHERE tenant = 1) AS a, (SELECT latency FROM public.days WHERE tenant = 2) AS b) AS s;
SELECT throws_ok('SELECT subtract(quantile_sketch(1), quantile_sketch(2))', '22023', 'the quantile sketch does not contain what is to be taken away', 'what is not there cannot be taken away');

-- Values that are equal in SQL are one.
SELECT is(approx_count_distinct(v), 1::bigint, 'numeric') FROM unnest('{1,1.0,1.000}'::numeric[]) AS v;
SELECT is(approx_count_distinct(v), 2::bigint, 'zero, and NaN') FROM unnest('{0,-0,NaN,NaN}'::double precision[]) AS v;
SELECT is(approx_count_distinct(v), 2::bigint, 'interval') FROM unnest('{24:00,1 day,30 days,1 mon}'::interval[]) AS v;
SELECT is(approx_count_distinct(v), 1::bigint, 'char(n)') FROM unnest(ARRAY['a'::char(3), 'a  '::char(3)]) AS v;
SELECT is(approx_count_distinct(v), 2::bigint, 'text') FROM unnest(ARRAY['a', 'a  ']) AS v;
SELECT is(approx_count_distinct(v), 3::bigint, 'boolean, with NULL') FROM (VALUES (true), (false), (NULL)) AS v (b), LATERAL (VALUES (b::text), ('x')) AS t (v);
SELECT is(distinct_sketch(a)::text, distinct_sketch(b)::text, 'whole numbers of any width are one') FROM (VALUES (5::smallint, 5::bigint), (-5, -5)) AS v (a, b);
SELECT is(distinct_sketch(a)::text, distinct_sketch(b)::text, 'texts of any kind are one') FROM (VALUES ('x'::text, 'x'::varchar), ('y', 'y')) AS v (a, b);
CREATE TYPE public.colour AS ENUM ('red', 'blue');
CREATE DOMAIN public.email AS text;
SELECT is(approx_count_distinct(v), 2::bigint, 'enum') FROM unnest('{red,blue,red}'::public.colour[]) AS v;
SELECT is(distinct_sketch_count(distinct_sketch(v)), 2::bigint, 'domain over text') FROM unnest('{a,b,a}'::public.email[]) AS v;
SELECT is(approx_count_distinct(v), 2::bigint, 'uuid') FROM unnest('{00000000-0000-0000-0000-000000000001,00000000-0000-0000-0000-000000000002,00000000-0000-0000-0000-000000000001}'::uuid[]) AS v;
SELECT is(approx_count_distinct(v), 2::bigint, 'date') FROM unnest('{2026-01-01,2026-01-02,2026-01-01}'::date[]) AS v;
SELECT throws_ok(format('SELECT approx_count_distinct(%s)', v), '0A000', NULL, 'refused: ' || v) FROM unnest(ARRAY['''{}''::jsonb', 'ARRAY[1]', '''(1,2)''::point', '''12:00+00''::timetz', 'ROW(1)']) AS v;
-- Kept forms are for ever: these bytes must never change.
SELECT is(distinct_sketch(v)::text, '\x4401000381f7219aee05d6f312', 'hashes of whole numbers') FROM unnest('{1,2,3}'::integer[]) AS v;
SELECT is(quantile_sketch(v)::text, '\x51010301b1ff0701b0ff0301ed04', 'buckets') FROM unnest('{0,1,1000}'::double precision[]) AS v;

-- Histograms.
SELECT is(histogram_counts(histogram_sketch(v, '{-1, 0, 10}')), '{2,2,2,3}', 'bounds belong below, NaN is above all') FROM unnest('{-Infinity,-1,-0.5,0,5,10,11,Infinity,NaN,NULL}'::double precision[]) AS v;
SELECT is(histogram_bounds(bars), '{30,50,100,200}', 'bounds') FROM public.days WHERE tenant = 1;
SELECT throws_ok(format('SELECT histogram_sketch(1, %L::double precision[])', b), '22023', NULL, 'bounds refused: ' || coalesce(b, 'NULL')) FROM unnest(ARRAY['{}', '{2,1}', '{1,1}', '{NaN}', '{1,Infinity}', '{1,NULL}', '{{1,2}}', NULL]) AS b;
SELECT throws_ok($$SELECT histogram_sketch(n, ARRAY[n]) FROM generate_series(1, 2) AS n$$, '22023', 'the bounds of a histogram must be the same for all its values', 'bounds that change');
SELECT throws_ok($$SELECT merge(histogram_sketch(1, '{1}'), histogram_sketch(1, '{2}'))$$, '22023', 'the histograms have different bounds', 'other bounds');

-- Most frequent texts.
SELECT results_eq($$SELECT value, count, error FROM top_k((SELECT top_k_sketch(v, 5) FROM unnest('{b,a,c,a,b,a,NULL,ä}'::text[]) AS v), 3)$$, $$VALUES ('a', 3::bigint, 0::bigint), ('b', 2, 0), ('c', 1, 0)$$, 'the most frequent first');
SELECT is_empty($$
    SELECT t.value FROM (SELECT top_k_sketch(page, 50) AS sketch FROM public.events) AS s, top_k(s.sketch, 10) AS t
    LEFT JOIN (SELECT page, count(*) AS exact FROM public.events GROUP BY page) AS e ON e.page = t.value WHERE e.exact IS NULL OR e.exact NOT BETWEEN t.count - t.error AND t.count
$$, 'true counts are within the error');
SELECT throws_ok(format('SELECT top_k_sketch(''a'', %L::integer)', c), '22023', NULL, 'capacity refused: ' || coalesce(c, 'NULL')) FROM unnest(ARRAY['0', '-1', '10001', NULL]) AS c;
SELECT throws_ok('SELECT top_k_sketch(repeat(''x'', 8193), 5)', '54000', NULL, 'too long a text');
SELECT throws_ok('SELECT * FROM top_k((SELECT top_k_sketch(''a'', 5)), -1)', '22023', NULL, 'a negative number');
SELECT throws_ok($$SELECT * FROM top_k('\x540105010001018001 00'::text::top_k_sketch, 1)$$, '22P02', NULL, 'no hexadecimal digits');
SELECT throws_ok($$SELECT * FROM top_k('\x54010501000101800100'::top_k_sketch, 1)$$, '22021', NULL, 'a text in no encoding');

-- Counters and levels.
SELECT is(ARRAY[delta(c), rate(c), resets(c)], '{14,0.35,1}', 'a counter that began again') FROM (
    SELECT counter_sketch('2026-01-01'::timestamptz + t * interval '1 s', v) AS c FROM (VALUES (40, 8.0), (0, 1.0), (10, 7.0), (20, 0.0), (NULL, 3.0), (30, NULL)) AS r (t, v)
) AS c;
SELECT is(rate(counter_sketch(now(), 5)), NULL, 'one reading has no rate');
SELECT is(delta(counter_sketch(now(), 5)), 0::double precision, 'and did not rise');
SELECT is(ARRAY[time_weighted_average(l), time_weighted_average(l, '2026-01-01 00:01:00+00')], '{10,15}', 'each value holds until the next') FROM (
    SELECT level_sketch('2026-01-01 00:00+00'::timestamptz + t * interval '1 s', v) AS l FROM (VALUES (30, 20.0), (0, 10.0)) AS r (t, v)
) AS l;
SELECT is(time_weighted_average(level_sketch('2026-01-01'::timestamptz + t * interval '1 s', v, 'linear')), 15::double precision, 'a straight line') FROM (VALUES (30, 20.0), (0, 10.0)) AS r (t, v);
SELECT is(time_weighted_average(level_sketch(now(), 5)), 5::double precision, 'one reading is the average');
SELECT throws_ok($$SELECT time_weighted_average(level_sketch('2026-01-02', 5), '2026-01-01')$$, '22023', NULL, 'an end before the last reading');
SELECT throws_ok($$SELECT counter_sketch(now(), -1)$$, '22003', NULL, 'a negative counter');
SELECT throws_ok($$SELECT level_sketch(now(), 'NaN')$$, '22003', NULL, 'NaN');
SELECT throws_ok($$SELECT level_sketch('infinity', 1)$$, '22023', NULL, 'a time without end');
SELECT throws_ok($$SELECT level_sketch(now(), 1, 'cubic')$$, '22023', 'unknown method of averaging', 'an unknown method');
SELECT throws_ok($$SELECT level_sketch(now(), 1, CASE n WHEN 1 THEN 'locf' ELSE 'linear' END) FROM generate_series(1, 2) AS n$$, '22023', NULL, 'methods that change');
SELECT throws_ok($$SELECT merge(c, c) FROM (SELECT counter_sketch('2026-01-01'::timestamptz + n * interval '1 s', n) AS c FROM generate_series(1, 3) AS n) AS c$$, '22023', 'sketches overlap in time', 'stretches that overlap');
SELECT throws_ok($$SELECT merge(level_sketch('2026-01-01', 1), level_sketch('2026-01-02', 1, 'linear'))$$, '22023', NULL, 'methods that differ');

SELECT * FROM finish();
ROLLBACK;
