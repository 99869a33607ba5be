-- The map of personal data: the package's own and what the owner of the database declared.
CREATE OR REPLACE FUNCTION saas.personal_table(p_name text)
RETURNS regclass
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- to_regclass() would raise where the schema may not be used.
    SELECT c.oid::regclass
    FROM pg_namespace AS n
    JOIN pg_class AS c ON c.relnamespace = n.oid
    WHERE n.nspname = (parse_ident(p_name))[1] AND c.relname = (parse_ident(p_name))[2]
$$;
COMMENT ON FUNCTION saas.personal_table(text) IS 'The table of a name on the map; NULL when it is gone.';
REVOKE ALL ON FUNCTION saas.personal_table(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.personal_table(text) TO saas_service, saas_internal, pg_database_owner;

CREATE OR REPLACE FUNCTION saas.untrusted_tables(p_tables oid[])
RETURNS SETOF oid
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    -- Triggers, rules, checks, defaults and expressions of a table that the engine works on, and casts of its
    -- types, run with the engine's rights; so do those of its partitions and of tables that inherit from it.
    WITH RECURSIVE tables (root, oid) AS (
        SELECT t.oid, t.oid FROM unnest(p_tables) AS t (oid)
        UNION
        SELECT t.root, i.inhrelid FROM tables AS t JOIN pg_inherits AS i ON i.inhparent = t.oid
    ),
    -- One array, so that each catalog is read by its index.
    known (tables) AS MATERIALIZED (
        SELECT ARRAY(SELECT t.oid FROM tables AS t)
    ),
    parts (class, oid, owner_table) AS MATERIALIZED (
        SELECT 'pg_constraint'::regclass, x.oid, x.conrelid FROM pg_constraint AS x
        WHERE x.conrelid = ANY ((SELECT k.tables FROM known AS k)::oid[]) AND x.contype = 'c'
        UNION ALL
        SELECT 'pg_attrdef'::regclass, x.oid, x.adrelid FROM pg_attrdef AS x WHERE x.adrelid = ANY ((SELECT k.tables FROM known AS k)::oid[])
        UNION ALL
        SELECT 'pg_rewrite'::regclass, x.oid, x.ev_class FROM pg_rewrite AS x WHERE x.ev_class = ANY ((SELECT k.tables FROM known AS k)::oid[])
        UNION ALL
        SELECT 'pg_class'::regclass, x.indexrelid, x.indrelid FROM pg_index AS x WHERE x.indrelid = ANY ((SELECT k.tables FROM known AS k)::oid[])
    ),
    owners (owner_table, role) AS (
        SELECT c.oid, c.relowner FROM pg_class AS c WHERE c.oid = ANY ((SELECT k.tables FROM known AS k)::oid[])
        UNION
        SELECT g.tgrelid, p.proowner
        FROM pg_trigger AS g
        JOIN pg_proc AS p ON p.oid = g.tgfoid AND NOT p.prosecdef
        WHERE g.tgrelid = ANY ((SELECT k.tables FROM known AS k)::oid[])
        UNION
        SELECT o.owner_table, p.proowner
        FROM parts AS o
        JOIN pg_depend AS d ON d.classid = o.class AND d.objid = o.oid AND d.refclassid = 'pg_proc'::regclass
        JOIN pg_proc AS p ON p.oid = d.refobjid AND NOT p.prosecdef
        UNION
        SELECT a.attrelid, y.typowner
        FROM pg_attribute AS a
        JOIN pg_type AS y ON y.oid = a.atttypid
        WHERE a.attrelid = ANY ((SELECT k.tables FROM known AS k)::oid[])
            AND a.attnum > 0
            AND NOT a.attisdropped
            AND y.typnamespace <> 'pg_catalog'::regnamespace
    ),
    strangers (role) AS MATERIALIZED (
        SELECT o.role
        FROM (SELECT DISTINCT x.role FROM owners AS x) AS o
        JOIN pg_database AS d ON d.datname = current_database()
        WHERE NOT pg_has_role(o.role, d.datdba, 'USAGE')
    )
    SELECT t.oid FROM unnest(p_tables) AS t (oid) WHERE NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = t.oid)
    UNION
    SELECT t.root
    FROM strangers AS s
    JOIN owners AS o ON o.role = s.role
    JOIN tables AS t ON t.oid = o.owner_table
