-- Rollups: what they hold, who may read them, how they follow their source.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql

CREATE SCHEMA shop;
CREATE TABLE shop.visits (
    team_id uuid NOT NULL REFERENCES saas.teams (id) ON DELETE CASCADE,
    id bigint NOT NULL,
    "at time" timestamptz,
    "the ""page" text,
    amount bigint,
    ms double precision,
    visitor uuid,
    secret text,
    rating numeric,
    PRIMARY KEY (team_id, id)
);
COMMENT ON COLUMN shop.visits.secret IS 'A key. [restricted]';
COMMENT ON COLUMN shop.visits.amount IS 'Cents. [internal]';
CREATE INDEX ON shop.visits (team_id, "at time");
SELECT saas.protect_table('shop.visits', p_audit => false) \g /dev/null

-- What is refused, and why.
SELECT throws_ok($$SELECT saas.create_rollup('bad name', 'shop.visits', 'at time', '{"n": "count"}')$$, 'SA131', NULL, 'a name that is none');
SELECT throws_ok($$SELECT saas.create_rollup('v', 'shop.visits', 'nothing', '{"n": "count"}')$$, 'SA131', NULL, 'a column of time that is not there');
SELECT throws_ok($$SELECT saas.create_rollup('v', 'shop.visits', 'at time', '{}')$$, 'SA131', NULL, 'no measure');
SELECT throws_ok($$SELECT saas.create_rollup('v', 'shop.visits', 'at time', '[]')$$, 'SA131', NULL, 'measures that are no object');
SELECT throws_ok($$SELECT saas.create_rollup('v', 'shop.visits', 'at time', '{"x": {"median": "ms"}}')$$, 'SA131', NULL, 'an unknown kind of measure');
SELECT throws_ok($$SELECT saas.create_rollup('v', 'shop.visits', 'at time', '{"x": {"sum": "ms", "min": "ms"}}')$$, 'SA131', NULL, 'two kinds in one measure');
SELECT throws_ok($$SELECT saas.create_rollup('v', 'shop.visits', 'at time', '{"x": {"sum": "visitor"}}')$$, 'SA131', NULL, 'the sum of what is no number');
SELECT throws_ok($$SELECT saas.create_rollup('v', 'shop.visits', 'at time', '{"bucket": "count"}')$$, 'SA131', NULL, 'a measure with the name of another column');
SELECT throws_ok($$SELECT saas.create_rollup('v', 'shop.visits', 'at time', '{"x": {"max": "secret"}}')$$, 'SA131', NULL, 'a secret');
SELECT throws_ok($$SELECT saas.create_rollup('v', 'shop.visits', 'at time', '{"n": "count"}', '{secret}')$$, 'SA131', NULL, 'a secret as dimension');
SELECT throws_ok($$SELECT saas.create_rollup('v', 'shop.visits', 'at time', '{"n": "count"}', '{amount,amount}')$$, 'SA131', NULL, 'a dimension twice');
SELECT throws_ok($$SELECT saas.create_rollup('v', 'shop.visits', 'at time', '{"n": "count"}', '{}', '{year}')$$, 'SA131', NULL, 'an unknown granularity');
SELECT throws_ok($$SELECT saas.create_rollup('v', 'shop.visits', 'at time', '{"n": "count"}', p_retention => '{"hour": "1 hour"}')$$, 'SA131', NULL, 'a retention that is too short');
SELECT throws_ok(format('SELECT saas.create_rollup(''v'', ''shop.visits'', ''at time'', ''{"n": "count"}'', p_retention => %L)', r), 'SA131', NULL, 'a retention that makes no sense: ' || r)
FROM (VALUES ('{"hour": null}'), ('{"hour": "300000 years"}')) AS r (r);
SELECT throws_ok(format('SELECT saas.create_rollup(''v'', ''shop.visits'', ''at time'', ''{"n": "count"}'', p_source_retention => %L)', r), 'SA131', NULL, 'a source that keeps its rows for ' || r)
FROM (VALUES ('-1 day'), ('0'), ('300000 years')) AS r (r);
SELECT throws_ok($$SELECT saas.create_rollup('v', 'shop.visits', 'at time', '{"n": "count"}', p_read_role => 'boss')$$, 'SA131', NULL, 'an unknown role');
SELECT throws_ok($$SELECT saas.create_rollup('v', 'pg_stat_activity', 'query_start', '{"n": "count"}')$$, 'SA131', NULL, 'a view as source');
SELECT throws_ok($$SELECT saas.create_rollup('v', 'shop.visits', 'at time', NULL)$$, '22004', NULL, 'no measures at all');
SELECT throws_ok($$SELECT saas.refresh_rollups('v')$$, 'SA132', NULL, 'a rollup that is not there');
SELECT throws_ok($$SELECT saas.rebuild_rollup('v')$$, 'SA132', NULL, 'rebuilding what is not there');
SELECT throws_ok($$SELECT saas.drop_rollup('v')$$, 'SA132', NULL, 'dropping what is not there');
SELECT throws_ok($$SELECT saas.drop_rollup('usage_metrics')$$, 'SA131', NULL, 'dropping the package''s own');
SELECT throws_ok($$SELECT saas.refresh_rollups(NULL, 0)$$, '22023', NULL, 'a refresh of nothing');
CREATE TABLE shop.admins_only (LIKE shop.visits INCLUDING ALL);
SELECT saas.protect_table('shop.admins_only', p_audit => false, p_read_role => 'admin', p_write_role => 'admin') \g /dev/null
SELECT throws_ok($$SELECT saas.create_rollup('v', 'shop.admins_only', 'at time', '{"n": "count"}')$$, 'SA131', NULL,
    'rows that not all members see: somebody has to say who reads the rollup');
