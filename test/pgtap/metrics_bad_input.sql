-- What makes no sense to the functions of metrics: each is refused with a state and a hint, or has a result that is defined.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
SELECT saas.create_team('Shop', 'shop', :'ann') AS shop \gset
SELECT saas.set_context(:'shop', :'ann') \g /dev/null
SET LOCAL TimeZone = 'UTC';
SELECT saas.record_product_events(:'shop', '[{"actor_id": "00000000-0000-0000-0000-000000000001", "name": "a", "at": "2026-01-05T10:00:00Z"}]') \g /dev/null
SELECT saas.record_service_measurement(:'shop', 'api', '{100,200}', 1, p_at => '2026-01-05') \g /dev/null
SELECT saas.subscribe(:'shop', gen_random_uuid(), saas.save_subscription_plan(:'shop', 'p', 'P', 1000, 'EUR'), p_at => '2026-01-05') \g /dev/null
-- ? is the team.
CREATE FUNCTION pg_temp.error_of(p_call text, OUT state text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'SELECT * FROM saas.' || replace(p_call, '?', quote_literal(saas.current_team_id()));
    state := 'none';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, hint = PG_EXCEPTION_HINT;
END
$$;
CREATE FUNCTION pg_temp.answer(p_call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_answer text;
BEGIN
    EXECUTE format('SELECT string_agg(r::text, '';'') FROM saas.%s AS r', replace(p_call, '?', quote_literal(saas.current_team_id()))) INTO v_answer;
    RETURN v_answer;
END
$$;

-- Refused, with a hint.
SELECT is(e.state || CASE e.hint WHEN '' THEN ' without a hint' ELSE '' END, '22023', 'refused: ' || c.call) FROM unnest(ARRAY[
    -- Counts that are none, groups without anybody, confidences.
    'conversion_test(-1, 10, 1, 10)', 'conversion_test(1, 10, -1, 10)', 'conversion_test(11, 10, 1, 10)', 'conversion_test(0, 0, 1, 10)', 'conversion_test(1, 10, 0, 0)', 'conversion_test(0, -1, 1, 10)',
    'conversion_test(1, 2, 1, 2, 0)', 'conversion_test(1, 2, 1, 2, 1)', 'conversion_test(1, 2, 1, 2, ''NaN'')', 'conversion_test(1, 2, 1, 2, ''Infinity'')', 'conversion_test(1, 2, 1, 2, -0.95)',
    'ab_test_result(?, NULL, ''a'', ''2026-01-01'', ''2026-02-01'')', 'ab_test_result(?, ''x'', NULL, ''2026-01-01'', ''2026-02-01'')', 'ab_test_result(?, ''x'', ''a'', ''2026-01-01'', ''2026-02-01'', p_window => ''-1 day'')',
    'ab_test_result(?, ''x'', ''a'', ''2026-01-01'', ''2026-02-01'', p_window => NULL)', 'ab_test_result(?, ''x'', ''a'', ''2026-01-01'', ''2026-02-01'', p_confidence => ''NaN'')', 'ab_test_result(?, ''x'', ''a'', ''2026-01-01'', ''2026-02-01'', p_confidence => NULL)',
    -- Thresholds and durations.
    'apdex(''{1}''::double precision[], 0)', 'apdex(''{1}''::double precision[], -1)', 'apdex(''{1}''::double precision[], ''NaN'')', 'apdex(''{1}''::double precision[], ''Infinity'')', 'apdex(''{-1}''::double precision[], 500)', 'apdex(''{NaN}''::double precision[], 500)', 'apdex(''{1,NULL}''::double precision[], 500)',
    'apdex((SELECT saas.quantile_sketch(1::double precision)), 0)', 'apdex((SELECT saas.quantile_sketch(1::double precision)), ''NaN'')', 'service_levels(?, ''2026-01-01'', ''2026-02-01'', -1)', 'service_levels(?, ''2026-01-01'', ''2026-02-01'', 500, 1)',
    -- Errors, requests, objectives.
    'burn_rate(-1, 10, 0.9)', 'burn_rate(1, -10, 0.9)', 'burn_rate(1, 0, 0.9)', 'burn_rate(11, 10, 0.9)', 'burn_rate(1, 10, 0)', 'burn_rate(1, 10, 1)', 'burn_rate(1, 10, 99.9)', 'burn_rate(1, 10, -0.9)', 'burn_rate(1, 10, ''NaN'')', 'burn_rate(1, 10, ''Infinity'')', 'slo_alerts(?, ''2026-01-05 00:30'', 2)',
    -- Names and labels of Prometheus.
    'prometheus_sample(NULL, ''{}'', 1)', 'prometheus_sample('''', ''{}'', 1)', 'prometheus_sample(''1a'', ''{}'', 1)', 'prometheus_sample(''a b'', ''{}'', 1)', 'prometheus_sample(E''a\nb'', ''{}'', 1)', 'prometheus_sample(''a'', ''{x}'', 1)', 'prometheus_sample(''a'', ''{x,1,x,2}'', 1)',
    'prometheus_sample(''a'', ''{__name__,1}'', 1)', 'prometheus_sample(''a'', ''{x-y,1}'', 1)', 'prometheus_sample(''a'', ''{NULL,1}'', 1)', 'prometheus_sample(''a'', ''{"x\"} 1",1}'', 1)', 'prometheus_sample(''a'', ''{{a,b},{c,d}}'', 1)',
    -- Periods of days.
    'business_metrics(?, ''2026-02-01'', ''2026-01-01'')', 'business_metrics(?, ''-infinity'', ''2026-01-01'')', 'business_metrics(?, ''2026-01-01'', ''infinity'')', 'business_metrics(?, ''1000-01-01'', ''2026-01-01'')', 'report_html(?, ''2026-02-01'', ''2026-01-01'')', 'report_html(?, ''2000-01-01'', ''2026-01-01'')',
    'monthly_revenue(?, ''-infinity'', ''2026-01-01'')', 'revenue_cohorts(?, ''2026-01-01'', ''infinity'')', 'active_users(?, ''1000-01-01'', ''2026-01-01'')', 'retention_cohorts(?, ''2026-01-01'', ''infinity'')', 'retention_cohorts(?, ''2026-01-01'', ''2026-02-01'', ''hour'')', 'retention_cohorts(?, ''2026-01-01'', ''2026-02-01'', NULL)',
    -- Spans of time.
    'product_sessions(?, ''2026-01-01'', ''2026-02-01'', ''0'')', 'product_sessions(?, ''2026-01-01'', ''2026-02-01'', ''-1 s'')', 'product_sessions(?, ''2026-01-01'', ''2026-02-01'', NULL)', 'session_summary(?, ''2026-01-01'', ''2026-02-01'', ''-1 s'')', 'session_summary(?, ''2026-01-01'', ''2026-02-01'', ''101 years'')',
    'session_summary(?, ''2026-01-01'', ''2026-02-01'', ''178000000 years'')', 'funnel(?, ''{a}'', ''2026-01-01'', ''2026-02-01'', ''-1 s'')', 'funnel(?, ''{a}'', ''2026-01-01'', ''2026-02-01'', ''178000000 years'')', 'funnel(?, ''{a}'', ''2026-01-01'', ''2026-02-01'', NULL)', 'funnel(?, ''{}'', ''2026-01-01'', ''2026-02-01'')',
    -- Series, events, points.
    'find_anomalies(''{2026-01-02,2026-01-01}'', ''{1,2}'')', 'find_anomalies(''{{2026-01-01},{2026-01-02}}'', ''{1,2}'')', 'find_anomalies(''{2026-01-01}'', ''{1,2}'')', 'find_anomalies(''{infinity}'', ''{1}'')', 'find_anomalies(''{2026-01-01}'', ''{1}'', ''UTC'', -1)',
    'record_product_events(?, ''{}'')', 'record_product_events(?, ''[{"actor_id": "00000000-0000-0000-0000-000000000001", "name": "a", "at": "infinity"}]'')', 'record_service_measurement(?, ''api'', ''{1}'', p_at => ''infinity'')', 'record_metrics(?, ''{}'')', 'record_metrics(?, ARRAY[''a''], ARRAY[1.0, 2.0])'
]) AS c (call) CROSS JOIN LATERAL pg_temp.error_of(c.call) AS e;
-- Refused by what rows and values may be.
SELECT is((pg_temp.error_of(c.call)).state, c.state, c.state || ': ' || c.call) FROM (VALUES
    ('find_anomalies(''{2026-01-01}'', ''{1}'', ''Nowhere'')', '22023'), ('find_anomalies(''{2026-01-01}'', ''{NaN}'')', '22023'), ('find_anomalies(''{2026-01-01}'', ''{1}'', ''UTC'', ''Infinity'')', '22023'), ('find_anomalies(array_fill(timestamptz ''2026-01-01'', ARRAY[20001]), array_fill(1::double precision, ARRAY[20001]))', '54000'),
    ('record_metric(?, ''a'', NULL)', '23502'), ('record_metric(?, NULL, 1)', '23502'), ('record_metric(?, '''', 1)', '23514'), ('record_metric(?, ''a'', ''NaN'')', '23514'), ('record_metric(?, ''a'', ''-Infinity'')', '23514'), ('record_metric(?, ''a'', 1, ''[]'')', '23514'), ('record_metric(?, ''a'', 1, NULL)', '23502'), ('record_metric(?, ''a'', 1, p_at => NULL)', '23502'),
    ('record_metrics(?, ''[{"metric": "a", "value": 1}, {"metric": "a", "value": "Infinity"}]'')', '23514'), ('record_metrics(?, ''[7]'')', '22023'), ('record_metrics(?, ARRAY[''a'', NULL], ARRAY[1.0, 2.0])', '23502'),
    ('calculate_daily_metrics(''infinity'')', '22008'), ('calculate_daily_metrics(''5874897-12-31'')', '22008'), ('team_daily_metrics(?, ''-infinity'')', '22008'), ('revenue_by_month(ROW(''{2026-01-01}'', ''{1}'', ''{2}'')::saas.revenue_steps, ''{2026-01-01,2026-02-01}'')', '22023'), ('revenue_by_month(ROW(''{2026-01-01}'', ''{1}'', NULL)::saas.revenue_steps, ''{2026-01-01,2026-02-01}'')', '22004'),
    ('revenue_by_month(ROW(''{2026-01-01}'', ''{1}'', ''{1}'')::saas.revenue_steps, ''{2026-02-01,2026-01-01}'')', '22023'), ('revenue_by_month(ROW(''{2026-01-01,2026-01-02}'', ''{1}'', ''{1}'')::saas.revenue_steps, ''{2026-02-01}'')', '22023')
) AS c (call, state);
SELECT throws_ok(c.call, c.state, NULL, c.call) FROM (VALUES
    ('SELECT saas.revenue_steps_of(gen_random_uuid(), 1, NULL, 1, NULL, 1)', '22004'), ('SELECT saas.revenue_steps_of(gen_random_uuid(), 1, ''infinity'', 1, NULL, 1)', '22023'), ('SELECT saas.revenue_steps_of(NULL, 1, now(), 1, NULL, 1)', '22004'),
    ('SELECT saas.revenue_steps_of(gen_random_uuid(), 1, now(), 9223372036854775807, NULL, 1) FROM generate_series(1, 2)', '22003'), ('SELECT saas.session_totals_of(gen_random_uuid(), now(), 0)', '22023'), ('SELECT saas.session_totals_of(NULL, now(), 1)', '22004'),
    ('SELECT saas.session_totals_of(md5(n::text)::uuid, now(), 1) FROM generate_series(1, 9) AS n', '22023'), ('SELECT saas.session_totals_of(md5(''1'')::uuid, now() - n * interval ''1 s'', 1) FROM generate_series(1, 9) AS n', '22023'), ('SELECT saas.session_totals_of(md5(''1'')::uuid, ''-infinity'', 1)', '22023'),
    ('SELECT saas.session_totals_of(md5(''1'')::uuid, now(), 1) OVER ()', '0A000')
) AS c (call, state);

-- NULL, nothing, and times without end have a result.
SELECT is(pg_temp.answer(c.call), c.answer, c.call || ' is ' || COALESCE(c.answer, 'nothing')) FROM (VALUES
    ('conversion_test(NULL, 10, 1, 10)', NULL), ('apdex(NULL::double precision[], 500)', NULL), ('apdex(''{1}''::double precision[], NULL)', NULL), ('apdex(''{}''::double precision[], 500)', NULL), ('apdex(''{1,Infinity}''::double precision[], 500)', '0.5000'),
    ('burn_rate(NULL, 10, 0.9)', NULL), ('burn_rate(0, 0, 0.9)', NULL), ('burn_rate(10, 10, 0.9)', '10.00'), ('prometheus_sample(''a'', ''{}'', NULL)', NULL), ('prometheus_sample(''a'', NULL, ''NaN'')', 'a NaN'), ('prometheus_sample(''a:b'', ''{x,NULL}'', ''-Infinity'')', 'a:b{x=""} -Inf'),
    ('business_metrics(?, NULL, ''2026-01-01'')', NULL), ('report_html(?, ''2026-01-01'', NULL)', NULL), ('calculate_daily_metrics(NULL)', NULL), ('team_daily_metrics(?, NULL)', NULL), ('monthly_revenue(?, NULL, NULL)', NULL), ('monthly_revenue(?, ''2026-03-01'', ''2026-01-01'')', NULL), ('revenue_cohorts(?, ''2026-03-01'', ''2026-01-01'')', NULL),
    ('active_users(?, NULL, ''2026-01-01'')', NULL), ('active_users(?, ''2026-03-01'', ''2026-01-01'')', NULL), ('retention_cohorts(?, ''2026-01-01'', NULL)', NULL), ('retention_cohorts(?, ''2026-03-01'', ''2026-01-01'')', NULL), ('product_sessions(?, ''2026-02-01'', ''2026-01-01'')', NULL),
    ('session_summary(?, ''2026-02-01'', ''2026-01-01'')', '(0,0,,,,)'), ('session_summary(?, NULL, ''2026-01-01'')', '(0,0,,,,)'), ('session_summary(?, ''-infinity'', ''infinity'')', '(1,1,1.00,1.00,0,1.0000)'), ('funnel(?, ''{a}'', NULL, ''2026-01-01'')', '(1,a,0,,,)'), ('funnel(?, ''{a}'', ''-infinity'', ''infinity'')', '(1,a,1,1.0000,1.0000,0)'),
    ('funnel(?, ''{a}'', ''-infinity'', ''infinity'', ''0'')', '(1,a,1,1.0000,1.0000,0)'), ('feature_adoption(?, NULL, NULL)', NULL), ('feature_adoption(?, ''2026-02-01'', ''2026-01-01'')', NULL), ('feature_adoption(?, ''-infinity'', ''infinity'')', '(a,1,1.0000,1,1,1.00)'), ('service_levels(?, ''2026-02-01'', ''2026-01-01'')', NULL), ('service_levels(?, NULL, NULL)', NULL),
    ('slo_alerts(?, NULL)', NULL), ('slo_alerts(?, ''infinity'')', NULL), ('team_anomalies(?, NULL, NULL)', NULL), ('team_anomalies(?, ''-infinity'', ''infinity'')', NULL), ('ab_test_result(?, ''x'', ''a'', ''2026-02-01'', ''2026-01-01'')', NULL), ('ab_test_result(?, ''x'', ''a'', NULL, NULL)', NULL), ('find_anomalies(NULL, NULL)', NULL), ('revenue_by_month(NULL, NULL)', NULL),
    ('revenue_by_month(ROW(''{}'', ''{}'', ''{}'')::saas.revenue_steps, ''{2026-01-01,2026-02-01}'')', '{}')
) AS c (call, answer);
SELECT is((SELECT saas.revenue_steps_of(gen_random_uuid(), 1, now(), 1, NULL, 1) WHERE false), NULL, 'of no states nothing');
SELECT is((SELECT saas.session_totals_of(gen_random_uuid(), now(), 1) WHERE false)::text, '(0,0,0,0,)', 'of no events no sessions');
-- One bad event can not make a report or a scan of hours endless.
SELECT saas.record_product_events(:'shop', '[{"actor_id": "00000000-0000-0000-0000-000000000001", "name": "a", "at": "0001-01-01T00:00:00Z"}]') \g /dev/null
SELECT is((pg_temp.error_of('team_anomalies(?, ''-infinity'', ''infinity'')')).state, '54000', 'two thousand years of days are refused');
SELECT ok(saas.report_html(:'shop', '2026-01-01', '2026-01-31') LIKE '%</html>', 'the report is of its own period');
-- Few requests are no alert where the caller says how many are few.
SELECT isnt_empty(format('SELECT * FROM saas.slo_alerts(%L, ''2026-01-05 00:01'', 0.9)', :'shop'), 'half of two requests failed');
SELECT is_empty(format('SELECT * FROM saas.slo_alerts(%L, ''2026-01-05 00:01'', 0.9, 3)', :'shop'), 'which may be too few to tell');
-- Another team's, for members of one: nothing, or 42501.
SELECT saas.set_context(:'blue', :'bob') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is_empty(format('SELECT * FROM saas.%s', replace(c.call, '?', quote_literal(:'shop'))), 'nothing of another team: ' || c.call) FROM unnest(ARRAY[
    'monthly_revenue(?, ''2026-01-01'', ''2026-02-01'')', 'revenue_cohorts(?, ''2026-01-01'', ''2026-02-01'')', 'service_levels(?, ''2026-01-01'', ''2026-02-01'')', 'slo_alerts(?, ''2026-01-05 00:01'', 0.9)', 'customer_revenue WHERE team_id = ?']) AS c (call);
SELECT throws_ok(format('SELECT * FROM saas.%s', replace(c.call, '?', quote_literal(:'shop'))), '42501', NULL, 'refused for another team: ' || c.call) FROM unnest(ARRAY[
    'record_metric(?, ''a'', 1)', 'record_metrics(?, ''[]'')', 'record_metrics(?, ARRAY[''a''], ARRAY[1.0])', 'team_daily_metrics(?, ''2026-01-05'')', 'business_metrics(?, ''2026-01-01'', ''2026-02-01'')', 'calculate_daily_metrics()', 'ab_test_result(?, ''x'', ''a'', ''2026-01-01'', ''2026-02-01'')',
    'set_revenue_policy(?)', 'business_product(?, ''2026-01-01'', ''2026-02-01'', ''UTC'')', 'business_technical(?, now(), now())', 'main_currency(?)', 'daily_payment_metrics(?, now(), now())']) AS c (call);
RESET ROLE;
SET LOCAL ROLE saas_anonymous;
SELECT throws_ok('SELECT ' || c.call, '42501', NULL, 'not for strangers: ' || c.call) FROM unnest(ARRAY['saas.revenue_by_month(ROW(''{}'', ''{}'', ''{}'')::saas.revenue_steps, ''{now}'')', 'saas.revenue_steps_of(NULL, NULL, NULL, NULL, NULL, NULL)', 'saas.session_totals_of(NULL, NULL, NULL)',
    'saas.conversion_test(1, 2, 1, 2)', 'saas.apdex(''{1}''::double precision[], 1)', 'saas.burn_rate(1, 2, 0.9)', 'saas.prometheus_sample(''a'', ''{}'', 1)', 'saas.span_microseconds(''1 s'', ''x'')', 'saas.prometheus_metrics()']) AS c (call);
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
