-- Finding a person's rows and making them go, in batches.
CREATE OR REPLACE FUNCTION saas.personal_key_match(p_table text, p_alias text, p_rows text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT string_agg(
        format('%I.%I = %I.row_key[%s]::%s', p_alias, k.name, p_rows, k.place, format_type(a.atttypid, a.atttypmod)),
        ' AND ' ORDER BY k.place
    )
    FROM unnest(saas.personal_key(p_table)) WITH ORDINALITY AS k (name, place)
    JOIN pg_attribute AS a ON a.attrelid = saas.personal_table(p_table) AND a.attname = k.name
$$;
COMMENT ON FUNCTION saas.personal_key_match(text, text, text) IS
'The condition that a row is the one that a row of saas.erasure_rows names.';
REVOKE ALL ON FUNCTION saas.personal_key_match(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.personal_key_match(text, text, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.personal_key_array(p_table text, p_alias text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT 'ARRAY[' || string_agg(format('%I.%I::text', p_alias, k.name), ', ' ORDER BY k.place) || ']'
    FROM unnest(saas.personal_key(p_table)) WITH ORDINALITY AS k (name, place)
$$;
COMMENT ON FUNCTION saas.personal_key_array(text, text) IS 'The primary key of a row as saas.erasure_rows has it.';
REVOKE ALL ON FUNCTION saas.personal_key_array(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.personal_key_array(text, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.row_searches(p_mode text)
RETURNS TABLE (
    child integer,
    parent integer,
    is_indexed boolean,
    statement text
)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    WITH nodes AS MATERIALIZED (
        SELECT n.node, n.table_name, saas.personal_table(n.table_name)::oid AS relation FROM saas.erasure_nodes(p_mode) AS n
    ),
    -- Once a table: this is done for every erasure and every export.
    keys AS MATERIALIZED (
        SELECT
            t.table_name, saas.personal_key_array(t.table_name, 'c') AS child_key,
            saas.personal_key_match(t.table_name, 'p', 'r') AS parent_match
        FROM (SELECT DISTINCT n.table_name FROM nodes AS n) AS t
    ),
    indexes AS MATERIALIZED (
        SELECT i.* FROM saas.indexes_for_links(ARRAY(SELECT n.relation FROM nodes AS n)) AS i
    )
    SELECT
        e.child, e.parent, x.is_indexed,
        format(
            'WITH found AS (
                INSERT INTO saas.erasure_rows (run_id, step, row_key, round)
                SELECT DISTINCT $1, %s, %s, $2 + 1
                FROM saas.erasure_rows AS r %s
                WHERE r.run_id = $1 AND r.step = %s AND r.round >= $3
                ON CONFLICT (run_id, step, row_key) DO NOTHING
                RETURNING 1
            ) SELECT count(*) FROM found',
            e.child, CASE WHEN x.is_indexed THEN 'c.row_key' ELSE ck.child_key END,
            format(
                CASE
                    -- From the rows that are known to their parents and children, one after another, whatever the server
                    -- believes of tables whose statistics it does not have: it cannot turn this around.
                    WHEN x.is_indexed
                    THEN 'CROSS JOIN LATERAL (SELECT p.* FROM %1$s AS p WHERE %2$s OFFSET 0) AS p CROSS JOIN LATERAL (SELECT %5$s AS row_key FROM %3$s AS c WHERE %4$s OFFSET 0) AS c'
                    ELSE 'CROSS JOIN LATERAL (SELECT p.* FROM %1$s AS p WHERE %2$s OFFSET 0) AS p JOIN %3$s AS c ON %4$s'
                END,
                p.table_name, pk.parent_match, c.table_name, saas.personal_link_condition(e.kind, e.columns, e.parent_columns, e.json_path), ck.child_key
            ),
            e.parent
        )
    FROM saas.erasure_edges(p_mode) AS e
    JOIN nodes AS c ON c.node = e.child
    JOIN nodes AS p ON p.node = e.parent
    JOIN keys AS ck ON ck.table_name = c.table_name
    JOIN keys AS pk ON pk.table_name = p.table_name
    CROSS JOIN LATERAL (SELECT saas.link_parts(e.kind, e.columns, e.json_path) AS parts OFFSET 0) AS w
    CROSS JOIN LATERAL (
        SELECT EXISTS (
            SELECT FROM indexes AS i
            WHERE i.table_oid = c.relation
                AND i.parts[:cardinality(e.columns)] <@ w.parts
                AND w.parts <@ i.parts[:cardinality(e.columns)]
        ) AS is_indexed
    ) AS x
$$;
COMMENT ON FUNCTION saas.row_searches(text) IS
'For each link the statement that finds the child''s rows of those of the parent that were found from round $3 on; they are of round $2 + 1. is_indexed: it looks them up by an index.';
REVOKE ALL ON FUNCTION saas.row_searches(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.row_searches(text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.collect_personal_rows(p_run uuid, p_subject uuid, p_mode text, p_round integer)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET extra_float_digits = 1
SET enable_seqscan = on
AS $$
DECLARE
    v_statements jsonb;
    v_statement jsonb;
    v_reached integer[] := '{0}'::integer[];
    v_next integer[];
    v_round integer := p_round;
    v_since integer := 0;
BEGIN
    INSERT INTO saas.erasure_rows (run_id, step, row_key, round)
    SELECT p_run, 0, ARRAY[u.id::text], 0 FROM saas.users AS u WHERE u.id = p_subject
    ON CONFLICT (run_id, step, row_key) DO NOTHING;
    v_statements := saas.privacy_answer(
        saas.privacy_state(), format('SELECT COALESCE(jsonb_agg(to_jsonb(s)), %L::jsonb) FROM saas.row_searches(%L) AS s', '[]', p_mode)
    )::jsonb;
    -- A later search begins with everything that was found before: new rows may belong to any of it.
    IF p_round > 0 THEN
        SELECT array_agg(DISTINCT r.step) INTO v_reached FROM saas.erasure_rows AS r WHERE r.run_id = p_run;
    END IF;
    WHILE cardinality(v_reached) > 0 LOOP
        v_next := '{}'::integer[];
        FOR v_statement IN SELECT s.value FROM jsonb_array_elements(v_statements) AS s LOOP
            CONTINUE WHEN (v_statement ->> 'parent')::integer <> ALL (v_reached);
            -- Until this function ends. A table that was never analysed is read row by row all the same.
            PERFORM set_config('enable_seqscan', CASE WHEN (v_statement ->> 'is_indexed')::boolean THEN 'off' ELSE 'on' END, true);
            IF saas.privacy_query(v_statement ->> 'statement', p_run, v_round, v_since)::bigint > 0
                AND (v_statement ->> 'child')::integer <> ALL (v_next)
            THEN
                v_next := v_next || (v_statement ->> 'child')::integer;
            END IF;
        END LOOP;
        v_reached := v_next;
        v_round := v_round + 1;
        v_since := v_round;
    END LOOP;
    RETURN v_round;
END
$$;
COMMENT ON FUNCTION saas.collect_personal_rows(uuid, uuid, text, integer) IS
'Finds the rows that belong to a person along all links, until there are no more; returns the number of the next round.';
REVOKE ALL ON FUNCTION saas.collect_personal_rows(uuid, uuid, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.collect_personal_rows(uuid, uuid, text, integer) TO saas_internal;

-- Entries of the audit trail about rows that go or are anonymised repeat their values.
CREATE OR REPLACE FUNCTION saas.collect_audit_rows(p_run uuid)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET extra_float_digits = 1
AS $$
    WITH steps AS MATERIALIZED (
        SELECT s.step, s.table_name, s.action, c.names
        FROM saas.erasure_steps AS s
        CROSS JOIN LATERAL (
            SELECT array_agg(m.column_name) AS names
            FROM saas.personal_columns AS m
            WHERE m.table_name = s.table_name AND m.action IN ('null', 'anonymise')
        ) AS c
        WHERE s.request_id = p_run
            AND s.party_link IS NULL
            AND s.action IN ('delete', 'anonymise')
            AND s.table_name IN (SELECT t.table_name FROM saas.audited_tables AS t)
            -- Rows with another key have a digest for an id in the trail.
            AND (saas.personal_key(s.table_name))[cardinality(saas.personal_key(s.table_name))] = 'id'
            AND EXISTS (
                SELECT FROM pg_attribute AS a
                WHERE a.attrelid = saas.personal_table(s.table_name) AND a.attname = 'id' AND a.atttypid = 'uuid'::regtype
            )
    ),
    ids AS MATERIALIZED (
        SELECT s.table_name, s.action, s.names, r.row_key[cardinality(r.row_key)]::uuid AS id
        FROM steps AS s
        JOIN saas.erasure_rows AS r ON r.run_id = p_run AND r.step = s.step
    )
    INSERT INTO saas.erasure_rows (run_id, step, row_key, round)
    SELECT p_run, -1, ARRAY[l.team_id::text, l.created_at::text, l.id::text], 0
    FROM ids AS i
    CROSS JOIN LATERAL (
        SELECT a.* FROM saas.audit_logs AS a WHERE a.row_id = i.id AND a.table_name = i.table_name OFFSET 0
    ) AS l
    WHERE l.payload_hash IS NULL
        AND (
            i.action = 'delete' AND COALESCE(l.old_values, l.new_values) IS NOT NULL
            OR COALESCE(l.old_values, '{}') || COALESCE(l.new_values, '{}') ?| i.names
        )
    ON CONFLICT (run_id, step, row_key) DO NOTHING
$$;
COMMENT ON FUNCTION saas.collect_audit_rows(uuid) IS
'Finds the entries of the audit trail that repeat values of rows that were found, as step -1.';
REVOKE ALL ON FUNCTION saas.collect_audit_rows(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.collect_audit_rows(uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.all_assignments()
RETURNS TABLE (
    table_name text,
    party_link text,
    assignments text
)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT
        x.table_name, x.party_link,
        string_agg(
            format(
                '%I = %s', x.name,
                CASE
                    WHEN x.value IS NULL THEN 'NULL'
                    -- One random text a row, so that unique columns stay unique.
                    WHEN x.value LIKE '%{random}%'
                    THEN format('replace(%L, %L, gen_random_uuid()::text)::%s', x.value, '{random}', format_type(a.atttypid, a.atttypmod))
                    ELSE format('%L::%s', x.value, format_type(a.atttypid, a.atttypmod))
                END
            ),
            ', ' ORDER BY x.name
        )
    FROM (
        SELECT c.table_name, NULL::text AS party_link, c.column_name AS name, c.value
        FROM saas.personal_columns AS c
        WHERE c.action IN ('null', 'anonymise')
        UNION ALL
        SELECT l.table_name, l.link_name, l.columns[cardinality(l.columns)], l.reassign_to
        FROM saas.personal_links AS l
        WHERE l.action IN ('null', 'reassign')
    ) AS x
    JOIN pg_attribute AS a ON a.attrelid = saas.personal_table(x.table_name) AND a.attname = x.name::name AND a.attnum > 0
    GROUP BY x.table_name, x.party_link
$$;
COMMENT ON FUNCTION saas.all_assignments() IS
'What an UPDATE sets to anonymise a row of a table, or (party_link) to take the person out of a link.';
REVOKE ALL ON FUNCTION saas.all_assignments() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.all_assignments() TO saas_internal;

CREATE OR REPLACE FUNCTION saas.anonymising_assignments(p_table text, p_action text, p_party_link text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT a.assignments
    FROM saas.all_assignments() AS a
    WHERE a.table_name = p_table
        AND a.party_link IS NOT DISTINCT FROM p_party_link
        AND (p_party_link IS NOT NULL OR p_action = 'anonymise')
$$;
COMMENT ON FUNCTION saas.anonymising_assignments(text, text, text) IS
'What an UPDATE sets to anonymise a row, or to take the person out of a link; NULL when there is nothing.';
REVOKE ALL ON FUNCTION saas.anonymising_assignments(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.anonymising_assignments(text, text, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.erasing_statement(p_table text, p_action text, p_party_link text)
RETURNS text
LANGUAGE sql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT format(
        'WITH batch AS MATERIALIZED (
            SELECT w.row_key, w.ctid AS place FROM saas.erasure_rows AS w
            WHERE w.run_id = $1 AND w.step = $2 AND NOT w.is_done
            LIMIT $3
            FOR UPDATE
        ),
        marked AS (
            UPDATE saas.erasure_rows AS w SET is_done = true FROM batch AS b WHERE w.ctid = b.place
        ),
        gone AS (%s)
        SELECT concat_ws(%L, (SELECT count(*) FROM batch), (SELECT count(*) FROM gone), %s)',
        CASE
            WHEN p_action = 'delete'
            THEN format('DELETE FROM %s AS c USING batch AS r WHERE %s RETURNING r.row_key', p_table, saas.personal_key_match(p_table, 'c', 'r'))
            WHEN p_action IN ('keep', 'shred') OR saas.anonymising_assignments(p_table, p_action, p_party_link) IS NULL
            THEN 'SELECT r.row_key FROM batch AS r'
            ELSE format(
                'UPDATE %s AS c SET %s FROM batch AS r WHERE %s RETURNING r.row_key', p_table,
                saas.anonymising_assignments(p_table, p_action, p_party_link), saas.personal_key_match(p_table, 'c', 'r')
            )
        END,
        ' ',
        CASE WHEN p_action = 'delete' THEN format('(SELECT saas.erased_leaves($1, %L, array_agg(g.row_key::text)) FROM gone AS g)', p_table) ELSE 'NULL' END
    )
$$;
COMMENT ON FUNCTION saas.erasing_statement(text, text, text) IS
'The statement that does what a step wants to $3 of its rows. It answers how many it took, how many were there, and the leaves of those that were deleted.';
REVOKE ALL ON FUNCTION saas.erasing_statement(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.erasing_statement(text, text, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.erase_by_key(p_statement text, p_request uuid, p_step integer, p_batch bigint)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
BEGIN
    RETURN saas.erase_by(p_statement, p_request, p_step, p_batch);
END
$$;
COMMENT ON FUNCTION saas.erase_by_key(text, uuid, integer, bigint) IS
'saas.erase_by() for a statement that takes rows by their primary keys from those that were found: it never reads the whole table, whatever its statistics say.';
REVOKE ALL ON FUNCTION saas.erase_by_key(text, uuid, integer, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.erase_by_key(text, uuid, integer, bigint) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.erased_leaves(p_request uuid, p_table text, p_keys text[])
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT encode(saas.leaf_hashes(r.salt, p_table, (SELECT array_agg(k.key ORDER BY k.key) FROM unnest(p_keys) AS k (key))), 'hex')
    FROM saas.user_deletion_requests AS r
    WHERE r.id = p_request
$$;
COMMENT ON FUNCTION saas.erased_leaves(uuid, text, text[]) IS
'Leaf hashes (RFC 6962) of the salted primary keys of rows that were deleted, one after another in hexadecimal digits.';
REVOKE ALL ON FUNCTION saas.erased_leaves(uuid, text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.erased_leaves(uuid, text, text[]) TO saas_internal;
