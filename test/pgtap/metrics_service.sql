-- Services, anomalies, the team in one document, Prometheus and the report.
BEGIN;
SELECT no_plan();
\ir include/product.sql
-- Hand figures: durations 100 to 1000 ms, two of ten failed.
SELECT saas.record_service_measurement(:'shop', 'shop', '{100,200,300,400,500,600,700,800,900,3000}', 2, 3, 1, 100, 1, 10, 20, '2025-01-01 00:00+00') \g /dev/null
SELECT results_eq(format('SELECT service, requests, error_rate, apdex, uptime, burn_rate, cache_hit_rate FROM saas.service_levels(%L, ''2025-01-01'', ''2025-01-02'')', :'shop'),
    $$VALUES ('shop'::text, 10::bigint, 0.200000, 0.7000, 0.990000, 200.00, 0.7500)$$, 'rates of a service');
SELECT ok((SELECT abs(p50 - 550) < 6 AND abs(p95 - 2055) < 20 FROM saas.service_levels(:'shop', '2025-01-01', '2025-01-02')), 'and its durations');
SELECT is(saas.apdex('{100,200,300,400,500,600,700,800,900,3000}'::double precision[], 500), 0.7000, 'Apdex of durations: five satisfied, four tolerating');
SELECT is(saas.apdex('{}'::double precision[], 500), NULL, 'of none');
SELECT is(saas.burn_rate(5, 1000, 0.99), 0.50, 'half the errors that the objective allows');
SELECT is(saas.burn_rate(0, 0, 0.99), NULL, 'nothing burns without requests');
SELECT throws_ok('SELECT saas.burn_rate(1, 1, 1)', '22023', NULL, 'no objective');
SELECT throws_ok(format('SELECT saas.record_service_measurement(%L, ''x'', %L)', :'shop', l), '22023', NULL, 'no durations: ' || l) FROM unnest('{"{-1}","{NaN}","{Infinity}","{NULL}"}'::text[]) AS l;
SELECT throws_ok(format('SELECT saas.record_service_measurement(%L, ''x'', ''{1}'', 2)', :'shop'), '23514', NULL, 'no more errors than requests');

-- Half of an hour's requests failed: both windows burn until the hour is over.
SELECT results_eq(format('SELECT service, severity, long_burn_rate, short_burn_rate FROM saas.slo_alerts(%L, ''2025-04-15 14:01+00'') WHERE threshold > 10', :'shop'),
    $$VALUES ('api'::text, 'page'::text, 496.77, 496.77)$$, 'a burning service pages');
SELECT is_empty(format('SELECT * FROM saas.slo_alerts(%L, ''2025-04-15 14:01+00'', 0.4) WHERE severity = ''page''', :'shop'), 'not where the objective allows that');
SELECT is_empty(format('SELECT * FROM saas.slo_alerts(%L, ''2025-04-17 14:01+00'') WHERE severity = ''page''', :'shop'), 'nor long after');