SAVEPOINT restricted;
CREATE POLICY nobody ON shop.visits AS RESTRICTIVE FOR SELECT TO PUBLIC USING (false);
SELECT throws_ok($$SELECT saas.create_rollup('v', 'shop.visits', 'at time', '{"n": "count"}')$$, 'SA131', NULL,
    'nor is it for all when a policy for everybody takes rows away');
ROLLBACK TO SAVEPOINT restricted;
RELEASE SAVEPOINT restricted;

-- One of every kind. Red is in Berlin, with weeks from Sunday; blue in Kathmandu, 5:45 ahead.
SELECT saas.set_context(:'red', :'ann'), saas.set_rollup_calendar(:'red', 'Europe/Berlin', 7) \g /dev/null
SELECT saas.set_context(:'blue', :'bob'), saas.set_rollup_calendar(:'blue', 'Asia/Kathmandu') \g /dev/null
SELECT throws_ok(format('SELECT saas.set_context(%L, %L), saas.set_rollup_calendar(%1$L, ''Mars/Olympus'')', :'red', :'ann'), '22023', NULL, 'an unknown time zone');
SELECT throws_ok(format('SELECT saas.set_context(%L, %L), saas.set_rollup_calendar(%L, ''UTC'')', :'red', :'ann', :'blue'), '42501', NULL, 'the calendar of another team');
SELECT saas.clear_context() \g /dev/null
INSERT INTO shop.visits VALUES (:'red', 1, '2026-10-25 00:30+00', 'a', 10, 1, :'red', 's', 1), (:'red', 3, now() - INTERVAL '170 days', 'a', 5, 1, NULL, NULL, NULL), (:'red', 2, '2026-10-25 01:30+00', 'a', 20, 2, :'red', 's', 1);
SELECT set_eq($$SELECT granularity FROM saas.create_rollup('visits', 'shop.visits', 'at time',
    '{"n": "count", "rated": {"count": "rating"}, "amount": {"sum": "amount"}, "fastest": {"min": "ms"}, "slowest": {"max": "ms"},
      "visitors": {"distinct": "visitor"}, "latency": {"quantiles": "ms"}, "opened": {"first": "amount"}, "clo''sed": {"last": "amount"}}',
    '{"the \"page"}')$$, $$VALUES ('hour'), ('day'), ('week'), ('month')$$, 'a rollup with all granularities');
SELECT results_eq('SELECT bucket, n FROM saas_rollups.visits_hour WHERE bucket BETWEEN ''2026-10-25'' AND ''2026-10-26'' ORDER BY 1',
    $$VALUES ('2026-10-25 00:00+00'::timestamptz, 1::bigint), ('2026-10-25 01:00+00', 1)$$,
    'what was there is in it; of the hour that comes twice in autumn each has its own');
