-- The log and trigger function of the PL/pgSQL variant, the clock, and the results.
DROP SCHEMA IF EXISTS audit_bench CASCADE;
CREATE SCHEMA audit_bench;

CREATE TABLE audit_bench.results (
    variant text NOT NULL,
    statement text NOT NULL,
    microseconds double precision NOT NULL
);

CREATE TABLE audit_bench.log (LIKE saas.audit_logs) PARTITION BY RANGE (created_at);
ALTER TABLE audit_bench.log ADD PRIMARY KEY (team_id, created_at, id);
CREATE INDEX ON audit_bench.log (row_id);
CREATE INDEX ON audit_bench.log USING brin (created_at);
CREATE TABLE audit_bench.log_default PARTITION OF audit_bench.log DEFAULT;
SELECT saas.ensure_partitions('audit_bench.log');

CREATE FUNCTION audit_bench.write_log()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO audit_bench.log (
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
CREATE FUNCTION audit_bench.cpu()
RETURNS double precision
LANGUAGE sql VOLATILE
AS $$
    SELECT split_part(pg_read_file('/proc/' || pg_backend_pid() || '/schedstat'), ' ', 1)::float8 / 1000
$$;

-- Runs `p_statement` `p_times` times as a prepared statement and notes the CPU time per row.
CREATE PROCEDURE audit_bench.measure(p_variant text, p_name text, p_rows integer, p_body text)
LANGUAGE plpgsql
AS $$
DECLARE
    v_before double precision := audit_bench.cpu();
BEGIN
    EXECUTE p_body;
    INSERT INTO audit_bench.results
    VALUES (p_variant, p_name, (audit_bench.cpu() - v_before) / p_rows);
END
$$;

-- Bytes of the audit trail: tables and indexes together.
CREATE FUNCTION audit_bench.log_bytes()
RETURNS bigint
LANGUAGE sql VOLATILE
AS $$
    SELECT sum(pg_total_relation_size(relid))::bigint FROM pg_partition_tree('saas.audit_logs')
$$;