$$;
COMMENT ON FUNCTION saas.untrusted_tables(oid[]) IS
'Those of these tables that the privacy engine does not work on: see saas.is_trusted_table().';
REVOKE ALL ON FUNCTION saas.untrusted_tables(oid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.untrusted_tables(oid[]) TO saas_internal, pg_database_owner;

CREATE OR REPLACE FUNCTION saas.is_trusted_table(p_table oid)
RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT NOT EXISTS (SELECT FROM saas.untrusted_tables(ARRAY[p_table]))
$$;
COMMENT ON FUNCTION saas.is_trusted_table(oid) IS
'Whether a table, its partitions, the types of its columns and the functions that its triggers, rules, checks, defaults and indexes call belong to superusers, the owner of the database, or somebody who may act as such: the privacy engine works on no other.';
REVOKE ALL ON FUNCTION saas.is_trusted_table(oid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.is_trusted_table(oid) TO saas_internal, pg_database_owner;

CREATE OR REPLACE FUNCTION saas.untrusted_followers(p_tables oid[])
RETURNS SETOF oid
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    -- The server runs triggers after what a key deletes or changes with the rights of the statement that began it; others
    -- with those of the table's owner.
    WITH RECURSIVE reached (oid, event) AS (
        -- 8, 16: triggers of DELETE, of UPDATE.
        SELECT k.conrelid, CASE k.confdeltype WHEN 'c' THEN 8 ELSE 16 END
        FROM pg_constraint AS k
        WHERE k.contype = 'f' AND k.confrelid = ANY (p_tables) AND k.confdeltype IN ('c', 'n', 'd')
        UNION
        SELECT k.conrelid, CASE WHEN r.event = 8 AND k.confdeltype = 'c' THEN 8 ELSE 16 END
        FROM reached AS r
        JOIN pg_constraint AS k ON k.confrelid = r.oid AND k.contype = 'f'
        WHERE CASE r.event WHEN 8 THEN k.confdeltype ELSE k.confupdtype END IN ('c', 'n', 'd')
    )
    SELECT DISTINCT r.oid
    FROM reached AS r
    JOIN pg_trigger AS g ON g.tgrelid = r.oid AND NOT g.tgisinternal AND g.tgenabled <> 'D' AND (g.tgtype & r.event) <> 0
    JOIN pg_proc AS p ON p.oid = g.tgfoid AND NOT p.prosecdef
    JOIN pg_database AS d ON d.datname = current_database()
    -- 66: before, and instead.
    WHERE (g.tgtype & 66) = 0 AND NOT pg_has_role(p.proowner, d.datdba, 'USAGE')
$$;
COMMENT ON FUNCTION saas.untrusted_followers(oid[]) IS
'Tables whose rows ON DELETE takes or changes with those of these tables, at whatever distance, and that have a trigger after it with a function of somebody who is not trusted: it would run with the engine''s rights.';
REVOKE ALL ON FUNCTION saas.untrusted_followers(oid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.untrusted_followers(oid[]) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.personal_table_name(p_table regclass)
RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT format('%I.%I', n.nspname, c.relname)
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = p_table
$$;
COMMENT ON FUNCTION saas.personal_table_name(regclass) IS
'Schema and name of a table, quoted where needed: as the map names it.';
REVOKE ALL ON FUNCTION saas.personal_table_name(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.personal_table_name(regclass) TO saas_internal, pg_database_owner;

CREATE OR REPLACE FUNCTION saas.personal_key(p_table text)
RETURNS text[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT array_agg(a.attname::text ORDER BY k.place)
    FROM pg_index AS i
    CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (number, place)
    JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number
    WHERE i.indrelid = saas.personal_table(p_table) AND i.indisprimary
$$;
COMMENT ON FUNCTION saas.personal_key(text) IS 'Columns of a table''s primary key; NULL without one.';
REVOKE ALL ON FUNCTION saas.personal_key(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.personal_key(text) TO saas_internal, pg_database_owner;

CREATE OR REPLACE VIEW saas.personal_links WITH (security_invoker = true) AS
SELECT
    p.table_name,
    p.link_name,
    p.parent_table,
    p.columns,
    p.parent_columns,
    p.kind,
    p.json_path,
    p.action,
    p.anonymise_action,
    NULL::text AS reassign_to,
    p.basis,
    p.kept_for,
    p.section,
    p.origin,
    'package'::text AS source
FROM saas.package_personal_links() AS p
WHERE to_regclass(p.table_name) IS NOT NULL AND to_regclass(p.parent_table) IS NOT NULL
UNION ALL
SELECT
    d.table_name,
    d.link_name,
    d.parent_table,
    d.columns,
    d.parent_columns,
    d.kind,
    d.json_path,
    d.action,
    d.anonymise_action,
    d.reassign_to,
    d.basis,
    d.kept_for,
    d.section,
    d.origin,
    'declared'::text AS source
FROM saas.personal_data_links AS d
WHERE saas.personal_table(d.table_name) IS NOT NULL AND saas.personal_table(d.parent_table) IS NOT NULL;
COMMENT ON VIEW saas.personal_links IS 'How rows belong to a person: the package''s links and those declared with saas.declare_personal_data().';
COMMENT ON COLUMN saas.personal_links.table_name IS 'Schema and name of the table. [internal]';
COMMENT ON COLUMN saas.personal_links.link_name IS 'Name of the link within its table. [internal]';
COMMENT ON COLUMN saas.personal_links.parent_table IS 'The table whose rows it leads from. [internal]';
COMMENT ON COLUMN saas.personal_links.columns IS 'Columns of the table. [internal]';
COMMENT ON COLUMN saas.personal_links.parent_columns IS 'Columns of the parent that they equal. [internal]';
COMMENT ON COLUMN saas.personal_links.kind IS 'key, column, email (without regard to case) or json. [internal]';
COMMENT ON COLUMN saas.personal_links.json_path IS 'Where in the last column''s JSON value it stands. [internal]';
COMMENT ON COLUMN saas.personal_links.action IS 'What erasure does to such rows. [internal]';
COMMENT ON COLUMN saas.personal_links.anonymise_action IS 'What anonymising the person does to them; NULL for the same. [internal]';
COMMENT ON COLUMN saas.personal_links.reassign_to IS 'Value that takes the person''s place, for the action reassign. [internal]';
COMMENT ON COLUMN saas.personal_links.basis IS 'Legal basis of keeping. [internal]';
COMMENT ON COLUMN saas.personal_links.kept_for IS 'How long rows are kept. [internal]';
COMMENT ON COLUMN saas.personal_links.section IS 'Section of an export; none for none. [internal]';
COMMENT ON COLUMN saas.personal_links.origin IS 'provided by the person, observed, or inferred. [internal]';
COMMENT ON COLUMN saas.personal_links.source IS 'package or declared. [internal]';

CREATE OR REPLACE VIEW saas.personal_columns WITH (security_invoker = true) AS
SELECT p.table_name, p.column_name, p.action, p.value, p.is_identifying, p.basis, 'package'::text AS source
FROM saas.package_personal_columns() AS p
WHERE to_regclass(p.table_name) IS NOT NULL
UNION ALL
SELECT d.table_name, d.column_name, d.action, d.value, d.is_identifying, d.basis, 'declared'::text
FROM saas.personal_data_columns AS d
WHERE saas.personal_table(d.table_name) IS NOT NULL;
COMMENT ON VIEW saas.personal_columns IS 'What becomes of single columns: the package''s and those declared with saas.declare_personal_column().';
COMMENT ON COLUMN saas.personal_columns.table_name IS 'Schema and name of the table. [internal]';
COMMENT ON COLUMN saas.personal_columns.column_name IS 'The column. [internal]';
COMMENT ON COLUMN saas.personal_columns.action IS 'delete (with its row), null, anonymise, shred, reassign or keep. [internal]';
COMMENT ON COLUMN saas.personal_columns.value IS 'What anonymising writes; {random} stands for a new random text. [internal]';
COMMENT ON COLUMN saas.personal_columns.is_identifying IS 'Whether the value is searched for after an erasure. [internal]';
COMMENT ON COLUMN saas.personal_columns.basis IS 'Why it is kept. [internal]';
COMMENT ON COLUMN saas.personal_columns.source IS 'package or declared. [internal]';

CREATE OR REPLACE VIEW saas.personal_data_map WITH (security_invoker = true) AS
SELECT
    t.name AS table_name,
    a.attname::text COLLATE "default" AS column_name,
    format_type(a.atttypid, a.atttypmod) AS data_type,
    COALESCE(d.classification, k.class) AS classification,
    COALESCE(
        c.action,
        l.action,
        CASE
            WHEN COALESCE(d.classification, k.class) IN ('public', 'internal')
            THEN CASE WHEN r.deletes THEN 'delete' ELSE 'keep' END
            WHEN r.deletes THEN 'delete'
            WHEN r.keeps THEN 'keep'
        END
    ) AS action,
    COALESCE(
        c.basis,
        CASE
            WHEN COALESCE(c.action, l.action) IS NOT NULL OR r.deletes THEN NULL
            WHEN COALESCE(d.classification, k.class) IN ('public', 'internal') THEN 'no personal data'
            ELSE r.basis
        END
    ) AS basis,
    r.links,
    r.sections,
    COALESCE(c.is_identifying, false) AS is_identifying
FROM (
    SELECT n.oid, format('%I.%I', s.nspname, n.relname) AS name, s.nspname
    FROM pg_catalog.pg_class AS n
    JOIN pg_catalog.pg_namespace AS s ON s.oid = n.relnamespace
    WHERE n.relkind IN ('r', 'p') AND NOT n.relispartition
) AS t
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN saas.located_data_assets AS d
    ON d.table_name = t.oid AND d.column_number = a.attnum AND d.variant = ''
CROSS JOIN LATERAL (
    SELECT substring(col_description(t.oid, a.attnum) FROM '\[(public|internal|confidential|restricted)\]$')
        AS class
) AS k
LEFT JOIN saas.personal_columns AS c ON c.table_name = t.name AND c.column_name = a.attname
LEFT JOIN (
    SELECT x.table_name, x.columns[cardinality(x.columns)] AS name, max(x.action) AS action
    FROM saas.personal_links AS x
    WHERE x.action IN ('null', 'reassign')
    GROUP BY x.table_name, x.columns[cardinality(x.columns)]
) AS l ON l.table_name = t.name AND l.name = a.attname
LEFT JOIN (
    SELECT
        x.table_name,
        bool_or(x.action = 'delete') AS deletes,
        bool_or(x.action IN ('keep', 'shred')) AS keeps,
        string_agg(DISTINCT x.basis, '; ') FILTER (WHERE x.action NOT IN ('delete', 'null', 'reassign')) AS basis,
        array_agg(x.link_name ORDER BY x.link_name) AS links,
        array_agg(DISTINCT x.section) AS sections
    FROM (
        SELECT y.table_name, y.link_name, y.action, y.basis, y.section FROM saas.personal_links AS y
        UNION ALL
        SELECT 'saas.users' AS table_name, 'person' AS link_name, 'delete' AS action, NULL AS basis, 'personal_info' AS section
    ) AS x
    GROUP BY x.table_name
) AS r ON r.table_name = t.name
WHERE t.nspname = 'saas'
    OR r.table_name IS NOT NULL
    OR t.name IN (SELECT x.table_name FROM saas.personal_data_columns AS x);
COMMENT ON VIEW saas.personal_data_map IS 'Every column of the package and of declared tables: how sensitive it is, and what erasure does to it. A column without class or action is one that somebody has to declare.';
COMMENT ON COLUMN saas.personal_data_map.table_name IS 'Schema and name of the table. [internal]';
COMMENT ON COLUMN saas.personal_data_map.column_name IS 'The column. [internal]';
COMMENT ON COLUMN saas.personal_data_map.data_type IS 'Its type. [internal]';
COMMENT ON COLUMN saas.personal_data_map.classification IS 'Its class: from saas.data_assets, else from its comment. [internal]';
COMMENT ON COLUMN saas.personal_data_map.action IS 'delete (with its row), null, anonymise, shred, reassign or keep. [internal]';
COMMENT ON COLUMN saas.personal_data_map.basis IS 'Why it is kept. [internal]';
COMMENT ON COLUMN saas.personal_data_map.links IS 'The links by which rows of the table belong to a person. [internal]';
COMMENT ON COLUMN saas.personal_data_map.sections IS 'Sections of an export. [internal]';
COMMENT ON COLUMN saas.personal_data_map.is_identifying IS 'Whether the value is searched for after an erasure. [internal]';

CREATE OR REPLACE FUNCTION saas.undeclared_personal_data()
RETURNS TABLE (
    table_name text,
    column_name text,
    why text
)
LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    WITH outside AS MATERIALIZED (
        SELECT c.oid
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p')
            AND NOT c.relispartition
            AND c.relpersistence <> 't'
            AND n.nspname !~ '^(pg_|information_schema$|saas$|cron$)'
            AND NOT EXISTS (
                SELECT FROM pg_depend AS d
                WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
            )
    )
    SELECT m.table_name, m.column_name, 'it has no ' || CASE WHEN m.classification IS NULL THEN 'class' ELSE 'action' END
    FROM saas.personal_data_map AS m
    WHERE (m.classification IS NULL OR m.action IS NULL)
        AND (m.table_name LIKE 'saas.%' OR m.classification IN ('confidential', 'restricted'))
    UNION ALL
    -- A key that leads to people, from a table that no link knows.
    SELECT t.name, a.attname::text COLLATE "default", 'it refers to ' || saas.personal_table_name(f.confrelid::regclass)
    FROM pg_constraint AS f
    JOIN pg_class AS c ON c.oid = f.conrelid AND NOT c.relispartition
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = f.conkey[cardinality(f.conkey)]
    CROSS JOIN LATERAL (SELECT saas.personal_table_name(c.oid::regclass) AS name) AS t
    LEFT JOIN saas.personal_links AS l ON l.table_name = t.name AND l.columns[cardinality(l.columns)] = a.attname
    LEFT JOIN saas.personal_columns AS k ON k.table_name = t.name AND k.column_name = a.attname
    WHERE f.contype = 'f'
        AND (
            f.confrelid = 'saas.users'::regclass
            OR f.confrelid IN (SELECT saas.personal_table(x.table_name) FROM saas.personal_links AS x WHERE x.action = 'delete')
        )
        AND l.table_name IS NULL
        AND k.table_name IS NULL
    UNION ALL
    -- A name that speaks for itself, outside the package.
    SELECT t.name, a.attname::text COLLATE "default", CASE a.rank WHEN 2 THEN 'it is named like personal data' ELSE 'it is named like personal data, and stands beside such' END
    FROM (
        SELECT x.oid, x.attname, x.rank, max(x.rank) FILTER (WHERE x.atttypid <> 'uuid'::regtype) OVER (PARTITION BY x.oid) AS highest
        FROM (
            SELECT o.oid, y.attname, y.atttypid, saas.personal_name_rank(y.attname::text, y.atttypid) AS rank
            FROM outside AS o
            JOIN pg_attribute AS y ON y.attrelid = o.oid AND y.attnum > 0 AND NOT y.attisdropped
        ) AS x
        WHERE x.rank > 0
    ) AS a
    CROSS JOIN LATERAL (SELECT saas.personal_table_name(a.oid::regclass) AS name) AS t
    WHERE (a.rank = 2 OR a.highest = 2)
        AND NOT EXISTS (
            SELECT FROM saas.personal_data_columns AS k WHERE k.table_name = t.name AND k.column_name = a.attname
        )
        AND NOT EXISTS (
            SELECT FROM saas.personal_data_links AS l
            WHERE l.table_name = t.name AND (l.action = 'delete' OR a.attname = ANY (l.columns))
        )
        AND NOT EXISTS (
            SELECT FROM saas.personal_data_proposals AS p
            WHERE p.table_name = t.name AND p.column_name = a.attname AND p.status = 'dismissed'
        )
    UNION ALL
    -- A declaration without its table would be no declaration of the table under its new name.
    SELECT d.table_name, COALESCE(d.name, '*'), 'it was declared, and is gone or renamed'
    FROM (
        SELECT l.table_name, c.name FROM saas.personal_data_links AS l CROSS JOIN unnest(l.columns) AS c (name)
        UNION
        SELECT k.table_name, k.column_name FROM saas.personal_data_columns AS k
    ) AS d
    WHERE NOT EXISTS (
        SELECT FROM pg_attribute AS a
        WHERE a.attrelid = saas.personal_table(d.table_name) AND a.attname = d.name AND NOT a.attisdropped
    )
$$;
COMMENT ON FUNCTION saas.undeclared_personal_data() IS
'Columns that look as if they belonged to people and about which the map says nothing: an erasure that is strict refuses while there are any. Declare them, or dismiss them with saas.dismiss_personal_data().';
REVOKE ALL ON FUNCTION saas.undeclared_personal_data() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.undeclared_personal_data() TO saas_service, saas_internal, pg_database_owner;
