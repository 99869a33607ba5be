-- The pages for Prometheus: the platform's for its operator, a team's for its members, and nothing of another team's.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
-- Both teams have a service of one name, which went very differently; Blue's alone has another one.
SELECT saas.set_context(:'red', :'ann'), saas.record_service_measurement(:'red', 'api', '{10,20,30}', 0, p_cache_hits => 3, p_cache_misses => 1, p_at => now() - interval '1 minute'),
    saas.record_service_measurement(:'red', E'quo"te\\back\nline}', '{}', p_at => now() - interval '1 minute') \g /dev/null
SELECT saas.set_context(:'blue', :'bob'), saas.record_service_measurement(:'blue', 'api', '{4000,5000}', 2, p_seconds_down => 7, p_at => now() - interval '2 minutes'),
    saas.record_service_measurement(:'blue', 'blue-secret', '{1}', p_at => now() - interval '1 minute'), saas.record_service_measurement(:'blue', 'old', '{1}', p_at => now() - interval '6 minutes') \g /dev/null
CREATE FUNCTION pg_temp.samples(p_page text) RETURNS TABLE (n bigint, series text, value double precision) LANGUAGE sql AS $$
    SELECT l.n, substring(l.line, '^(.*) [^ ]+$'), substring(l.line, '[^ ]+$')::double precision FROM regexp_split_to_table(p_page, E'\n') WITH ORDINALITY AS l (line, n) WHERE l.line !~ '^(#|$)'
