-- Aggregates over histories: parts that parallel workers make add up, and nothing else calls their functions.
BEGIN;
SELECT no_plan();
SET LOCAL TimeZone = 'UTC';
CREATE TABLE public.states AS
SELECT md5((i % 300)::text)::uuid AS subscription, i / 300 AS revision, timestamptz '2026-01-01' + i / 300 * interval '5 days' + i % 7 * interval '1 hour' AS at, (i * 37 % 90)::bigint AS mrr,
    CASE WHEN i % 3 = 0 THEN timestamptz '2026-01-03' + i / 300 * interval '5 days' END AS ends, (100 + i % 10)::bigint AS later, md5((i % 40)::text)::uuid AS customer, repeat('x', 100) AS filler
FROM generate_series(0, 29999) AS i;
ALTER TABLE public.states SET (parallel_workers = 3);
ANALYZE public.states;
SET LOCAL jit = off;
SET LOCAL max_parallel_workers_per_gather = 0;
CREATE TEMPORARY TABLE alone AS
SELECT s.customer, saas.revenue_steps_of(s.subscription, s.revision, s.at, s.mrr, s.ends, s.later) AS steps FROM public.states AS s GROUP BY s.customer;
SELECT ok((SELECT count(*) = 40 AND min(cardinality((a.steps).times)) > 20 FROM alone AS a), 'one process alone');
SET LOCAL max_parallel_workers_per_gather = 3;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
PREPARE together AS SELECT s.customer, saas.revenue_steps_of(s.subscription, s.revision, s.at, s.mrr, s.ends, s.later) AS steps FROM public.states AS s GROUP BY s.customer;
CREATE FUNCTION pg_temp.plan() RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) EXECUTE together'; END $$;
SELECT isnt_empty($$SELECT p FROM pg_temp.plan() AS p WHERE p LIKE '%Partial HashAggregate%' OR p LIKE '%Partial GroupAggregate%'$$, 'workers make parts of it');
SELECT set_eq('EXECUTE together', 'SELECT * FROM alone', 'and the parts make the same');
-- Sessions have an order, so parts of them are of different people, or refused.
CREATE TEMPORARY TABLE events AS SELECT md5((i % 9)::text)::uuid AS person, timestamptz '2026-01-01' + i * interval '7 minutes' AS at FROM generate_series(1, 200) AS i;
SELECT is((SELECT saas.session_totals_of(o.person, o.at, 3600000000) FROM (SELECT * FROM events ORDER BY person, at) AS o)::text, '(200,9,200,200,0)', 'in order, one process');
SELECT throws_ok('SELECT saas.session_totals_of(e.person, e.at, 1) FROM events AS e', '22023', NULL, 'not in any order');
-- Nobody makes a state by hand.
SELECT throws_ok('SELECT saas.' || c.call, '0A000', NULL, 'refused outside: ' || c.call) FROM unnest(ARRAY['revenue_steps_add(NULL, gen_random_uuid(), 1, now(), 1, NULL, 1)', 'revenue_steps_add(''\x00'', gen_random_uuid(), 1, now(), 1, NULL, 1)', 'revenue_steps_combine(''\x00'', ''\x00'')', 'revenue_steps_combine(NULL, ''\x00'')',
    'revenue_steps_final(''\x00'')', 'session_totals_add(NULL, gen_random_uuid(), now(), 1)', 'session_totals_combine(''\x00'', ''\x00'')', 'session_totals_final(''\x00'')']) AS c (call);
-- Not by an aggregate of one's own either.
CREATE AGGREGATE public.forged(bytea) (SFUNC = saas.revenue_steps_combine, STYPE = bytea, FINALFUNC = saas.revenue_steps_final);
CREATE AGGREGATE public.forged_sessions(bytea) (SFUNC = saas.session_totals_combine, STYPE = bytea, FINALFUNC = saas.session_totals_final);
SELECT throws_ok(format('SELECT public.%s(v) FROM (VALUES (%L::bytea), (%L::bytea)) AS t (v)', f, v, v), '22023', NULL, f || ' of ' || left(v, 40))
FROM unnest('{forged,forged_sessions}'::text[]) AS f, unnest(ARRAY['\x', '\x00', '\x31545352ffffffffffffffff', '\x31545352' || repeat('00', 8) || 'ff', '\x314e535301000000000000', '\x' || repeat('ff', 300)]) AS v;
SELECT * FROM finish();
ROLLBACK;