-- Anomalies: the outage's rush, and the level of latency from the 20th on.
CREATE TEMPORARY TABLE found AS SELECT * FROM saas.team_anomalies(:'shop', '2025-03-01', '2025-05-01');
SELECT results_eq($$SELECT series, kind FROM found WHERE at = '2025-04-15 14:00+00' AND kind = 'outlier' AND series LIKE 'requests%'$$, $$VALUES ('requests of api'::text, 'outlier'::text)$$, 'the rush is found');
SELECT matches((SELECT explanation FROM found WHERE at = '2025-04-15 14:00+00' AND kind = 'outlier' AND series LIKE 'requests%'), '^1[56]\d is more than the usual 3\d(\.\d+)? on Tuesday at 14:00: \d+\.\d times the usual deviation\.$', 'and said in words');
SELECT is((SELECT count(*)::integer FROM found WHERE kind = 'level' AND series LIKE 'p95%' AND at = '2025-04-20 00:00+00' AND explanation LIKE 'The level rose: from here on % is usual where it was %'), 1, 'the new level of latency begins where it does');
SELECT cmp_ok((SELECT count(*)::integer FROM found WHERE NOT (at = '2025-04-15 14:00+00' OR at = '2025-04-20 00:00+00')), '<', 6, 'little else is unusual');
SELECT is_empty($$SELECT * FROM saas.find_anomalies('{}', '{}')$$, 'nothing in nothing');
SELECT is_empty($$SELECT saas.find_anomalies(array_agg(t), array_agg(7::double precision)) FROM generate_series('2025-01-01'::timestamptz, '2025-02-01', interval '1 hour') AS t$$, 'nor in what never changes');
SELECT throws_ok(c.call, c.state, NULL, c.call) FROM (VALUES ('SELECT saas.find_anomalies(''{2025-01-01}'', ''{}'')', '22023'), ('SELECT saas.find_anomalies(''{2025-01-01}'', ''{NaN}'')', '22023'),
    ('SELECT saas.find_anomalies(''{2025-01-01}'', ''{NULL}'')', '22004'), ('SELECT saas.find_anomalies(''{NULL}'', ''{1}'')', '22023'), ('SELECT saas.find_anomalies(''{2025-01-01}'', ''{1}'', ''UTC'', 0)', '22023'),
    ('SELECT saas.find_anomalies(''{2025-01-01}'', ''{1}'', ''Mars'')', '22023'), ('SELECT saas.seasonal_scores(''{1,2}'', ''{1}'')', '22023'), ('SELECT saas.seasonal_scores(''{1}'', ''{1}'', 0)', '22023'),
    ('SELECT saas.series_levels(''{1}'', -1)', '22023'), ('SELECT saas.moving_scores(''{1}'', 2)', '22023'), ('SELECT saas.moving_scores(''{{1,2},{3,4}}'')', '22023'),
    ('SELECT saas.series_levels(array_fill(1::double precision, ARRAY[20001]))', '54000'), ('SELECT saas.funnel_progress(''{infinity}'', ''{1}'', 1, 1)', '22023')) AS c (call, state);

-- The team in one document.
SELECT saas.subscribe(:'shop', :'owner', saas.save_subscription_plan(:'shop', 'basic', 'Basic', 10000, 'USD'), p_at => '2025-03-10') \g /dev/null
SELECT saas.record_product_events(:'shop', jsonb_agg(jsonb_build_object('actor_id', :'owner', 'name', n, 'at', '2025-04-30 10:00+00'))) FROM unnest('{project.generated,project.generated,project.exported,template.used}'::text[]) AS n \g /dev/null
SELECT saas.business_metrics(:'shop', '2025-04-01', '2025-04-30') AS business \gset
SELECT is((:'business'::jsonb -> 'revenue') - '{by_currency,ltv,quick_ratio}'::text[], '{"currency": "USD", "mrr": 10000, "arr": 120000, "growth_rate": 0, "churn_rate": 0, "customer_churn_rate": 0,
    "net_revenue_retention": 1, "gross_revenue_retention": 1, "arpa": 10000.00, "customers": 1}', 'revenue');
