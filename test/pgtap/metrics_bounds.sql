-- Metrics and subscriptions at the edges: time without end, clocks that change, figures out of scale.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
SELECT saas.create_team('Edge', 'edge', :'ann') AS edge \gset
SELECT saas.set_context(:'edge', :'ann') \g /dev/null
SET LOCAL TimeZone = 'UTC';
SELECT saas.save_subscription_plan(:'edge', 'basic', 'Basic', 1000, 'EUR') AS basic,
    saas.save_subscription_plan(:'edge', 'other', 'Other', 2000, 'EUR') AS other,
    saas.save_subscription_plan(:'edge', 'yen', 'Yen', 1000000000000, 'JPY', 'day') AS yen \gset

-- Periods end at the same moment wherever it is said.
SET LOCAL TimeZone = 'Pacific/Auckland';
SELECT saas.subscribe(:'edge', gen_random_uuid(), :'basic', p_at => '2025-01-31 18:00+00') AS clamped \gset
SET LOCAL TimeZone = 'UTC';
SELECT is((SELECT current_period_end FROM saas.subscriptions WHERE id = :'clamped'), timestamptz '2025-02-28 18:00+00', 'a period of a month from the 31st ends with the month, in any session');
-- A paid period begins where a trial ends.
SELECT saas.subscribe(:'edge', gen_random_uuid(), :'basic', p_at => '2025-03-01', p_trial_days => 14) AS tried \gset
SELECT is((SELECT current_period_end FROM saas.subscriptions WHERE id = :'tried'), timestamptz '2025-03-15', 'the first period is the trial');
SELECT saas.set_subscription_status(:'edge', :'tried', 'active', '2025-03-15') \g /dev/null
SELECT is((SELECT ROW(current_period_start, current_period_end)::text FROM saas.subscriptions WHERE id = :'tried'), ROW(timestamptz '2025-03-15', timestamptz '2025-04-15')::text, 'the next a month of the plan');
SELECT saas.set_revenue_policy(:'edge', 'chartmogul') \g /dev/null
SELECT saas.set_subscription_status(:'edge', :'tried', 'canceled', '2025-03-20') \g /dev/null
SELECT is((SELECT m.at FROM saas.mrr_movements AS m JOIN saas.subscriptions AS s ON s.customer_id = m.customer_id WHERE s.id = :'tried' AND m.kind = 'churn'), timestamptz '2025-04-15', 'churn is at the end of what was paid');
SELECT saas.set_revenue_policy(:'edge') \g /dev/null
-- Plans that are no longer sold, and ends of discounts that are none.
SELECT saas.save_subscription_plan(:'edge', 'other', 'Other', 2000, 'EUR', p_is_active => false) \g /dev/null
SELECT throws_ok(format('SELECT saas.change_subscription(%L, %L, %L)', :'edge', :'clamped', :'other'), '22023', NULL, 'nobody changes to a plan that is not sold any more');
SELECT lives_ok(format('SELECT saas.change_subscription(%L, %L, %L, 0)', :'edge', :'clamped', :'basic'), 'its own plan stays, also for nothing');
SELECT throws_ok(format('SELECT saas.change_subscription(%L, %L, p_discount_ends_at => now())', :'edge', :'clamped'), '22023', NULL, 'the end of no discount is refused instead of ignored');
SELECT throws_ok(format('SELECT saas.change_subscription(%L, %L, p_discount_basis_points => 10001)', :'edge', :'clamped'), '23514', NULL, 'a discount above all is refused');
SELECT throws_ok(format('SELECT saas.subscribe(%L, gen_random_uuid(), %L, p_at => ''infinity'')', :'edge', :'basic'), '23514', NULL, 'nothing begins at the end of time');
SELECT throws_ok(format('SELECT saas.subscribe(%L, gen_random_uuid(), %L, 1000000001)', :'edge', :'yen'), '23514', NULL, 'nor for more than there is');

