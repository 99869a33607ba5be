-- The log and trigger function of the PL/pgSQL variant, the clock, and the results.

CREATE TABLE bench.results (
    variant text NOT NULL,
    statement text NOT NULL,
    microseconds double precision NOT NULL
);

CREATE TABLE bench.log (LIKE saas.audit_logs) PARTITION BY RANGE (created_at);
ALTER TABLE bench.log ADD PRIMARY KEY (team_id, created_at, id);
CREATE INDEX ON bench.log (row_id);
CREATE INDEX ON bench.log USING brin (created_at);
CREATE TABLE bench.log_default PARTITION OF bench.log DEFAULT;
SELECT saas.ensure_partitions('bench.log');

CREATE FUNCTION bench.write_log()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO bench.log (
        team_id, created_at, id, xact_id, actor_id, row_id, operation, table_name,
        old_values, new_values, db_role, login_role, request_id, client_addr
    )
    VALUES (
        COALESCE(new.team_id, old.team_id), statement_timestamp(), saas.uuid_v7(),
        pg_current_xact_id(), saas.current_user_id(), COALESCE(new.id, old.id),
        left(tg_op, 1), tg_argv[0],
        CASE WHEN tg_op <> 'INSERT' THEN to_jsonb(old) END,
        CASE WHEN tg_op <> 'DELETE' THEN to_jsonb(new) END,
        current_user, nullif(session_user, current_user),
        nullif(current_setting('saas.request_id', true), ''), inet_client_addr()
    );
    RETURN NULL;
END
$$;

-- CPU time that this backend has used, in microseconds.
CREATE FUNCTION bench.cpu()
RETURNS double precision
LANGUAGE sql VOLATILE
AS $$
    SELECT split_part(pg_read_file('/proc/' || pg_backend_pid() || '/schedstat'), ' ', 1)::float8 / 1000
$$;

-- Runs a statement and notes the CPU time per row.
CREATE PROCEDURE bench.measure(p_variant text, p_name text, p_rows integer, p_body text)
LANGUAGE plpgsql
AS $$
DECLARE
    v_before double precision := bench.cpu();
BEGIN
    EXECUTE p_body;
    INSERT INTO bench.results
    VALUES (p_variant, p_name, (bench.cpu() - v_before) / p_rows);
END
$$;

-- Bytes of the log that the variant writes: tables and indexes together.
CREATE FUNCTION bench.log_bytes(p_variant text)
RETURNS bigint
LANGUAGE sql VOLATILE
AS $$
    SELECT sum(pg_total_relation_size(t.relid))::bigint
    FROM pg_partition_tree(CASE p_variant
        WHEN 'native' THEN 'saas.audit_logs'
        WHEN 'plpgsql' THEN 'bench.log'
    END) AS t
$$;