SELECT is((SELECT array_agg(v.severity || ': ' || v.object || ': ' || v.finding) FROM saas.validate() AS v WHERE v.object !~ 'admins_only'), NULL, 'validate() finds nothing');

-- The truth, written another way.
CREATE VIEW shop.truth AS
SELECT g.granularity, CASE WHEN g.granularity = 'hour' THEN date_trunc('hour', v."at time", k.time_zone)::text ELSE b.bucket::text END AS bucket,
    v.team_id, v."the ""page", count(*) AS n, count(rating) AS rated, sum(amount) AS amount, min(ms) AS fastest, max(ms) AS slowest,
    count(DISTINCT visitor) AS visitors, percentile_disc(0.5) WITHIN GROUP (ORDER BY ms) AS median,
    (array_agg(amount ORDER BY "at time", amount) FILTER (WHERE amount IS NOT NULL))[1] AS opened,
    (array_agg(amount ORDER BY "at time" DESC, amount DESC) FILTER (WHERE amount IS NOT NULL))[1] AS closed
FROM shop.visits AS v
JOIN saas.rollup_calendars AS k ON k.team_id = v.team_id
CROSS JOIN LATERAL (SELECT (v."at time" AT TIME ZONE k.time_zone)::date AS day) AS d
CROSS JOIN (VALUES ('hour'), ('day'), ('week'), ('month')) AS g (granularity)
CROSS JOIN LATERAL (SELECT CASE g.granularity
    WHEN 'week' THEN (date_trunc('week', d.day + 1 - k.week_start + 7) + make_interval(days => k.week_start - 8))::date
    WHEN 'month' THEN date_trunc('month', d.day)::date ELSE d.day END AS bucket) AS b
