-- business_metrics(): every field that dashboards ask for is there, and each follows the rows that it is made from.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
SELECT saas.create_team('Shop', 'shop', :'ann') AS shop \gset
SELECT saas.set_context(:'shop', :'ann') \g /dev/null
SET LOCAL TimeZone = 'UTC';
-- The leaves of a document, by path.
CREATE FUNCTION pg_temp.leaves(p_document jsonb) RETURNS TABLE (path text, value jsonb) LANGUAGE sql AS $$
    WITH RECURSIVE nodes (path, value) AS (
        SELECT ''::text, p_document
        UNION ALL
        SELECT n.path || '.' || e.key, e.value FROM nodes AS n CROSS JOIN LATERAL jsonb_each(CASE jsonb_typeof(n.value) WHEN 'object' THEN n.value ELSE '{}' END) AS e
    )
    SELECT ltrim(n.path, '.'), n.value FROM nodes AS n WHERE jsonb_typeof(n.value) <> 'object' OR n.value = '{}'
$$;
CREATE TEMPORARY TABLE seen (document jsonb);
GRANT ALL ON seen TO saas_app;
-- What of the document changed since the last look, without what is said again for each currency.
CREATE FUNCTION pg_temp.changed() RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_now jsonb := saas.business_metrics(saas.current_team_id(), '2025-04-01', '2025-04-30');
    v_changed jsonb;
BEGIN
    SELECT COALESCE(jsonb_object_agg(n.path, n.value), '{}') INTO v_changed
    FROM pg_temp.leaves(v_now) AS n
    LEFT JOIN (SELECT l.* FROM seen AS s CROSS JOIN LATERAL pg_temp.leaves(s.document) AS l) AS b ON b.path = n.path
    WHERE b.value IS DISTINCT FROM n.value AND n.path NOT LIKE '%by_currency%';
    DELETE FROM seen;
    INSERT INTO seen VALUES (v_now);
    RETURN v_changed;
END
$$;
SELECT is(pg_temp.changed(), '{"period.from": "2025-04-01", "period.to": "2025-04-30", "period.time_zone": "UTC",
    "revenue.currency": null, "revenue.mrr": 0, "revenue.arr": 0, "revenue.growth_rate": null, "revenue.churn_rate": null,
    "product.active_users.daily": 0, "product.active_users.weekly": 0, "product.active_users.monthly": 0, "product.active_users.stickiness": null,
    "product.engagement.projects_generated": 0, "product.engagement.templates_used": 0, "product.engagement.export_rate": null,
    "technical.performance.response_time_p95": null, "technical.performance.error_rate": null, "technical.performance.uptime": null, "technical.performance.apdex": null, "technical.performance.cache_hit_rate": null,
    "technical.usage.api_calls": 0, "technical.usage.storage_used": null, "technical.usage.bandwidth": 0}', 'every field is there before there is anything; what has no base is null');
-- Rows one after another, and just the fields that they are for.
SELECT saas.save_subscription_plan(:'shop', 'p', 'P', 10000, 'USD') AS plan, saas.save_subscription_plan(:'shop', 'e', 'E', 500, 'EUR') AS euro \gset
SELECT saas.subscribe(:'shop', md5('a')::uuid, :'plan', p_at => '2025-03-10') AS a, saas.subscribe(:'shop', md5('b')::uuid, :'plan', p_at => '2025-03-10') AS b \gset
SELECT is(pg_temp.changed(), '{"revenue.currency": "USD", "revenue.mrr": 20000, "revenue.arr": 240000, "revenue.growth_rate": 0.0000, "revenue.churn_rate": 0.0000, "revenue.customer_churn_rate": 0.0000, "revenue.net_revenue_retention": 1.0000,
    "revenue.gross_revenue_retention": 1.0000, "revenue.quick_ratio": null, "revenue.arpa": 10000.00, "revenue.ltv": null, "revenue.customers": 2}', 'two subscriptions of the month before');
SELECT saas.change_subscription(:'shop', :'a', p_quantity => 4, p_at => '2025-04-10') \g /dev/null
SELECT is(pg_temp.changed(), '{"revenue.mrr": 50000, "revenue.arr": 600000, "revenue.growth_rate": 1.5000, "revenue.net_revenue_retention": 2.5000, "revenue.arpa": 25000.00}', 'one grows');
SELECT saas.set_subscription_status(:'shop', :'b', 'canceled', '2025-04-20') \g /dev/null
SELECT is(pg_temp.changed(), '{"revenue.mrr": 40000, "revenue.arr": 480000, "revenue.growth_rate": 1.0000, "revenue.churn_rate": 0.5000, "revenue.customer_churn_rate": 0.5000, "revenue.net_revenue_retention": 2.0000,
    "revenue.gross_revenue_retention": 0.5000, "revenue.quick_ratio": 3.0000, "revenue.arpa": 40000.00, "revenue.ltv": 80000.00, "revenue.customers": 1}', 'one goes');
