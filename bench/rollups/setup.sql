-- Events of a week in the order of their time, of 100 skewed teams, in some 16,800 groups of hour and team;
-- log-normal latencies. Processor time is compared of two smaller tables of the same form, one the source of a rollup.
SET client_min_messages TO warning;
DROP SCHEMA IF EXISTS rollups_bench CASCADE;
CREATE SCHEMA rollups_bench;
SELECT setseed(0.5) \g /dev/null
CREATE TABLE rollups_bench.teams AS
SELECT n AS number, saas.create_team('Bench ' || n, 'rollups-bench-' || n, saas.create_user('bench' || n || '@example.com')) AS id
FROM generate_series(0, 99) AS n;
CREATE TABLE rollups_bench.plain (
    team_id uuid NOT NULL,
    at timestamptz NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    user_id bigint NOT NULL,
    ms double precision NOT NULL,
    PRIMARY KEY (team_id, at, id)
);
CREATE INDEX ON rollups_bench.plain USING brin (at) WITH (pages_per_range = 32);
CREATE TABLE rollups_bench.events (LIKE rollups_bench.plain INCLUDING DEFAULTS);
CREATE FUNCTION rollups_bench.generate(p_from timestamptz, p_to timestamptz, p_events bigint)
RETURNS TABLE (team_id uuid, at timestamptz, user_id bigint, ms double precision)
LANGUAGE sql STABLE -- so that it becomes part of the query
AS $$
SELECT (SELECT array_agg(t.id ORDER BY t.number) FROM rollups_bench.teams AS t)[1 + (100 * power(random(), 1.6))::integer % 100],
    p_from + n * ((p_to - p_from) / p_events), (1200000 * random())::bigint,
    exp(3.5 + 0.8 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()))
FROM generate_series(0, p_events - 1) AS n
$$;
INSERT INTO rollups_bench.events (team_id, at, user_id, ms)
SELECT * FROM rollups_bench.generate('2026-01-05 00:00+00', '2026-01-12 00:00+00', :events);
ALTER TABLE rollups_bench.events ADD PRIMARY KEY (team_id, at, id); -- faster afterwards
CREATE INDEX ON rollups_bench.events USING brin (at) WITH (pages_per_range = 32);
VACUUM ANALYZE rollups_bench.events;
SELECT count(*) FROM saas.create_rollup(
    'bench', 'rollups_bench.events', 'at',
    '{"events": "count", "total": {"sum": "ms"}, "users": {"distinct": "user_id"}, "latency": {"quantiles": "ms"}}',
    p_read_role => 'viewer'
) \g /dev/null
CREATE TABLE rollups_bench.noted (LIKE rollups_bench.plain INCLUDING ALL);
SELECT count(*) FROM saas.create_rollup(
    'bench_noted', 'rollups_bench.noted', 'at',
    '{"events": "count", "total": {"sum": "ms"}, "users": {"distinct": "user_id"}, "latency": {"quantiles": "ms"}}',
    p_read_role => 'viewer'
) \g /dev/null
VACUUM ANALYZE saas_rollups.bench_hour, saas_rollups.bench_day, saas_rollups.bench_week, saas_rollups.bench_month;

-- What a continuous aggregate does: time alone tells what changed, and buckets are computed for everybody.
CREATE TABLE rollups_bench.by_time AS SELECT * FROM saas_rollups.bench_hour;
ALTER TABLE rollups_bench.by_time ADD PRIMARY KEY (team_id, bucket);
CREATE INDEX ON rollups_bench.by_time (bucket);
VACUUM ANALYZE rollups_bench.by_time;

CREATE TABLE rollups_bench.results (pass integer, what text, milliseconds double precision);
-- Processor time of this backend in milliseconds: neighbours on the machine count little. The first file brings
-- the second up to date.
CREATE FUNCTION rollups_bench.cpu() RETURNS double precision
LANGUAGE sql
AS $$
SELECT CASE WHEN pg_read_file('/proc/self/stat') <> '' THEN split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::double precision / 1e6 END
$$;
CREATE PROCEDURE rollups_bench.note(p_pass integer, p_what text, p_since double precision)
LANGUAGE sql
AS $$
INSERT INTO rollups_bench.results VALUES (p_pass, p_what, rollups_bench.cpu() - p_since);
$$;

CREATE PROCEDURE rollups_bench.by_time_refresh(p_from timestamptz, p_to timestamptz)
LANGUAGE sql
AS $$
DELETE FROM rollups_bench.by_time WHERE bucket >= p_from AND bucket < p_to;
INSERT INTO rollups_bench.by_time
SELECT team_id, date_bin('1 hour', at, '2026-01-01 00:00+00'), 1, count(*), saas.quantile_sketch(ms), sum(ms), saas.distinct_sketch(user_id)
FROM rollups_bench.events
WHERE at >= p_from AND at < p_to
GROUP BY 1, 2;
$$;

-- What an application sends: one row, one transaction.
CREATE FUNCTION rollups_bench.single_rows(p_table text) RETURNS SETOF text
LANGUAGE sql
AS $$
SELECT format('EXECUTE %s(%L, %s)', p_table, t.id, n)
FROM generate_series(1, 1000) AS n
JOIN rollups_bench.teams AS t ON t.number = n % 100
ORDER BY n
$$;
