-- When payouts run: examples at the edges of calendars and clocks, and what holds of every schedule.
BEGIN;
SELECT no_plan();
CREATE FUNCTION pg_temp.schedule(p_frequency text, p_day integer, p_run_at time DEFAULT '00:00', p_time_zone text DEFAULT 'UTC') RETURNS saas.payout_schedules LANGUAGE sql AS $$
    SELECT jsonb_populate_record(NULL::saas.payout_schedules, jsonb_build_object('frequency', p_frequency, 'run_at', p_run_at, 'time_zone', p_time_zone,
        'weekday', CASE p_frequency WHEN 'weekly' THEN p_day END, 'month_day', CASE p_frequency WHEN 'monthly' THEN p_day END))
$$;
SELECT is(saas.next_payout_run(pg_temp.schedule(a.frequency, a.day, a.run_at, a.zone), a.after), a.expected, a.name)
FROM (VALUES
    ('daily', NULL::integer, '00:00'::time, 'UTC', '2026-03-01 00:00+00'::timestamptz, '2026-03-02 00:00+00'::timestamptz, 'after a run comes the next one'),
    ('daily', NULL, '00:00', 'UTC', '2026-02-28 23:59:59.999999+00', '2026-03-01 00:00+00', 'a microsecond before it, it comes'),
    ('daily', NULL, '09:00', 'Asia/Kolkata', '2026-03-01 03:29+00', '2026-03-01 03:30+00', 'by the clock of the time zone'),
    ('daily', NULL, '02:30', 'America/New_York', '2026-03-07 12:00+00', '2026-03-08 07:30+00', 'a time that the change to summer time skips is an hour later'),
    ('daily', NULL, '02:30', 'America/New_York', '2026-03-08 07:30+00', '2026-03-09 06:30+00', 'and as always the day after'),
    ('daily', NULL, '01:30', 'America/New_York', '2026-10-31 12:00+00', '2026-11-01 06:30+00', 'of a time that comes twice, one'),
    ('daily', NULL, '01:30', 'America/New_York', '2026-11-01 06:30+00', '2026-11-02 06:30+00', 'and only one'),
    ('daily', NULL, '00:00', 'America/Sao_Paulo', '2018-11-03 12:00+00', '2018-11-04 03:00+00', 'midnight that does not exist'),
    ('weekly', 1, '00:00', 'UTC', '2026-03-02 00:00+00', '2026-03-09 00:00+00', 'a week later'),
    ('weekly', 7, '23:59', 'Pacific/Auckland', '2026-03-02 00:00+00', '2026-03-08 10:59+00', 'on Sunday far in the east'),
    ('monthly', 31, '00:00', 'UTC', '2026-01-31 00:00+00', '2026-02-28 00:00+00', 'the last day of a short month'),
    ('monthly', 31, '00:00', 'UTC', '2026-02-28 00:00+00', '2026-03-31 00:00+00', 'does not stay'),
    ('monthly', 30, '00:00', 'UTC', '2028-02-01 00:00+00', '2028-02-29 00:00+00', 'a leap year'),
    ('monthly', 1, '00:00', 'Pacific/Kiritimati', '2026-01-31 09:59+00', '2026-01-31 10:00+00', 'a month begins early in the east'),
    ('monthly', 15, '12:00', 'UTC', '2026-12-15 12:00+00', '2027-01-15 12:00+00', 'over the turn of the year')
) AS a (frequency, day, run_at, zone, after, expected, name);
SELECT is(saas.next_payout_run(pg_temp.schedule('manual', NULL), now()), NULL, 'a manual schedule never runs by itself');
SELECT is(saas.next_payout_run(pg_temp.schedule('daily', NULL), NULL), NULL, 'after no moment there is none');
SELECT throws_ok($$SELECT saas.next_payout_run(pg_temp.schedule('daily', NULL), 'infinity')$$, '22023', NULL, 'after the end of time');
SELECT throws_ok($$SELECT saas.next_payout_run(pg_temp.schedule('daily', NULL, p_time_zone => 'Mars/Olympus'), now())$$, '22023', NULL, 'in a time zone that is none');
SELECT is((SELECT provolatile::text FROM pg_proc WHERE oid = 'saas.next_payout_run(saas.payout_schedules, timestamptz)'::regprocedure), 'i', 'it is pure');

