-- Use of the product: active users, cohorts, sessions, funnels, adoption, conversion, by hand and by force.
BEGIN;
SELECT no_plan();
SELECT saas.create_user('owner@example.com', 'Owner') AS owner, saas.create_user('other@example.com', 'Other') AS other \gset
SELECT saas.create_team('Shop', 'shop', :'owner') AS shop, saas.create_team('Other', 'other', :'other') AS foreign \gset
SELECT saas.set_context(:'shop', :'owner') \g /dev/null
SET LOCAL TimeZone = 'UTC';
CREATE FUNCTION pg_temp.did(p_team uuid, p_who text, p_name text, p_at text, p_properties jsonb DEFAULT '{}') RETURNS bigint LANGUAGE sql AS $$
    SELECT saas.record_product_events(p_team, jsonb_build_array(
        jsonb_build_object('actor_id', md5(p_who)::uuid, 'name', p_name, 'at', p_at, 'properties', p_properties)))
$$;
SELECT pg_temp.did(:'shop', e.who, 'open', e.at) FROM (VALUES ('u1', '2025-04-01 10:00'), ('u1', '2025-04-01 10:20'), ('u1', '2025-04-01 10:50'),
    ('u1', '2025-04-01 11:21'), ('u1', '2025-04-02 09:00'), ('u1', '2025-04-09 09:00'), ('u2', '2025-04-01 23:59:59'), ('u3', '2025-03-05 08:00'), ('u3', '2025-04-09 08:00')) AS e (who, at) \g /dev/null

SELECT results_eq(format('SELECT to_char(day, ''DD''), daily, weekly, monthly FROM saas.active_users(%L, ''2025-04-01'', ''2025-04-09'') WHERE day IN (''2025-04-01'', ''2025-04-02'', ''2025-04-03'', ''2025-04-04'', ''2025-04-08'', ''2025-04-09'')', :'shop'),
    $$VALUES ('01', 2::bigint, 2::bigint, 3::bigint), ('02', 1, 2, 3), ('03', 0, 2, 3), ('04', 0, 2, 2), ('08', 0, 1, 2), ('09', 2, 2, 3)$$,
    'daily, weekly and monthly active users');
SELECT is((SELECT stickiness FROM saas.active_users(:'shop', '2025-04-09', '2025-04-09')), 0.6667, 'stickiness is daily by monthly');
SELECT is((SELECT stickiness FROM saas.active_users(:'shop', '2024-01-01', '2024-01-01')), NULL, 'which nobody has without users');
SELECT results_eq(format('SELECT to_char(cohort, ''MM''), period_number, users, active_users, retention FROM saas.retention_cohorts(%L, ''2025-03-01'', ''2025-05-31'')', :'shop'),
    $$VALUES ('03', 0, 1::bigint, 1::bigint, 1.0000), ('03', 1, 1, 1, 1.0000), ('03', 2, 1, 0, 0.0000), ('04', 0, 2, 2, 1.0000), ('04', 1, 2, 0, 0.0000)$$, 'cohorts by month');
SELECT results_eq(format('SELECT cohort::text, period_number, users, active_users FROM saas.retention_cohorts(%L, ''2025-04-01'', ''2025-04-13'', ''week'')', :'shop'),
    $$VALUES ('2025-03-31', 0, 2::bigint, 2::bigint), ('2025-03-31', 1, 2, 1)$$, 'and by week, from Monday; who came before the first is no member');
SELECT throws_ok(format('SELECT saas.retention_cohorts(%L, ''2025-04-01'', ''2025-04-13'', ''hour'')', :'shop'), '22023', NULL, 'not by hour');

SELECT results_eq(format('SELECT session_number, started_at, ended_at, events FROM saas.product_sessions(%L, ''2025-04-01'', ''2025-04-03'') WHERE actor_id = md5(''u1'')::uuid', :'shop'),
    $$VALUES (1::bigint, '2025-04-01 10:00+00'::timestamptz, '2025-04-01 10:50+00'::timestamptz, 3::bigint), (2, '2025-04-01 11:21+00', '2025-04-01 11:21+00', 1), (3, '2025-04-02 09:00+00', '2025-04-02 09:00+00', 1)$$,
    'a session ends when more than the gap passes');
SELECT results_eq(format('SELECT * FROM saas.session_summary(%L, ''2025-04-01'', ''2025-04-03'')', :'shop'),
    $$VALUES (4::bigint, 2::bigint, 2.00, 1.50, 0::double precision, 0.7500)$$, 'sessions in sum');
SELECT throws_ok(format('SELECT saas.product_sessions(%L, ''2025-04-01'', ''2025-04-03'', ''0'')', :'shop'), '22023', NULL, 'a gap is longer than nothing');

