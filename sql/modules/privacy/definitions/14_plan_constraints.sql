-- Declared actions that constraints of tables outside the package refuse: known before an erasure begins, and not in its
-- middle by whatever the server says then.
CREATE OR REPLACE FUNCTION saas.changed_columns(p_mode text)
RETURNS TABLE (
    node integer,
    table_name text,
    party_link text,
    relation oid,
    column_number smallint,
    column_name text,
    type_name text,
    value text
)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    SELECT DISTINCT n.node, n.table_name, n.party_link, a.attrelid, a.attnum, a.attname::text COLLATE "default", format_type(a.atttypid, a.atttypmod), x.value
    FROM saas.erasure_nodes(p_mode) AS n
    JOIN (
        SELECT c.table_name, NULL::text AS link_name, c.column_name AS name, c.value
        FROM saas.personal_columns AS c
        WHERE c.action IN ('null', 'anonymise')
        UNION ALL
        SELECT l.table_name, l.link_name, l.columns[cardinality(l.columns)], l.reassign_to
        FROM saas.personal_links AS l
        WHERE l.action IN ('null', 'reassign')
    ) AS x
        ON x.table_name = n.table_name
        AND (n.party_link = x.link_name OR n.party_link IS NULL AND x.link_name IS NULL AND n.action = 'anonymise')
    JOIN pg_attribute AS a ON a.attrelid = saas.personal_table(n.table_name) AND a.attname = x.name::name AND a.attnum > 0
