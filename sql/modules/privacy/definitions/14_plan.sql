-- The graph of a person's rows, and the plan of an erasure over it.
CREATE OR REPLACE FUNCTION saas.erasure_nodes(p_mode text)
RETURNS TABLE (
    node integer,
    table_name text,
    action text,
    party_link text
)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH links AS (
        SELECT
            l.*,
            CASE p_mode WHEN 'anonymise' THEN COALESCE(l.anonymise_action, l.action) ELSE l.action END AS now
        FROM saas.personal_links AS l
    ),
    nodes AS (
        SELECT 'saas.users' AS name, CASE p_mode WHEN 'anonymise' THEN 'anonymise' ELSE 'delete' END AS action, NULL::text AS link
        UNION
        SELECT l.table_name, l.now, NULL FROM links AS l WHERE l.action NOT IN ('null', 'reassign')
        UNION
        SELECT l.table_name, l.now, l.link_name
        FROM links AS l WHERE l.action IN ('null', 'reassign') AND l.now IN ('null', 'reassign')
    )
    SELECT
        (row_number() OVER (ORDER BY n.name <> 'saas.users' OR n.link IS NOT NULL, n.name, n.action, n.link) - 1)::integer,
        n.name, n.action, n.link
    FROM nodes AS n
$$;
COMMENT ON FUNCTION saas.erasure_nodes(text) IS
'What an erasure (p_mode erase or anonymise) works on: tables by what is done to rows that belong to the person, and links by which other people''s rows mention them. The person is number 0.';
REVOKE ALL ON FUNCTION saas.erasure_nodes(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.erasure_nodes(text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.erasure_edges(p_mode text)
RETURNS TABLE (
    edge integer,
    child integer,
    parent integer,
    link_name text,
    kind text,
    columns text[],
    parent_columns text[],
    json_path text[],
    reassign_to text,
    basis text,
    kept_for interval
)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH nodes AS MATERIALIZED (
        SELECT n.* FROM saas.erasure_nodes(p_mode) AS n
    )
    SELECT
        (row_number() OVER (ORDER BY c.node, p.node, l.link_name) - 1)::integer,
        c.node, p.node, l.link_name, l.kind, l.columns, l.parent_columns, l.json_path, l.reassign_to,
        CASE WHEN c.action NOT IN ('delete', 'null', 'reassign') THEN l.basis END,
        CASE WHEN c.action NOT IN ('delete', 'null', 'reassign') THEN l.kept_for END
    FROM saas.personal_links AS l
    JOIN nodes AS c
        ON c.table_name = l.table_name
        AND c.action = CASE p_mode WHEN 'anonymise' THEN COALESCE(l.anonymise_action, l.action) ELSE l.action END
        AND (c.party_link IS NULL AND l.action NOT IN ('null', 'reassign') OR c.party_link = l.link_name)
    JOIN nodes AS p ON p.table_name = l.parent_table AND p.party_link IS NULL
    WHERE c.node > 0
$$;
COMMENT ON FUNCTION saas.erasure_edges(text) IS
'The links between the nodes of saas.erasure_nodes(): rows of the child are found from rows of the parent.';
REVOKE ALL ON FUNCTION saas.erasure_edges(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.erasure_edges(text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.erasure_graph(p_mode text, OUT tables text[], OUT edges text[])
RETURNS record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH named AS MATERIALIZED (
        SELECT n.*, saas.personal_table(n.table_name) AS relation FROM saas.erasure_nodes(p_mode) AS n
    ),
    -- Each catalog is read once, by its index or as a whole.
    heaps AS MATERIALIZED (
        -- ANALYZE notes -1 pages, and all rows again, with a partitioned table.
        SELECT n.node, n.relation::oid AS oid FROM named AS n
        UNION
        SELECT n.node, t.relid::oid FROM named AS n CROSS JOIN LATERAL pg_partition_tree(n.relation) AS t
    ),
    sizes AS MATERIALIZED (
        SELECT h.node, sum(GREATEST(c.reltuples, 0))::float8 AS rows, sum(GREATEST(c.relpages, 0))::float8 AS pages
        FROM heaps AS h
        JOIN pg_class AS c ON c.oid = h.oid AND c.relkind <> 'p'
        GROUP BY h.node
    ),
    nodes AS MATERIALIZED (
        SELECT n.*, x.name, COALESCE(s.rows, 0) AS rows, COALESCE(s.pages, 0) AS pages
        FROM named AS n
        CROSS JOIN LATERAL (SELECT parse_ident(n.table_name) AS name) AS x
        LEFT JOIN sizes AS s ON s.node = n.node
    ),
    distincts AS MATERIALIZED (
        SELECT DISTINCT ON (d.schemaname, d.tablename, d.attname) d.schemaname, d.tablename, d.attname, d.n_distinct
        FROM pg_stats AS d
        WHERE d.tablename = ANY (ARRAY(SELECT n.name[2]::name FROM nodes AS n))
        ORDER BY d.schemaname, d.tablename, d.attname, d.inherited DESC
    ),
    indexes AS MATERIALIZED (
        SELECT i.* FROM saas.indexes_for_links(ARRAY(SELECT n.relation::oid FROM named AS n)) AS i
    ),
    links AS MATERIALIZED (
        SELECT
            e.edge, e.child, e.parent, c.rows, a.attnotnull,
            EXISTS (
                SELECT FROM indexes AS i
                WHERE i.table_oid = c.relation
                    AND i.parts[:cardinality(e.columns)] <@ w.parts
                    AND w.parts <@ i.parts[:cardinality(e.columns)]
            ) AS is_indexed,
            CASE WHEN e.kind IN ('key', 'column') THEN d.n_distinct END AS n_distinct,
            f.is_key, f.is_deferrable
        FROM saas.erasure_edges(p_mode) AS e
        JOIN nodes AS c ON c.node = e.child
        JOIN nodes AS p ON p.node = e.parent
        JOIN pg_attribute AS a ON a.attrelid = c.relation AND a.attname = e.columns[cardinality(e.columns)]
        LEFT JOIN distincts AS d ON d.schemaname = c.name[1]::name AND d.tablename = c.name[2]::name AND d.attname = a.attname
        CROSS JOIN LATERAL (
            SELECT CASE
                WHEN e.kind IN ('key', 'column') THEN ARRAY(SELECT quote_ident(k.name) FROM unnest(e.columns) AS k (name))
                ELSE saas.link_parts(e.kind, e.columns, e.json_path)
            END AS parts
            OFFSET 0
        ) AS w
        CROSS JOIN LATERAL (
            SELECT count(*) > 0 AS is_key, COALESCE(bool_and(o.condeferrable), false) AS is_deferrable
            FROM pg_constraint AS o
            WHERE o.contype = 'f' AND o.conrelid = c.relation AND o.confrelid = p.relation
        ) AS f
    )
    SELECT
        (SELECT array_agg(concat_ws(' ', n.rows, n.pages) ORDER BY n.node) FROM nodes AS n),
        (SELECT COALESCE(
            array_agg(
                concat_ws(
                    ' ', l.child, l.parent,
                    '-' || CASE WHEN l.is_key THEN 'k' ELSE '' END || CASE WHEN l.is_deferrable THEN 'd' ELSE '' END
                        || CASE WHEN l.attnotnull THEN '' ELSE 'n' END || CASE WHEN l.is_indexed THEN 'i' ELSE '' END,
                    CASE
                        WHEN l.n_distinct > 0 THEN GREATEST(l.rows / l.n_distinct, 1)
                        WHEN l.n_distinct < 0 THEN GREATEST(-1 / l.n_distinct, 1)
                        ELSE 1
                    END
                )
                ORDER BY l.edge
            ),
            '{}'
        ) FROM links AS l)
$$;
COMMENT ON FUNCTION saas.erasure_graph(text) IS
'The graph as saas.erasure_order() takes it, with what the server''s statistics say.';
REVOKE ALL ON FUNCTION saas.erasure_graph(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.erasure_graph(text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.is_never_null(p_type oid)
RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH RECURSIVE types (oid, base, is_never_null) AS (
        SELECT t.oid, t.typbasetype, t.typnotnull FROM pg_type AS t WHERE t.oid = p_type AND t.typtype = 'd'
        UNION ALL
        SELECT t.oid, t.typbasetype, t.typnotnull FROM types AS d JOIN pg_type AS t ON t.oid = d.base AND t.typtype = 'd'
    )
    SELECT COALESCE(bool_or(t.is_never_null), false) FROM types AS t
$$;
COMMENT ON FUNCTION saas.is_never_null(oid) IS 'Whether a type is a domain that refuses NULL, or over one that does.';
REVOKE ALL ON FUNCTION saas.is_never_null(oid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.is_never_null(oid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.planned_steps(p_mode text)
RETURNS TABLE (
    place integer,
    step integer,
    table_name text,
    action text,
    party_link text,
    path text,
    hops integer,
    circle text,
    group_number integer,
    estimated_rows bigint,
    basis text,
    kept_for interval
)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    WITH nodes AS MATERIALIZED (
        SELECT n.* FROM saas.erasure_nodes(p_mode) AS n
    ),
    edges AS MATERIALIZED (
        SELECT e.*, c.table_name FROM saas.erasure_edges(p_mode) AS e JOIN nodes AS c ON c.node = e.child
    ),
    graph AS MATERIALIZED (
        SELECT g.* FROM saas.erasure_graph(p_mode) AS g
    )
    SELECT
        o.step, n.node, n.table_name, n.action, n.party_link,
        concat_ws(
            ' > ', 'saas.users',
            (SELECT string_agg(e.table_name || '.' || e.link_name, ' > ' ORDER BY r.place)
             FROM unnest(o.route) WITH ORDINALITY AS r (edge, place) JOIN edges AS e ON e.edge = r.edge)
        ),
        o.hops, o.circle, o.group_number, ceil(o.estimated_rows)::bigint,
        COALESCE(
            (SELECT min(p.basis) FROM saas.retention_policies AS p WHERE p.table_name = n.table_name AND n.action NOT IN ('delete', 'null', 'reassign') AND p.action = 'keep' AND p.is_enabled),
            (SELECT min(e.basis) FROM edges AS e WHERE e.child = n.node)
        ),
        COALESCE(
            (SELECT max(p.kept_for) FROM saas.retention_policies AS p WHERE p.table_name = n.table_name AND n.action NOT IN ('delete', 'null', 'reassign') AND p.action = 'keep' AND p.is_enabled),
            (SELECT max(e.kept_for) FROM edges AS e WHERE e.child = n.node)
        )
    FROM graph AS g
    CROSS JOIN LATERAL saas.erasure_order(g.tables, g.edges, 0) AS o
    JOIN nodes AS n ON n.node = o.table_number
$$;
COMMENT ON FUNCTION saas.planned_steps(text) IS
'The steps of an erasure in the order in which they are carried out.';
REVOKE ALL ON FUNCTION saas.planned_steps(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.planned_steps(text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.gdpr_plan(
    p_subject uuid,
    p_mode text DEFAULT 'erase',
    p_strict boolean DEFAULT true
)
RETURNS TABLE (
    step integer,
    table_name text,
    action text,
    path text,
    hops integer,
    circle text,
    estimated_rows bigint,
    basis text,
    kept_until timestamptz,
    missing_index text,
    index_saves double precision,
    problem text
)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
BEGIN
    PERFORM saas.require_privacy_access(p_subject, true, true);
    PERFORM saas.require_one_of('mode', p_mode, '{erase,anonymise}');
    RETURN QUERY
    WITH costs AS (
        SELECT
            e.child,
            format(
                'CREATE INDEX %sON %s (%s);', CASE c.relkind WHEN 'p' THEN '' ELSE 'CONCURRENTLY ' END, n.table_name,
                (SELECT string_agg(CASE WHEN k.place < cardinality(e.columns) THEN quote_ident(k.name) ELSE saas.personal_link_expression(e.kind, k.name, e.json_path, '') END, ', ' ORDER BY k.place)
                 FROM unnest(e.columns) WITH ORDINALITY AS k (name, place))
            ) AS statement,
            x.saved_by_index AS saved
        FROM saas.erasure_graph(p_mode) AS g
        CROSS JOIN LATERAL saas.erasure_costs(g.tables, g.edges, 0) AS x
        JOIN saas.erasure_edges(p_mode) AS e ON e.edge = x.edge_number
        JOIN saas.erasure_nodes(p_mode) AS n ON n.node = e.child
        JOIN pg_class AS c ON c.oid = saas.personal_table(n.table_name)
        WHERE NOT saas.is_link_indexed(n.table_name, e.kind, e.columns, e.json_path)
    )
    SELECT
        s.place, s.table_name, s.action, s.path, s.hops, s.circle, s.estimated_rows, s.basis,
        now() + s.kept_for,
        (SELECT string_agg(DISTINCT i.statement, E'\n') FROM costs AS i WHERE i.child = s.step),
        (SELECT sum(i.saved) FROM costs AS i WHERE i.child = s.step),
        NULL::text
    FROM saas.planned_steps(p_mode) AS s
    UNION ALL
    SELECT
        NULL, r.table_name, CASE WHEN r.sqlstate_code IN ('SA139', 'SA150') AND NOT p_strict THEN 'warn' ELSE 'refuse' END,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, r.sqlstate_code || ': ' || r.problem
    FROM saas.erasure_problems(p_subject, p_mode, true) AS r
    UNION ALL
    SELECT NULL, 'saas.users', 'refuse', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'P0002: there is no such user'
    WHERE NOT EXISTS (SELECT FROM saas.users AS u WHERE u.id = p_subject)
    ORDER BY 1 NULLS LAST, 2;
END
$$;
COMMENT ON FUNCTION saas.gdpr_plan(uuid, text, boolean) IS
'What erasing (p_mode erase) or anonymising a person would do, step by step, with estimated rows, indexes that are missing and what they would spare (in units of the server''s planner), and what stands against it: rows with a problem. For the person, platform admins and workers. Exact numbers: saas.gdpr_erase(…, p_dry_run => true).';
REVOKE ALL ON FUNCTION saas.gdpr_plan(uuid, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.gdpr_plan(uuid, text, boolean) TO saas_app, saas_service;