-- Series of months and days have an end.
SELECT throws_ok(format('SELECT * FROM saas.%s', q), '22023', 'a period has finite days, and not more than a hundred years of them', q)
FROM unnest(ARRAY[
    format('monthly_revenue(%L, ''2025-01-01'', ''infinity'')', :'edge'), format('monthly_revenue(%L, ''-infinity'', ''2025-01-01'')', :'edge'),
    format('monthly_revenue(%L, ''0001-01-01'', ''9999-12-31'')', :'edge'), format('revenue_cohorts(%L, ''2025-01-01'', ''infinity'')', :'edge'),
    format('active_users(%L, ''2025-01-01'', ''infinity'')', :'edge'), format('retention_cohorts(%L, ''2025-01-01'', ''infinity'')', :'edge')
]) AS q;
SELECT throws_ok(format('SELECT saas.record_product_events(%L, ''[{"actor_id": "%s", "name": "x", "at": "%s"}]'')', :'edge', gen_random_uuid(), at), '22023', 'times of events are finite', 'no event at ' || at)
FROM unnest(ARRAY['infinity', '-infinity']) AS at;
SELECT throws_ok(format('SELECT saas.record_service_measurement(%L, ''api'', ''{1}'', p_at => ''-infinity'')', :'edge'), '22023', NULL, 'no measurement before all time');
SELECT throws_ok(format('SELECT saas.record_service_measurement(%L, ''api'', ''{%s}'')', :'edge', ms), '22023', NULL, 'no duration of ' || ms)
FROM unnest(ARRAY['1e308', 'NaN', 'Infinity', '-1', 'NULL']) AS ms;
SELECT throws_ok(format('SELECT * FROM saas.%s(%L, ''2025-01-01'', ''2026-01-01'', %s)', f, :'edge', gap), '22023', NULL, f || ' with a gap of ' || gap)
FROM unnest(ARRAY['product_sessions', 'session_summary']) AS f, unnest(ARRAY['NULL', '''0''', '''-1 hour''']) AS gap;
SELECT throws_ok(format('SELECT * FROM saas.funnel(%L, ''{a}'', ''2025-01-01'', ''2026-01-01'', NULL)', :'edge'), '22023', NULL, 'a funnel without a window');
SELECT throws_ok('SELECT * FROM saas.find_anomalies(ARRAY[timestamptz ''-infinity'', ''infinity''], ''{1,2}'')', '22023', NULL, 'a series without an end');

-- The amount of a month, natively.
SELECT is(saas.monthly_amount(12000, 0, 0, 100, 1, 10000, 10000), 1000::bigint, 'a year by twelve');
SELECT is(saas.monthly_amount(NULL, 0, 0, 100, 1, 10000, 10000), NULL::bigint, 'NULL of NULL');
SELECT throws_ok('SELECT saas.monthly_amount(1, 0, 0, 100, 0, 10000, 10000)', '22023', NULL, 'no interval is refused');
SELECT throws_ok('SELECT saas.monthly_amount(9223372036854775807, 0, 0, 100, 1, 10000, 10000)', '22023', NULL, 'and what would overflow');

