-- What saas.validate() says of tables.
CREATE OR REPLACE FUNCTION saas.validate_tables()
RETURNS TABLE (severity text, object text, finding text, remedy text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH tables AS (
        SELECT c.oid, c.oid::regclass::text AS name, c.relrowsecurity, c.relforcerowsecurity,
            c.relpersistence, c.relispartition, c.relacl,
            COALESCE(d.kind, CASE WHEN c.relispartition THEN 'partition' ELSE 'undeclared' END) AS kind
        FROM pg_class AS c
        LEFT JOIN saas.declared_tables() AS d ON d.table_name = c.relname
        WHERE c.relnamespace = 'saas'::regnamespace AND c.relkind IN ('r', 'p')
    ), findings AS (
        SELECT 'error' AS severity, t.name, 'row-level security is off' AS finding,
            'ALTER TABLE ' || t.name || ' ENABLE ROW LEVEL SECURITY;' AS remedy
        FROM tables AS t WHERE NOT t.relrowsecurity
        UNION ALL
        SELECT 'error', t.name, 'row-level security does not hold for the owner',
            'ALTER TABLE ' || t.name || ' FORCE ROW LEVEL SECURITY;'
        FROM tables AS t WHERE NOT t.relforcerowsecurity AND t.kind NOT IN ('local', 'undeclared')
        UNION ALL
        SELECT 'error', t.name, 'roles read the table but no policy lets them see a row',
            'CREATE POLICY … ON ' || t.name || ' FOR SELECT TO saas_app USING (team_id = saas.current_team_id());'
        FROM tables AS t
        WHERE t.kind IN ('tenant', 'reference')
            AND NOT EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = t.oid)
            AND EXISTS (
                SELECT
                FROM aclexplode(t.relacl) AS a
                LEFT JOIN pg_roles AS r ON r.oid = a.grantee
                WHERE a.privilege_type = 'SELECT' AND r.rolbypassrls IS DISTINCT FROM true
                    AND a.grantee <> (SELECT c.relowner FROM pg_class AS c WHERE c.oid = t.oid)
            )
        UNION ALL
        SELECT 'warning', t.name, 'no manifest declares the table as tenant, reference or local',
            'add it to its module''s manifest, or move a table of your own to a schema of your own'
        FROM tables AS t WHERE t.kind = 'undeclared'
        UNION ALL
        SELECT 'error', t.name, 'the table is unlogged: a crash empties it', 'ALTER TABLE ' || t.name || ' SET LOGGED;'
        FROM tables AS t WHERE t.relpersistence <> 'p'
        UNION ALL
        SELECT 'error', t.name, 'roles may ' || lower(a.privilege_type) || ' the table',
            pg_catalog.format('REVOKE %s ON %s FROM %s;', a.privilege_type, t.name,
                CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)
        FROM tables AS t
        CROSS JOIN aclexplode(t.relacl) AS a
        JOIN pg_class AS c ON c.oid = t.oid
        WHERE a.privilege_type IN ('TRUNCATE', 'TRIGGER', 'REFERENCES') AND a.grantee <> c.relowner
        UNION ALL
        SELECT 'error', t.name, 'roles read the partition beside the policies of its parent',
            pg_catalog.format('REVOKE ALL ON %s FROM %s;', t.name, COALESCE(quote_ident(r.rolname), 'PUBLIC'))
        FROM tables AS t
        JOIN pg_class AS c ON c.oid = t.oid
        CROSS JOIN LATERAL (SELECT DISTINCT a.grantee FROM aclexplode(t.relacl) AS a) AS g
        LEFT JOIN pg_roles AS r ON r.oid = g.grantee
        WHERE t.relispartition AND g.grantee <> c.relowner
        UNION ALL
        SELECT 'error', t.name, 'the table has no primary key', 'ALTER TABLE ' || t.name || ' ADD PRIMARY KEY (…);'
        FROM tables AS t
        WHERE NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = t.oid AND i.indisprimary)
            -- A log for which writers pay; publications find what is deleted by the whole row.
            AND NOT (t.kind = 'local' AND EXISTS (SELECT FROM pg_class AS c WHERE c.oid = t.oid AND c.relreplident = 'f'))
        UNION ALL
        SELECT 'error', t.name, 'the table inherits from ' || h.inhparent::regclass::text,
            'partition the parent, or keep the tables apart: policies of one say nothing for the other'
        FROM tables AS t JOIN pg_inherits AS h ON h.inhrelid = t.oid WHERE NOT t.relispartition
        UNION ALL
        SELECT 'warning', t.name, 'the table is partitioned in more than one level, or not by range',
            'partition by one range of time'
        FROM tables AS t
        JOIN pg_partitioned_table AS p ON p.partrelid = t.oid
        WHERE t.relispartition OR p.partstrat <> 'r'
        UNION ALL
        SELECT 'error', t.name, 'the table belongs to an extension: pg_dump leaves its policies and triggers out',
            pg_catalog.format('ALTER EXTENSION %I DROP TABLE %s;', e.extname, t.name)
        FROM tables AS t
        JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = t.oid AND d.objsubid = 0 AND d.deptype = 'e'
        JOIN pg_extension AS e ON e.oid = d.refobjid
        UNION ALL
        SELECT 'error', t.name, 'rule ' || r.rulename || ' rewrites what is written to the table',
            pg_catalog.format('DROP RULE %I ON %s;', r.rulename, t.name)
        FROM tables AS t JOIN pg_rewrite AS r ON r.ev_class = t.oid
        UNION ALL
        SELECT 'warning', t.name, 'the table has no comment', 'COMMENT ON TABLE ' || t.name || ' IS ''…'';'
        FROM tables AS t WHERE obj_description(t.oid, 'pg_class') IS NULL AND NOT t.relispartition AND t.kind <> 'undeclared'
        UNION ALL
        SELECT 'warning', t.name || '.' || a.attname, 'the column has no comment with a data classification',
            pg_catalog.format('COMMENT ON COLUMN %s.%I IS ''… [confidential]'';', t.name, a.attname)
        FROM tables AS t
        JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE NOT t.relispartition
            AND t.kind <> 'undeclared'
            AND COALESCE(col_description(t.oid, a.attnum), '') !~ '\[(public|internal|confidential|restricted)\]$'
    )
    SELECT f.severity, f.name, f.finding, f.remedy FROM findings AS f
$$;
COMMENT ON FUNCTION saas.validate_tables() IS 'Part of saas.validate(): row-level security, rights, form and comments of tables.';
