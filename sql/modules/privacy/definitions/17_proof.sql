-- Proof: what is searched for afterwards, the search itself, and the certificate.
CREATE OR REPLACE FUNCTION saas.gather_needles(p_request uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET extra_float_digits = 1
AS $$
DECLARE
    v_column record;
    v_more text;
BEGIN
    INSERT INTO saas.erasure_needles AS n (request_id, key, forget_at)
    VALUES (p_request, uuid_send(gen_random_uuid()), now() + INTERVAL '6 months')
    ON CONFLICT (request_id) DO NOTHING;
    FOR v_column IN
        SELECT s.step, s.table_name, c.column_name
        FROM saas.erasure_steps AS s
        JOIN saas.personal_columns AS c ON c.table_name = s.table_name AND c.is_identifying
        WHERE s.request_id = p_request
            AND s.party_link IS NULL
            AND s.action IN ('delete', 'anonymise')
            AND EXISTS (SELECT FROM saas.erasure_rows AS r WHERE r.run_id = p_request AND r.step = s.step AND NOT r.is_done)
    LOOP
        -- A value that somebody else has as well does not tell of this person.
        v_more := saas.privacy_query(
            format(
                'WITH own AS MATERIALIZED (
                    SELECT c.%1$I::text AS value, count(*) AS rows FROM %2$s AS c JOIN saas.erasure_rows AS r ON %3$s
                    WHERE r.run_id = $1 AND r.step = $2 AND NOT r.is_done AND %7$s GROUP BY 1
                ),
                rare AS MATERIALIZED (
                    SELECT o.%1$I::text AS value, count(*) AS rows FROM %2$s AS o
                    WHERE o.%1$I::text IN (SELECT w.value FROM own AS w WHERE w.value NOT LIKE %4$L) GROUP BY 1
                )
                SELECT encode(string_agg(DISTINCT saas.erasure_needle(n.key, w.value), %5$L::bytea), %6$L)
                FROM saas.erasure_needles AS n
                CROSS JOIN own AS w
                LEFT JOIN rare AS a ON a.value = w.value
                WHERE n.request_id = $1 AND (w.value LIKE %4$L OR a.rows = w.rows)',
                v_column.column_name, v_column.table_name, saas.personal_key_match(v_column.table_name, 'c', 'r'), '%@%', '', 'hex',
                saas.distinctive_condition(format('c.%I::text', v_column.column_name))
            ),
            p_request, v_column.step, NULL
        );
        UPDATE saas.erasure_needles AS n
        SET needles = n.needles || decode(v_more, 'hex')
        WHERE n.request_id = p_request AND v_more IS NOT NULL;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.gather_needles(uuid) IS
