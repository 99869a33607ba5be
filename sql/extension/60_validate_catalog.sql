-- What saas.validate() says of columns, constraints, indexes and rights that a deployment made and that are gone.
CREATE OR REPLACE FUNCTION saas.package_catalog()
RETURNS TABLE (kind text, identity text, definition text, remedy text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH relations AS (
        SELECT c.oid, c.oid::regclass::text AS name, c.relkind, c.relowner, c.relacl
        FROM pg_class AS c
        WHERE c.relnamespace = 'saas'::regnamespace
            AND (
                c.relkind = 'v'
                OR (c.relkind IN ('r', 'p') AND NOT c.relispartition
                    AND c.relname IN (SELECT d.table_name FROM saas.declared_tables() AS d))
            )
    ), tables AS (
        SELECT * FROM relations AS r WHERE r.relkind <> 'v'
    ), rights AS (
        SELECT a.privilege_type || ' ON ' || r.name AS what, a.grantee
        FROM relations AS r CROSS JOIN aclexplode(r.relacl) AS a
        WHERE a.grantee <> r.relowner
        UNION ALL
        SELECT a.privilege_type || ' (' || quote_ident(c.attname) || ') ON ' || r.name, a.grantee
        FROM relations AS r
        JOIN pg_attribute AS c ON c.attrelid = r.oid AND c.attnum > 0 AND NOT c.attisdropped
        CROSS JOIN aclexplode(c.attacl) AS a
        WHERE a.grantee <> r.relowner
        UNION ALL
        SELECT a.privilege_type || ' ON FUNCTION ' || p.oid::regprocedure::text, a.grantee
        FROM pg_proc AS p CROSS JOIN aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) AS a
        WHERE p.pronamespace = 'saas'::regnamespace
            AND p.prokind IN ('f', 'w')
            AND a.grantee <> p.proowner
            AND NOT EXISTS (
                SELECT FROM pg_depend AS d
                WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
            )
    )
    SELECT 'column', t.name || '.' || quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
        pg_catalog.format('ALTER TABLE %s ADD COLUMN %I %s%s%s;', t.name, a.attname, format_type(a.atttypid, a.atttypmod),
            CASE WHEN a.attgenerated = '' THEN ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid) ELSE '' END,
            CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END)
    FROM tables AS t
    JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    UNION ALL
    SELECT 'constraint', quote_ident(n.conname) || ' ON ' || t.name, pg_get_constraintdef(n.oid),
        pg_catalog.format('ALTER TABLE %s ADD CONSTRAINT %I %s;', t.name, n.conname, pg_get_constraintdef(n.oid))
    FROM tables AS t
    JOIN pg_constraint AS n ON n.conrelid = t.oid AND n.contype IN ('p', 'u', 'f', 'c', 'x')
    UNION ALL
    SELECT 'index', i.indexrelid::regclass::text || ' ON ' || t.name, pg_get_indexdef(i.indexrelid), pg_get_indexdef(i.indexrelid) || ';'
    FROM tables AS t
    JOIN pg_index AS i ON i.indrelid = t.oid
    WHERE NOT EXISTS (SELECT FROM pg_constraint AS n WHERE n.conindid = i.indexrelid AND n.conrelid = t.oid)
    UNION ALL
    SELECT DISTINCT 'right', r.what || ' TO ' || g.grantee, '', 'GRANT ' || r.what || ' TO ' || g.grantee || ';'
    FROM rights AS r
    CROSS JOIN LATERAL (
        SELECT CASE r.grantee WHEN 0 THEN 'PUBLIC' ELSE r.grantee::regrole::text END AS grantee
    ) AS g
$$;
REVOKE ALL ON FUNCTION saas.package_catalog() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.package_catalog() TO pg_database_owner;
COMMENT ON FUNCTION saas.package_catalog() IS
'Columns, constraints, indexes and rights of the tables, views and functions of the package as they are now, each with the statement that makes it.';

CREATE OR REPLACE FUNCTION saas.is_same_definition(p_one text, p_other text)
RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- A dump that is restored can lose parentheses that say nothing.
    SELECT translate(p_one, '() ', '') = translate(p_other, '() ', '')