-- a: all in time; b: too slow for the last step; c: out of order; d: twice, the second time to the end.
SELECT pg_temp.did(:'shop', e.who, e.name, '2025-06-' || e.at) FROM (VALUES
    ('a', 'view', '01 10:00'), ('a', 'cart', '01 10:10'), ('a', 'buy', '01 11:00'),
    ('b', 'view', '01 10:00'), ('b', 'cart', '01 11:00'), ('b', 'buy', '02 10:01'),
    ('c', 'cart', '01 10:00'), ('c', 'view', '01 10:05'), ('c', 'buy', '01 10:10'),
    ('d', 'view', '01 10:00'), ('d', 'cart', '02 09:00'), ('d', 'view', '03 10:00'), ('d', 'cart', '03 10:30'), ('d', 'buy', '03 12:00'),
    ('e', 'buy', '01 10:00')) AS e (who, name, at) \g /dev/null
SELECT results_eq(format('SELECT * FROM saas.funnel(%L, ''{view,cart,buy}'', ''2025-06-01'', ''2025-07-01'', ''1 day'')', :'shop'),
    $$VALUES (1, 'view', 4::bigint, 1.0000, 1.0000, 0::double precision), (2, 'cart', 3, 0.7500, 0.7500, 3600), (3, 'buy', 2, 0.5000, 0.6667, 5400)$$,
    'a funnel: in order, within the window, in the best run');
SELECT results_eq(format('SELECT step, users FROM saas.funnel(%L, ''{view,view}'', ''2025-06-01'', ''2025-07-01'', ''7 days'')', :'shop'),
    $$VALUES (1, 4::bigint), (2, 1)$$, 'the same step twice takes two events');
SELECT results_eq(format('SELECT step, users, conversion_rate FROM saas.funnel(%L, ''{nothing,view}'', ''2025-06-01'', ''2025-07-01'')', :'shop'),
    $$VALUES (1, 0::bigint, NULL::numeric), (2, 0, NULL)$$, 'a funnel that nobody enters');
SELECT throws_ok(format('SELECT saas.funnel(%L, %L, now(), now())', :'shop', s.steps), '22023', NULL, 'no funnel: ' || COALESCE(s.steps, 'NULL'))
FROM (VALUES ('{}'), (NULL), ('{a,NULL}'), ('{{a,b},{c,d}}'), (array_fill('a'::text, ARRAY[31])::text)) AS s (steps);
SELECT results_eq(format('SELECT * FROM saas.feature_adoption(%L, ''2025-04-09'', ''2025-07-01'') LIMIT 3', :'shop'),
    $$VALUES ('buy'::text, 5::bigint, 0.7143, 5::bigint, 5::bigint, 1.00), ('cart', 4, 0.5714, 4, 5, 1.25), ('view', 4, 0.5714, 4, 5, 1.25)$$, 'adoption of each feature');
SELECT is((SELECT first_time_users FROM saas.feature_adoption(:'shop', '2025-04-09', '2025-07-01') WHERE name = 'open'), 0::bigint, 'of which open is no news');

-- 48 of 80 against 56 of 70: Newcombe's published example.
SELECT results_eq('SELECT rate_a, rate_b, round(lift::numeric, 4), round(z::numeric, 3), round(p_value::numeric, 4), round(lower::numeric, 4), round(upper::numeric, 4), significant, reliable FROM saas.conversion_test(48, 80, 56, 70)',
    $$VALUES (0.6::double precision, 0.8::double precision, 0.3333, 2.650, 0.0080, 0.0524, 0.3339, true, true)$$, 'a significant difference');
SELECT is((SELECT significant FROM saas.conversion_test(48, 80, 56, 70, 0.999)), false, 'not at 99.9 %');
SELECT throws_ok(s.call, '22023', NULL, s.call) FROM (VALUES ('SELECT saas.conversion_test(2, 1, 0, 1)'), ('SELECT saas.conversion_test(0, 0, 0, 1)'),
    ('SELECT saas.conversion_test(-1, 1, 0, 1)'), ('SELECT saas.conversion_test(1, 2, 1, 2, 1)'), ('SELECT saas.split_p_value(0, 0)')) AS s (call);

-- An experiment: 100 people a variant, 10 and 30 of whom buy; one sees both and counts for none; one buys too late.
SELECT pg_temp.did(:'shop', v.name || n, 'experiment.exposed', '2025-08-01', jsonb_build_object('experiment', 'colour', 'variant', v.name)),
    CASE WHEN n <= v.buys THEN pg_temp.did(:'shop', v.name || n, 'buy', '2025-08-02') END
FROM (VALUES ('control', 10), ('green', 30), ('red', 11)) AS v (name, buys) CROSS JOIN generate_series(1, 100) AS n \g /dev/null
SELECT pg_temp.did(:'shop', 'both', 'experiment.exposed', '2025-08-01', jsonb_build_object('experiment', 'colour', 'variant', v)) FROM unnest('{control,green}'::text[]) AS v \g /dev/null
SELECT pg_temp.did(:'shop', 'red99', 'buy', '2025-08-20'), pg_temp.did(:'shop', 'few1', 'experiment.exposed', '2025-08-01', '{"experiment": "colour", "variant": "few"}') \g /dev/null
SELECT results_eq(format('SELECT variant, users, conversions, conversion_rate, lift, round(p_value::numeric, 4), significant FROM saas.ab_test_result(%L, ''colour'', ''buy'', ''2025-08-01'', ''2025-09-01'')', :'shop'),
    $$VALUES ('control', 100::bigint, 10::bigint, 0.1000, NULL::numeric, NULL::numeric, NULL::boolean), ('few', 1, 0, 0.0000, -1.0000, 0.7390, false),
        ('green', 100, 30, 0.3000, 2.0000, 0.0004, true), ('red', 100, 11, 0.1100, 0.1000, 0.8176, false)$$, 'variants against the control');
