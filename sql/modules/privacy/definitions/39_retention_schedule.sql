-- Retention on a schedule, and what slows it.
CREATE OR REPLACE FUNCTION saas.retention_advice(p_min_rows bigint DEFAULT 10000)
RETURNS TABLE (
    policy text,
    table_name text,
    table_rows bigint,
    problem text,
    remedy text
)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_platform_admin();
    RETURN QUERY
    WITH policies AS (
        SELECT p.name, p.table_name, p.time_column, p.state_column, p.states, c.oid, c.relkind, p.action, s.row_count
        FROM saas.retention_policies AS p
        JOIN pg_class AS c ON c.oid = saas.personal_table(p.table_name)
        CROSS JOIN LATERAL (
            SELECT COALESCE(sum(greatest(x.reltuples, 0)), 0)::bigint AS row_count
            FROM pg_class AS x
            WHERE x.relkind = 'r' AND (x.oid = c.oid OR x.oid IN (SELECT t.relid FROM pg_partition_tree(c.oid) AS t))
        ) AS s
        WHERE p.is_enabled AND p.action <> 'keep'
    )
    SELECT p.name, p.table_name, p.row_count, 'no index begins with its column of time: every run reads the whole table',
        format('CREATE INDEX %sON %s (%I);', CASE WHEN p.relkind = 'p' THEN '' ELSE 'CONCURRENTLY ' END,
            p.table_name, p.time_column)
    FROM policies AS p
    JOIN pg_attribute AS a ON a.attrelid = p.oid AND a.attname = p.time_column
    WHERE p.row_count >= p_min_rows AND NOT EXISTS (
        SELECT
        FROM pg_index AS i
        JOIN pg_class AS x ON x.oid = i.indexrelid
        JOIN pg_am AS m ON m.oid = x.relam
        WHERE i.indrelid = p.oid
            AND i.indisvalid
            -- Of all rows, or of those in states that the policy is about, and perhaps in others.
            AND (
                i.indpred IS NULL
                OR pg_get_expr(i.indpred, i.indrelid)
                    ~ ('^\(' || quote_ident(p.state_column) || ' = (ANY \(ARRAY\[)?(''[^'']*''::text(, )?)+(\]\))?\)$')
                AND p.states <@ ARRAY(SELECT m.found[1] FROM regexp_matches(pg_get_expr(i.indpred, i.indrelid), '''([^'']*)''::text', 'g') AS m (found))
            )
            AND (i.indkey[0] = a.attnum OR m.amname = 'brin' AND a.attnum = ANY (i.indkey))
    )
    UNION ALL
    SELECT p.name, p.table_name, p.row_count, 'the package may not do it',
        format('GRANT SELECT, UPDATE, DELETE ON %s TO saas_internal;', p.table_name)
    FROM policies AS p
    WHERE NOT COALESCE(saas.may_retain(p.oid::regclass, p.action), false)
    ORDER BY 3 DESC, 1;
END
$$;
COMMENT ON FUNCTION saas.retention_advice(bigint) IS
'What slows retention policies or keeps them from being carried out, with the statement that mends it; for tables of at least p_min_rows rows as the planner estimates them, largest first. For admins of the platform.';
REVOKE ALL ON FUNCTION saas.retention_advice(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.retention_advice(bigint) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.schedule_cleanup(p_schedule text DEFAULT '17 3 * * *')
RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_schema text;
    v_job record;
    v_jobs text[] := '{}'::text[];
BEGIN
    -- The extension's own function: anybody may name a schema cron.
    SELECT n.nspname INTO v_schema
    FROM pg_extension AS e
    JOIN pg_depend AS d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
    JOIN pg_proc AS p ON p.oid = d.objid AND p.proname = 'schedule' AND p.pronargs = 3
    JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE e.extname = 'pg_cron';
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = '0A000',
            MESSAGE = 'pg_cron is not installed in this database',
            HINT = 'Install it here, or have another scheduler run SELECT saas.drop_old_partitions() and SELECT saas.cleanup_old_data() daily.';
    END IF;
    -- A job each, so that each is a transaction of its own.
    FOR v_job IN
        SELECT j.name, j.command
        FROM (
            VALUES
                (1, 'pg_saas partitions', 'SELECT saas.drop_old_partitions()'),
                (2, 'pg_saas retention', 'SELECT saas.cleanup_old_data()')
        ) AS j (place, name, command)
        ORDER BY j.place
    LOOP
        EXECUTE format('SELECT %I.schedule($1::text, $2::text, $3::text)', v_schema) USING v_job.name, p_schedule, v_job.command;
        v_jobs := v_jobs || v_job.name;
    END LOOP;
    RETURN v_jobs;
END
$$;
COMMENT ON FUNCTION saas.schedule_cleanup(text) IS
'Has pg_cron drop old partitions and clean up by saas.retention_policies, daily unless another schedule is given; called again it changes the schedule. Returns the names of the jobs. For the owner of the database; the jobs run as the caller. 0A000 without pg_cron.';
REVOKE ALL ON FUNCTION saas.schedule_cleanup(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.schedule_cleanup(text) TO pg_database_owner;
