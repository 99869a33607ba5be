-- Events of a week in the order of their time: 5 million in some 16,800 hour x tenant groups with skewed
-- tenants; and 2 million in 100 even groups. Latencies are log-normal. What is compared is a query each.
SET client_min_messages TO warning;
DROP SCHEMA IF EXISTS sketches_bench CASCADE;
CREATE SCHEMA sketches_bench;
SELECT setseed(0.5) \g /dev/null
CREATE UNLOGGED TABLE sketches_bench.many AS
SELECT
    timestamptz '2026-01-05 00:00+00' + n * interval '0.12096 seconds' AS at,
    (100 * power(random(), 1.6))::integer % 100 AS tenant,
    (1200000 * random())::bigint AS user_id,
    exp(3.5 + 0.8 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())) AS ms
FROM generate_series(0, 4999999) AS n;
CREATE UNLOGGED TABLE sketches_bench.few AS
SELECT
    n % 100 AS tenant,
    (300000 * random())::bigint AS user_id,
    exp(3.5 + 0.8 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())) AS ms
FROM generate_series(0, 1999999) AS n;
VACUUM ANALYZE sketches_bench.many, sketches_bench.few;

-- hll and tdigest are compared with where they are installed.
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS hll SCHEMA public;
    CREATE EXTENSION IF NOT EXISTS tdigest SCHEMA public;
EXCEPTION WHEN undefined_file OR feature_not_supported THEN
    RAISE NOTICE 'hll and tdigest are not installed';
END
$$;

CREATE TABLE sketches_bench.queries (
    ordinal integer NOT NULL,
    shape text NOT NULL,
    variant text NOT NULL,
    items bigint NOT NULL, -- what the time is divided by
    statement text NOT NULL,
    PRIMARY KEY (ordinal, variant)
);
CREATE TABLE sketches_bench.results (
    pass integer NOT NULL,
    ordinal integer NOT NULL,
    variant text NOT NULL,
    milliseconds double precision NOT NULL
);

CREATE FUNCTION sketches_bench.add(p_ordinal integer, p_shape text, p_items bigint, p_statement text, VARIADIC p_variants text[])
RETURNS void
LANGUAGE sql
AS $$
INSERT INTO sketches_bench.queries
SELECT p_ordinal, p_shape, v[1], p_items, replace(p_statement, '%', v[2])
FROM (SELECT p_variants[i:i + 1] AS v FROM generate_series(1, cardinality(p_variants), 2) AS i) AS v
WHERE v[2] NOT LIKE '%hll_%' OR to_regtype('public.hll') IS NOT NULL;
$$;
SELECT sketches_bench.add(
    s.ordinal, s.shape, s.rows, s.statement,
    'groups', 'count(*) AS x, sum(ms) AS y',
    'distinct_sketch', 'saas.distinct_sketch(user_id) AS x, 1 AS y',
    'quantile_sketch', 'saas.quantile_sketch(ms) AS x, 1 AS y',
    'both', 'saas.distinct_sketch(user_id) AS x, saas.quantile_sketch(ms) AS y',
    'exact', 'count(DISTINCT user_id) AS x, percentile_cont(0.95) WITHIN GROUP (ORDER BY ms) AS y',
    'others', 'public.hll_add_agg(public.hll_hash_bigint(user_id), 11) AS x, public.tdigest(ms, 100) AS y'
)
FROM (VALUES
    (1, 'many groups', 5000000, 'SELECT count(x), count(y) FROM (SELECT date_bin(''1 hour'', at, ''2026-01-01'') AS hour, tenant, % FROM sketches_bench.many GROUP BY 1, 2) AS g'),
    (2, 'few groups', 2000000, 'SELECT count(x), count(y) FROM (SELECT tenant, % FROM sketches_bench.few GROUP BY 1) AS g')
) AS s (ordinal, shape, rows, statement) \g /dev/null

-- The hours, for merging, sizes and errors.
SET work_mem TO '512MB';
SET max_parallel_workers_per_gather TO 0;
CREATE TABLE sketches_bench.hours AS
SELECT date_bin('1 hour', at, '2026-01-01') AS hour, tenant, saas.distinct_sketch(user_id) AS users,
    saas.quantile_sketch(ms) AS latency, count(*) AS rows
FROM sketches_bench.many GROUP BY 1, 2;
DO $$
BEGIN
    IF to_regtype('public.hll') IS NOT NULL THEN
        CREATE TABLE sketches_bench.other_hours AS
        SELECT date_bin('1 hour', at, '2026-01-01') AS hour, tenant,
            public.hll_add_agg(public.hll_hash_bigint(user_id), 11) AS users, public.tdigest(ms, 100) AS latency
        FROM sketches_bench.many GROUP BY 1, 2;
    ELSE
        CREATE TABLE sketches_bench.other_hours (hour timestamptz, tenant integer, users bytea, latency bytea);
    END IF;
END
$$;
CREATE TABLE sketches_bench.days AS
SELECT date_bin('1 day', hour, '2026-01-01') AS day, tenant, saas.merge(users) AS users, saas.merge(latency) AS latency
FROM sketches_bench.hours GROUP BY 1, 2;
VACUUM ANALYZE sketches_bench.hours, sketches_bench.other_hours;
SELECT sketches_bench.add(
    3, 'day from hour', (SELECT count(*) FROM sketches_bench.hours),
    'SELECT count(x) FROM (SELECT date_bin(''1 day'', hour, ''2026-01-01'') AS day, tenant, % GROUP BY 1, 2) AS g',
    'groups', 'sum(rows) AS x FROM sketches_bench.hours',
    'quantile_sketch', 'saas.merge(latency) AS x FROM sketches_bench.hours',
    'distinct_sketch', 'saas.merge(users) AS x FROM sketches_bench.hours',
    'hll', 'public.hll_union_agg(users) AS x FROM sketches_bench.other_hours',
    'tdigest', 'public.tdigest(latency) AS x FROM sketches_bench.other_hours -- hll_'
) \g /dev/null
UPDATE sketches_bench.queries SET statement = replace(statement, ' -- hll_', '');

CREATE PROCEDURE sketches_bench.measure(p_pass integer)
LANGUAGE plpgsql
AS $$
DECLARE
    v_query sketches_bench.queries;
    v_start timestamptz;
    v_answer record;
BEGIN
    FOR v_query IN SELECT * FROM sketches_bench.queries AS q ORDER BY q.ordinal, q.variant LOOP
        v_start := clock_timestamp();
        EXECUTE v_query.statement INTO v_answer;
        INSERT INTO sketches_bench.results
        VALUES (p_pass, v_query.ordinal, v_query.variant, 1000 * extract(epoch FROM clock_timestamp() - v_start));
    END LOOP;
END
$$;
