-- The statements that erase many people at once. Each takes arrays of rows and returns arrays of rows, which stay in
-- memory: the engine (src/privacy/engine.cpp) keeps them in numbered places and prepares each statement once a session.
CREATE OR REPLACE FUNCTION saas.program_nodes(p_state bigint, p_mode text)
RETURNS TABLE (
    node integer,
    place integer,
    table_name text,
    action text,
    party_link text,
    circle text,
    places integer[],
    names text[],
    type_names text[],
    keys integer,
    is_supported boolean,
    is_direct boolean
)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    WITH edges AS MATERIALIZED (
        SELECT e.* FROM saas.erasure_edges(p_mode) AS e
    ),
    nodes AS MATERIALIZED (
        SELECT n.*, saas.personal_table(n.table_name) AS relation FROM saas.erasure_nodes(p_mode) AS n
    ),
    names AS MATERIALIZED (
        -- Of each node the primary key, and what its children are found by.
        SELECT k.node, k.relation, k.name, min(k.place) AS key_place
        FROM (
            SELECT n.node, n.relation, a.attname::text AS name, u.place::integer AS place
            FROM nodes AS n
            JOIN pg_index AS i ON i.indrelid = n.relation AND i.indisprimary
            CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS u (number, place)
            JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = u.number
            UNION ALL
            SELECT n.node, n.relation, u.name, NULL
            FROM nodes AS n
            JOIN edges AS e ON e.parent = n.node
            CROSS JOIN LATERAL unnest(e.parent_columns) AS u (name)
        ) AS k
        GROUP BY k.node, k.relation, k.name
    ),
    columns AS MATERIALIZED (
        SELECT
            n.node, n.name, format_type(a.atttypid, NULL) AS type_name, n.key_place,
            -- 0 to 3 are the people, their requests, the key of the needles, and whether nothing is changed; the place
            -- before a node's first is for the number of the person.
            (3 + n.node + row_number() OVER (ORDER BY n.node, n.key_place, n.name) + 1)::integer AS place
        FROM names AS n
        JOIN pg_attribute AS a ON a.attrelid = n.relation AND a.attname = n.name::name AND a.attnum > 0
    ),
    audited AS MATERIALIZED (
        SELECT t.table_name FROM saas.audited_tables AS t
    ),
    identifying AS MATERIALIZED (
        SELECT DISTINCT c.table_name FROM saas.personal_columns AS c WHERE c.is_identifying
    ),
    kept AS MATERIALIZED (
        SELECT
            p.node, array_agg(p.place ORDER BY p.place) AS places, array_agg(p.name ORDER BY p.place) AS names,
            array_agg(p.type_name ORDER BY p.place) AS type_names, count(p.key_place)::integer AS keys,
            bool_and(to_regtype(p.type_name || '[]') IS NOT NULL AND p.type_name !~ '\]$') AS is_supported
        FROM columns AS p
        GROUP BY p.node
    )
    SELECT
        s.step, s.place, s.table_name, s.action, s.party_link, s.circle, k.places, k.names, k.type_names, k.keys,
        COALESCE(k.is_supported AND k.keys > 0, false),
        -- Nothing else wants to know the rows, and no row is found twice: they go by what finds them.
        s.action = 'delete'
            AND s.step > 0
            AND s.circle = 'none'
            AND NOT EXISTS (SELECT FROM nodes AS o WHERE o.table_name = s.table_name AND o.node <> s.step)
            AND s.table_name NOT IN (SELECT r.name FROM saas.resisting_tables() AS r (name))
            AND NOT EXISTS (SELECT FROM edges AS e WHERE e.parent = s.step)
            AND s.table_name NOT IN (SELECT c.table_name FROM identifying AS c)
            AND s.table_name NOT IN (SELECT t.table_name FROM audited AS t)
            AND (
                SELECT count(*) = 1 AND bool_and(
                    p.action IN ('delete', 'anonymise')
                    AND (e.kind = 'key' OR e.kind = 'column' AND e.parent_columns = saas.personal_key(p.table_name))
                )
                FROM edges AS e
                JOIN nodes AS p ON p.node = e.parent
                WHERE e.child = s.step
            )
    FROM saas.known_plan(p_state, p_mode) AS s
    LEFT JOIN kept AS k ON k.node = s.step
    WHERE s.step >= 0
