-- Links between the tables of a person's rows: as conditions of SQL, and whether an index serves them.
CREATE OR REPLACE FUNCTION saas.personal_link_expression(p_kind text, p_column text, p_path text[], p_alias text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT CASE
        WHEN p_kind = 'email' AND p_path IS NOT NULL THEN format('lower(%s%I #>> %L::text[])', p_alias, p_column, p_path)
        WHEN p_kind = 'email' THEN format('lower(%s%I)', p_alias, p_column)
        WHEN p_kind = 'json' THEN format('(%s%I #>> %L::text[])', p_alias, p_column, p_path)
        ELSE format('%s%I', p_alias, p_column)
    END
$$;
COMMENT ON FUNCTION saas.personal_link_expression(text, text, text[], text) IS
'The side of a link''s condition that an index can serve.';
REVOKE ALL ON FUNCTION saas.personal_link_expression(text, text, text[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.personal_link_expression(text, text, text[], text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.personal_link_condition(
    p_kind text,
    p_columns text[],
    p_parent_columns text[],
    p_path text[]
)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT string_agg(
        CASE
            WHEN c.place < cardinality(p_columns) OR p_kind IN ('key', 'column')
            THEN format('c.%I = p.%I', c.name, p_parent_columns[c.place])
            WHEN p_kind = 'email'
            THEN format('%s = lower(p.%I::text)', saas.personal_link_expression(p_kind, c.name, p_path, 'c.'), p_parent_columns[c.place])
            ELSE format('%s = p.%I::text', saas.personal_link_expression(p_kind, c.name, p_path, 'c.'), p_parent_columns[c.place])
        END,
        ' AND ' ORDER BY c.place
    )
    FROM unnest(p_columns) WITH ORDINALITY AS c (name, place)
$$;
COMMENT ON FUNCTION saas.personal_link_condition(text, text[], text[], text[]) IS
'The condition of a link between a row c and its parent p.';
REVOKE ALL ON FUNCTION saas.personal_link_condition(text, text[], text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.personal_link_condition(text, text[], text[], text[]) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.indexes_for_links(p_tables oid[])
RETURNS TABLE (
    table_oid oid,
    parts text[]
)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    SELECT
        i.indrelid,
        array_agg(
            -- To have the server write an index as text costs more than all the rest.
            CASE
                WHEN a.attname IS NOT NULL THEN quote_ident(a.attname)
                ELSE regexp_replace(pg_get_indexdef(i.indexrelid, k.place::integer, true), '^\((.*)\)$', '\1')
            END
            ORDER BY k.place
        )
    FROM pg_index AS i
    CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (number, place)
    LEFT JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number AND k.number <> 0
    WHERE i.indrelid = ANY (p_tables)
        AND i.indisvalid
        AND k.place <= i.indnkeyatts
        AND CASE WHEN i.indpred IS NULL THEN true ELSE pg_get_expr(i.indpred, i.indrelid) ~ '^\([a-z_0-9]+ IS NOT NULL\)$' END
    GROUP BY i.indrelid, i.indexrelid
$$;
COMMENT ON FUNCTION saas.indexes_for_links(oid[]) IS 'Columns and expressions of each index of tables that finds every row that a link can lead to.';
REVOKE ALL ON FUNCTION saas.indexes_for_links(oid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.indexes_for_links(oid[]) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.link_parts(p_kind text, p_columns text[], p_path text[])
RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT array_agg(
        CASE
            WHEN c.place < cardinality(p_columns) THEN quote_ident(c.name)
            ELSE regexp_replace(saas.personal_link_expression(p_kind, c.name, p_path, ''), '^\((.*)\)$', '\1')
        END
        ORDER BY c.place
    )
    FROM unnest(p_columns) WITH ORDINALITY AS c (name, place)
$$;
COMMENT ON FUNCTION saas.link_parts(text, text[], text[]) IS 'What an index has to begin with, in whatever order, to serve a link.';
REVOKE ALL ON FUNCTION saas.link_parts(text, text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.link_parts(text, text[], text[]) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.is_link_indexed(p_table text, p_kind text, p_columns text[], p_path text[])
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT EXISTS (
        SELECT
        FROM saas.indexes_for_links(ARRAY[saas.personal_table(p_table)::oid]) AS i
        WHERE i.parts[:cardinality(p_columns)] <@ w.parts AND w.parts <@ i.parts[:cardinality(p_columns)]
    )
    FROM (SELECT saas.link_parts(p_kind, p_columns, p_path) AS parts) AS w
$$;
COMMENT ON FUNCTION saas.is_link_indexed(text, text, text[], text[]) IS
'Whether an index begins with the columns of a link, in whatever order.';
REVOKE ALL ON FUNCTION saas.is_link_indexed(text, text, text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.is_link_indexed(text, text, text[], text[]) TO saas_internal;
