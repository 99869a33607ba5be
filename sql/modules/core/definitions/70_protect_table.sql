-- saas.protect_table(): a table of one's own becomes a table of the tenants, in one call.
CREATE OR REPLACE FUNCTION saas.team_roles_from(p_least_role text)
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT r.names[array_position(r.names, p_least_role):]
    FROM (SELECT ARRAY['viewer', 'member', 'admin', 'owner', 'service'] AS names) AS r
    WHERE p_least_role = ANY (r.names)
$$;
COMMENT ON FUNCTION saas.team_roles_from(text) IS
'The roles in a team with at least this power, service last; NULL when there is no such role.';
REVOKE ALL ON FUNCTION saas.team_roles_from(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.team_roles_from(text) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.check_protectable(
    p_table regclass,
    p_team_column text,
    p_read_role text,
    p_write_role text
)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_kind text;
    v_findings text;
    v_remedies text;
BEGIN
    IF saas.team_roles_from(p_read_role) IS NULL OR saas.team_roles_from(p_write_role) IS NULL
        OR NOT saas.team_roles_from(p_read_role) @> saas.team_roles_from(p_write_role)
    THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'the roles that read and write make no sense',
            HINT = 'The roles are viewer, member, admin, owner and service; who writes must be able to read.';
    END IF;
    SELECT CASE
        WHEN c.relkind NOT IN ('r', 'p') THEN 'it is no table'
        WHEN c.relpersistence = 't' THEN 'it is temporary'
        WHEN c.relispartition THEN 'it is a partition: protect the partitioned table'
        WHEN n.nspname = 'saas' THEN 'it belongs to the package, which protects it'
        WHEN n.nspname IN ('pg_catalog', 'information_schema', 'pg_toast') THEN 'it belongs to the server'
        WHEN NOT pg_has_role(current_user, c.relowner, 'USAGE') THEN 'only its owner can protect it'
    END
    INTO v_kind
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = p_table;
    IF v_kind IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA032',
            MESSAGE = format('table %s cannot be protected', p_table),
            DETAIL = v_kind || '.',
            HINT = 'Run saas.protect_table() as the owner of a table in a schema of your own.';
    END IF;
    SELECT string_agg(f.finding, E'\n'), string_agg(f.remedy, E'\n')
    INTO v_findings, v_remedies
    FROM saas.protection_findings(p_table, p_team_column) AS f
    WHERE f.severity = 'error';
    IF v_findings IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA032',
            MESSAGE = format('table %s cannot be protected as it is', p_table),
            DETAIL = v_findings,
            HINT = v_remedies;
    END IF;
END
$$;
COMMENT ON FUNCTION saas.check_protectable(regclass, text, text, text) IS
'Raises SA032 when a table is not safe to be protected: the detail says why, the hint has the statements that mend it.';
REVOKE ALL ON FUNCTION saas.check_protectable(regclass, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.check_protectable(regclass, text, text, text) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.protection_state(p_table regclass)
RETURNS jsonb
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH members AS (
        -- The table may be renamed before it is unprotected, so it stands for itself.
        SELECT c.relrowsecurity, c.relforcerowsecurity, c.relacl, c.oid = p_table AS is_root,
            CASE c.oid WHEN p_table THEN 'table' ELSE c.oid::regclass::text END AS name
        FROM (SELECT p_table AS relid UNION SELECT t.relid FROM pg_partition_tree(p_table) AS t) AS r
        JOIN pg_class AS c ON c.oid = r.relid
    ), rights AS (
        SELECT a.grantee, a.privilege_type, NULL::name AS column_name
        FROM members AS m CROSS JOIN aclexplode(m.relacl) AS a
        WHERE m.is_root
        UNION ALL
        SELECT a.grantee, a.privilege_type, t.attname
        FROM pg_attribute AS t CROSS JOIN aclexplode(t.attacl) AS a
        WHERE t.attrelid = p_table
    )
    SELECT jsonb_build_object(
        'row_security', (SELECT COALESCE(jsonb_agg(m.name), '[]') FROM members AS m WHERE m.relrowsecurity),
        'forced', (SELECT COALESCE(jsonb_agg(m.name), '[]') FROM members AS m WHERE m.relforcerowsecurity),
        'rights', (
            SELECT COALESCE(jsonb_agg(jsonb_build_object(
                'role', r.grantee::regrole::text, 'privilege', r.privilege_type, 'column', r.column_name)), '[]')
            FROM rights AS r
            WHERE r.grantee <> 0
                AND r.grantee::regrole::text IN (
                    quote_ident(current_setting('saas.role_app')), quote_ident(current_setting('saas.role_service')),
                    quote_ident(current_setting('saas.role_analyst'))
                )
        ),
        'triggers', (
            SELECT COALESCE(jsonb_agg(DISTINCT p.proname), '[]')
            FROM pg_trigger AS t
            JOIN pg_proc AS p ON p.oid = t.tgfoid AND p.pronamespace = 'saas'::regnamespace
            WHERE t.tgrelid = p_table
        )
    )
$$;
COMMENT ON FUNCTION saas.protection_state(regclass) IS
'What saas.unprotect_table() goes back to: row-level security, rights and triggers as they are now.';
REVOKE ALL ON FUNCTION saas.protection_state(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.protection_state(regclass) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.classified_columns(p_table regclass, p_classes text)
RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
    FROM pg_attribute AS a
    WHERE a.attrelid = p_table
        AND a.attnum > 0
        AND NOT a.attisdropped
        AND COALESCE((regexp_match(col_description(a.attrelid, a.attnum), '\[([a-z]+)\]$'))[1], 'none') ~ p_classes
$$;
COMMENT ON FUNCTION saas.classified_columns(regclass, text) IS
'The columns whose comment ends with a data classification (none without one) that the pattern matches, as a list for GRANT; NULL for none.';
REVOKE ALL ON FUNCTION saas.classified_columns(regclass, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.classified_columns(regclass, text) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.protection_policies(
    p_table regclass,
    p_name text,
    p_team_column text,
    p_read_role text,
    p_write_role text
)
RETURNS TABLE (step text, statement text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH conditions AS (
        SELECT r.who, format('%I = saas.current_team_id()', p_team_column) || CASE r.least
            WHEN 'viewer' THEN ''
            ELSE format(' AND saas.current_team_role() = ANY (%L)', saas.team_roles_from(r.least))
        END AS condition
        FROM (VALUES ('reads', p_read_role), ('writes', p_write_role)) AS r (who, least)
    ), policies AS (
        SELECT w.place, w.policy, w.command, w.roles,
            CASE WHEN w.uses THEN format(' USING (%s)', c.condition) ELSE '' END
            || CASE WHEN w.checks THEN format(' WITH CHECK (%s)', c.condition) ELSE '' END AS clauses
        FROM (VALUES
            (1, 'saas_select', 'SELECT', 'reads', true, false, 'saas_app, saas_service'),
            (2, 'saas_insert', 'INSERT', 'writes', false, true, 'saas_app, saas_service'),
            (3, 'saas_update', 'UPDATE', 'writes', true, true, 'saas_app, saas_service'),
            (4, 'saas_delete', 'DELETE', 'writes', true, false, 'saas_app, saas_service')
        ) AS w (place, policy, command, who, uses, checks, roles)
        JOIN conditions AS c ON c.who = w.who
        UNION ALL
        SELECT 5, 'saas_analyst', 'SELECT', 'saas_analyst', format(' USING (%I = saas.current_team_id())', p_team_column)
        WHERE saas.classified_columns(p_table, '^(public|internal)$') IS NOT NULL
    )
    SELECT 'policy ' || p.policy, CASE
        WHEN EXISTS (SELECT FROM pg_policy AS e WHERE e.polrelid = p_table AND e.polname = p.policy)
        THEN format('ALTER POLICY %s ON %s TO %s%s', p.policy, p_name, p.roles, p.clauses)
        ELSE format('CREATE POLICY %s ON %s FOR %s TO %s%s', p.policy, p_name, p.command, p.roles, p.clauses)
    END
    FROM policies AS p
    ORDER BY p.place
$$;
COMMENT ON FUNCTION saas.protection_policies(regclass, text, text, text, text) IS
'The policies of a protected table as statements: one per command, and one for analysts when columns are classified.';
REVOKE ALL ON FUNCTION saas.protection_policies(regclass, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.protection_policies(regclass, text, text, text, text) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.protection_grants(p_table regclass, p_name text)
RETURNS TABLE (step text, statement text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT 'rights on the schema', format('GRANT USAGE ON SCHEMA %s TO saas_app, saas_service, saas_analyst', c.relnamespace::regnamespace)
    FROM pg_class AS c
    WHERE c.oid = p_table
        AND EXISTS (
            SELECT FROM unnest(ARRAY['app', 'service', 'analyst']) AS r (name)
            WHERE NOT has_schema_privilege(current_setting('saas.role_' || r.name), c.relnamespace, 'USAGE')
        )
    UNION ALL
    SELECT 'rights', format('REVOKE SELECT ON %s FROM saas_app, saas_service', p_name)
    WHERE saas.classified_columns(p_table, '^restricted$') IS NOT NULL
        AND (
            has_table_privilege(current_setting('saas.role_app'), p_table, 'SELECT')
            OR has_table_privilege(current_setting('saas.role_service'), p_table, 'SELECT')
        )
    UNION ALL
    -- Secrets are not for applications to read.
    SELECT 'rights', format('GRANT SELECT (%s) ON %s TO saas_app, saas_service', saas.classified_columns(p_table, '^(?!restricted$)'), p_name)
    WHERE saas.classified_columns(p_table, '^restricted$') IS NOT NULL
    UNION ALL
    SELECT 'rights', format('GRANT %s ON %s TO saas_app, saas_service', string_agg(r.privilege, ', ' ORDER BY r.place), p_name)
    FROM (VALUES (1, 'SELECT'), (2, 'INSERT'), (3, 'UPDATE'), (4, 'DELETE')) AS r (place, privilege)
    WHERE NOT (
            has_table_privilege(current_setting('saas.role_app'), p_table, r.privilege)
            AND has_table_privilege(current_setting('saas.role_service'), p_table, r.privilege)
        )
        AND (r.privilege <> 'SELECT' OR saas.classified_columns(p_table, '^restricted$') IS NULL)
    HAVING count(*) > 0
    UNION ALL
    SELECT 'rights of analysts', format('GRANT SELECT (%s) ON %s TO saas_analyst', saas.classified_columns(p_table, '^(public|internal)$'), p_name)
    WHERE saas.classified_columns(p_table, '^(public|internal)$') IS NOT NULL
    UNION ALL
    -- The default of a serial column draws from its sequence with the rights of whoever inserts.
    SELECT 'rights on the sequence', format('GRANT USAGE ON SEQUENCE %s TO saas_app, saas_service', d.objid::regclass)
    FROM pg_depend AS d
    JOIN pg_class AS q ON q.oid = d.objid
    WHERE d.classid = 'pg_class'::regclass
        AND d.refclassid = 'pg_class'::regclass
        AND d.refobjid = p_table
        AND d.deptype = 'a'
        AND CASE q.relkind
            WHEN 'S' THEN NOT has_sequence_privilege(current_setting('saas.role_app'), d.objid, 'USAGE')
        END
$$;
COMMENT ON FUNCTION saas.protection_grants(regclass, text) IS
'The rights that a protected table lacks as statements: never ALL, no secrets, and for analysts what is public or internal.';
REVOKE ALL ON FUNCTION saas.protection_grants(regclass, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.protection_grants(regclass, text) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.team_index_name(p_table_name text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- Names have 63 bytes, whatever the characters; those of long tables must stay different.
    SELECT CASE
        WHEN octet_length(p_table_name) <= 48 THEN p_table_name
        ELSE (
            SELECT left(p_table_name, max(n.characters)) || '_' || left(md5(p_table_name), 8)
            FROM generate_series(1, 39) AS n (characters)
            WHERE octet_length(left(p_table_name, n.characters)) <= 39
        )
    END || '_saas_team_idx'
$$;
COMMENT ON FUNCTION saas.team_index_name(text) IS
'The name of the index that saas.protect_table() makes on the column of the team; its end tells saas.unprotect_table() that it did.';
REVOKE ALL ON FUNCTION saas.team_index_name(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.team_index_name(text) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.protection_extras(p_table regclass, p_name text, p_team_column text)
RETURNS TABLE (step text, statement text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT 'row-level security', format('ALTER TABLE %s %s ROW LEVEL SECURITY', m.oid::regclass, w.what)
    FROM (SELECT p_table AS relid UNION SELECT t.relid FROM pg_partition_tree(p_table) AS t) AS r
    JOIN pg_class AS m ON m.oid = r.relid
    CROSS JOIN LATERAL (VALUES ('ENABLE', m.relrowsecurity), ('FORCE', m.relforcerowsecurity)) AS w (what, done)
    WHERE NOT w.done
    UNION ALL
    SELECT 'index', format('CREATE INDEX %I ON %s (%I)', saas.team_index_name(c.relname), p_name, p_team_column)
    FROM pg_class AS c
    WHERE c.oid = p_table
        AND NOT EXISTS (
            SELECT FROM pg_index AS i
            JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
            WHERE i.indrelid = p_table AND i.indisvalid AND i.indpred IS NULL AND a.attname = p_team_column
        )
    UNION ALL
    SELECT 'updated_at', format(
        'CREATE TRIGGER saas_updated_at BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at()', p_name)
    FROM pg_attribute AS a
    WHERE a.attrelid = p_table
        AND a.attname = 'updated_at'
        AND a.atttypid = 'timestamptz'::regtype
        AND NOT EXISTS (
            SELECT FROM pg_trigger AS t
            WHERE t.tgrelid = p_table AND t.tgfoid = 'saas.set_updated_at()'::regprocedure
        )
$$;
COMMENT ON FUNCTION saas.protection_extras(regclass, text, text) IS
'Row-level security, index and trigger that a protected table lacks, as statements.';
REVOKE ALL ON FUNCTION saas.protection_extras(regclass, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.protection_extras(regclass, text, text) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.protect_table(
    p_table regclass,
    p_team_column text DEFAULT 'team_id',
    p_read_role text DEFAULT 'viewer',
    p_write_role text DEFAULT 'member',
    p_audit boolean DEFAULT true,
    p_leave_out text[] DEFAULT '{}',
    p_redact text[] DEFAULT '{}'
)
RETURNS TABLE (step text, statement text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
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
    -- Doing nothing would look like success.
    IF p_table IS NULL OR p_team_column IS NULL OR p_audit IS NULL OR p_leave_out IS NULL OR p_redact IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = '22004',
            MESSAGE = 'an argument of saas.protect_table() is null',
            HINT = 'Leave out what should have its default.';
    END IF;
    PERFORM saas.check_protectable(p_table, p_team_column, p_read_role, p_write_role);
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', v_name);
    v_before := COALESCE(
        (
            SELECT substr(obj_description(p.oid, 'pg_policy'), 31)::jsonb -> 'before'
            FROM pg_policy AS p
            WHERE p.polrelid = p_table AND p.polname = 'saas_select' AND saas.is_protected(p_table)
        ),
        saas.protection_state(p_table)
    );
    -- The policies stand before anybody is let in.
    FOR step, statement IN
        SELECT * FROM saas.protection_extras(p_table, v_name, p_team_column)
        UNION ALL
        SELECT * FROM saas.protection_policies(p_table, v_name, p_team_column, p_read_role, p_write_role)
        UNION ALL
        SELECT * FROM saas.protection_grants(p_table, v_name)
    LOOP
        EXECUTE statement;
        statement := statement || ';';
        RETURN NEXT;
    END LOOP;
    EXECUTE format('COMMENT ON POLICY saas_select ON %s IS %L', v_name, 'Made by saas.protect_table(): '
        || jsonb_build_object('team_column', p_team_column, 'before', v_before)::text);
    IF p_audit THEN
        PERFORM saas.audit_table(p_table, p_leave_out, p_redact);
        step := 'audit';
        statement := format('SELECT saas.audit_table(%L, %L, %L);', v_name, p_leave_out, p_redact);
        RETURN NEXT;
    ELSIF saas.protection_state(p_table) -> 'triggers' ? 'audit_row_change'
        AND NOT v_before -> 'triggers' ? 'audit_row_change'
    THEN
        PERFORM saas.unaudit_table(p_table);
        step := 'audit';
        statement := format('SELECT saas.unaudit_table(%L);', v_name);
        RETURN NEXT;
    END IF;
    RETURN QUERY
        SELECT 'advice: ' || f.finding, f.remedy
        FROM saas.protection_findings(p_table, p_team_column) AS f
        WHERE f.severity = 'warning';
END
$$;
COMMENT ON FUNCTION saas.protect_table(regclass, text, text, text, boolean, text[], text[]) IS
'Gives a table of your own row-level security by team, rights, an index, audit and updated_at, and returns what it did; advice is for you to follow or not. Run by the owner of the table; run again after changes. SA032 says what makes the table unsafe and how to mend it.';
REVOKE ALL ON FUNCTION saas.protect_table(regclass, text, text, text, boolean, text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.protect_table(regclass, text, text, text, boolean, text[], text[]) TO pg_database_owner;
