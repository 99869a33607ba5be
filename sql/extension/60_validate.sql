-- saas.validate(): what is wrong with a deployed database, each finding with what mends it.
-- The checks are functions of their own, so that each reads as one query.

CREATE OR REPLACE FUNCTION saas.validate_deployment()
RETURNS TABLE (severity text, object text, finding text, remedy text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
        SELECT
            CASE s.state WHEN 'pending' THEN 'warning' ELSE 'error' END,
            s.module || '/' || s.name,
            CASE s.state
                WHEN 'pending' THEN s.kind || ' is installed but not deployed'
                WHEN 'changed' THEN s.kind || ' has another text than what was deployed'
                ELSE s.kind || ' was deployed but is not in the installed package'
            END,
            CASE
                WHEN s.state = 'missing' THEN 'install the version of pg_saas that was deployed, or a later one'
                WHEN s.state = 'changed' AND s.kind = 'migration' THEN 'restore the file; put changes into a new migration'
                ELSE 'SELECT saas.deploy();'
            END
        FROM saas.deploy_status() AS s
        WHERE s.state <> 'applied';
    IF to_regclass('saas.schema_objects') IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT 'error', o.kind || ' ' || o.identity, 'defined by ' || o.file || ' but missing', 'SELECT saas.deploy();'
        FROM saas.missing_objects() AS o;
    RETURN QUERY
        SELECT 'error', 'saas.' || d.table_name, 'declared by module ' || d.module || ' but missing',
            'restore the table from a backup, or roll the module back and deploy it again'
        FROM saas.declared_tables() AS d
        JOIN saas.modules() AS m ON m.module = d.module AND m.deployed
        WHERE to_regclass('saas.' || quote_ident(d.table_name)) IS NULL;
END
$$;
COMMENT ON FUNCTION saas.validate_deployment() IS 'Part of saas.validate(): drift, missing objects and tables.';

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
        SELECT 'error', t.name, 'policy ' || p.polname || ' is restrictive, which Citus turns into a permissive one',
            pg_catalog.format('DROP POLICY %I ON %s; and write its condition into the permissive ones', p.polname, t.name)
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
COMMENT ON FUNCTION saas.validate_tables() IS 'Part of saas.validate(): row-level security, policies, rights and comments of tables.';

CREATE OR REPLACE FUNCTION saas.validate_keys()
RETURNS TABLE (severity text, object text, finding text, remedy text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH tenant AS (
        SELECT c.oid, c.oid::regclass::text AS name,
            (SELECT a.attnum FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'team_id') AS team_column
        FROM pg_class AS c
        JOIN saas.declared_tables() AS d ON d.table_name = c.relname AND d.kind = 'tenant'
        WHERE c.relnamespace = 'saas'::regnamespace
    ), findings AS (
        SELECT 'error' AS severity, t.name, 'a tenant table needs a column team_id uuid NOT NULL' AS finding,
            'ALTER TABLE ' || t.name || ' ADD COLUMN team_id uuid NOT NULL;' AS remedy
        FROM tenant AS t
        WHERE NOT EXISTS (
            SELECT FROM pg_attribute AS a
            WHERE a.attrelid = t.oid AND a.attname = 'team_id' AND a.attnotnull AND a.atttypid = 'uuid'::regtype
        )
        UNION ALL
        SELECT 'error', t.name, 'the primary key does not begin with team_id',
            'make the primary key (team_id, …)'
        FROM tenant AS t
        WHERE NOT EXISTS (
            SELECT FROM pg_index AS i WHERE i.indrelid = t.oid AND i.indisprimary AND i.indkey[0] = t.team_column
        )
        UNION ALL
        SELECT 'error', i.indexrelid::regclass::text, 'a unique key of a tenant table without team_id tells tenants about each other',
            'add team_id to the key'
        FROM tenant AS t
        JOIN pg_index AS i ON i.indrelid = t.oid AND i.indisunique
        WHERE NOT t.team_column = ANY (i.indkey::smallint[])
        UNION ALL
        SELECT 'error', t.name, 'foreign key ' || n.conname || ' can point into another tenant',
            pg_catalog.format('make it FOREIGN KEY (team_id, …) REFERENCES %s (team_id, …)', n.confrelid::regclass)
        FROM tenant AS t
        JOIN pg_constraint AS n ON n.conrelid = t.oid AND n.contype = 'f'
        JOIN tenant AS f ON f.oid = n.confrelid
        WHERE n.conkey[1] <> t.team_column OR n.confkey[1] <> f.team_column
        UNION ALL
        SELECT 'error', t.name, 'foreign key ' || n.conname || ' sets columns to null or default, or cascades updates',
            'use NO ACTION, RESTRICT or CASCADE on delete, and NO ACTION on update'
        FROM tenant AS t
        JOIN pg_constraint AS n ON n.conrelid = t.oid AND n.contype = 'f'
        WHERE (n.confdeltype IN ('n', 'd') AND array_length(n.conkey, 1) > 1) OR n.confupdtype <> 'a'
    ), indexless AS (
        SELECT 'warning' AS severity, n.conrelid::regclass::text AS name, 'foreign key ' || n.conname || ' has no index' AS finding,
            pg_catalog.format(
                'CREATE INDEX ON %s (%s);', n.conrelid::regclass,
                (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.position)
                 FROM unnest(n.conkey) WITH ORDINALITY AS k (attnum, position)
                 JOIN pg_attribute AS a ON a.attrelid = n.conrelid AND a.attnum = k.attnum)
            ) AS remedy
        FROM pg_constraint AS n
        JOIN pg_class AS c ON c.oid = n.conrelid AND NOT c.relispartition
        WHERE n.connamespace = 'saas'::regnamespace
            AND n.contype = 'f'
            AND NOT EXISTS (
                SELECT FROM pg_index AS i
                WHERE i.indrelid = n.conrelid
                    AND (i.indkey::smallint[])[0:array_length(n.conkey, 1) - 1] = n.conkey
            )
    )
    SELECT f.severity, f.name, f.finding, f.remedy FROM findings AS f
    UNION ALL
    SELECT i.severity, i.name, i.finding, i.remedy FROM indexless AS i
$$;
COMMENT ON FUNCTION saas.validate_keys() IS 'Part of saas.validate(): keys and indexes that keep tenants apart and distributable.';

CREATE OR REPLACE FUNCTION saas.validate_code()
RETURNS TABLE (severity text, object text, finding text, remedy text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH functions AS (
        SELECT p.oid, p.oid::regprocedure::text AS name, p.prosecdef, p.proacl, p.proowner, l.lanname,
            (SELECT c FROM unnest(p.proconfig) AS c WHERE c LIKE 'search_path=%') AS path,
            EXISTS (
                SELECT FROM pg_depend AS d
                WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
            ) AS native
        FROM pg_proc AS p
        JOIN pg_language AS l ON l.oid = p.prolang
        WHERE p.pronamespace = 'saas'::regnamespace
    ), findings AS (
        SELECT 'error' AS severity, f.name, 'SECURITY DEFINER without a search_path that ends in pg_temp' AS finding,
            'ALTER FUNCTION ' || f.name || ' SET search_path = pg_catalog, saas, pg_temp;' AS remedy
        FROM functions AS f WHERE f.prosecdef AND COALESCE(f.path, '') !~ 'pg_temp"?$'
        UNION ALL
        SELECT 'warning', f.name, 'no fixed search_path',
            'ALTER FUNCTION ' || f.name || ' SET search_path = pg_catalog, saas, pg_temp;'
        FROM functions AS f WHERE NOT f.prosecdef AND f.lanname IN ('sql', 'plpgsql') AND f.path IS NULL
        UNION ALL
        SELECT 'error', f.name, 'SECURITY DEFINER that anyone may execute',
            'REVOKE ALL ON FUNCTION ' || f.name || ' FROM PUBLIC;'
        FROM functions AS f
        WHERE f.prosecdef
            AND EXISTS (
                SELECT FROM aclexplode(COALESCE(f.proacl, acldefault('f', f.proowner))) AS a WHERE a.grantee = 0
            )
        UNION ALL
        SELECT 'warning', f.name, 'the function has no comment', 'COMMENT ON FUNCTION ' || f.name || ' IS ''…'';'
        FROM functions AS f WHERE obj_description(f.oid, 'pg_proc') IS NULL
        UNION ALL
        SELECT 'error', c.oid::regclass::text, 'the view reads with its owner''s rights',
            'ALTER VIEW ' || c.oid::regclass::text || ' SET (security_invoker = true);'
        FROM pg_class AS c
        WHERE c.relnamespace = 'saas'::regnamespace
            AND c.relkind = 'v'
            AND NOT COALESCE('security_invoker=true' = ANY (c.reloptions), false)
        UNION ALL
        SELECT 'warning', c.oid::regclass::text, 'the view has no comment',
            'COMMENT ON VIEW ' || c.oid::regclass::text || ' IS ''…'';'
        FROM pg_class AS c
        WHERE c.relnamespace = 'saas'::regnamespace AND c.relkind = 'v' AND obj_description(c.oid, 'pg_class') IS NULL
        UNION ALL
        SELECT 'warning', 'server ' || current_setting('server_version'),
            'this server has known leaks of rows that policies hide (fixed in 15.14, 16.10 and 17.6)', 'update PostgreSQL'
        WHERE current_setting('server_version_num')::integer < 150014
            OR current_setting('server_version_num')::integer BETWEEN 160000 AND 160009
            OR current_setting('server_version_num')::integer BETWEEN 170000 AND 170005
    )
    SELECT f.severity, f.name, f.finding, f.remedy FROM findings AS f
$$;
COMMENT ON FUNCTION saas.validate_code() IS 'Part of saas.validate(): functions, views and the server itself.';

CREATE OR REPLACE FUNCTION saas.validate()
RETURNS TABLE (severity text, object text, finding text, remedy text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT v.severity, v.object, v.finding, v.remedy
    FROM (
        SELECT * FROM saas.validate_deployment()
        UNION ALL
        SELECT * FROM saas.validate_tables()
        UNION ALL
        SELECT * FROM saas.validate_keys()
        UNION ALL
        SELECT * FROM saas.validate_code()
        UNION ALL
        SELECT * FROM saas.validate_protected()
        UNION ALL
        SELECT * FROM saas.validate_triggers()
    ) AS v
    ORDER BY v.severity, v.object, v.finding
$$;
COMMENT ON FUNCTION saas.validate() IS
'Looks for what is wrong with schema saas: drift from the package, missing objects, tables without row-level security, keys that cross tenants, foreign keys without index, unsafe functions, triggers with wrong arguments; and with tables that saas.protect_table() protects. Severity error or warning; the remedy is the statement that mends it. No row means nothing was found.';

DO $$
DECLARE
    v_function regprocedure;
BEGIN
    FOR v_function IN
        SELECT p.oid FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = 'saas'::pg_catalog.regnamespace AND p.proname LIKE 'validate%'
            AND p.prolang = ANY (SELECT l.oid FROM pg_catalog.pg_language AS l WHERE l.lanname IN ('sql', 'plpgsql'))
            AND p.pronargs = 0
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', v_function);
        EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION %s TO pg_database_owner', v_function);
    END LOOP;
END
$$;