-- Numbers of every size are said in words and shown.
SELECT is(saas.plain_number(0.0004), '4.00e-04', 'small numbers');
SELECT is(saas.plain_number(-1e300), '-1.00e+300', 'large ones');
SELECT isnt_empty('SELECT * FROM saas.find_anomalies(
    (SELECT array_agg(timestamptz ''2026-01-01'' + i * interval ''1 hour'') FROM generate_series(1, 90) AS i),
    (SELECT array_agg(CASE WHEN i = 50 THEN 0.0009 ELSE 0.0001 + i % 3 * 0.00001 END) FROM generate_series(1, 90) AS i)
) WHERE explanation LIKE ''9.00e-04 is more than the usual 1.%e-04 on %''', 'a small share is unusual in words');
SELECT saas.subscribe(:'edge', md5(n::text)::uuid, :'yen', p_at => '2025-01-10') FROM generate_series(1, 40) AS n \g /dev/null
SELECT ok(saas.report_html(:'edge', '2025-01-01', '2025-03-31') LIKE '%<dd>1,216,666,666,666,680</dd>%', 'revenue beyond 10^15 of a currency without decimals');
SELECT ok(saas.report_html(:'edge', '2025-01-01', '2025-03-31') NOT LIKE '%##%', 'and no figure that does not fit');

-- Clocks that change: each hour has its events, none is doubled, and the hour that has only begun is left out.
SELECT saas.set_revenue_policy(:'edge', 'stripe', '{}', 'Europe/Berlin') \g /dev/null
SELECT saas.record_product_events(:'edge', (
    SELECT jsonb_agg(jsonb_build_object('actor_id', md5(i::text)::uuid, 'name', 'tick', 'at', timestamptz '2025-10-20 00:05+00' + (i / 6) * interval '1 hour'))
    FROM generate_series(0, 6 * 24 * 12 - 1) AS i
)) \g /dev/null
SELECT saas.record_product_events(:'edge', jsonb_build_array(jsonb_build_object('actor_id', md5('1')::uuid, 'name', 'tick', 'at', '2025-11-01T00:01:00Z'))) \g /dev/null
SELECT is_empty(format('SELECT * FROM saas.team_anomalies(%L, ''2025-10-20'', ''2025-11-01 00:30+00'')', :'edge'), 'nothing unusual in a steady stream over the end of summer time');
SELECT saas.record_product_events(:'edge', (
    SELECT jsonb_agg(jsonb_build_object('actor_id', md5(i::text)::uuid, 'name', 'tick', 'at', timestamptz '2025-03-24 00:05+00' + (i / 6) * interval '1 hour'))
    FROM generate_series(0, 6 * 24 * 12 - 1) AS i
)) \g /dev/null
SELECT is_empty(format('SELECT * FROM saas.team_anomalies(%L, ''2025-03-24'', ''2025-04-05'')', :'edge'), 'nor over its begin');

-- Who was exposed before is not of the time asked for.
SELECT saas.record_product_events(:'edge', (
    SELECT jsonb_agg(jsonb_build_object('actor_id', md5(a)::uuid, 'name', 'experiment.exposed', 'at', t, 'properties', jsonb_build_object('experiment', 'e', 'variant', v)))
    FROM (VALUES ('p', '2025-05-01', 'control'), ('p', '2025-06-02', 'control'), ('q', '2025-06-03', 'control')) AS x (a, t, v)
)) \g /dev/null
SELECT is((SELECT users FROM saas.ab_test_result(:'edge', 'e', 'goal', '2025-06-01', '2025-07-01')), 1::bigint, 'only the first exposure counts');

-- What people call themselves and their services runs nowhere in the page.
UPDATE saas.teams SET name = '</title><script>alert(1)</script>&"''' WHERE id = :'edge';
SELECT saas.record_service_measurement(:'edge', '"><img src=x onerror=alert(1)>''' || E'\u202e', '{1,2}', p_at => '2025-02-01') \g /dev/null
SELECT unalike(saas.report_html(:'edge', '2025-01-01', '2025-03-31'), '%<script%', 'no script');
SELECT unalike(saas.report_html(:'edge', '2025-01-01', '2025-03-31'), '%<img%', 'no element of others');
SELECT doesnt_match(saas.report_html(:'edge', '2025-01-01', '2025-03-31'), '&(?!amp;|lt;|gt;|quot;|#39;)', 'every ampersand is of an entity');
SELECT is((saas.report_html(:'edge', '2025-01-01', '2025-03-31') LIKE '%&lt;script&gt;%'), true, 'the name is there as text');

SELECT saas.set_context(:'blue', :'bob') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.report_html(%L, ''2025-01-01'', ''2025-03-31'')', :'edge'), '42501', NULL, 'another team sees no report');
SELECT is_empty(format('SELECT * FROM saas.subscription_mrr WHERE team_id = %L', :'edge'), 'nor what subscriptions are worth');
SELECT is_empty(format('SELECT * FROM saas.revenue_proof WHERE team_id = %L', :'edge'), 'nor the proof');
RESET ROLE;
SET LOCAL ROLE saas_anonymous;
SELECT throws_ok('SELECT saas.monthly_amount(1, 0, 0, 100, 1, 10000, 10000)', '42501', NULL, 'strangers compute nothing');
SELECT throws_ok('SELECT * FROM saas.mrr_movements', '42501', NULL, 'nor read movements');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