$$;
REVOKE ALL ON FUNCTION saas.is_same_definition(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.is_same_definition(text, text) TO pg_database_owner;
COMMENT ON FUNCTION saas.is_same_definition(text, text) IS
'Whether two definitions of a constraint, an index or a type read the same but for parentheses and spaces.';

CREATE OR REPLACE FUNCTION saas.note_package_catalog(p_deployed boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT p_deployed THEN
        -- Before a deployment: what is gone was not taken away by it, and what is new is not its own.
        UPDATE saas.schema_catalog AS k
        SET state = 'lost'
        WHERE k.state = 'package'
            AND NOT EXISTS (
                SELECT FROM saas.package_catalog() AS c
                WHERE c.kind = k.kind AND c.identity = k.identity AND saas.is_same_definition(c.definition, k.definition)
            );
        INSERT INTO saas.schema_catalog AS k (kind, identity, definition, remedy, state)
        SELECT c.kind, c.identity, c.definition, c.remedy, 'foreign'
        FROM saas.package_catalog() AS c
        WHERE EXISTS (SELECT FROM saas.schema_catalog)
        ON CONFLICT (kind, identity) DO NOTHING;
        RETURN;
    END IF;
    DELETE FROM saas.schema_catalog AS k
    WHERE k.state <> 'lost'
        AND NOT EXISTS (
            SELECT FROM saas.package_catalog() AS c
            WHERE c.kind = k.kind AND c.identity = k.identity AND saas.is_same_definition(c.definition, k.definition)
        );
    INSERT INTO saas.schema_catalog AS k (kind, identity, definition, remedy, state)
    SELECT c.kind, c.identity, c.definition, c.remedy, 'package'
    FROM saas.package_catalog() AS c
    ON CONFLICT (kind, identity) DO UPDATE
    SET state = 'package'
    WHERE k.state = 'lost' AND saas.is_same_definition(k.definition, excluded.definition);
END
$$;
REVOKE ALL ON FUNCTION saas.note_package_catalog(boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.note_package_catalog(boolean) TO pg_database_owner;
COMMENT ON FUNCTION saas.note_package_catalog(boolean) IS
'Notes in saas.schema_catalog what a deployment made: called by saas.deploy() before it begins (false) and when it is done (true).';

CREATE OR REPLACE FUNCTION saas.validate_catalog()
RETURNS TABLE (severity text, object text, finding text, remedy text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF to_regclass('saas.schema_catalog') IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT 'error', k.identity,
            CASE
                WHEN c.identity IS NOT NULL THEN pg_catalog.format('the %s was deployed as %s and is now %s', k.kind, k.definition, c.definition)
                ELSE 'the ' || k.kind || ' was deployed and is missing'
            END,
            CASE
                -- With ONLY the index of a partitioned table has no parts, and none can make it valid.
                WHEN c.identity IS NULL AND k.kind = 'index' THEN replace(k.remedy, ' ON ONLY ', ' ON ')
                WHEN c.identity IS NULL THEN k.remedy
                WHEN k.kind = 'column' THEN 'give the column its type back'
                ELSE 'drop it, then: ' || k.remedy
            END
        FROM saas.schema_catalog AS k
        LEFT JOIN saas.package_catalog() AS c ON c.kind = k.kind AND c.identity = k.identity
        WHERE k.state IN ('package', 'lost')
            AND saas.is_same_definition(c.definition, k.definition) IS NOT true
            -- A table or function that is gone altogether is a finding of its own.
            AND CASE
                WHEN k.kind = 'right' AND k.identity LIKE '% ON FUNCTION %'
                    THEN to_regprocedure(substring(k.identity FROM ' ON FUNCTION (.*) TO [^ ]+$')) IS NOT NULL
                WHEN k.kind = 'column' THEN to_regclass(regexp_replace(k.identity, '\.("[^.]*"|[^.]*)$', '')) IS NOT NULL
                ELSE to_regclass(substring(k.identity FROM ' ON ([^ ]+)')) IS NOT NULL
            END;
    RETURN QUERY
        SELECT 'warning', c.identity, 'the right was given by somebody else than the package',
            replace(regexp_replace(c.remedy, '^GRANT', 'REVOKE'), ' TO ' || g.name || ';', ' FROM ' || g.name || ';')
        FROM saas.package_catalog() AS c
        CROSS JOIN LATERAL (SELECT substring(c.identity FROM ' TO ([^ ]+)$') AS name) AS g
        WHERE c.kind = 'right'
            AND EXISTS (SELECT FROM saas.schema_catalog)
            AND g.name IN (
                SELECT 'PUBLIC'
                UNION ALL
                SELECT quote_ident(current_setting('saas.role_' || r.name))
                FROM unnest(ARRAY['app', 'anonymous', 'analyst', 'service']) AS r (name)
            )
            AND NOT EXISTS (
                SELECT FROM saas.schema_catalog AS k
                WHERE k.kind = 'right' AND k.identity = c.identity AND k.state <> 'foreign'
            );
END
$$;
COMMENT ON FUNCTION saas.validate_catalog() IS
'Part of saas.validate(): columns, constraints, indexes and rights that a deployment made and that are gone or changed, and rights that others gave to roles of the package.';