$$;
COMMENT ON FUNCTION saas.program_nodes(bigint, text) IS
'The steps of an erasure with what the engine keeps of their rows. is_supported: it can work on them; is_direct: it deletes them without looking them up first.';
REVOKE ALL ON FUNCTION saas.program_nodes(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.program_nodes(bigint, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.known_nodes(p_state bigint, p_mode text)
RETURNS TABLE (
    node integer,
    place integer,
    table_name text,
    action text,
    party_link text,
    circle text,
    places integer[],
    names text[],
    type_names text[],
    keys integer,
    is_supported boolean,
    is_direct boolean
)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    SELECT n.*
    FROM jsonb_to_recordset(
        saas.privacy_answer(
            p_state, format('SELECT jsonb_agg(to_jsonb(n)) FROM saas.program_nodes(%L, %L) AS n', p_state, p_mode)
        )::jsonb
    ) AS n (
        node integer, place integer, table_name text, action text, party_link text, circle text, places integer[], names text[],
        type_names text[], keys integer, is_supported boolean, is_direct boolean
    )
$$;
COMMENT ON FUNCTION saas.known_nodes(bigint, text) IS
'saas.program_nodes(), found once in a session as long as saas.privacy_state() is the same.';
REVOKE ALL ON FUNCTION saas.known_nodes(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.known_nodes(bigint, text) TO saas_internal;

-- A statement takes places as $1, $2, …; unnest() makes them rows again.
CREATE OR REPLACE FUNCTION saas.program_rows(p_names text[], p_type_names text[], p_first integer, p_alias text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT format('unnest($%s::integer[]', p_first)
        || string_agg(format(', $%s::%s[]', p_first + k.place, p_type_names[k.place]), '' ORDER BY k.place)
        || format(') AS %s (s', p_alias) || string_agg(format(', %I', k.name), '' ORDER BY k.place) || ')'
    FROM unnest(p_names) WITH ORDINALITY AS k (name, place)
$$;
COMMENT ON FUNCTION saas.program_rows(text[], text[], integer, text) IS
'Rows that the engine keeps, as a relation of a statement: s is the number of the person.';
REVOKE ALL ON FUNCTION saas.program_rows(text[], text[], integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.program_rows(text[], text[], integer, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.program_key(p_names text[], p_keys integer, p_left text, p_right text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT string_agg(format('%s.%I = %s.%I', p_left, p_names[k], p_right, p_names[k]), ' AND ' ORDER BY k) FROM generate_series(1, p_keys) AS k
$$;
COMMENT ON FUNCTION saas.program_key(text[], integer, text, text) IS 'That two rows have one primary key.';
REVOKE ALL ON FUNCTION saas.program_key(text[], integer, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.program_key(text[], integer, text, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.program_returning(p_table text, p_keys text[])
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT string_agg(format('c.%I', x.name), ', ' ORDER BY x.place)
    FROM (
        SELECT k.name, k.place FROM unnest(p_keys) WITH ORDINALITY AS k (name, place)
        UNION ALL
        -- By these the foreign keys to the rows are looked after.
        SELECT a.attname::text, 1000 + a.attnum
        FROM (SELECT saas.personal_table(p_table)::oid AS oid OFFSET 0) AS t
        -- No index leads from a table to the keys that refer to it: they are looked for once.
        CROSS JOIN LATERAL (
            SELECT DISTINCT u.number FROM pg_constraint AS f CROSS JOIN LATERAL unnest(f.confkey) AS u (number) WHERE f.contype = 'f' AND f.confrelid = t.oid
        ) AS f
        JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = f.number AND a.attname <> ALL (p_keys)
    ) AS x
$$;
COMMENT ON FUNCTION saas.program_returning(text, text[]) IS
'What a statement that deletes rows returns of each: its primary key, and other columns that foreign keys refer to.';
REVOKE ALL ON FUNCTION saas.program_returning(text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.program_returning(text, text[]) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.program_searches(p_state bigint, p_mode text)
RETURNS TABLE (
    node integer,
    found text,
    direct text,
    source text,
    inputs integer[]
)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    WITH nodes AS MATERIALIZED (
        SELECT n.* FROM saas.known_nodes(p_state, p_mode) AS n WHERE n.is_supported
    ),
    edges AS MATERIALIZED (
        SELECT e.* FROM saas.erasure_edges(p_mode) AS e
    ),
    parents AS MATERIALIZED (
        -- The parents of a node, one after another in its parameters.
        SELECT
            x.child, x.parent, n.places, n.names, n.type_names,
            1 + COALESCE(sum(cardinality(n.places) + 1) OVER (PARTITION BY x.child ORDER BY x.parent ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::integer AS first
        FROM (SELECT DISTINCT e.child, e.parent FROM edges AS e) AS x
        JOIN nodes AS n ON n.node = x.parent
    ),
    joins AS MATERIALIZED (
        SELECT
            e.edge, e.child, c.table_name, c.is_direct,
            (SELECT string_agg(format('c.%I', k.name), ', ' ORDER BY k.place) FROM unnest(c.names) WITH ORDINALITY AS k (name, place)) AS columns,
            CASE WHEN c.is_direct THEN saas.program_returning(c.table_name, c.names[1:c.keys]) END AS key,
            p.rows, saas.personal_link_condition(e.kind, e.columns, e.parent_columns, e.json_path) AS condition
        FROM edges AS e
        JOIN nodes AS c ON c.node = e.child
        JOIN (
            SELECT x.child, x.parent, saas.program_rows(x.names, x.type_names, x.first, 'p') AS rows FROM parents AS x
        ) AS p ON p.child = e.child AND p.parent = e.parent
    ),
    sources AS (
        SELECT
            j.child,
            string_agg(format('SELECT p.s, %s FROM %s JOIN %s AS c ON %s', j.columns, j.rows, j.table_name, j.condition), ' UNION ALL ' ORDER BY j.edge) AS rows,
            -- There is one where they are used.
            min(format('DELETE FROM %s AS c USING %s WHERE %s RETURNING p.s, %s', j.table_name, j.rows, j.condition, j.key)) FILTER (WHERE j.is_direct) AS direct,
            min(format('FROM %s JOIN %s AS c ON %s', j.rows, j.table_name, j.condition)) FILTER (WHERE j.is_direct) AS source
        FROM joins AS j
        GROUP BY j.child
    )
    SELECT
        n.node,
        format(
            'SELECT array_agg(y.s), %s FROM (SELECT DISTINCT ON (%s) x.s, %s FROM (%s) AS x ORDER BY %s) AS y',
            (SELECT string_agg(format('array_agg(y.%I)', k.name), ', ' ORDER BY k.place) FROM unnest(n.names) WITH ORDINALITY AS k (name, place)),
            o.key, o.columns, s.rows, o.all_key
        ),
        s.direct,
        s.source,
        (SELECT array_agg(i.place ORDER BY p.first, i.place)
         FROM parents AS p CROSS JOIN LATERAL unnest((p.places[1] - 1) || p.places) AS i (place) WHERE p.child = n.node)
    FROM nodes AS n
    JOIN sources AS s ON s.child = n.node
    CROSS JOIN LATERAL (
        SELECT
            string_agg(format('x.%I', k.name), ', ' ORDER BY k.place) AS columns,
            -- What stays can belong to several people; what goes is counted for one of them.
            concat_ws(
                ', ', CASE WHEN n.action IN ('keep', 'shred') THEN 'x.s' END,
                string_agg(format('x.%I', k.name), ', ' ORDER BY k.place) FILTER (WHERE k.place <= n.keys),
                CASE WHEN n.action NOT IN ('keep', 'shred') THEN 'x.s' END
            ) AS all_key,
            concat_ws(
                ', ', CASE WHEN n.action IN ('keep', 'shred') THEN 'x.s' END,
                string_agg(format('x.%I', k.name), ', ' ORDER BY k.place) FILTER (WHERE k.place <= n.keys)
            ) AS key
        FROM unnest(n.names) WITH ORDINALITY AS k (name, place)
    ) AS o
$$;
COMMENT ON FUNCTION saas.program_searches(bigint, text) IS
'For each node the statement that finds its rows, that which deletes them at once, where they come from then, and the places that all of these take.';
REVOKE ALL ON FUNCTION saas.program_searches(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.program_searches(bigint, text) TO saas_internal;
