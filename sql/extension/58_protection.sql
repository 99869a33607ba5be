-- What is wrong with a table of one's own that is to hold rows of tenants.

CREATE OR REPLACE FUNCTION saas.is_protected(p_table regclass)
RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM pg_policy AS p
        WHERE p.polrelid = p_table
            AND p.polname = 'saas_select'
            AND obj_description(p.oid, 'pg_policy') LIKE 'Made by saas.protect_table(): {%'
    )
$$;
COMMENT ON FUNCTION saas.is_protected(regclass) IS
'Whether saas.protect_table() protects the table: its policy saas_select says so.';

CREATE OR REPLACE FUNCTION saas.tenant_column(p_table regclass)
RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN saas.is_protected(p_table) THEN (
            SELECT substr(obj_description(p.oid, 'pg_policy'), 31)::jsonb ->> 'team_column'
            FROM pg_policy AS p
            WHERE p.polrelid = p_table AND p.polname = 'saas_select'
        )
        WHEN EXISTS (
            SELECT FROM pg_class AS c
            JOIN pg_constraint AS n ON n.conrelid = c.oid AND n.contype = 'p'
            JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = n.conkey[1] AND a.attname = 'team_id'
            WHERE c.oid = p_table AND c.relnamespace = 'saas'::regnamespace
        ) THEN 'team_id'
    END
$$;
COMMENT ON FUNCTION saas.tenant_column(regclass) IS
'The column that names the team of a row, in tenant tables of the package and in tables protected by saas.protect_table(); NULL for others.';

CREATE OR REPLACE FUNCTION saas.protection_key_findings(p_table regclass, p_team_column text)
RETURNS TABLE (severity text, finding text, remedy text)
LANGUAGE sql STABLE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH subject AS (
        SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
            (
                SELECT a.attnum FROM pg_attribute AS a
                WHERE a.attrelid = c.oid AND a.attname = p_team_column AND a.attnum > 0 AND NOT a.attisdropped
            ) AS team
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.oid = p_table
    ), keys AS (
        SELECT i.indexrelid::regclass AS index, i.indisprimary, i.indkey::smallint[] AS columns,
            i.indexprs IS NULL AND NOT EXISTS (
                SELECT FROM unnest(i.indkey::smallint[]) AS k (attnum)
                JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
                WHERE a.atttypid <> 'uuid'::regtype
            ) AS unguessable
        FROM subject AS s
        JOIN pg_index AS i ON i.indrelid = s.oid AND i.indisunique
    )
    SELECT 'error', pg_catalog.format('there is no column %I', p_team_column),
        pg_catalog.format('ALTER TABLE %s ADD COLUMN %I uuid NOT NULL; if it has rows: without NOT NULL, and fill it.', s.name, p_team_column)
    FROM subject AS s WHERE s.team IS NULL
    UNION ALL
    SELECT 'error', pg_catalog.format('column %I is no uuid', p_team_column),
        pg_catalog.format('ALTER TABLE %s ALTER COLUMN %I TYPE uuid USING %2$I::uuid;', s.name, p_team_column)
    FROM subject AS s JOIN pg_attribute AS a ON a.attrelid = s.oid AND a.attnum = s.team
    WHERE a.atttypid <> 'uuid'::regtype
    UNION ALL
    SELECT 'error', pg_catalog.format('column %I may be NULL', p_team_column),
        pg_catalog.format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL;', s.name, p_team_column)
    FROM subject AS s JOIN pg_attribute AS a ON a.attrelid = s.oid AND a.attnum = s.team
    WHERE NOT a.attnotnull
    UNION ALL
    SELECT 'warning', 'there is no primary key',
        pg_catalog.format('ALTER TABLE %s ADD PRIMARY KEY (%I, …);', s.name, p_team_column)
    FROM subject AS s WHERE NOT EXISTS (SELECT FROM keys AS k WHERE k.indisprimary)
    UNION ALL
    -- A key of random identifiers tells nobody anything, but the table could not be distributed by team.
    SELECT CASE WHEN k.unguessable OR s.team = ANY (k.columns) THEN 'warning' ELSE 'error' END,
        CASE
            WHEN s.team = ANY (k.columns) THEN pg_catalog.format('the primary key does not begin with %I', p_team_column)
            WHEN k.unguessable THEN pg_catalog.format('unique key %s does not contain %I', k.index, p_team_column)
            ELSE pg_catalog.format('unique key %s without %I tells teams about each other', k.index, p_team_column)
        END,
        CASE
            WHEN n.conname IS NULL THEN pg_catalog.format('DROP INDEX %s; and create it with %I first.', k.index, p_team_column)
            ELSE pg_catalog.format(
                'ALTER TABLE %s DROP CONSTRAINT %I, ADD %s (%I, %s);', s.name, n.conname,
                CASE n.contype WHEN 'p' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END, p_team_column,
                (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY c.place)
                 FROM unnest(k.columns) WITH ORDINALITY AS c (attnum, place)
                 JOIN pg_attribute AS a ON a.attrelid = s.oid AND a.attnum = c.attnum AND a.attnum <> s.team)
            )
        END
    FROM subject AS s
    CROSS JOIN keys AS k
    LEFT JOIN pg_constraint AS n ON n.conindid = k.index AND n.conrelid = s.oid AND n.contype IN ('p', 'u')
    WHERE s.team IS NOT NULL
        AND (NOT s.team = ANY (k.columns) OR (k.indisprimary AND k.columns[0] <> s.team))