WHERE isfinite(v."at time")
GROUP BY 1, 2, 3, 4;
-- In PL/pgSQL, so that the queries of tables and views are planned once.
SELECT format('CREATE FUNCTION shop.rolled%s() RETURNS TABLE (%s) LANGUAGE plpgsql AS %L', k.live, 'granularity text, bucket text, team_id uuid, page text, n bigint, rated bigint,
    amount numeric, fastest double precision, slowest double precision, visitors bigint, median_fits boolean, opened bigint, closed bigint',
    'BEGIN RETURN QUERY ' || string_agg(format('SELECT %L::text, r.bucket::text, r.team_id, r."the ""page", r.n, r.rated, r.amount, r.fastest, r.slowest,
        saas.distinct_sketch_count(r.visitors), saas.quantile_sketch_count(r.latency) > 0, r.opened, r."clo''sed"
        FROM saas_rollups.visits_%1$s%s AS r', g.name, k.live), ' UNION ALL ') || '; END')
FROM (VALUES (''), ('_live')) AS k (live) CROSS JOIN (VALUES ('hour'), ('day'), ('week'), ('month')) AS g (name)
GROUP BY k.live \gexec
CREATE FUNCTION shop.rolled(p_live text) RETURNS TABLE (granularity text, bucket text, team_id uuid, page text, n bigint, rated bigint,
    amount numeric, fastest double precision, slowest double precision, visitors bigint, median_fits boolean, opened bigint, closed bigint)
LANGUAGE plpgsql AS $$
BEGIN
    IF p_live = '' THEN
        RETURN QUERY SELECT * FROM shop.rolled();
    ELSE
        RETURN QUERY SELECT * FROM shop.rolled_live();
    END IF;
END
$$;
CREATE FUNCTION shop.differences(p_live text) RETURNS bigint LANGUAGE sql AS $$
    WITH truth AS MATERIALIZED (
        SELECT t.granularity, t.bucket, t.team_id, t."the ""page", t.n, t.rated, t.amount, t.fastest, t.slowest, t.visitors, t.median IS NOT NULL, t.opened, t.closed FROM shop.truth AS t
    ), rolled AS MATERIALIZED (
        SELECT r.granularity, r.bucket, r.team_id, r.page, r.n, r.rated, r.amount, r.fastest, r.slowest, r.visitors, COALESCE(r.median_fits, false), r.opened, r.closed FROM shop.rolled(p_live) AS r
    )
    SELECT count(*) FROM (
        (SELECT * FROM truth EXCEPT ALL SELECT * FROM rolled) UNION ALL (SELECT * FROM rolled EXCEPT ALL SELECT * FROM truth)
    ) AS d
$$;
SELECT is(shop.differences(''), 0::bigint, 'the rollup is what the source says');

-- Random changes, around the ends of summer time, of a month and of a year: after each the real-time views,
-- and after each refresh the tables are what the source says. A part of them is rolled back.
CREATE FUNCTION shop.walk(p_steps integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_teams uuid[] := (SELECT array_agg(k.team_id) FROM saas.rollup_calendars AS k);
    v_moments timestamptz[] := ARRAY['2026-03-28 20:00+00', '2026-10-24 20:00+00', '2026-12-31 15:00+00', '2026-01-31 22:00+00'];
BEGIN
    PERFORM setseed(0.25);
    FOR i IN 1..p_steps LOOP
        BEGIN
            INSERT INTO shop.visits
            SELECT v_teams[1 + (random() * 1.99)::integer % 2], i * 100 + n,
                CASE WHEN random() < 0.02 THEN 'infinity' WHEN random() < 0.02 THEN NULL
                    ELSE v_moments[1 + (random() * 3.99)::integer % 4] + random() * INTERVAL '9 hours' END,
                CASE WHEN random() < 0.2 THEN NULL ELSE 'page' || (random() * 2)::integer END,
                CASE WHEN random() < 0.2 THEN NULL ELSE (random() * 100)::bigint END, (random() * 100)::integer, md5((random() * 5)::integer::text)::uuid,
                NULL, CASE WHEN random() < 0.5 THEN 1 END
            FROM generate_series(1, (random() * 8)::integer) AS n;
            UPDATE shop.visits SET "at time" = "at time" + INTERVAL '47 minutes', amount = amount + 1 WHERE random() < 0.03;
            UPDATE shop.visits SET team_id = v_teams[1], id = -id WHERE random() < 0.01 AND id > 0;
            DELETE FROM shop.visits WHERE random() < 0.03;
            IF random() < 0.2 THEN
                PERFORM saas.refresh_rollups('visits');
            END IF;
            IF random() < 0.3 THEN
                RAISE EXCEPTION 'undone';
            END IF;
        EXCEPTION WHEN raise_exception THEN
            NULL;
        END;
        PERFORM saas.write_rollup_changes();
        IF shop.differences('_live') <> 0 THEN
            RETURN format('step %s: the views differ', i);
        END IF;
        IF i % 3 = 0 THEN
            PERFORM saas.refresh_rollups('visits', 5);
            IF shop.differences('_live') <> 0 THEN
                RETURN format('step %s: the views differ after a partial refresh', i);
            END IF;
            PERFORM saas.refresh_rollups('visits');
            IF shop.differences('') <> 0 THEN
                RETURN format('step %s: the tables differ', i);
            END IF;
        END IF;
    END LOOP;
    RETURN format('%s steps', p_steps);
END
$$;
SELECT is(shop.walk(40), '40 steps', 'after any change the views and, once refreshed, the tables are what the source says');
SELECT ok((SELECT count(*) > 30 FROM shop.visits), 'the walk left something to compare');
SELECT saas.rebuild_rollup('visits') \g /dev/null
SELECT is(shop.differences(''), 0::bigint, 'so are they after a rebuild');

-- A transaction that keeps its changes to itself until it commits; a NULL team cannot be.
SELECT saas.refresh_rollups('visits') \g /dev/null
SELECT is((SELECT f.changes FROM saas.refresh_rollups('visits') AS f), 0::bigint, 'nothing to do after a refresh');
INSERT INTO shop.visits VALUES (:'red', -1, '2026-05-05 10:59:59.999999+00', 'a', 1, 1, NULL, NULL, NULL), (:'red', -2, '2026-05-05 11:00+00', 'a', 1, 1, NULL, NULL, NULL);
SELECT results_eq($$SELECT changes, hours, remaining, problem FROM saas.refresh_rollups('visits')$$, $$VALUES (2::bigint, 2::bigint, false, NULL::text)$$, 'two quarters of an hour in two hours');
SELECT saas.refresh_rollups('visits') \g /dev/null
INSERT INTO shop.visits SELECT :'red', -10 - n, '2026-05-05 10:00+00', 'a', 1, 1, NULL, NULL, NULL FROM generate_series(1, 50) AS n;
SELECT is((SELECT f.changes FROM saas.refresh_rollups('visits') AS f), 1::bigint, 'fifty rows in one bucket are one change');
DELETE FROM shop.visits WHERE id BETWEEN -99 AND -1;
SELECT is((SELECT f.hours FROM saas.refresh_rollups('visits') AS f), 2::bigint, 'rows that go');
SELECT is(shop.differences(''), 0::bigint, 'empty buckets are gone');

-- Days of 23 and 25 hours.
DELETE FROM shop.visits;
INSERT INTO shop.visits SELECT :'red', n, '2026-03-28 00:00+01'::timestamptz + n * INTERVAL '1 hour', 'a', 1, 1, NULL, NULL, NULL FROM generate_series(0, 71) AS n;
INSERT INTO shop.visits SELECT :'red', 1000 + n, '2026-10-24 00:00+02'::timestamptz + n * INTERVAL '1 hour', 'a', 1, 1, NULL, NULL, NULL FROM generate_series(0, 72) AS n;
SELECT saas.refresh_rollups('visits') \g /dev/null
SELECT results_eq('SELECT bucket, n FROM saas_rollups.visits_day ORDER BY 1', $$VALUES
    ('2026-03-28'::date, 24::bigint), ('2026-03-29', 23), ('2026-03-30', 24), ('2026-03-31', 1),
    ('2026-10-24', 24), ('2026-10-25', 25), ('2026-10-26', 24)$$, 'days have 23, 24 or 25 hours');
SELECT results_eq('SELECT bucket, n FROM saas_rollups.visits_week ORDER BY 1', $$VALUES
    ('2026-03-22'::date, 24::bigint), ('2026-03-29', 48), ('2026-10-18', 24), ('2026-10-25', 49)$$, 'weeks begin on Sunday where the team says so');
SELECT results_eq('SELECT bucket, n FROM saas_rollups.visits_month ORDER BY 1', $$VALUES ('2026-03-01'::date, 72::bigint), ('2026-10-01', 73)$$, 'months');
SELECT saas.set_context(:'red', :'ann'), saas.set_rollup_calendar(:'red', 'Asia/Kolkata') \g /dev/null
SELECT is(shop.differences('_live'), 0::bigint, 'another time zone: at once in the views');
SELECT saas.refresh_rollups('visits') \g /dev/null
SELECT is(shop.differences(''), 0::bigint, 'and in the tables after the next refresh');
SELECT results_eq('SELECT DISTINCT extract(minute FROM bucket)::integer FROM saas_rollups.visits_hour', 'VALUES (30)', 'hours of a zone that is half an hour off begin at half past');
SELECT is(saas.hour_bucket('2026-04-04 15:45+00', 'Australia/Lord_Howe'), '2026-04-04 15:30+00'::timestamptz, 'clocks that go back by half an hour');
SELECT is(saas.hour_bucket(t, 'UTC'), b, 'rollups have no hour for ' || t) FROM (VALUES ('infinity'::timestamptz, 'infinity'::timestamptz), ('10000-01-01 00:00+00', 'infinity'), ('0001-12-31 23:59+00 BC', '-infinity')) AS v (t, b);
SELECT throws_ok($$SELECT saas.hour_bucket(now(), 'nowhere')$$, '22023', NULL, 'an unknown zone');
SELECT is((SELECT count(*) FROM generate_series('1880-01-01'::timestamptz, '2027-01-01', '17 days 3 hours 7 minutes 11 seconds') AS t CROSS JOIN
    (VALUES ('UTC'), ('Europe/Berlin'), ('America/St_Johns'), ('Africa/Monrovia'), ('Australia/Lord_Howe')) AS z (zone)
    WHERE saas.hour_bucket(t, z.zone) <> date_trunc('hour', t, z.zone)), 0::bigint, 'the same hours as date_trunc has');

-- Values and times at the ends of what there is, columns with a length, and settings of the session.
CREATE TABLE shop.edges (team_id uuid NOT NULL, at timestamptz NOT NULL, currency char(3), bits bit(3), small real, huge double precision);
CREATE INDEX ON shop.edges (team_id, at);
INSERT INTO shop.edges VALUES (:'red', '294276-12-31 23:30+00', 'EUR', B'101', 1, 1), (:'red', '4713-01-01 00:10+00 BC', 'EUR', B'101', 1, 1),
    (:'red', '0001-01-01 00:00+00', 'EUR', B'101', 16777216, 1), (:'red', '0001-01-01 00:01+00', 'EUR', B'101', 1, 1);
SELECT lives_ok($$SELECT saas.create_rollup('edges', 'shop.edges', 'at', '{"n": "count", "small": {"sum": "small"}, "huge": {"sum": "huge"}, "top": {"max": "currency"}}',
    '{currency,bits}', p_read_role => 'viewer')$$, 'columns of character(n) and bit(n)');
SELECT results_eq('SELECT currency::text, bits::text, top::text, n, small FROM saas_rollups.edges_month', $$VALUES ('EUR', '101', 'EUR', 2::bigint, 16777217::double precision)$$,
    'their values are whole; sums of real are exact; times outside the years 1 to 9999 count nowhere');
SET LOCAL timezone = 'Asia/Kolkata';
SET LOCAL datestyle = 'SQL, DMY';
INSERT INTO shop.edges VALUES (:'red', '10000-01-01T00:00:00Z', 'USD'), (:'red', '9999-12-31T18:00:00Z', 'USD'), (:'blue', '2026-06-01T10:00:00Z', 'USD');
SELECT is((SELECT f.problem FROM saas.refresh_rollups('edges') AS f), NULL, 'a refresh of the last hours of time');
SELECT lives_ok($$SELECT saas.rebuild_rollup('edges')$$, 'and a rebuild');
RESET timezone;
RESET datestyle;
SELECT set_eq($$SELECT bucket, n FROM saas_rollups.edges_hour WHERE currency = 'USD'$$, $$VALUES ('9999-12-31 17:30+00'::timestamptz, 1::bigint), ('2026-06-01 09:15+00', 1)$$,
    'in a style of dates that writes IST for India and reads it as Israel');
INSERT INTO shop.edges SELECT t.id, '2026-07-01 10:00+00', 'X', NULL, NULL, 1.7e308 FROM (VALUES (:'red'::uuid), (:'red'), (:'blue')) AS t (id);
SELECT ok((SELECT f.problem ~ ('^team ' || :'red' || ': 22003: ') AND f.remaining AND f.changes = 1 FROM saas.refresh_rollups('edges') AS f), 'a sum that overflows is a problem of one team');
SELECT results_eq($$SELECT team_id, n FROM saas_rollups.edges_hour WHERE currency = 'X'$$, format('VALUES (%L::uuid, 1::bigint)', :'blue'), 'and others are refreshed');
DELETE FROM shop.edges WHERE currency = 'X' AND team_id = :'red';
SELECT is((SELECT f.problem FROM saas.refresh_rollups('edges') AS f), NULL, 'until it is mended');
SELECT saas.drop_rollup('edges') \g /dev/null

-- Who sees what.
INSERT INTO shop.visits SELECT :'blue', n, '2026-06-01 10:00+00', 'b', 7, 1, NULL, NULL, NULL FROM generate_series(1, 3) AS n;
SELECT saas.write_rollup_changes();
CREATE FUNCTION shop.seen(p_relation text) RETURNS uuid[] LANGUAGE plpgsql AS $$
DECLARE
    v_teams uuid[];
BEGIN
    EXECUTE format('SELECT array_agg(DISTINCT r.team_id) FROM saas_rollups.visits_%s AS r', p_relation) INTO v_teams;
    RETURN v_teams;
END
$$;
GRANT USAGE ON SCHEMA shop TO saas_anonymous;
CREATE TEMPORARY TABLE taken (team_id uuid, at timestamptz);
GRANT TRIGGER ON pg_temp.taken TO saas_app;
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is(shop.seen(r.name || v.live), ARRAY[:'red'::uuid], 'a member sees the own team alone: ' || r.name || v.live)
FROM (VALUES ('hour'), ('day'), ('week'), ('month')) AS r (name) CROSS JOIN (VALUES (''), ('_live')) AS v (live);
SELECT throws_ok('DELETE FROM saas_rollups.visits_day', '42501', NULL, 'and changes nothing');
SELECT throws_ok('SELECT count(*) FROM saas_rollups.visits_hour_default', '42501', NULL, 'nor reads a partition');
SELECT throws_ok($$SELECT saas.create_rollup('mine', 'shop.visits', 'at time', '{"n": "count"}')$$, '42501', NULL, 'nor makes a rollup');
SELECT throws_ok('SELECT saas.refresh_rollups()', '42501', NULL, 'nor refreshes one');
SELECT throws_ok('CREATE TRIGGER own AFTER INSERT ON pg_temp.taken FOR EACH ROW EXECUTE FUNCTION saas.record_rollup_change()', '42501', NULL, 'nor puts the trigger on a table, which says what refreshes read');
SELECT throws_ok('SELECT saas.write_rollup_changes()', '42501', NULL, 'nor writes changes by hand');
SELECT throws_ok('SELECT count(*) FROM saas.rollups', '42501', NULL, 'nor reads the definitions');
SET LOCAL ROLE saas_analyst;
SELECT lives_ok('SELECT n, amount, bucket FROM saas_rollups.visits_day', 'analysts read what is internal');
SELECT throws_ok('SELECT fastest FROM saas_rollups.visits_day', '42501', NULL, 'and nothing that nobody classified');
SET LOCAL ROLE saas_anonymous;
SELECT throws_ok('SELECT n FROM saas_rollups.visits_day', '42501', NULL, 'visitors read nothing');
RESET ROLE;
SELECT saas.clear_context() \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is(shop.seen('day_live'), NULL, 'without a context nobody sees anything');
SET LOCAL ROLE saas_service;
SELECT lives_ok('SELECT saas.refresh_rollups()', 'a worker refreshes all teams');
RESET ROLE;
SELECT is((SELECT count(*) FROM saas_rollups.visits_day AS d WHERE d.team_id = :'blue'), 1::bigint, 'so it did');

-- A rollup for admins.
SELECT lives_ok($$SELECT saas.create_rollup('for_admins', 'shop.admins_only', 'at time', '{"n": "count"}', p_granularities => '{week}', p_read_role => 'admin')$$, 'who reads is said');
SELECT set_eq($$SELECT relname::text FROM pg_class WHERE relname ~ '^for_admins_(hour|day|week|month)$'$$, $$VALUES ('for_admins_hour'), ('for_admins_day'), ('for_admins_week')$$, 'weeks need days, and days hours');
INSERT INTO shop.admins_only (team_id, id, "at time") VALUES (:'red', 1, '2026-06-01 10:00+00');
SELECT saas.refresh_rollups('for_admins') \g /dev/null
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is((SELECT count(*) FROM saas_rollups.for_admins_week), 1::bigint, 'an owner reads it');
RESET ROLE;
SELECT saas.add_team_member(:'red', :'bob', 'viewer') \g /dev/null
SELECT saas.set_context(:'red', :'bob') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is((SELECT count(*) FROM saas_rollups.for_admins_week), 0::bigint, 'a viewer does not');
RESET ROLE;
SELECT saas.clear_context() \g /dev/null

-- What is frozen stays.
SELECT lives_ok($$SELECT saas.set_rollup_retention('visits', '{"hour": "100 days", "day": "200 days"}', '30 days')$$, 'retention is changed');
SELECT throws_ok($$SELECT saas.set_rollup_retention('visits', '{"year": "100 days"}')$$, 'SA131', NULL, 'of what there is');
SELECT sum(n) AS before FROM saas_rollups.visits_day \gset
DELETE FROM shop.visits WHERE "at time" < now() - INTERVAL '31 days';
SELECT saas.refresh_rollups('visits') \g /dev/null
SELECT is((SELECT sum(n) FROM saas_rollups.visits_day), :before::numeric, 'rows of the source that retention takes stay in the rollup');
SELECT is((SELECT sum(n) FROM saas_rollups.visits_day_live), :before::numeric, 'and in the views');
SELECT ok((SELECT sum(partitions_dropped) > 0 FROM saas.maintain_rollups() WHERE rollup = 'visits'), 'months of hours beyond their retention are dropped');
SELECT is((SELECT count(*) FROM saas_rollups.visits_day WHERE bucket < now() - INTERVAL '200 days'), 0::bigint, 'days as well');
SELECT is((SELECT array_agg(v.finding) FROM saas.validate_rollups() AS v), NULL, 'validate() still finds nothing');

-- What validate() finds of rollups.
CREATE FUNCTION shop.finds(p_fault text, p_finding text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_found boolean;
BEGIN
    BEGIN
        EXECUTE p_fault;
        v_found := EXISTS (SELECT FROM saas.validate_rollups() AS v WHERE v.finding ~ p_finding);
        RAISE EXCEPTION 'undone';
    EXCEPTION WHEN raise_exception THEN
        RETURN v_found;
    END;
END
$$;
SELECT ok(shop.finds(f.fault, f.finding), 'validate() finds: ' || f.finding) FROM (VALUES
    ('DO $x$ BEGIN EXECUTE (SELECT format(''ALTER TABLE shop.visits DISABLE TRIGGER %I'', tgname) FROM pg_trigger WHERE tgrelid = ''shop.visits''::regclass AND tgname LIKE ''zz_saas_rollup%'' AND tgname NOT LIKE ''%truncate''); END $x$', 'does not note every change'),
    ('DO $x$ BEGIN EXECUTE (SELECT format(''DROP TRIGGER %I ON shop.visits'', tgname) FROM pg_trigger WHERE tgrelid = ''shop.visits''::regclass AND tgname LIKE ''zz_saas_rollup%'' AND tgname NOT LIKE ''%truncate''); END $x$', 'no trigger that notes changes'),
    ('DROP INDEX shop."visits_team_id_at time_idx"', 'no index on team and time'),
    ('DROP TABLE saas_rollups.visits_week CASCADE', 'is missing'),
    ('ALTER TABLE saas_rollups.visits_day NO FORCE ROW LEVEL SECURITY', 'is off, or not forced'),
    ('CREATE POLICY open ON saas_rollups.visits_day FOR SELECT TO saas_app USING (true)', 'lets more through'),
    ('GRANT DELETE ON saas_rollups.visits_day TO saas_app', 'the right to delete')
) AS f (fault, finding);
SELECT is((SELECT count(*) FROM saas.validate_rollups()), 0::bigint, 'and nothing otherwise');

-- Rename, TRUNCATE, a source that is gone.
SELECT saas.set_rollup_retention('visits', '{}') \g /dev/null
ALTER TABLE shop.visits RENAME TO "renamed visits";
INSERT INTO shop."renamed visits" VALUES (:'red', 5000, now(), 'a', 1, 1, NULL, NULL, NULL);
SELECT is((SELECT f.problem FROM saas.refresh_rollups('visits') AS f), NULL, 'a source may be renamed');
TRUNCATE shop."renamed visits";
SELECT saas.refresh_rollups('visits') \g /dev/null
SELECT is((SELECT count(*) FROM saas_rollups.visits_hour), 0::bigint, 'TRUNCATE empties the rollup');
ALTER TABLE shop."renamed visits" RENAME COLUMN "at time" TO moment;
SELECT throws_ok(format('INSERT INTO shop."renamed visits" (team_id, id, moment) VALUES (%L, 1, now())', :'red'), 'SA130', NULL, 'a column that the trigger names is renamed: nothing is lost in silence');
ALTER TABLE shop."renamed visits" RENAME COLUMN moment TO "at time";
SELECT ok((SELECT l.pending_changes = 0 AND l.lag = '0' AND l.source = 'shop."renamed visits"' AND l.problem IS NULL FROM saas.list_rollups() AS l WHERE l.name = 'visits'), 'the list');
SELECT lives_ok($$SELECT saas.drop_rollup('visits')$$, 'a rollup is dropped');
SELECT is((SELECT count(*) FROM pg_trigger AS t WHERE t.tgrelid = 'shop."renamed visits"'::regclass AND t.tgname LIKE 'zz_saas%'), 0::bigint, 'its triggers with it');
SELECT lives_ok(format('INSERT INTO shop."renamed visits" (team_id, id, "at time") VALUES (%L, 1, now())', :'red'), 'its source stays');
DROP TABLE shop.admins_only CASCADE;
SELECT ok((SELECT l.problem IS NOT NULL FROM saas.list_rollups() AS l WHERE l.name = 'for_admins'), 'a source that is gone shows in the list');
SELECT lives_ok($$SELECT saas.refresh_rollups()$$, 'and keeps nothing else from being refreshed');
SELECT lives_ok($$SELECT saas.drop_rollup('for_admins')$$, 'its rollup can be dropped');

SELECT * FROM finish();
ROLLBACK;
