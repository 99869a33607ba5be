-- What one late row costs: with few and many events in its hour, groups in it, and hours of history.
SET client_min_messages TO warning;
CREATE TABLE rollups_bench.growth (ordinal integer, what text, milliseconds double precision);
CREATE PROCEDURE rollups_bench.grow(p_ordinal integer, p_what text, p_events integer, p_groups integer, p_hours integer)
LANGUAGE plpgsql
AS $$
DECLARE
    v_team uuid := (SELECT id FROM rollups_bench.teams WHERE number = 1);
    v_since double precision;
BEGIN
    CREATE TABLE rollups_bench.grown (team_id uuid NOT NULL, at timestamptz NOT NULL, id bigint NOT NULL, label integer NOT NULL, ms double precision NOT NULL,
        PRIMARY KEY (team_id, at, id));
    INSERT INTO rollups_bench.grown
    SELECT v_team, timestamptz '2026-01-05 00:00+00' + h * INTERVAL '1 hour' + n * INTERVAL '1 hour' / p_events, n, n % p_groups, n
    FROM generate_series(0, p_hours - 1) AS h CROSS JOIN generate_series(0, p_events - 1) AS n;
    PERFORM saas.create_rollup('grown', 'rollups_bench.grown', 'at', '{"events": "count", "latency": {"quantiles": "ms"}}', '{label}', p_read_role => 'viewer');
    ANALYZE rollups_bench.grown;
    COMMIT;
    FOR i IN 1..5 LOOP
        INSERT INTO rollups_bench.grown VALUES (v_team, '2026-01-05 00:30+00', -i, 0, 1);
        COMMIT;
        v_since := rollups_bench.cpu();
        PERFORM saas.refresh_rollups('grown');
        INSERT INTO rollups_bench.growth VALUES (p_ordinal, p_what, rollups_bench.cpu() - v_since);
        COMMIT;
    END LOOP;
    PERFORM saas.drop_rollup('grown');
    DROP TABLE rollups_bench.grown;
    COMMIT;
END
$$;
CALL rollups_bench.grow(1, '100 events an hour, 1 group, a day of history', 100, 1, 24);
CALL rollups_bench.grow(2, '10,000 events an hour', 10000, 1, 24);
CALL rollups_bench.grow(3, '100 groups', 100, 100, 24);
CALL rollups_bench.grow(4, 'a year of history', 100, 1, 8760);
