-- saas.unprotect_table(): a table of one's own as it was before saas.protect_table().
CREATE OR REPLACE FUNCTION saas.unprotection_steps(p_table regclass, p_name text, p_before jsonb)
RETURNS TABLE (step text, statement text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT 'rights', format('REVOKE SELECT, INSERT, UPDATE, DELETE ON %s FROM saas_app, saas_service, saas_analyst', p_name)
    UNION ALL
    -- The comment may have been changed by hand, and whoever runs this may be a superuser: take names
    -- of rights, columns and roles from it, never SQL.
    SELECT 'rights', format(
        'GRANT %s%s ON %s TO %I', k.privilege, COALESCE(' (' || quote_ident(a.attname) || ')', ''), p_name, u.rolname)
    FROM jsonb_to_recordset(p_before -> 'rights') AS r (role text, privilege text, "column" text)
    JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS k (privilege) ON k.privilege = r.privilege
    JOIN pg_roles AS u ON quote_ident(u.rolname) = r.role
    LEFT JOIN pg_attribute AS a
        ON a.attrelid = p_table AND a.attname = r."column" AND a.attnum > 0 AND NOT a.attisdropped
    WHERE r."column" IS NULL OR a.attname IS NOT NULL
    UNION ALL
    SELECT 'policy ' || p.polname, format('DROP POLICY %I ON %s', p.polname, p_name)
    FROM pg_policy AS p
    WHERE p.polrelid = p_table
        AND p.polname IN ('saas_select', 'saas_insert', 'saas_update', 'saas_delete', 'saas_analyst')
    UNION ALL
    SELECT 'row-level security', format('ALTER TABLE %s %s ROW LEVEL SECURITY', m.oid::regclass, w.what)
    FROM (SELECT p_table AS relid UNION SELECT t.relid FROM pg_partition_tree(p_table) AS t) AS r
    JOIN pg_class AS m ON m.oid = r.relid
    CROSS JOIN LATERAL (VALUES
        ('DISABLE', m.relrowsecurity, p_before -> 'row_security'),
        ('NO FORCE', m.relforcerowsecurity, p_before -> 'forced')
    ) AS w (what, present, before)
    WHERE w.present AND NOT w.before ? CASE m.oid WHEN p_table THEN 'table' ELSE m.oid::regclass::text END
    UNION ALL
    SELECT 'index', format('DROP INDEX %s', i.indexrelid::regclass)
    FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid
    WHERE i.indrelid = p_table AND c.relname LIKE '%\_saas\_team\_idx'
    UNION ALL
    SELECT 'updated_at', format('DROP TRIGGER saas_updated_at ON %s', p_name)
    FROM pg_trigger AS t
    WHERE t.tgrelid = p_table AND t.tgname = 'saas_updated_at' AND NOT p_before -> 'triggers' ? 'set_updated_at'
$$;
COMMENT ON FUNCTION saas.unprotection_steps(regclass, text, jsonb) IS
'The statements that take saas.protect_table() back.';
REVOKE ALL ON FUNCTION saas.unprotection_steps(regclass, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.unprotection_steps(regclass, text, jsonb) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.unprotect_table(p_table regclass)
RETURNS TABLE (step text, statement text)
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    v_name text := (
        SELECT format('%I.%I', n.nspname, c.relname)
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = p_table
    );
    v_before jsonb;
BEGIN
    PERFORM saas.current_team_id(); -- loads the library, which defines the settings that name the roles
    IF NOT saas.is_protected(p_table) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA032',
            MESSAGE = format('table %s is not protected', p_table),
            HINT = 'Only what saas.protect_table() did can be taken back.';
    END IF;
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', v_name);
    SELECT substr(obj_description(p.oid, 'pg_policy'), 31)::jsonb -> 'before'
    INTO v_before
    FROM pg_policy AS p
    WHERE p.polrelid = p_table AND p.polname = 'saas_select';
    IF saas.protection_state(p_table) -> 'triggers' ? 'audit_row_change'
        AND NOT v_before -> 'triggers' ? 'audit_row_change'
    THEN
        PERFORM saas.unaudit_table(p_table);
        step := 'audit';
        statement := format('SELECT saas.unaudit_table(%L);', v_name);
        RETURN NEXT;
    END IF;
    FOR step, statement IN SELECT * FROM saas.unprotection_steps(p_table, v_name, v_before) LOOP
        EXECUTE statement;
        statement := statement || ';';
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.unprotect_table(regclass) IS
'Takes back what saas.protect_table() did and returns the statements; data stays, and so do rights on the schema and on sequences. Run by the owner of the table.';
REVOKE ALL ON FUNCTION saas.unprotect_table(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.unprotect_table(regclass) TO pg_database_owner;
