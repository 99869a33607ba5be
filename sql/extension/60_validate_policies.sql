-- What saas.validate() says of policies.
CREATE OR REPLACE FUNCTION saas.validate_policies()
RETURNS TABLE (severity text, object text, finding text, remedy text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH tables AS (
        SELECT c.oid, c.oid::regclass::text AS name, d.kind
        FROM pg_class AS c
        LEFT JOIN saas.declared_tables() AS d ON d.table_name = c.relname
        WHERE c.relnamespace = 'saas'::regnamespace AND c.relkind IN ('r', 'p')
    ), policies AS (
        -- An expression is NULL where the policy does not say it, and where its command takes none.
        SELECT t.name, t.kind, p.oid, p.polname, p.polcmd, p.polpermissive, p.polroles,
            pg_get_expr(p.polqual, p.polrelid) AS using_text,
            pg_get_expr(p.polwithcheck, p.polrelid) AS check_text
        FROM tables AS t
        JOIN pg_policy AS p ON p.polrelid = t.oid
    ), commands AS (
        SELECT p.name, p.polname, r.role, c.command
        FROM policies AS p
        CROSS JOIN LATERAL unnest(p.polroles) AS r (role)
        CROSS JOIN LATERAL unnest(
            CASE p.polcmd WHEN '*' THEN ARRAY['r', 'a', 'w', 'd']::"char"[] ELSE ARRAY[p.polcmd] END
        ) AS c (command)
        WHERE p.polpermissive
    ), findings AS (
        SELECT 'error' AS severity, t.name, 'policy ' || p.polname || ' is restrictive, which Citus turns into a permissive one' AS finding,
            pg_catalog.format('DROP POLICY %I ON %s; and write its condition into the permissive ones', p.polname, t.name) AS remedy
        FROM tables AS t JOIN pg_policy AS p ON p.polrelid = t.oid WHERE NOT p.polpermissive
        UNION ALL
        SELECT 'error', t.name, 'policy ' || p.polname || ' holds for PUBLIC',
            pg_catalog.format('ALTER POLICY %I ON %s TO saas_app;', p.polname, t.name)
        FROM tables AS t JOIN pg_policy AS p ON p.polrelid = t.oid WHERE p.polroles = '{0}'
        UNION ALL
        SELECT 'error', t.name, 'policy ' || p.polname || ' has a subquery',
            'ask a context function instead; a subquery runs per row and does not distribute'
        FROM tables AS t JOIN pg_policy AS p ON p.polrelid = t.oid
        WHERE COALESCE(p.polqual::text, '') || COALESCE(p.polwithcheck::text, '') LIKE '%:SUBLINK%'
            OR COALESCE(p.polqual::text, '') || COALESCE(p.polwithcheck::text, '') LIKE '%{SUBLINK%'
        UNION ALL
        SELECT 'warning', c.name,
            pg_catalog.format(
                'policies %s all hold for %s and %s',
                string_agg(c.polname, ', ' ORDER BY c.polname),
                CASE c.command WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' ELSE 'DELETE' END,
                COALESCE(r.rolname, 'PUBLIC')
            ),
            'join their conditions with OR in one policy: each is evaluated for each row'
        FROM commands AS c
        LEFT JOIN pg_roles AS r ON r.oid = c.role
        GROUP BY c.name, c.command, r.rolname
        HAVING count(*) > 1
        UNION ALL
        SELECT 'error', p.name, 'policy ' || p.polname || ' lets every row be written',
            pg_catalog.format('ALTER POLICY %I ON %s WITH CHECK (team_id = saas.current_team_id());', p.polname, p.name)
        FROM policies AS p
        WHERE p.polcmd <> 'r' AND ('true' = p.check_text OR ('true' = p.using_text AND p.check_text IS NULL))
        UNION ALL
        SELECT 'warning', p.name, 'policy ' || p.polname || ' has no WITH CHECK of its own',
            pg_catalog.format('ALTER POLICY %I ON %s WITH CHECK (team_id = saas.current_team_id());', p.polname, p.name)
        FROM policies AS p
        WHERE p.polcmd IN ('a', 'w', '*') AND p.check_text IS NULL
        UNION ALL
        SELECT 'error', p.name, 'policy ' || p.polname || ' does not compare team_id with the request context',
            pg_catalog.format('ALTER POLICY %I ON %s USING (team_id = saas.current_team_id());', p.polname, p.name)
        FROM policies AS p
        CROSS JOIN LATERAL (VALUES (p.using_text), (p.check_text)) AS e (text)
        WHERE p.kind = 'tenant'
            AND e.text !~ '(team_id = saas\.current_team_id\(\))|(saas\.can_access\(team_id\))'
        UNION ALL
        SELECT 'error', p.name, 'policy ' || p.polname || ' reads a setting or claims, which whoever runs SQL can write',
            'ask saas.current_team_id() or saas.current_user_id() instead'
        FROM policies AS p
        WHERE COALESCE(p.using_text, '') || ' ' || COALESCE(p.check_text, '')
            ~* 'current_setting\(|user_metadata|request\.jwt'
        UNION ALL
        SELECT 'error', p.name, 'policy ' || p.polname || ' calls ' || f.oid::regprocedure::text || ', which is not native',
            'ask a context function instead; what is not native runs for each row and does not distribute'
        FROM policies AS p
        JOIN pg_depend AS d
            ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_proc'::regclass
        JOIN pg_proc AS f ON f.oid = d.refobjid
        JOIN pg_language AS l ON l.oid = f.prolang
        WHERE l.lanname NOT IN ('c', 'internal')
    )
    SELECT DISTINCT f.severity, f.name, f.finding, f.remedy FROM findings AS f
$$;
COMMENT ON FUNCTION saas.validate_policies() IS 'Part of saas.validate(): what the policies of tables let through, and what they cost.';