SELECT results_eq(format('SELECT verdict FROM saas.ab_test_result(%L, ''colour'', ''buy'', ''2025-08-01'', ''2025-09-01'')', :'shop'), $$VALUES
    ('What the others are compared with.'), ('Too few people to tell.'), ('Better by 20.0 percentage points (9.0 to 30.6 with 95.0 % confidence).'),
    ('No difference shown: with 95.0 % confidence it lies between -7.8 and 9.8 percentage points.')$$, 'in words');
SELECT is_empty(format('SELECT saas.ab_test_result(%L, ''other'', ''buy'', ''2025-08-01'', ''2025-09-01'')', :'shop'), 'no experiment, no result');

-- Against counting by force, over random events, in a time zone with another day.
SELECT setseed(0.5), saas.set_revenue_policy(:'shop', 'stripe', '{}', 'Pacific/Auckland') \g /dev/null
INSERT INTO saas.product_events (team_id, actor_id, name, created_at)
SELECT :'shop', md5('r' || floor(random() * 40))::uuid, 'random', '2026-01-01 00:00+00'::timestamptz + random() * interval '70 days' FROM generate_series(1, 400);
SELECT results_eq(format('SELECT day, daily, weekly, monthly FROM saas.active_users(%L, ''2026-01-05'', ''2026-03-05'')', :'shop'), format($$
    SELECT g.day::date, c.daily, c.weekly, c.monthly
    FROM generate_series('2026-01-05'::timestamp, '2026-03-05', interval '1 day') AS g (day)
    CROSS JOIN LATERAL (
        SELECT count(DISTINCT e.actor_id) FILTER (WHERE e.local >= g.day) AS daily, count(DISTINCT e.actor_id) FILTER (WHERE e.local >= g.day - interval '6 days') AS weekly,
            count(DISTINCT e.actor_id) AS monthly
        FROM (SELECT actor_id, created_at AT TIME ZONE 'Pacific/Auckland' AS local FROM saas.product_events WHERE team_id = %L) AS e
        WHERE e.local >= g.day - interval '29 days' AND e.local < g.day + interval '1 day') AS c ORDER BY 1$$, :'shop'), 'the same as by force');

-- Who may record and see.
SELECT throws_ok(format('SELECT saas.record_product_events(%L, %L)', :'shop', e.events), e.state, NULL, 'no events: ' || COALESCE(e.events, 'NULL'))
FROM (VALUES ('{}', '22023'), (NULL, '22023'), ('[1]', '23502'), ('[{"name": "x"}]', '23502'), ('[{"actor_id": "x", "name": "x"}]', '22P02'),
    ('[{"actor_id": "00000000-0000-0000-0000-000000000001", "name": ""}]', '23514'),
    ('[{"actor_id": "00000000-0000-0000-0000-000000000001", "name": "x", "properties": []}]', '23514')) AS e (events, state);
SELECT saas.set_context(:'foreign', :'other') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT %s', replace(c.call, '?', quote_literal(:'shop'))), '42501', NULL, 'not another team''s: ' || c.call)
FROM (VALUES ('saas.active_users(?, current_date, current_date)'), ('saas.retention_cohorts(?, current_date, current_date)'), ('saas.product_sessions(?, now(), now())'),
    ('saas.session_summary(?, now(), now())'), ('saas.feature_adoption(?, now(), now())'), ('saas.funnel(?, ''{a}'', now(), now())'), ('saas.ab_test_result(?, ''a'', ''b'', now(), now())'),
    ('saas.record_product_events(?, ''[]'')'), ('saas.team_anomalies(?, now(), now())'), ('saas.business_metrics(?, current_date, current_date)'),
    ('saas.report_html(?, current_date, current_date)'), ('saas.record_service_measurement(?, ''api'', ''{1}'')'), ('saas.prometheus_metrics()'), ('saas.prometheus_samples(now(), ?)'), ('saas.prometheus_samples(now(), NULL)'), ('saas.prometheus_services(now(), ?)'),
    ('saas.prometheus_page(?)'), ('saas.prometheus_page(NULL)'), ('saas.prometheus_metrics(?)'), ('saas.prometheus_metrics(NULL)'), ('saas.team_daily_metrics(?, current_date)'), ('saas.daily_metrics(?, current_date)'),
    ('saas.calculate_daily_metrics()'), ('saas.report_revenue(''[]'', ''USD'', ''x'')'), ('saas.report_retention(?, current_date, current_date)'), ('saas.report_service(?, current_date, current_date, ''UTC'')'),
    ('saas.business_revenue(?, current_date, current_date)'), ('saas.product_time_zone(?)')) AS c (call);
SELECT is(saas.record_product_events(:'foreign', '[]'), 0::bigint, 'the own one');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