$$;
COMMENT ON FUNCTION saas.protection_key_findings(regclass, text) IS
'Part of saas.protection_findings(): the column of the team, primary and unique keys.';

CREATE OR REPLACE FUNCTION saas.protection_reference_findings(p_table regclass, p_team_column text)
RETURNS TABLE (severity text, finding text, remedy text)
LANGUAGE sql STABLE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH subject AS (
        SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
            (
                SELECT a.attnum FROM pg_attribute AS a
                WHERE a.attrelid = c.oid AND a.attname = p_team_column AND a.attnum > 0 AND NOT a.attisdropped
            ) AS team
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.oid = p_table
    )
    SELECT 'error',
        pg_catalog.format('foreign key %I can point into another team', n.conname),
        pg_catalog.format(
            'ALTER TABLE %s DROP CONSTRAINT %I, ADD FOREIGN KEY (%I, %s) REFERENCES %s (%I, %s);', s.name, n.conname,
            p_team_column,
            (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY c.place)
             FROM unnest(n.conkey) WITH ORDINALITY AS c (attnum, place)
             JOIN pg_attribute AS a ON a.attrelid = n.conrelid AND a.attnum = c.attnum AND a.attnum <> s.team),
            n.confrelid::regclass, saas.tenant_column(n.confrelid),
            (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY c.place)
             FROM unnest(n.confkey) WITH ORDINALITY AS c (attnum, place)
             JOIN pg_attribute AS a ON a.attrelid = n.confrelid AND a.attnum = c.attnum
                 AND a.attname <> saas.tenant_column(n.confrelid))
        )
    FROM subject AS s
    JOIN pg_constraint AS n ON n.conrelid = s.oid AND n.contype = 'f' AND n.conparentid = 0
    WHERE saas.tenant_column(n.confrelid) IS NOT NULL
        AND NOT EXISTS (
            SELECT
            FROM unnest(n.conkey, n.confkey) AS k (own, other)
            JOIN pg_attribute AS a ON a.attrelid = n.confrelid AND a.attnum = k.other
            WHERE k.own = s.team AND a.attname = saas.tenant_column(n.confrelid)
        )
    UNION ALL
    SELECT 'error', pg_catalog.format('foreign key %I would set %I to another value', n.conname, p_team_column),
        'use NO ACTION, RESTRICT or CASCADE on delete, and NO ACTION on update'
    FROM subject AS s
    JOIN pg_constraint AS n ON n.conrelid = s.oid AND n.contype = 'f' AND s.team = ANY (n.conkey)
    WHERE n.confupdtype <> 'a'
        OR (n.confdeltype IN ('n', 'd') AND s.team = ANY (COALESCE(n.confdelsetcols, n.conkey)))
    UNION ALL
    SELECT 'warning', pg_catalog.format('foreign key %I of %s can point here from another team', n.conname, n.conrelid::regclass),
        pg_catalog.format('SELECT * FROM saas.protection_findings(%L, %L);', n.conrelid::regclass, saas.tenant_column(n.conrelid))
    FROM subject AS s
    JOIN pg_constraint AS n ON n.confrelid = s.oid AND n.conrelid <> s.oid AND n.contype = 'f' AND n.conparentid = 0
    WHERE saas.tenant_column(n.conrelid) IS NOT NULL
        AND NOT EXISTS (
            SELECT
            FROM unnest(n.conkey, n.confkey) AS k (own, other)
            JOIN pg_attribute AS a ON a.attrelid = n.conrelid AND a.attnum = k.own
            WHERE k.other = s.team AND a.attname = saas.tenant_column(n.conrelid)
        )
    UNION ALL
    SELECT 'warning', 'rows stay when their team is removed',
        pg_catalog.format('ALTER TABLE %s ADD FOREIGN KEY (%I) REFERENCES saas.teams (id) ON DELETE CASCADE;', s.name, p_team_column)
    FROM subject AS s
    WHERE s.team IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM pg_constraint AS n
            WHERE n.conrelid = s.oid AND n.contype = 'f' AND s.team = ANY (n.conkey)
                AND (n.confrelid = to_regclass('saas.teams') OR saas.tenant_column(n.confrelid) IS NOT NULL)
        )
