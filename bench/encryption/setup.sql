-- Values of four sizes, a team with its key, and CPU time as the kernel counts it for this backend.
DROP SCHEMA IF EXISTS encryption_bench CASCADE;
CREATE SCHEMA encryption_bench;

DELETE FROM saas.teams WHERE slug = 'encryption-bench';
SELECT saas.create_user('encryption-bench@example.com') AS person \gset
SELECT saas.create_team('Bench', 'encryption-bench', :'person') AS team \gset
CREATE TABLE encryption_bench.team AS SELECT :'team'::uuid AS id, :'person'::uuid AS owner;

-- Random bytes; inline up to 4 kB, in the TOAST table beyond.
CREATE TABLE encryption_bench.plain (size integer NOT NULL, id uuid NOT NULL, value bytea NOT NULL) PARTITION BY LIST (size);
CREATE TABLE encryption_bench.plain_32 PARTITION OF encryption_bench.plain FOR VALUES IN (32);
CREATE TABLE encryption_bench.plain_256 PARTITION OF encryption_bench.plain FOR VALUES IN (256);
CREATE TABLE encryption_bench.plain_4096 PARTITION OF encryption_bench.plain FOR VALUES IN (4096);
CREATE TABLE encryption_bench.plain_65536 PARTITION OF encryption_bench.plain FOR VALUES IN (65536);
ALTER TABLE encryption_bench.plain_4096 ALTER COLUMN value SET STORAGE PLAIN;
ALTER TABLE encryption_bench.plain_65536 ALTER COLUMN value SET STORAGE EXTERNAL;
INSERT INTO encryption_bench.plain (size, id, value)
SELECT s.size, saas.uuid_v7(), b.value
FROM (VALUES (32, 200000), (256, 100000), (4096, 10000), (65536, 500)) AS s (size, rows)
CROSS JOIN LATERAL generate_series(1, s.rows) AS n
CROSS JOIN LATERAL (
    SELECT substring(decode(repeat(md5(n::text), 1 + s.size / 16), 'hex') FROM 1 FOR s.size) AS value
) AS b;
VACUUM ANALYZE encryption_bench.plain;
SELECT saas.register_asset('encryption_bench.plain_32', 'value') \g /dev/null

CREATE TABLE encryption_bench.results (
    what text NOT NULL,
    size integer NOT NULL,
    microseconds double precision NOT NULL
);

CREATE FUNCTION encryption_bench.cpu_nanoseconds() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::bigint
$$;

-- One scan of a table with this expression over each value.
CREATE PROCEDURE encryption_bench.measure(p_what text, p_size integer, p_expression text, p_from text DEFAULT 'encryption_bench.plain_%s', p_rows integer DEFAULT NULL)
LANGUAGE plpgsql
AS $$
DECLARE
    v_begin bigint;
    v_rows bigint;
    v_statement text := format(
        'SELECT count(length(%s)) FROM (SELECT * FROM %s %s) AS v', p_expression,
        format(p_from, p_size), COALESCE('LIMIT ' || p_rows, ''));
BEGIN
    v_begin := encryption_bench.cpu_nanoseconds();
    EXECUTE v_statement INTO v_rows;
    INSERT INTO encryption_bench.results
    VALUES (p_what, p_size, (encryption_bench.cpu_nanoseconds() - v_begin) / 1000.0 / v_rows);
END
$$;
