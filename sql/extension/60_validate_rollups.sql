-- What saas.validate() says of rollups.
CREATE OR REPLACE FUNCTION saas.validate_rollups()
RETURNS TABLE (severity text, object text, finding text, remedy text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF to_regclass('saas.rollups') IS NULL OR to_regclass('saas.rollup_sources') IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
        WITH sources AS (
            SELECT s.id, s.source_name, t.tgrelid, t.tgname
            FROM saas.rollup_sources AS s
            LEFT JOIN pg_trigger AS t
                ON t.tgname = 'zz_saas_rollup_' || replace(s.id::text, '-', '')
                AND t.tgparentid = 0
                AND t.tgfoid = 'saas.record_rollup_change()'::regprocedure
        ), tables AS (
            SELECT r.name AS rollup, pg_catalog.format('%I.%I', r.table_schema, r.name || '_' || g.name) AS name, c.oid, c.relrowsecurity,
                c.relforcerowsecurity, c.relowner, c.relacl
            FROM saas.rollups AS r
            CROSS JOIN LATERAL unnest(r.granularities) AS g (name)
            LEFT JOIN pg_class AS c ON c.oid = to_regclass(pg_catalog.format('%I.%I', r.table_schema, r.name || '_' || g.name))
        )
        SELECT 'error', s.source_name, 'the table has no trigger that notes changes for its rollups, or is gone',
            (SELECT string_agg(pg_catalog.format('SELECT saas.drop_rollup(%L);', r.name), ' ')
             FROM saas.rollups AS r WHERE r.source_id = s.id) || ' and create it anew'
        FROM sources AS s WHERE s.tgrelid IS NULL
        UNION ALL
        -- 1 per row, 4 insert, 8 delete, 16 update; not before.
        SELECT 'error', t.tgrelid::regclass::text, pg_catalog.format('trigger %s does not note every change', t.tgname),
            pg_catalog.format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I; SELECT saas.rebuild_rollup(…);', t.tgrelid::regclass, t.tgname)
        FROM sources AS s
        -- Those of partitions, too, which have the same name.
        JOIN pg_trigger AS t ON t.tgname = s.tgname AND t.tgfoid = 'saas.record_rollup_change()'::regprocedure
        WHERE t.tgenabled <> 'A' OR t.tgtype & 31 <> 29
        UNION ALL
        SELECT 'warning', s.tgrelid::regclass::text, 'no index on team and time finds what changed of a rollup''s source',
            pg_catalog.format('CREATE INDEX ON %s (%I, %I);', s.tgrelid::regclass, o.team_column, o.time_column)
        FROM sources AS s
        JOIN saas.rollup_sources AS o ON o.id = s.id
        WHERE NOT EXISTS (
            SELECT FROM pg_index AS i
            JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] AND a.attname = o.team_column
            JOIN pg_attribute AS b ON b.attrelid = i.indrelid AND b.attnum = i.indkey[1] AND b.attname = o.time_column
            WHERE i.indrelid = s.tgrelid AND i.indisvalid AND i.indpred IS NULL
        )
        UNION ALL
        SELECT 'error', t.name, pg_catalog.format('the table of rollup %s is missing', t.rollup),
            pg_catalog.format('SELECT saas.drop_rollup(%L); and create it anew', t.rollup)
        FROM tables AS t WHERE t.oid IS NULL
        UNION ALL
        SELECT 'error', t.name, 'row-level security of a rollup is off, or not forced',
            pg_catalog.format('ALTER TABLE %1$s ENABLE ROW LEVEL SECURITY; ALTER TABLE %1$s FORCE ROW LEVEL SECURITY;', t.name)
        FROM tables AS t WHERE NOT (t.relrowsecurity AND t.relforcerowsecurity)
        UNION ALL
        SELECT 'error', t.name, pg_catalog.format('policy %s of a rollup lets more through than rows of the own team', p.polname),
            pg_catalog.format('DROP POLICY %I ON %s;', p.polname, t.name)
        FROM tables AS t
        JOIN pg_policy AS p ON p.polrelid = t.oid
        WHERE p.polcmd <> 'r' OR pg_get_expr(p.polqual, p.polrelid) !~ '^\(+team_id = saas\.current_team_id\(\)\)' OR p.polroles = '{0}'
        UNION ALL
        SELECT 'error', t.name, pg_catalog.format('%s has the right to %s a rollup, which refreshes alone write',
                COALESCE(r.rolname, 'PUBLIC'), lower(a.privilege_type)),
            pg_catalog.format('REVOKE %s ON %s FROM %s;', a.privilege_type, t.name, COALESCE(quote_ident(r.rolname), 'PUBLIC'))
        FROM tables AS t
        CROSS JOIN LATERAL aclexplode(t.relacl) AS a
        LEFT JOIN pg_roles AS r ON r.oid = a.grantee
        WHERE a.privilege_type <> 'SELECT' AND a.grantee <> t.relowner
            AND r.rolname IS DISTINCT FROM current_setting('saas.role_internal', true);
END
$$;
COMMENT ON FUNCTION saas.validate_rollups() IS
'Part of saas.validate(): sources whose changes are not noted, tables of rollups that let too much through.';