$$;
COMMENT ON FUNCTION saas.protection_reference_findings(regclass, text) IS
'Part of saas.protection_findings(): foreign keys.';

CREATE OR REPLACE FUNCTION saas.protection_access_findings(p_table regclass)
RETURNS TABLE (severity text, finding text, remedy text)
LANGUAGE sql STABLE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH members AS (
        SELECT c.oid, c.relacl, c.relowner, c.relpersistence,
            pg_catalog.format('%I.%I', n.nspname, c.relname) AS name, c.oid = p_table AS is_root
        FROM (SELECT p_table AS relid UNION SELECT t.relid FROM pg_partition_tree(p_table) AS t) AS r
        JOIN pg_class AS c ON c.oid = r.relid
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
    ), ours AS (
        SELECT r.oid
        FROM pg_roles AS r
        WHERE r.rolname IN (
            current_setting('saas.role_app'), current_setting('saas.role_service'),
            current_setting('saas.role_analyst'), current_setting('saas.role_anonymous')
        )
        UNION ALL
        SELECT 0
    ), rights AS (
        SELECT m.name, m.is_root, a.privilege_type,
            CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS grantee, a.grantee AS id
        FROM members AS m
        CROSS JOIN aclexplode(m.relacl) AS a
        WHERE a.grantee <> m.relowner
    )
    SELECT 'error', pg_catalog.format('policy %I lets rows of other teams through', p.polname),
        pg_catalog.format('DROP POLICY %I ON %s;', p.polname, m.name)
    FROM members AS m
    JOIN pg_policy AS p ON p.polrelid = m.oid
    WHERE p.polpermissive
        AND EXISTS (
            -- A policy holds for the members of its roles, too.
            SELECT FROM unnest(p.polroles) AS g (oid)
            LEFT JOIN pg_roles AS r ON r.oid = g.oid AND NOT r.rolsuper AND NOT r.rolbypassrls AND r.oid <> m.relowner
            JOIN ours AS o
                ON o.oid = g.oid
                OR (o.oid <> 0 AND (pg_has_role(r.oid, o.oid, 'MEMBER') OR pg_has_role(o.oid, r.oid, 'MEMBER')))
        )
        AND (NOT m.is_root OR p.polname NOT IN ('saas_select', 'saas_insert', 'saas_update', 'saas_delete', 'saas_analyst'))
    UNION ALL
    SELECT 'error', pg_catalog.format('policy %I is another one than saas.protect_table() makes', p.polname),
        pg_catalog.format('DROP POLICY %I ON %s;', p.polname, m.name)
    FROM members AS m
    JOIN pg_policy AS p ON p.polrelid = m.oid
    JOIN (VALUES ('saas_select', 'r'), ('saas_insert', 'a'), ('saas_update', 'w'), ('saas_delete', 'd'), ('saas_analyst', 'r'))
        AS k (policy, command) ON k.policy = p.polname
    WHERE m.is_root AND (p.polcmd <> k.command::"char" OR NOT p.polpermissive)
    UNION ALL
    SELECT 'error', pg_catalog.format('%s may %s %s', r.grantee, lower(r.privilege_type), r.name),
        pg_catalog.format('REVOKE %s ON %s FROM %s;', r.privilege_type, r.name, r.grantee)
    FROM rights AS r
    WHERE r.privilege_type IN ('TRUNCATE', 'TRIGGER', 'REFERENCES') OR r.id = 0
        OR (NOT r.is_root AND r.id IN (SELECT o.oid FROM ours AS o))
    UNION ALL
    SELECT 'error', 'another table inherits from it, or it from another', 'partition the table instead'
    FROM members AS m
    WHERE m.is_root
        AND EXISTS (SELECT FROM pg_inherits AS i WHERE m.oid IN (i.inhrelid, i.inhparent))
        AND NOT EXISTS (SELECT FROM pg_partitioned_table AS p WHERE p.partrelid = m.oid)
    UNION ALL
    SELECT 'warning', 'the table is unlogged: a crash empties it', 'ALTER TABLE ' || m.name || ' SET LOGGED;'
    FROM members AS m WHERE m.is_root AND m.relpersistence = 'u'
    UNION ALL
    SELECT DISTINCT 'warning', pg_catalog.format('view %s reads it with its owner''s rights', v.oid::regclass),
        pg_catalog.format('ALTER VIEW %s SET (security_invoker = true);', v.oid::regclass)
    FROM members AS m
    JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = m.oid AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite AS w ON w.oid = d.objid
    JOIN pg_class AS v ON v.oid = w.ev_class AND v.relkind = 'v'
    WHERE NOT COALESCE('security_invoker=true' = ANY (v.reloptions) OR 'security_invoker=on' = ANY (v.reloptions), false)
    UNION ALL
    SELECT DISTINCT 'warning', pg_catalog.format('materialized view %s keeps rows of every team, without their policies', v.oid::regclass),
        pg_catalog.format('REVOKE ALL ON %s FROM PUBLIC; and from every role that acts for one team', v.oid::regclass)
    FROM members AS m
    JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = m.oid AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite AS w ON w.oid = d.objid
    JOIN pg_class AS v ON v.oid = w.ev_class AND v.relkind = 'm'