'Takes keyed hashes of the identifying values of rows that are about to go.';
REVOKE ALL ON FUNCTION saas.gather_needles(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.gather_needles(uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.basis_of_column(p_table text, p_column text)
RETURNS text
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    SELECT m.basis
    FROM saas.personal_data_map AS m
    WHERE m.table_name = p_table AND m.column_name = p_column AND m.action = 'keep' AND m.basis <> 'no personal data'
$$;
COMMENT ON FUNCTION saas.basis_of_column(text, text) IS 'Why values in a column are kept when people are erased; NULL when they are not.';
REVOKE ALL ON FUNCTION saas.basis_of_column(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.basis_of_column(text, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.searched_tables()
RETURNS TABLE (
    table_oid oid,
    table_name text,
    is_readable boolean
)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    WITH tables AS MATERIALIZED (
        SELECT c.oid, n.oid AS schema, format('%I.%I', n.nspname, c.relname) AS name
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'm')
            AND NOT c.relispartition
            AND c.relpersistence <> 't'
            AND n.nspname !~ '^(pg_|information_schema$)'
            AND c.oid NOT IN ('saas.erasure_needles'::regclass, 'saas.erasure_rows'::regclass, 'saas.data_export_chunks'::regclass)
    )
    SELECT
        t.oid, t.name,
        t.oid NOT IN (SELECT u.oid FROM saas.untrusted_tables(ARRAY(SELECT x.oid FROM tables AS x)) AS u (oid))
            AND has_table_privilege(current_user, t.oid, 'SELECT')
            AND has_schema_privilege(current_user, t.schema, 'USAGE')
    FROM tables AS t
$$;
COMMENT ON FUNCTION saas.searched_tables() IS
'The tables that are searched for erased values, and those that should be and may not be read.';
REVOKE ALL ON FUNCTION saas.searched_tables() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.searched_tables() TO saas_internal;

CREATE OR REPLACE FUNCTION saas.search_foreign_table(p_table text, p_requests uuid[])
RETURNS TABLE (
    request integer,
    column_name text,
    found_rows bigint
)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    SELECT 0, NULL::text, saas.privacy_query(format('SELECT count(*) FROM %s', p_table), NULL, NULL, NULL)::bigint
    UNION ALL
    SELECT r.number::integer, f.key, f.value::bigint
    FROM unnest(p_requests) WITH ORDINALITY AS r (id, number)
    CROSS JOIN LATERAL jsonb_each_text(
        saas.privacy_query(
            format(
                'SELECT jsonb_object_agg(k.key, k.hits) FROM (
                    SELECT j.key, count(*) AS hits
                    FROM %s AS t
                    CROSS JOIN (SELECT e.key || e.needles AS needles FROM saas.erasure_needles AS e WHERE e.request_id = $1) AS n
                    CROSS JOIN LATERAL unnest(saas.needle_columns(t.*, n.needles)) AS j (key)
                    GROUP BY j.key
                ) AS k',
                p_table
            ),
            r.id, NULL, NULL
        )::jsonb
    ) AS f
$$;
COMMENT ON FUNCTION saas.search_foreign_table(text, uuid[]) IS
'What saas.search_table() answers, for a table with partitions elsewhere.';
REVOKE ALL ON FUNCTION saas.search_foreign_table(text, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.search_foreign_table(text, uuid[]) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.kept_audit_entries(p_request uuid, p_column text)
RETURNS TABLE (
    found_rows bigint,
    basis text
)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    SELECT f.found_rows, k.basis
    FROM (
        SELECT s.table_name, min(s.basis) AS basis
        FROM saas.erasure_steps AS s
        WHERE s.request_id = p_request
            AND s.action = 'keep'
            AND s.basis IS NOT NULL
            AND s.found > 0
            AND s.table_name IN (SELECT t.table_name FROM saas.audited_tables AS t)
            AND 'id' = ANY (saas.personal_key(s.table_name))
        GROUP BY s.table_name
    ) AS k
    CROSS JOIN LATERAL (
        SELECT saas.privacy_query(
            format(
                'SELECT count(*)
                FROM saas.audit_logs AS a
                CROSS JOIN (SELECT e.key || e.needles AS needles FROM saas.erasure_needles AS e WHERE e.request_id = $1) AS n
                WHERE a.table_name = %1$L
                    AND EXISTS (SELECT FROM %1$s AS t WHERE t.id = a.row_id)
                    AND %2$L = ANY (saas.needle_columns(a.*, n.needles))',
                k.table_name, p_column
            ),
            p_request, NULL, NULL
        )::bigint AS found_rows
    ) AS f
    WHERE f.found_rows > 0
$$;
COMMENT ON FUNCTION saas.kept_audit_entries(uuid, text) IS
'How many entries of the audit trail repeat, in a column of it, erased values in rows that are still there and kept on a basis.';
REVOKE ALL ON FUNCTION saas.kept_audit_entries(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.kept_audit_entries(uuid, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.scan_for_needles(p_requests uuid[])
RETURNS TABLE (
    request_id uuid,
    table_name text,
    scanned_rows bigint,
    column_name text,
    found_rows bigint,
    basis text
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
DECLARE
    v_needles bytea[];
    v_table oid;
    v_readable boolean;
    v_is_heap boolean;
    v_found record;
    v_kept record;
    v_others bigint;
BEGIN
    SELECT array_agg(COALESCE(e.key || e.needles, '\x00000000000000000000000000000000'::bytea) ORDER BY r.number) INTO v_needles
    FROM unnest(p_requests) WITH ORDINALITY AS r (id, number)
    LEFT JOIN saas.erasure_needles AS e ON e.request_id = r.id;
    FOR v_table, table_name, v_readable IN
        SELECT t.table_oid, t.table_name, t.is_readable
        FROM jsonb_to_recordset(
            saas.privacy_answer(saas.privacy_state(), 'SELECT jsonb_agg(to_jsonb(t)) FROM saas.searched_tables() AS t')::jsonb
        ) AS t (table_oid oid, table_name text, is_readable boolean)
        ORDER BY 2
    LOOP
        request_id := NULL;
        column_name := NULL;
        found_rows := NULL;
        basis := NULL;
        scanned_rows := NULL;
        IF NOT v_readable THEN
            RETURN NEXT;
            CONTINUE;
        END IF;
        v_is_heap := false;
        FOR v_found IN SELECT f.* FROM saas.search_table(v_table, v_needles) AS f LOOP
            v_is_heap := true;
            request_id := p_requests[NULLIF(v_found.request, 0)];
            column_name := v_found.column_name;
            scanned_rows := CASE WHEN v_found.request = 0 THEN v_found.found_rows END;
            found_rows := CASE WHEN v_found.request > 0 THEN v_found.found_rows END;
            basis := CASE WHEN column_name IS NOT NULL THEN saas.basis_of_column(table_name, column_name) END;
            IF table_name = 'saas.audit_logs' AND found_rows > 0 AND basis IS NULL THEN
                -- What is kept is kept with the entries about it.
                FOR v_kept IN SELECT k.* FROM saas.kept_audit_entries(request_id, column_name) AS k LOOP
                    v_others := found_rows - v_kept.found_rows;
                    found_rows := v_kept.found_rows;
                    basis := v_kept.basis;
                    RETURN NEXT;
                    found_rows := v_others;
                    basis := NULL;
                END LOOP;
                CONTINUE WHEN found_rows <= 0;
            END IF;
            RETURN NEXT;
        END LOOP;
        CONTINUE WHEN v_is_heap;
        RETURN QUERY
        SELECT
            p_requests[NULLIF(f.request, 0)], scan_for_needles.table_name, CASE WHEN f.request = 0 THEN f.found_rows END, f.column_name,
            CASE WHEN f.request > 0 THEN f.found_rows END, saas.basis_of_column(scan_for_needles.table_name, f.column_name)
        FROM saas.search_foreign_table(table_name, p_requests) AS f;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.scan_for_needles(uuid[]) IS
'Reads every table once for the values that these requests erased: one row a table with the number of rows read (NULL: not readable), and one for each request and column where some were found, with the basis on which they are kept.';
REVOKE ALL ON FUNCTION saas.scan_for_needles(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.scan_for_needles(uuid[]) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.verify_erasure(p_request uuid)
RETURNS TABLE (
    table_name text,
    column_name text,
    found_rows bigint,
    basis text
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_privacy_access(NULL, false, false);
    PERFORM FROM saas.erasure_needles AS n WHERE n.request_id = p_request;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA152',
            MESSAGE = 'there is nothing to search for',
            HINT = 'The request has not run, or what was erased has been forgotten (saas.forget_erased_values()).';
    END IF;
    RETURN QUERY
    SELECT s.table_name, s.column_name, s.found_rows, s.basis
    FROM saas.scan_for_needles(ARRAY[p_request]) AS s WHERE s.column_name IS NOT NULL
    ORDER BY s.basis IS NOT NULL, s.table_name, s.column_name;
END
$$;
COMMENT ON FUNCTION saas.verify_erasure(uuid) IS
'Searches all tables, texts and JSON values included, for what a request erased: no rows when nothing is left. Rows with a basis are kept on purpose. For workers.';
REVOKE ALL ON FUNCTION saas.verify_erasure(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.verify_erasure(uuid) TO saas_service;