SELECT is(:'business'::jsonb #>> '{revenue,by_currency,USD,mrr}', '10000', 'by currency');
SELECT is(:'business'::jsonb -> 'product', '{"active_users": {"daily": 1, "weekly": 1, "monthly": 1, "stickiness": 1.0000}, "engagement": {"projects_generated": 2, "templates_used": 1, "export_rate": 0.5000}}', 'product');
SELECT is(:'business'::jsonb #> '{technical,usage}', format('{"api_calls": %s, "storage_used": 5000, "bandwidth": 720000}', (SELECT sum(requests) FROM saas.service_measurements WHERE team_id = :'shop' AND created_at >= '2025-04-01'))::jsonb, 'use of services');
SELECT is(:'business'::jsonb #>> '{technical,performance,uptime}', '0.999306', 'half an hour of a month down');
SELECT is(saas.business_metrics(:'shop', NULL, '2025-04-30'), NULL, 'no period, no figures');
SELECT throws_ok(format('SELECT saas.business_metrics(%L, ''2025-04-30'', ''2025-04-01'')', :'shop'), '22023', NULL, 'days in order');
SELECT is(saas.business_metrics(:'shop', '2001-01-01', '2001-01-31') -> 'technical' -> 'performance', '{"response_time_p95": null, "error_rate": null, "uptime": null, "apdex": null, "cache_hit_rate": null}', 'before anything was measured');
SELECT is((SELECT sum(requests) FROM saas.performance_dashboard), NULL, 'nothing in the last thirty days');
INSERT INTO saas.service_measurements (team_id, service, requests, errors) VALUES (:'shop', E'quo"te\\back\nline', 4, 1);
SELECT is((SELECT sum(requests)::integer FROM saas.performance_dashboard), 4, 'until today');

-- Prometheus: one family after another, labels escaped, each line what the format wants.
SET LOCAL ROLE saas_service;
SELECT saas.prometheus_metrics() AS page \gset
RESET ROLE;
SELECT matches(:'page'::text, E'# HELP saas_teams Teams that are not deleted\\.\n# TYPE saas_teams gauge\nsaas_teams \\d+\n', 'a family');
SELECT matches(:'page'::text, E'\nsaas_subscriptions\\{status="active"\\} \\d+\n', 'with labels');
SELECT is((SELECT count(*)::integer FROM regexp_split_to_table(:'page'::text, E'\n') AS l WHERE l <> '' AND l !~ '^(# (HELP|TYPE) [a-z0-9_]+ .+|[a-z_]+(\{[a-z]+="([^"\\]|\\["\\n])*"(,[a-z]+="([^"\\]|\\["\\n])*")*\})? ([0-9.e+-]+|NaN|[+-]Inf))$'), 0, 'every line is one of the format');
SELECT is(saas.prometheus_sample('x', ARRAY['a', E'quo"te\\back\nline'], 'Infinity'), 'x{a="quo\"te\\back\nline"} +Inf', 'labels are escaped');

-- The report: one page, nothing that loads or runs, what people wrote is text.
UPDATE saas.teams SET name = '<script>alert(1)</script> & "Co"' WHERE id = :'shop';
SELECT saas.record_service_measurement(:'shop', '<img src=x onerror=alert(1)>', '{5}', p_at => '2025-04-01 00:00+00') \g /dev/null
SELECT saas.report_html(:'shop', '2025-03-01', '2025-04-30') AS report \gset
SELECT ok(:'report'::text LIKE '<!DOCTYPE html><html lang="en">%</html>', 'a page');
SELECT ok(:'report'::text LIKE '%<h1>&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;Co&quot;</h1>%', 'the name is text');
SELECT ok(:'report'::text LIKE '%&lt;img src=x onerror=alert(1)&gt;%', 'so is a service');
SELECT unalike(:'report'::text, '%<script%', 'no script');
SELECT unalike(:'report'::text, '%<img%', 'no image');
SELECT unalike(:'report'::text, '%http%//%', 'nothing from elsewhere');
SELECT is((SELECT count(*)::integer FROM regexp_matches(:'report'::text, '<svg ', 'g')), 3, 'three charts');
SELECT is(xpath_exists('//svg[@role="img"]/title', regexp_replace(regexp_replace(:'report'::text, '^<!DOCTYPE html>', ''), '<meta ([^>]*)>', '<meta \1/>', 'g')::xml), true, 'well-formed, with titles');
SELECT ok(:'report'::text LIKE '%>100.00</td>%', 'money in major units');
SELECT ok(:'report'::text LIKE '%is more than the usual%', 'anomalies in words');
SELECT is(saas.html_escape(s.text), s.html, 'escaped: ' || COALESCE(s.html, 'NULL')) FROM (VALUES ('<a href="x">''&amp;', '&lt;a href=&quot;x&quot;&gt;&#39;&amp;amp;'), (NULL, ''), (E'a\x01b', 'ab')) AS s (text, html);
SELECT throws_ok(format('SELECT saas.report_html(%L, ''2025-04-30'', ''2025-04-01'')', :'shop'), '22023', NULL, 'days in order');
SELECT throws_ok(format('SELECT saas.report_html(%L, ''1900-01-01'', ''2025-04-01'')', :'shop'), '22023', NULL, 'of at most ten years');
SELECT is(saas.report_html(:'shop', NULL, '2025-04-01'), NULL, 'of no period none');
SELECT ok(saas.report_html(:'shop', '2001-01-01', '2001-01-31') LIKE '%Nothing unusual.%', 'a report of a time without anything');
SET LOCAL ROLE saas_analyst;
SELECT is(md5(saas.report_html(:'shop', '2025-03-01', '2025-04-30')), md5(:'report'::text), 'an analyst reads the same');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
