-- Events of a week in the order of their time, of 100 skewed teams, in some 16,800 groups of hour and team;
-- the same table twice, once as the source of a rollup. Latencies are log-normal.
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
CREATE TABLE rollups_bench.events (LIKE rollups_bench.plain INCLUDING ALL);
CREATE UNLOGGED TABLE rollups_bench.generated AS
SELECT t.id AS team_id, g.at, saas.uuid_v7() AS id, g.user_id, g.ms
FROM (
    SELECT
        timestamptz '2026-01-05 00:00+00' + n * (INTERVAL '7 days' / :events) AS at,
        (100 * power(random(), 1.6))::integer % 100 AS tenant,
        (1200000 * random())::bigint AS user_id,
        exp(3.5 + 0.8 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())) AS ms
    FROM generate_series(0, :events - 1) AS n
) AS g
JOIN rollups_bench.teams AS t ON t.number = g.tenant
ORDER BY g.at;
INSERT INTO rollups_bench.events SELECT * FROM rollups_bench.generated;
INSERT INTO rollups_bench.plain SELECT * FROM rollups_bench.generated;
VACUUM ANALYZE rollups_bench.events, rollups_bench.plain;
SELECT count(*) FROM saas.create_rollup(
    'bench', 'rollups_bench.events', 'at',
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
CREATE PROCEDURE rollups_bench.note(p_pass integer, p_what text, p_since timestamptz)
LANGUAGE sql
AS $$
INSERT INTO rollups_bench.results
VALUES (p_pass, p_what, 1000 * extract(epoch FROM clock_timestamp() - p_since));
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

-- One row an event and commit: as an application writes.
CREATE PROCEDURE rollups_bench.single_rows(p_table regclass, p_rows integer)
LANGUAGE plpgsql
AS $$
DECLARE
    v_teams uuid[] := (SELECT array_agg(id ORDER BY number) FROM rollups_bench.teams);
BEGIN
    FOR i IN 1..p_rows LOOP
        IF p_table = 'rollups_bench.plain'::regclass THEN
            INSERT INTO rollups_bench.plain (team_id, at, user_id, ms) VALUES (v_teams[1 + i % 100], '2026-01-12 00:00+00', i, 1);
        ELSE
            INSERT INTO rollups_bench.events (team_id, at, user_id, ms) VALUES (v_teams[1 + i % 100], '2026-01-12 00:00+00', i, 1);
        END IF;
        COMMIT;
    END LOOP;
END
$$;
