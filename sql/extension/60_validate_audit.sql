-- What saas.validate() says of the audit trail.
CREATE OR REPLACE FUNCTION saas.validate_audit()
RETURNS TABLE (severity text, object text, finding text, remedy text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF to_regclass('saas.audit_logs') IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT 'error', t.relid::regclass::text, 'trigger ' || w.name || ', which makes the table append-only, is missing or disabled',
            pg_catalog.format('SELECT saas.make_append_only(%L);', t.relid::regclass)
        FROM (
            SELECT p.relid FROM pg_partition_tree('saas.audit_logs') AS p
            UNION ALL
            SELECT c.oid FROM pg_class AS c
            WHERE c.relnamespace = 'saas'::regnamespace
                AND c.relname IN ('audit_leaves', 'audit_checkpoints', 'audit_redactions')
        ) AS t (relid)
        CROSS JOIN (VALUES ('aa_append_only_row'), ('aa_append_only_statement')) AS w (name)
        WHERE NOT EXISTS (
            SELECT FROM pg_trigger AS g
            WHERE g.tgrelid = t.relid
                AND g.tgname = w.name
                AND g.tgenabled = 'A'
                AND g.tgfoid = 'saas.append_only()'::regprocedure
        );
    RETURN QUERY
        SELECT 'error', t.tgrelid::regclass::text, 'audit trigger ' || t.tgname || ' is not always enabled',
            pg_catalog.format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I;', t.tgrelid::regclass, t.tgname)
        FROM pg_trigger AS t
        WHERE t.tgenabled <> 'A'
            AND t.tgfoid IN ('saas.audit_row_change()'::regprocedure, 'saas.audit_truncate()'::regprocedure);
    -- saas.audit_table() reads the comments when it runs: a class that came later needs it again.
    RETURN QUERY
        SELECT 'error', t.tgrelid::regclass::text,
            pg_catalog.format('column %I is classified [restricted] and the audit trail records its values', a.attname),
            pg_catalog.format('SELECT saas.audit_table(%L, …); or saas.protect_table() again', t.tgrelid::regclass)
        FROM pg_trigger AS t
        CROSS JOIN LATERAL (
            SELECT pg_catalog.format(',%s,%s,', g.arguments[3], g.arguments[4]) AS columns
            FROM (SELECT saas.trigger_arguments(t.tgargs) AS arguments) AS g
        ) AS hidden
        JOIN pg_attribute AS a ON a.attrelid = t.tgrelid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE t.tgfoid = 'saas.audit_row_change()'::regprocedure
            AND t.tgparentid = 0
            AND col_description(a.attrelid, a.attnum) LIKE '%[restricted]'
            AND strpos(hidden.columns, pg_catalog.format(',%I,', a.attname)) = 0;
    IF to_regclass('saas.audited_tables') IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT 'error', a.table_name, 'the table is to be audited and has no audit trigger',
            pg_catalog.format('SELECT saas.audit_table(%L, …); or SELECT saas.unaudit_table(%L);', c.oid::regclass, c.oid::regclass)
        FROM saas.audited_tables AS a
        JOIN pg_class AS c ON c.relkind IN ('r', 'p')
        JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname || '.' || c.relname = a.table_name
        WHERE NOT EXISTS (
            SELECT FROM pg_trigger AS t
            WHERE t.tgrelid = c.oid AND t.tgfoid = 'saas.audit_row_change()'::regprocedure
        );
END
$$;
COMMENT ON FUNCTION saas.validate_audit() IS 'Part of saas.validate(): triggers that write and protect the audit trail.';
