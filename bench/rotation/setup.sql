-- A team with values and people, and CPU time as the kernel counts it for this backend.
DROP SCHEMA IF EXISTS rotation_bench CASCADE;
CREATE SCHEMA rotation_bench;
DELETE FROM saas.teams WHERE slug = 'rotation-bench';
SELECT saas.create_team('Bench', 'rotation-bench', saas.create_user('rotation-bench-' || saas.uuid_v7() || '@example.com')) AS team \gset
CREATE TABLE rotation_bench.team AS SELECT :'team'::uuid AS id;
CREATE TABLE rotation_bench.vault (team_id uuid NOT NULL, id uuid NOT NULL, value bytea) WITH (fillfactor = 45);
SELECT saas.register_asset('rotation_bench.vault', 'value') AS asset \gset
INSERT INTO rotation_bench.vault (team_id, id, value)
SELECT :'team', r.id, saas.encrypt_sensitive_bytes(substring(sha256(n::text::bytea) FROM 1 FOR 20), :'asset'::uuid, r.id, p_team => :'team')
FROM generate_series(1, 100000) AS n CROSS JOIN LATERAL (SELECT saas.uuid_v7() AS id WHERE n > 0) AS r;
SELECT count(saas.encrypt_sensitive_bytes(''::bytea, :'asset'::uuid, NULL, r.id, p_team => :'team'))
FROM generate_series(1, 500) AS n CROSS JOIN LATERAL (SELECT saas.uuid_v7() AS id WHERE n > 0) AS r \g /dev/null
ANALYZE saas.encryption_keys; -- an emptied table of keys looks small to the planner
SELECT count(saas.encrypt_sensitive_bytes(''::bytea, :'asset'::uuid, NULL, r.id, p_team => :'team'))
FROM generate_series(501, 20000) AS n CROSS JOIN LATERAL (SELECT saas.uuid_v7() AS id WHERE n > 0) AS r \g /dev/null
VACUUM ANALYZE rotation_bench.vault, saas.encryption_keys;

CREATE TABLE rotation_bench.results (what text NOT NULL, microseconds double precision NOT NULL);
CREATE FUNCTION rotation_bench.cpu_nanoseconds() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::bigint
$$;

-- CPU time of a statement, for each of so many rows.
CREATE PROCEDURE rotation_bench.measure(p_what text, p_statement text, p_rows bigint)
LANGUAGE plpgsql
AS $$
DECLARE
    v_begin bigint := rotation_bench.cpu_nanoseconds();
BEGIN
    EXECUTE p_statement;
    INSERT INTO rotation_bench.results
    VALUES (p_what, (rotation_bench.cpu_nanoseconds() - v_begin) / 1000.0 / p_rows);
END
$$;