$$;
COMMENT ON FUNCTION saas.protection_access_findings(regclass) IS
'Part of saas.protection_findings(): policies, rights, inheritance and views beside those of saas.protect_table().';

CREATE OR REPLACE FUNCTION saas.protection_findings(p_table regclass, p_team_column text DEFAULT 'team_id')
RETURNS TABLE (severity text, finding text, remedy text)
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM saas.current_team_id(); -- loads the library, which defines the settings that name the roles
    RETURN QUERY
        SELECT k.severity, k.finding, k.remedy FROM saas.protection_key_findings(p_table, p_team_column) AS k
        UNION ALL
        SELECT r.severity, r.finding, r.remedy FROM saas.protection_reference_findings(p_table, p_team_column) AS r
        UNION ALL
        SELECT a.severity, a.finding, a.remedy FROM saas.protection_access_findings(p_table) AS a;
END
$$;
COMMENT ON FUNCTION saas.protection_findings(regclass, text) IS
'What keeps a table of one''s own from being safe for rows of many teams. Severity error (saas.protect_table() refuses) or warning; the remedy is the statement that mends it.';

CREATE OR REPLACE FUNCTION saas.validate_protected()
RETURNS TABLE (severity text, object text, finding text, remedy text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH protected AS (
        SELECT p.polrelid::regclass AS oid, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
        FROM pg_policy AS p
        JOIN pg_class AS c ON c.oid = p.polrelid
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE p.polname = 'saas_select' AND saas.is_protected(p.polrelid)
    )
    SELECT f.severity, p.name, f.finding, f.remedy
    FROM protected AS p
    CROSS JOIN LATERAL saas.protection_findings(p.oid, saas.tenant_column(p.oid)) AS f
    UNION ALL
    SELECT 'error', t.relid::regclass::text, 'row-level security is off, or does not hold for the owner',
        pg_catalog.format('SELECT * FROM saas.protect_table(%L, …);', p.name)
    FROM protected AS p
    CROSS JOIN LATERAL (SELECT p.oid AS relid UNION SELECT r.relid FROM pg_partition_tree(p.oid) AS r) AS t
    JOIN pg_class AS c ON c.oid = t.relid
    WHERE NOT (c.relrowsecurity AND c.relforcerowsecurity)
    UNION ALL
    SELECT 'error', p.name, 'policy ' || w.name || ' is missing',
        pg_catalog.format('SELECT * FROM saas.protect_table(%L, …);', p.name)
    FROM protected AS p
    CROSS JOIN unnest(ARRAY['saas_insert', 'saas_update', 'saas_delete']) AS w (name)
    WHERE NOT EXISTS (SELECT FROM pg_policy AS q WHERE q.polrelid = p.oid AND q.polname = w.name)
$$;
COMMENT ON FUNCTION saas.validate_protected() IS
'Part of saas.validate(): tables of one''s own that saas.protect_table() protects.';