$$;
-- What promtool lets pass: series that are there twice, families that are interrupted; and lines of no form at all.
CREATE FUNCTION pg_temp.well_formed(p_page text, p_label text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN NEXT is((SELECT count(*) - count(DISTINCT s.series) FROM pg_temp.samples(p_page) AS s), 0::bigint, 'no series is there twice: ' || p_label);
    RETURN NEXT is_empty(format($q$SELECT f.family FROM (SELECT split_part(s.series, '{', 1) AS family, min(s.n) AS low, max(s.n) AS high, count(*) AS size FROM pg_temp.samples(%L) AS s GROUP BY 1) AS f WHERE f.high - f.low + 1 <> f.size$q$, p_page), 'families are whole: ' || p_label);
    RETURN NEXT is_empty(format($q$SELECT l FROM regexp_split_to_table(%L, E'\n') AS l WHERE l <> '' AND l !~ '^(# HELP [a-z_]+ [^\\]+|# TYPE [a-z_]+ gauge|[a-z_]+(\{[a-z]+="([^"\\]|\\["\\n])*"(,[a-z]+="([^"\\]|\\["\\n])*")*\})? ([0-9.e+-]+|NaN|[+-]Inf))$'$q$, p_page), 'every line is one of the format: ' || p_label);
    RETURN NEXT ok(p_page ~ E'\n$' AND p_page !~ E'\n\n|\r', 'it ends with a line: ' || p_label);
END
$$;
CREATE FUNCTION pg_temp.value(p_page text, p_series text) RETURNS double precision LANGUAGE sql AS $$ SELECT s.value FROM pg_temp.samples(p_page) AS s WHERE s.series = p_series $$;

-- The operator's page.
SELECT saas.clear_context() \g /dev/null
SET LOCAL ROLE saas_service;
SELECT saas.prometheus_metrics() AS platform \gset
RESET ROLE;
SELECT pg_temp.well_formed(:'platform', 'platform');
SELECT is(pg_temp.value(:'platform', format('saas_service_requests{team="%s",service="api"}', :'red')), 3::double precision, 'Red''s requests are Red''s');
SELECT is(pg_temp.value(:'platform', format('saas_service_requests{team="%s",service="api"}', :'blue')), 2::double precision, 'and Blue''s are Blue''s');
SELECT is(pg_temp.value(:'platform', format('saas_service_errors{team="%s",service="api"}', :'red')), 0::double precision, 'no error of another team is Red''s');
SELECT is(pg_temp.value(:'platform', format('saas_service_down_seconds{team="%s",service="api"}', :'blue')), 7::double precision, 'nor a second that it was down');
SELECT is(pg_temp.value(:'platform', format('saas_service_cache_hit_ratio{team="%s",service="api"}', :'red')), 0.75::double precision, 'look-ups that the cache answered');
SELECT is(pg_temp.value(:'platform', format('saas_service_cache_hit_ratio{team="%s",service="api"}', :'blue')), NULL::double precision, 'of none there is no share');
SELECT ok(pg_temp.value(:'platform', format('saas_service_duration_quantile_seconds{team="%s",service="api",percentile="99"}', :'red')) < 0.04, 'durations are not mixed');
SELECT ok(pg_temp.value(:'platform', format('saas_service_duration_quantile_seconds{team="%s",service="api",percentile="50"}', :'blue')) > 3, 'with those of others');
SELECT is(pg_temp.value(:'platform', format(E'saas_service_requests{team="%s",service="quo\\"te\\\\back\\nline}"}', :'red')), 0::double precision, 'labels are escaped');
SELECT unalike(:'platform'::text, '%"old"%', 'what is older than five minutes is not there');
SELECT is(pg_temp.value(:'platform', 'saas_teams'), (SELECT count(*)::double precision FROM saas.teams WHERE deleted_at IS NULL), 'the platform''s own figures have no team');
SELECT unalike(:'platform'::text, '%saas_team\_%', 'figures of teams have another page');

-- A member's page.
SELECT saas.set_context(:'red', :'ann'), saas.add_team_member(:'red', :'bob', 'viewer') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT saas.prometheus_metrics(:'red') AS page \gset
SELECT pg_temp.well_formed(:'page', 'team');
SELECT is(pg_temp.value(:'page', format('saas_service_requests{team="%s",service="api"}', :'red')), 3::double precision, 'a member reads the same figure');
SELECT is((SELECT count(*) FROM pg_temp.samples(:'page') AS s WHERE s.series NOT LIKE format('%%{team="%s",%%', :'red')), 0::bigint, 'every figure is the team''s');
SELECT is(position(:'blue' IN :'page') + position('blue-secret' IN :'page'), 0, 'nothing of another team is there');
SELECT is(pg_temp.value(:'page', format('saas_team_members{team="%s",role="owner"}', :'red')), 1::double precision, 'members by role');
SELECT is(pg_temp.value(:'page', format('saas_team_payments{team="%s",status="paid",provider="stripe"}', :'red')), 1::double precision, 'payments');
SELECT ok(pg_temp.value(:'page', format('saas_team_subscriptions{team="%s",status="active"}', :'red')) >= 1, 'subscriptions');
SELECT throws_ok(format('SELECT saas.prometheus_metrics(%L)', :'blue'), '42501', NULL, 'not that of another team');
SELECT throws_ok('SELECT saas.prometheus_metrics(NULL)', '42501', NULL, 'nor that of all');
SELECT throws_ok('SELECT saas.prometheus_metrics()', '42501', NULL, 'nor the operator''s');
SELECT throws_ok(c.call, '42501', NULL, c.call) FROM unnest(ARRAY['SELECT saas.prometheus_page(NULL)', 'SELECT * FROM saas.prometheus_samples(now(), NULL)', 'SELECT * FROM saas.prometheus_services(now(), NULL)']) AS c (call);
RESET ROLE;
SELECT saas.set_context(:'red', :'bob') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is(md5(saas.prometheus_metrics(:'red')), md5(:'page'::text), 'a viewer reads it as well');
RESET ROLE;
SET LOCAL ROLE saas_analyst;
SELECT is(md5(saas.prometheus_metrics(:'red')), md5(:'page'::text), 'and an analyst');
RESET ROLE;
SELECT saas.clear_context() \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.prometheus_metrics(%L)', :'red'), '42501', NULL, 'nobody without a context');
RESET ROLE;
SET LOCAL ROLE saas_anonymous;
SELECT throws_ok(format('SELECT saas.prometheus_metrics(%L)', :'red'), '42501', NULL, 'no stranger');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
