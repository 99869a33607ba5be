-- Which rows belong to people under a legal hold.

-- Tables on the ways from people down to a table, each after those that lead to it.
CREATE OR REPLACE FUNCTION saas.tables_above(p_table text)
RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_above text[];
    v_placed text[] := '{saas.users}'::text[];
    v_next text;
BEGIN
    WITH RECURSIVE above (name) AS (
        SELECT l.parent_table FROM saas.personal_links AS l WHERE l.table_name = p_table
        UNION
        SELECT l.parent_table FROM above AS a JOIN saas.personal_links AS l ON l.table_name = a.name
    )
    SELECT array_agg(a.name) INTO v_above
    FROM above AS a
    WHERE a.name NOT IN ('saas.users', p_table);
    -- The next is one that people are led to by now and, where links form no circle, in every way.
    LOOP
        SELECT n.name INTO v_next
        FROM unnest(v_above) AS n (name)
        JOIN saas.personal_links AS l ON l.table_name = n.name AND l.parent_table <> n.name
        WHERE n.name <> ALL (v_placed)
        GROUP BY n.name
        HAVING bool_or(l.parent_table = ANY (v_placed))
        ORDER BY count(*) FILTER (WHERE l.parent_table <> ALL (v_placed)), n.name
        LIMIT 1;
        EXIT WHEN v_next IS NULL;
        v_placed := v_placed || v_next;
    END LOOP;
    RETURN v_placed;
END
$$;
COMMENT ON FUNCTION saas.tables_above(text) IS
'The tables by which rows of a table belong to people, beginning with saas.users, each after those that lead to it.';
REVOKE ALL ON FUNCTION saas.tables_above(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.tables_above(text) TO saas_internal, pg_database_owner;

-- What is held is little: it is found once, from people downwards, and then looked up.
CREATE OR REPLACE FUNCTION saas.held_rows(p_table text, OUT sources text, OUT condition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_held text := pg_catalog.format(
        '(SELECT h.subject_id FROM saas.legal_holds AS h
            WHERE h.released_at IS NULL AND (h.ends_at IS NULL OR h.ends_at > now())
                AND (h.table_name IS NULL OR h.table_name = %L))', p_table);
    v_above text[] := saas.tables_above(p_table);
    v_rows text;
BEGIN
    sources := pg_catalog.format('held_1 AS MATERIALIZED (SELECT c.* FROM saas.users AS c WHERE c.id IN %s)', v_held);
    IF p_table = 'saas.users' THEN
        condition := 'c.id IN ' || v_held;
        RETURN;
    END IF;
    FOR i IN 2 .. cardinality(v_above)
    LOOP
        SELECT string_agg(pg_catalog.format('SELECT c.* FROM %s AS c JOIN held_%s AS p ON %s', v_above[i],
            array_position(v_above, l.parent_table),
            saas.personal_link_condition(l.kind, l.columns, l.parent_columns, l.json_path)), ' UNION ALL ')
        INTO v_rows
        FROM saas.personal_links AS l
        WHERE l.table_name = v_above[i] AND array_position(v_above, l.parent_table) < i;
        sources := pg_catalog.format('%s, held_%s AS MATERIALIZED (%s)', sources, i, v_rows);
    END LOOP;
    SELECT string_agg(pg_catalog.format('EXISTS (SELECT FROM held_%s AS p WHERE %s)', array_position(v_above, l.parent_table),
        saas.personal_link_condition(l.kind, l.columns, l.parent_columns, l.json_path)), ' OR ')
    INTO condition
    FROM saas.personal_links AS l
    WHERE l.table_name = p_table AND array_position(v_above, l.parent_table) IS NOT NULL;
    -- An identifier of a person stays when the person is gone.
    IF EXISTS (
        SELECT FROM pg_attribute AS a
        WHERE a.attrelid = to_regclass(p_table) AND a.attname = 'subject_id' AND a.atttypid = 'uuid'::regtype
    ) THEN
        condition := concat_ws(' OR ', condition, 'c.subject_id IN ' || v_held);
    END IF;
END
$$;
COMMENT ON FUNCTION saas.held_rows(text) IS
'What to put into WITH, and the SQL condition then, under which a row c of a table belongs to a person under a legal hold on everything or on that table; without a condition for a table that belongs to nobody.';
REVOKE ALL ON FUNCTION saas.held_rows(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.held_rows(text) TO saas_internal, pg_database_owner;

CREATE OR REPLACE FUNCTION saas.is_anything_held()
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM saas.legal_holds AS h
        WHERE h.released_at IS NULL AND (h.ends_at IS NULL OR h.ends_at > now())
    )
$$;
COMMENT ON FUNCTION saas.is_anything_held() IS 'Whether there is a legal hold on anybody.';
REVOKE ALL ON FUNCTION saas.is_anything_held() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.is_anything_held() TO saas_internal, pg_database_owner;

-- A row takes those along that refer to it with ON DELETE CASCADE.
CREATE OR REPLACE FUNCTION saas.held_below(p_table text, p_seen text[] DEFAULT '{}')
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_child record;
    v_held record;
    v_condition text;
    v_found text;
BEGIN
    FOR v_child IN
        SELECT
            saas.personal_table_name(k.conrelid::regclass) AS name,
            string_agg(pg_catalog.format('c.%I', r.attname), ', ' ORDER BY i.place) AS parent_columns,
            string_agg(pg_catalog.format('c.%I', a.attname), ', ' ORDER BY i.place) AS columns,
            string_agg(pg_catalog.format('c.%I IS NOT NULL', a.attname), ' AND ') AS is_known
        FROM pg_constraint AS k
        CROSS JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS i (child, parent, place)
        JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = i.child
        JOIN pg_attribute AS r ON r.attrelid = k.confrelid AND r.attnum = i.parent
        WHERE k.confrelid = to_regclass(p_table) AND k.contype = 'f' AND k.confdeltype = 'c' AND k.conparentid = 0
        GROUP BY k.oid, k.conrelid
        ORDER BY 1, k.oid
    LOOP
        CONTINUE WHEN v_child.name = p_table OR v_child.name = ANY (p_seen);
        SELECT h.sources, h.condition INTO v_held FROM saas.held_rows(v_child.name) AS h;
        v_condition := concat_ws(' OR ', v_held.condition, saas.held_below(v_child.name, p_seen || p_table));
        CONTINUE WHEN v_condition = '';
        v_found := concat_ws(' OR ', v_found, pg_catalog.format('(%s) IN (WITH %s SELECT %s FROM %s AS c WHERE %s AND (%s))',
            v_child.parent_columns, v_held.sources, v_child.columns, v_child.name, v_child.is_known, v_condition));
    END LOOP;
    RETURN v_found;
END
$$;
COMMENT ON FUNCTION saas.held_below(text, text[]) IS
'The SQL condition under which deleting a row c of a table would take rows along that belong to a person under a legal hold; NULL when it takes none along.';
REVOKE ALL ON FUNCTION saas.held_below(text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.held_below(text, text[]) TO saas_internal, pg_database_owner;
