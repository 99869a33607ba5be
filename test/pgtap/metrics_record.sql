-- Measured values: one, in batches, and their rollup.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql

SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT lives_ok(format('SELECT saas.record_metric(%L, ''cpu'', 0.5, ''{"host": "a"}'', ''2026-03-29 00:30+00'')', :'red'), 'one value');
SELECT is(saas.record_metrics(:'red', '[{"metric": "cpu", "value": 1.5, "at": "2026-03-29T01:30:00Z", "labels": {"host": "b"}}, {"metric": "ram", "value": 7, "at": "2026-03-29T01:30:00Z"}]'), 2::bigint, 'a batch of documents');
SELECT is(saas.record_metrics(:'red', ARRAY['cpu', 'cpu'], ARRAY[2.5, 3.5], ARRAY['2026-03-29 02:00+00', '2026-03-30 02:00+00']::timestamptz[]), 2::bigint, 'a batch of arrays');
SELECT is(saas.record_metrics(:'red', ARRAY['x'], ARRAY[1.0]), 1::bigint, 'a batch without times and labels');
SELECT is(saas.record_metrics(:'red', '[]'), 0::bigint, 'an empty batch');
SELECT is(saas.record_metrics(:'red', '{}'::text[], '{}'::double precision[]), 0::bigint, 'empty arrays');
SELECT is((SELECT saas.record_metrics(:'red', array_agg('bulk'::text), array_agg(n::double precision), array_agg('2026-04-01 00:00+00'::timestamptz + n * INTERVAL '0.5 seconds'))
    FROM generate_series(1, 20000) AS n), 20000::bigint, 'a large batch');

-- What is refused leaves nothing.
SELECT throws_ok(format('SELECT saas.record_metric(%L, ''cpu'', 1)', :'blue'), '42501', NULL, 'another team');
SELECT throws_ok(format('SELECT saas.record_metrics(%L, ''[{"metric": "cpu", "value": 1}]'')', :'blue'), '42501', NULL, 'a batch for another team');
SELECT throws_ok(format('SELECT saas.record_metrics(%L, ARRAY[''cpu''], ARRAY[1.0])', :'blue'), '42501', NULL, 'arrays for another team');
SELECT throws_ok('SELECT saas.record_metric(NULL, ''cpu'', 1)', '42501', NULL, 'no team');
SELECT throws_ok(format('SELECT saas.record_metrics(%L, ''[{"metric": "late", "value": 1}, {"metric": "late", "value": "x"}]'')', :'red'), '22P02', NULL, 'a value that is no number');
SELECT throws_ok(format('SELECT saas.record_metrics(%L, ''[{"metric": "late", "value": 1}, {"value": 1}]'')', :'red'), '23502', NULL, 'a point without a metric');
SELECT throws_ok(format('SELECT saas.record_metrics(%L, ''[{"metric": "late", "value": 1, "labels": []}]'')', :'red'), '23514', NULL, 'labels that are no object');
SELECT throws_ok(format('SELECT saas.record_metrics(%L, ''{"metric": "late"}'')', :'red'), '22023', NULL, 'points that are no array');
SELECT throws_ok(format('SELECT saas.record_metrics(%L, NULL::jsonb)', :'red'), '22023', NULL, 'no points');
SELECT throws_ok(format('SELECT saas.record_metrics(%L, ARRAY[''late''], ARRAY[1.0, 2.0])', :'red'), '22023', NULL, 'arrays that differ in length');
SELECT throws_ok(format('SELECT saas.record_metrics(%L, ARRAY[''late''], ARRAY[1.0], ARRAY[]::timestamptz[])', :'red'), '22023', NULL, 'too few times');
SELECT throws_ok(format('SELECT saas.record_metric(%L, ''late'', ''NaN'')', :'red'), '23514', NULL, 'NaN');
SELECT throws_ok(format('SELECT saas.record_metric(%L, ''late'', ''Infinity'')', :'red'), '23514', NULL, 'infinity');
SELECT throws_ok(format('SELECT saas.record_metric(%L, ''late'', NULL)', :'red'), '23502', NULL, 'no value');
SELECT throws_ok(format('SELECT saas.record_metric(%L, repeat(''x'', 201), 1)', :'red'), '23514', NULL, 'a name that is too long');
SELECT throws_ok('INSERT INTO saas.usage_metrics (team_id, metric, value) VALUES (saas.current_team_id(), ''late'', 1)', '42501', NULL, 'nobody writes the table but functions');
SELECT is((SELECT count(*) FROM saas.usage_metrics WHERE metric = 'late'), 0::bigint, 'of what was refused nothing is there');
RESET ROLE;
SELECT saas.add_team_member(:'red', :'bob', 'viewer') \g /dev/null
SELECT saas.set_context(:'red', :'bob') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.record_metric(%L, ''cpu'', 1)', :'red'), '42501', NULL, 'viewers record nothing');
RESET ROLE;