-- Some hundred schedules and moments, the same in every run.
SELECT setseed(0.5) \g /dev/null
CREATE TEMPORARY TABLE walk AS
SELECT w.n, pg_temp.schedule(w.frequency, CASE w.frequency WHEN 'weekly' THEN 1 + w.dice % 7 WHEN 'monthly' THEN 1 + w.dice % 31 END, w.run_at, w.zone) AS s, w.after
FROM (
    SELECT n, (ARRAY['daily', 'weekly', 'monthly'])[1 + floor(random() * 3)::integer] AS frequency, floor(random() * 1000)::integer AS dice,
        '00:00'::time + floor(random() * 1440)::integer * interval '1 minute' AS run_at,
        (ARRAY['UTC', 'America/New_York', 'Europe/London', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Pacific/Apia', 'Africa/Casablanca'])[1 + floor(random() * 7)::integer] AS zone,
        '2010-01-01 00:00+00'::timestamptz + random() * interval '20 years' AS after
    FROM generate_series(1, 500) AS n
) AS w;
CREATE TEMPORARY TABLE run AS SELECT w.*, saas.next_payout_run(w.s, w.after) AS at FROM walk AS w;
SELECT is((SELECT count(*) FROM run WHERE at IS NOT NULL), 500::bigint, 'there is always a next run');
SELECT is_empty('SELECT * FROM run WHERE at <= after', 'it comes after the moment');
SELECT is_empty($$SELECT * FROM run WHERE saas.next_payout_run(s, at - interval '1 microsecond') <> at OR saas.next_payout_run(s, after + (at - after) / 2) <> at$$, 'and no other one before it');
SELECT is_empty($$SELECT * FROM run WHERE at - after > CASE (s).frequency WHEN 'daily' THEN interval '50 hours' WHEN 'weekly' THEN interval '8 days 2 hours' ELSE interval '32 days 2 hours' END$$, 'it is not later than its period');
SELECT is_empty($$SELECT * FROM run WHERE saas.next_payout_run(s, after + interval '36 hours') < at$$, 'a later moment has no earlier run');
-- By the calendar itself: the day fits, and the time of day too unless the clock skipped it.
SELECT is_empty($$SELECT * FROM run WHERE (s).frequency = 'weekly' AND extract(isodow FROM at AT TIME ZONE (s).time_zone) <> (s).weekday
    AND (at AT TIME ZONE (s).time_zone)::time = (s).run_at$$, 'weekly on its day');
SELECT is_empty($$SELECT * FROM run WHERE (s).frequency = 'monthly' AND (at AT TIME ZONE (s).time_zone)::time = (s).run_at AND extract(day FROM at AT TIME ZONE (s).time_zone) <> LEAST(
    (s).month_day, extract(day FROM date_trunc('month', at AT TIME ZONE (s).time_zone) + interval '1 month -1 day'))$$, 'monthly on its day or the last one');
SELECT is_empty($$SELECT * FROM run WHERE (at AT TIME ZONE (s).time_zone)::time <> (s).run_at
    AND (((at AT TIME ZONE (s).time_zone)::date + (s).run_at) AT TIME ZONE (s).time_zone) <> at AND (((at AT TIME ZONE (s).time_zone)::date - 1 + (s).run_at) AT TIME ZONE (s).time_zone) <> at$$, 'at its time of day, unless the clock skipped it');
-- It does not depend on the session.
SET LOCAL TimeZone = 'Pacific/Honolulu';
SET LOCAL DateStyle = 'SQL, DMY';
SELECT is_empty('SELECT * FROM run WHERE saas.next_payout_run(s, after) <> at', 'whatever the session''s time zone is');
RESET TimeZone;
RESET DateStyle;
-- A chain of runs: one for each day of a year, one for each month of twelve.
CREATE FUNCTION pg_temp.chain(p_schedule saas.payout_schedules, p_from timestamptz, p_to timestamptz) RETURNS SETOF timestamptz LANGUAGE plpgsql AS $$
BEGIN
    LOOP
        p_from := saas.next_payout_run(p_schedule, p_from);
        EXIT WHEN p_from >= p_to;
        RETURN NEXT p_from;
    END LOOP;
END $$;
SELECT is((SELECT count(DISTINCT (c AT TIME ZONE z)::date) || ' ' || count(*) FROM pg_temp.chain(pg_temp.schedule('daily', NULL, '02:15', z), '2026-01-01 12:00+00', '2027-01-01 12:00+00') AS c), '365 365', 'every day of the year once in ' || z)
FROM (VALUES ('America/New_York'), ('Australia/Lord_Howe'), ('Europe/London'), ('Asia/Kathmandu')) AS v (z);
SELECT is((SELECT string_agg(to_char(c, 'MMDD'), ' ') FROM pg_temp.chain(pg_temp.schedule('monthly', 31), '2027-12-31 00:00+00', '2029-01-01 00:00+00') AS c),
    '0131 0229 0331 0430 0531 0630 0731 0831 0930 1031 1130 1231', 'every month end of a leap year, without drift');
SELECT * FROM finish();
ROLLBACK;