SELECT saas.subscribe(:'shop', md5('c')::uuid, :'euro', p_at => '2025-04-21') \g /dev/null
SELECT is(pg_temp.changed(), '{}', 'another currency is not added to the main one');
SELECT is(saas.business_metrics(:'shop', '2025-04-01', '2025-04-30') #> '{revenue,by_currency,EUR,mrr}', '500', 'but is there by currency');
CREATE FUNCTION pg_temp.did(p_who text, p_name text, p_at text) RETURNS bigint LANGUAGE sql AS $$
    SELECT saas.record_product_events(saas.current_team_id(), jsonb_build_array(jsonb_build_object('actor_id', md5(p_who)::uuid, 'name', p_name, 'at', p_at)))
$$;
SELECT pg_temp.did('u', 'open', '2025-04-05 10:00+00') \g /dev/null
SELECT is(pg_temp.changed(), '{"product.active_users.monthly": 1, "product.active_users.stickiness": 0.0000}', 'somebody was there in the month');
SELECT pg_temp.did('v', 'open', '2025-04-25 10:00+00') \g /dev/null
SELECT is(pg_temp.changed(), '{"product.active_users.weekly": 1, "product.active_users.monthly": 2}', 'in the week');
SELECT pg_temp.did('v', 'project.generated', '2025-04-30 10:00+00'), pg_temp.did('v', 'project.generated', '2025-04-30 11:00+00') \g /dev/null
SELECT is(pg_temp.changed(), '{"product.active_users.daily": 1, "product.active_users.stickiness": 0.5000, "product.engagement.projects_generated": 2, "product.engagement.export_rate": 0.0000}', 'and on the last day, making projects');
SELECT pg_temp.did('v', 'project.exported', '2025-04-30 12:00+00') \g /dev/null
SELECT is(pg_temp.changed(), '{"product.engagement.export_rate": 0.5000}', 'one of which is exported');
SELECT pg_temp.did('v', 'template.used', '2025-04-01 00:00+00'), pg_temp.did('v', 'template.used', '2025-03-31 23:59:59+00') \g /dev/null
SELECT is(pg_temp.changed(), '{"product.engagement.templates_used": 1}', 'one template is used in the period');
SELECT saas.record_service_measurement(:'shop', 'api', array_fill(100::double precision, ARRAY[10]), 1, 3, 1, 100, 1, 700, NULL, '2025-04-10') \g /dev/null
SELECT is(pg_temp.changed() - 'technical.performance.response_time_p95', '{"technical.performance.error_rate": 0.100000, "technical.performance.uptime": 0.990000, "technical.performance.apdex": 1.0000, "technical.performance.cache_hit_rate": 0.7500,
    "technical.usage.api_calls": 10, "technical.usage.bandwidth": 700}', 'what a service did');
SELECT ok(abs((document #>> '{technical,performance,response_time_p95}')::numeric - 100) < 1, 'in about 100 ms') FROM seen;
SELECT saas.record_service_measurement(:'shop', 'api', '{}', p_seconds => 1, p_bytes_stored => 5000, p_at => '2025-04-11'), saas.record_service_measurement(:'shop', 'api', '{}', p_seconds => 1, p_bytes_stored => 4000, p_at => '2025-04-12'),
    saas.record_service_measurement(:'shop', 'files', '{}', p_seconds => 1, p_bytes_stored => 70, p_at => '2025-04-11') \g /dev/null
SELECT is(pg_temp.changed(), '{"technical.performance.uptime": 0.990291, "technical.usage.storage_used": 4070}', 'what each stored last');
SELECT saas.record_service_measurement(:'shop', 'api', '{1}', p_at => '2025-05-01'), pg_temp.did('w', 'project.generated', '2025-05-01 00:00+00'), saas.subscribe(:'shop', md5('d')::uuid, :'plan', p_at => '2025-05-01') \g /dev/null
SELECT is(pg_temp.changed(), '{}', 'what comes after the period is not in it');
-- Another team's rows change nothing.
SELECT saas.set_context(:'red', :'ann'), saas.record_service_measurement(:'red', 'api', '{1}', p_at => '2025-04-10'), saas.record_product_events(:'red', '[{"actor_id": "00000000-0000-0000-0000-000000000001", "name": "project.generated", "at": "2025-04-30T10:00:00Z"}]') \g /dev/null
SELECT saas.set_context(:'shop', :'ann') \g /dev/null
SELECT is(pg_temp.changed(), '{}', 'nor does what another team did');
-- The last day is the team's own, seven hours later in Los Angeles.
SELECT saas.set_revenue_policy(:'shop', 'stripe', '{}', 'America/Los_Angeles') \g /dev/null
SELECT is(pg_temp.changed() -> 'product.active_users.daily', '2', 'the first hours of May in UTC are the last day of April there');
SELECT * FROM finish();
ROLLBACK;