-- The rollup that comes with the package.
SELECT saas.refresh_rollups('usage_metrics') \g /dev/null
SELECT saas.set_context(:'red', :'ann'), saas.set_rollup_calendar(:'red', 'Europe/Berlin') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT results_eq($$SELECT granularity, starts_at, points, total, lowest, highest, latest FROM saas.metric_rollups WHERE metric = 'cpu' ORDER BY 1, 2$$, $$VALUES
    ('day', '2026-03-28 23:00+00'::timestamptz, 3::bigint, 4.5::double precision, 0.5::double precision, 2.5::double precision, 2.5::double precision),
    ('day', '2026-03-29 22:00+00', 1, 3.5, 3.5, 3.5, 3.5),
    ('hour', '2026-03-29 00:00+00', 1, 0.5, 0.5, 0.5, 0.5),
    ('hour', '2026-03-29 01:00+00', 1, 1.5, 1.5, 1.5, 1.5),
    ('hour', '2026-03-29 02:00+00', 1, 2.5, 2.5, 2.5, 2.5),
    ('hour', '2026-03-30 02:00+00', 1, 3.5, 3.5, 3.5, 3.5),
    ('month', '2026-02-28 23:00+00', 4, 8, 0.5, 3.5, 3.5),
    ('week', '2026-03-22 23:00+00', 3, 4.5, 0.5, 2.5, 2.5),
    ('week', '2026-03-29 22:00+00', 1, 3.5, 3.5, 3.5, 3.5)$$, 'a day of 23 hours in the time zone of the team, before any refresh');
SELECT is((SELECT count(*) FROM saas.metric_rollups WHERE team_id <> :'red'), 0::bigint, 'of the own team alone');
SELECT is((SELECT round(saas.approx_percentile(m.quantiles, 0.5)::numeric, -2) BETWEEN 9900 AND 10100 FROM saas.metric_rollups AS m WHERE m.metric = 'bulk' AND m.granularity = 'month'), true, 'quantiles');
RESET ROLE;
SELECT saas.clear_context() \g /dev/null
SELECT ok((SELECT f.problem IS NULL AND f.hours > 0 FROM saas.refresh_rollups('usage_metrics') AS f), 'refreshed');
SELECT is((SELECT sum(points) FROM saas.usage_metrics_month WHERE team_id = :'red'), (SELECT count(*)::numeric FROM saas.usage_metrics WHERE team_id = :'red'), 'no value is missing');
DELETE FROM saas.teams WHERE id = :'red';
SELECT is((SELECT count(*) FROM saas.usage_metrics WHERE team_id = :'red') + (SELECT count(*) FROM saas.usage_metrics_hour WHERE team_id = :'red'), 0::bigint, 'values go with their team');
SELECT is((SELECT f.problem FROM saas.refresh_rollups('usage_metrics') AS f), NULL, 'and what they changed needs no refresh');

SELECT * FROM finish();
ROLLBACK;