$$;
COMMENT ON FUNCTION saas.changed_columns(text) IS
'The columns that an erasure (p_mode erase or anonymise) overwrites, and with what: NULL empties them, {random} stands for a new random text.';
REVOKE ALL ON FUNCTION saas.changed_columns(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.changed_columns(text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.foreign_keys_of_personal_rows(p_mode text)
RETURNS TABLE (
    key_name text,
    child oid,
    parent oid,
    columns text[],
    parent_columns text[],
    column_pairs text[],
    on_update text,
    on_delete text,
    emptied_columns text[]
)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    -- The package's own are known to fit its map, and those of partitions are those of their tables.
    WITH outside AS MATERIALIZED (
        SELECT f.*
        FROM pg_constraint AS f
        JOIN pg_class AS c ON c.oid = f.conrelid AND c.relnamespace <> 'saas'::regnamespace
        WHERE f.contype = 'f' AND f.conparentid = 0
    )
    SELECT
        f.conname::text COLLATE "default", x.child, x.parent, k.columns, k.parent_columns, k.column_pairs, f.confupdtype::text, f.confdeltype::text,
        CASE
            WHEN f.confdelsetcols IS NULL THEN k.columns
            ELSE ARRAY(SELECT a.attname::text FROM pg_attribute AS a WHERE a.attrelid = f.conrelid AND a.attnum = ANY (f.confdelsetcols))
        END
    FROM outside AS f
    CROSS JOIN LATERAL (
        SELECT COALESCE(pg_partition_root(f.conrelid), f.conrelid)::oid AS child, COALESCE(pg_partition_root(f.confrelid), f.confrelid)::oid AS parent
    ) AS x
    CROSS JOIN LATERAL (
        SELECT
            array_agg(c.attname::text COLLATE "default" ORDER BY u.place) AS columns,
            array_agg(p.attname::text COLLATE "default" ORDER BY u.place) AS parent_columns,
            array_agg(format('%I=%I', c.attname, p.attname)) AS column_pairs
        FROM unnest(f.conkey, f.confkey) WITH ORDINALITY AS u (number, parent_number, place)
        JOIN pg_attribute AS c ON c.attrelid = f.conrelid AND c.attnum = u.number
        JOIN pg_attribute AS p ON p.attrelid = f.confrelid AND p.attnum = u.parent_number
    ) AS k
    WHERE x.parent IN (SELECT saas.personal_table(n.table_name)::oid FROM saas.erasure_nodes(p_mode) AS n)
$$;
COMMENT ON FUNCTION saas.foreign_keys_of_personal_rows(text) IS
'Foreign keys outside the package to tables of the map. on_update and on_delete as in pg_constraint; emptied_columns: what ON DELETE SET NULL or SET DEFAULT changes.';
REVOKE ALL ON FUNCTION saas.foreign_keys_of_personal_rows(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.foreign_keys_of_personal_rows(text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.foreign_key_problems(p_mode text)
RETURNS TABLE (
    table_name text,
    problem text
)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    WITH keys AS MATERIALIZED (
        SELECT f.* FROM saas.foreign_keys_of_personal_rows(p_mode) AS f
    ),
    nodes AS MATERIALIZED (
        SELECT n.*, saas.personal_table(n.table_name)::oid AS relation FROM saas.erasure_nodes(p_mode) AS n WHERE EXISTS (SELECT FROM keys AS k)
    ),
    edges AS MATERIALIZED (
        SELECT
            e.child, e.parent, e.columns,
            CASE WHEN e.kind IN ('key', 'column') THEN ARRAY(SELECT format('%I=%I', u.name, u.parent) FROM unnest(e.columns, e.parent_columns) AS u (name, parent)) END AS column_pairs
        FROM saas.erasure_edges(p_mode) AS e
        WHERE EXISTS (SELECT FROM keys AS k)
    ),
    changes AS MATERIALIZED (
        SELECT c.* FROM saas.changed_columns(p_mode) AS c WHERE EXISTS (SELECT FROM keys AS k)
    ),
    steps AS MATERIALIZED (
        SELECT s.step, s.place FROM saas.planned_steps(p_mode) AS s
    ),
    -- Each key with what becomes of its parent's rows, and whether the rows that refer to them are gone or let go before.
    judged AS MATERIALIZED (
        SELECT
            k.*, p.node AS parent_node, p.action AS parent_action, p.table_name AS parent_name, saas.personal_table_name(k.child::regclass) AS child_name,
            EXISTS (
                SELECT FROM edges AS e
                JOIN nodes AS c ON c.node = e.child
                WHERE e.parent = p.node
                    AND c.relation = k.child
                    AND e.column_pairs <@ k.column_pairs
                    AND (
                        c.action IN ('delete', 'null', 'reassign')
                        OR EXISTS (SELECT FROM changes AS x WHERE x.node = c.node AND x.column_name = ANY (k.columns))
                    )
            ) AS is_let_go,
            (SELECT string_agg(DISTINCT c.action, ', ') FROM nodes AS c WHERE c.relation = k.child AND c.party_link IS NULL AND c.action <> 'delete') AS stays_by,
            -- Else it is undeclared, and reported as that.
            EXISTS (
                SELECT FROM saas.personal_links AS l
                WHERE saas.personal_table(l.table_name) = k.child AND l.columns[cardinality(l.columns)] = k.columns[cardinality(k.columns)]
            )
            OR EXISTS (
                SELECT FROM saas.personal_columns AS l
                WHERE saas.personal_table(l.table_name) = k.child AND l.column_name = k.columns[cardinality(k.columns)]
            ) AS is_declared,
            (SELECT string_agg(a.attname, ', ') FROM pg_attribute AS a
             WHERE a.attrelid = k.child AND a.attname = ANY (k.emptied_columns) AND a.attnotnull AND (k.on_delete = 'n' OR NOT a.atthasdef)) AS never_null,
            (SELECT min(x.column_name) FROM changes AS x WHERE x.node = p.node AND x.column_name = ANY (k.parent_columns)) AS changed_parent,
            (SELECT min(a.attname) FROM pg_attribute AS a WHERE a.attrelid = k.child AND a.attname = ANY (k.columns) AND NOT a.attnotnull) AS nullable
        FROM keys AS k
        JOIN nodes AS p ON p.relation = k.parent
    ),
    refused AS MATERIALIZED (
        SELECT
            j.*,
            j.parent_action = 'delete' AND (
                j.on_delete IN ('a', 'r') AND j.is_declared
                OR j.on_delete = 'c' AND j.stays_by IS NOT NULL
                OR j.on_delete IN ('n', 'd') AND j.is_declared AND j.never_null IS NOT NULL
            ) AS is_refused,
            j.parent_action <> 'delete' AND j.changed_parent IS NOT NULL AND (j.on_update IN ('a', 'r') OR j.on_update IN ('n', 'd') AND j.never_null IS NOT NULL) AS is_pinned,
            CASE
                WHEN j.nullable IS NOT NULL
                THEN format('anonymise with saas.declare_personal_column(%L, %L, %L)', j.child_name, j.nullable, 'null')
                ELSE format('anonymise with saas.declare_personal_column(%L, %L, %L, the key of a row that stays)', j.child_name, j.columns[cardinality(j.columns)], 'anonymise')
            END AS help
        FROM judged AS j
        WHERE NOT j.is_let_go
    )
    SELECT
        CASE WHEN j.is_refused THEN j.child_name ELSE j.parent_name END,
        CASE
            WHEN j.is_pinned THEN
                format('column %s is what key %s of %s refers to, and is to be changed: make the key ON UPDATE CASCADE, or keep the column', j.changed_parent, j.key_name, j.child_name)
            WHEN j.on_delete IN ('n', 'd') THEN
                format('column %s cannot be NULL, which key %s makes it when rows of %s go: declare the link delete, or let it be NULL', j.never_null, j.key_name, j.parent_name)
            WHEN j.on_delete = 'c' THEN
                format('its rows are to stay (%s), and go with those of %s by key %s: declare the link delete, or make the key ON DELETE NO ACTION and %s', j.stays_by, j.parent_name, j.key_name, j.help)
            ELSE
                format('column %s goes on referring to rows of %s, which go (key %s): declare the link delete, or %s', array_to_string(j.columns, ', '), j.parent_name, j.key_name, j.help)
        END
    FROM refused AS j
    WHERE (j.is_refused OR j.is_pinned)
        -- Rows that go by another link that ends in the same column, in their turn.
        AND NOT EXISTS (
            SELECT FROM edges AS e
            JOIN nodes AS c ON c.node = e.child AND c.relation = j.child AND c.action = 'delete'
            JOIN steps AS x ON x.step = c.node
            JOIN steps AS y ON y.step = j.parent_node
            WHERE e.columns[cardinality(e.columns)] = j.columns[cardinality(j.columns)] AND x.place < y.place
        )
$$;
COMMENT ON FUNCTION saas.foreign_key_problems(text) IS
'Foreign keys of tables outside the package that would refuse, or undo, what is declared.';
REVOKE ALL ON FUNCTION saas.foreign_key_problems(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.foreign_key_problems(text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.unique_key_problems(p_mode text)
RETURNS TABLE (
    table_name text,
    problem text
)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    WITH changes AS MATERIALIZED (
        SELECT c.* FROM saas.changed_columns(p_mode) AS c WHERE c.table_name NOT LIKE 'saas.%'
    ),
    keys AS MATERIALIZED (
        SELECT
            i.indexrelid, i.indrelid, i.indisexclusion, i.indnullsnotdistinct, i.indpred IS NULL AND NOT i.indisexclusion AND 0 <> ALL (i.indkey::smallint[]) AS is_plain,
            -- Columns of expressions are known by what the index depends on.
            ARRAY(
                SELECT a.attname::text COLLATE "default" FROM pg_attribute AS a
                WHERE a.attrelid = i.indrelid
                    AND a.attnum > 0
                    AND (
                        a.attnum = ANY ((i.indkey::smallint[])[0:i.indnkeyatts - 1])
                        OR 0 = ANY (i.indkey::smallint[]) AND EXISTS (
                            SELECT FROM pg_depend AS d
                            WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refclassid = 'pg_class'::regclass
                                AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum
                        )
                    )
            ) AS columns
        FROM pg_index AS i
        WHERE i.indrelid IN (SELECT c.relation FROM changes AS c) AND i.indisvalid AND (i.indisunique OR i.indisexclusion)
    )
    SELECT DISTINCT
        c.table_name,
        CASE
            WHEN c.is_cut
            THEN format('column %s is too short (%s) for a random text that keeps rows apart in %s', c.column_name, c.type_name, k.indexrelid::regclass)
            ELSE format('column %s is to be %s in every row, and %s lets one have it: %s', c.column_name, COALESCE(quote_literal(c.value), 'NULL'), k.indexrelid::regclass,
                CASE WHEN c.party_link IS NULL THEN 'declare a value with {random}' ELSE 'declare the link delete' END)
        END
    FROM (
        SELECT
            x.*,
            x.value LIKE '%{random}%' AND position('{random}' IN x.value) + 15 > substring(x.type_name FROM '^(?:character|character varying)\(([0-9]+)\)$')::integer AS is_cut
        FROM changes AS x
    ) AS c
    JOIN keys AS k ON k.indrelid = c.relation AND c.column_name = ANY (k.columns)
    WHERE (c.is_cut OR c.value NOT LIKE '%{random}%' OR c.value IS NULL AND k.indnullsnotdistinct)
        -- Another column of it keeps the rows apart.
        AND NOT EXISTS (
            SELECT FROM changes AS o
            WHERE o.node = c.node
                AND o.column_name <> c.column_name
                AND o.column_name = ANY (k.columns)
                AND (o.value LIKE '%{random}%' OR o.value IS NULL AND NOT k.indnullsnotdistinct)
        )
        AND NOT EXISTS (
            SELECT FROM pg_attribute AS a
            LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            WHERE a.attrelid = k.indrelid
                AND a.attname = ANY (k.columns)
                AND (a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) ~ 'nextval|uuid')
                AND NOT EXISTS (SELECT FROM changes AS x WHERE x.node = c.node AND x.column_name = a.attname)
        )
        AND NOT EXISTS (
            SELECT FROM keys AS o
            WHERE o.indrelid = k.indrelid
                AND o.is_plain
                AND o.columns <@ k.columns
                AND NOT EXISTS (SELECT FROM changes AS x WHERE x.node = c.node AND x.column_name = ANY (o.columns))
        )
$$;
COMMENT ON FUNCTION saas.unique_key_problems(text) IS
'Unique keys and exclusions of tables outside the package that would refuse values as they are declared.';
REVOKE ALL ON FUNCTION saas.unique_key_problems(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.unique_key_problems(text) TO saas_internal;
