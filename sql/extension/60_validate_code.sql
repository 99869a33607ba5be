-- What saas.validate() says of functions, aggregates and views.
CREATE OR REPLACE FUNCTION saas.validate_code()
RETURNS TABLE (severity text, object text, finding text, remedy text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH functions AS (
        SELECT p.oid, p.oid::regprocedure::text AS name, p.prosecdef, p.proleakproof, p.proacl, p.proowner,
            p.prorettype, l.lanname,
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
        FROM functions AS f
        WHERE NOT f.prosecdef
            AND f.lanname IN ('sql', 'plpgsql')
            AND f.path IS NULL
            -- What the package's own functions alone may call runs with the path that they have fixed: setting it
            -- anew costs more than most such functions do. Of a trigger nobody knows who fires it.
            AND NOT (
                f.prorettype <> 'trigger'::regtype
                AND EXISTS (
                    SELECT
                    FROM aclexplode(f.proacl) AS a
                    JOIN pg_roles AS r ON r.oid = a.grantee
                    WHERE r.rolname = current_setting('saas.role_internal', true)
                )
                AND NOT EXISTS (
                    SELECT
                    FROM aclexplode(f.proacl) AS a
                    LEFT JOIN pg_roles AS r ON r.oid = a.grantee
                    WHERE a.grantee <> f.proowner
                        AND r.rolname IS DISTINCT FROM current_setting('saas.role_internal', true)
                )
            )
        UNION ALL
        SELECT 'error', f.name, 'SECURITY DEFINER that anyone may execute',
            'REVOKE ALL ON FUNCTION ' || f.name || ' FROM PUBLIC;'
        FROM functions AS f
        WHERE f.prosecdef
            AND EXISTS (
                SELECT FROM aclexplode(COALESCE(f.proacl, acldefault('f', f.proowner))) AS a WHERE a.grantee = 0
            )
        UNION ALL
        SELECT 'error', f.name, 'SECURITY DEFINER that visitors without an account may execute',
            pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM %I;', f.name, r.rolname)
        FROM functions AS f
        JOIN pg_roles AS r ON r.rolname = current_setting('saas.role_anonymous', true)
        WHERE f.prosecdef
            AND EXISTS (SELECT FROM aclexplode(f.proacl) AS a WHERE a.grantee = r.oid AND a.privilege_type = 'EXECUTE')
        UNION ALL
        SELECT 'error', f.name, 'SECURITY DEFINER with the rights of ' || f.proowner::regrole,
            pg_catalog.format('ALTER FUNCTION %s OWNER TO %I;', f.name, r.rolname)
        FROM functions AS f
        JOIN pg_roles AS r ON r.rolname = current_setting('saas.role_internal', true)
        WHERE f.prosecdef AND NOT f.native AND f.proowner <> r.oid
        UNION ALL
        SELECT 'error', f.name, 'the search_path of the function has schema ' || s.nspname || ', in which others create objects',
            'ALTER FUNCTION ' || f.name || ' SET search_path = pg_catalog, saas, pg_temp;'
        FROM functions AS f
        CROSS JOIN LATERAL string_to_table(replace(split_part(f.path, '=', 2), '"', ''), ', ') AS p (name)
        JOIN pg_namespace AS s ON s.nspname = p.name
        WHERE EXISTS (
            SELECT FROM aclexplode(s.nspacl) AS a WHERE a.privilege_type = 'CREATE' AND a.grantee <> s.nspowner
        )
        UNION ALL
        SELECT 'warning', f.name, 'marked LEAKPROOF, but what it calls and raises is not checked by anyone',
            'ALTER FUNCTION ' || f.name || ' NOT LEAKPROOF;'
        FROM functions AS f WHERE f.proleakproof AND f.lanname NOT IN ('c', 'internal')
        UNION ALL
        SELECT 'warning', f.name, 'the aggregate cannot be combined from parts: no combine function, or an internal state',
            'give it a COMBINEFUNC and an SQL type as state'
        FROM functions AS f
        JOIN pg_aggregate AS g ON g.aggfnoid = f.oid
        WHERE g.aggcombinefn = 0 OR g.aggtranstype = 'internal'::regtype
        UNION ALL
        SELECT 'error', 'schema saas', 'roles other than the owner create objects in schema saas',
            pg_catalog.format('REVOKE CREATE ON SCHEMA saas FROM %s;', COALESCE(quote_ident(r.rolname), 'PUBLIC'))
        FROM pg_namespace AS s
        CROSS JOIN LATERAL aclexplode(s.nspacl) AS a
        LEFT JOIN pg_roles AS r ON r.oid = a.grantee
        WHERE s.nspname = 'saas' AND a.privilege_type = 'CREATE' AND a.grantee <> s.nspowner
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
        SELECT 'error', c.oid::regclass::text, CASE c.relkind
                WHEN 'm' THEN 'roles read the materialized view, which no policy filters'
                ELSE 'roles read the foreign table, which no policy filters'
            END,
            pg_catalog.format('REVOKE ALL ON %s FROM %s;', c.oid::regclass, COALESCE(quote_ident(r.rolname), 'PUBLIC'))
        FROM pg_class AS c
        CROSS JOIN LATERAL (SELECT DISTINCT a.grantee FROM aclexplode(c.relacl) AS a) AS g
        LEFT JOIN pg_roles AS r ON r.oid = g.grantee
        WHERE c.relnamespace = 'saas'::regnamespace AND c.relkind IN ('m', 'f') AND g.grantee <> c.relowner
        UNION ALL
        SELECT 'warning', 'extension pg_saas', 'version ' || e.extversion || ' is in use, ' || v.default_version || ' is installed',
            'ALTER EXTENSION pg_saas UPDATE; SELECT saas.deploy();'
        FROM pg_extension AS e
        JOIN pg_available_extensions AS v ON v.name = e.extname
        WHERE e.extname = 'pg_saas' AND v.default_version <> e.extversion
        UNION ALL
        SELECT 'warning', 'server ' || current_setting('server_version'),
            'this server has known leaks of rows that policies hide (fixed in 15.14, 16.10 and 17.6)', 'update PostgreSQL'
        WHERE current_setting('server_version_num')::integer < 150014
            OR current_setting('server_version_num')::integer BETWEEN 160000 AND 160009
            OR current_setting('server_version_num')::integer BETWEEN 170000 AND 170005
    )
    SELECT f.severity, f.name, f.finding, f.remedy FROM findings AS f
$$;
COMMENT ON FUNCTION saas.validate_code() IS 'Part of saas.validate(): functions, aggregates, views and the server itself.';
