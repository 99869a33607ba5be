-- What a row was, from the audit trail, and taking a change back. Everything here runs with the rights
-- of its caller: the trail's policy decides what is seen, the table's own what is changed.

CREATE OR REPLACE FUNCTION saas.audit_table_name(p_table regclass)
RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT n.nspname || '.' || c.relname
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = COALESCE(pg_partition_root(p_table), p_table)
$$;
REVOKE ALL ON FUNCTION saas.audit_table_name(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.audit_table_name(regclass) TO saas_app, saas_service, saas_internal;
COMMENT ON FUNCTION saas.audit_table_name(regclass) IS
'The name under which changes of the table are in saas.audit_logs.';

CREATE OR REPLACE FUNCTION saas.row_history(p_table regclass, p_id uuid)
RETURNS SETOF saas.audit_logs
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT l.*
    FROM saas.audit_logs AS l
    WHERE l.team_id = saas.current_team_id()
        AND l.table_name = saas.audit_table_name(p_table)
        AND l.row_id = p_id
    ORDER BY l.id
$$;
REVOKE ALL ON FUNCTION saas.row_history(regclass, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.row_history(regclass, uuid) TO saas_app, saas_service;
COMMENT ON FUNCTION saas.row_history(regclass, uuid) IS
'Every recorded change of one row of the current team, oldest first. For admins: others see none.';

CREATE OR REPLACE FUNCTION saas.audit_change_time(p_id uuid)
RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- Milliseconds, then a fraction of 12 bits.
    SELECT '1970-01-01 00:00:00+00'::timestamptz + INTERVAL '1 microsecond' * (
        ('x' || left(h.digits, 12))::bit(48)::bigint * 1000
        + ('x' || substring(h.digits FROM 14 FOR 3))::bit(12)::integer * 1000 / 4096)
    FROM (SELECT translate(p_id::text, '-', '')) AS h (digits)
$$;
REVOKE ALL ON FUNCTION saas.audit_change_time(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.audit_change_time(uuid) TO saas_app, saas_service, saas_internal;
COMMENT ON FUNCTION saas.audit_change_time(uuid) IS
'When a recorded change was made, from its id; created_at is when its statement began.';

CREATE OR REPLACE FUNCTION saas.table_truncations(p_table regclass)
RETURNS SETOF uuid
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- Of whatever team the statement was recorded for: it took everybody's rows.
    SELECT l.id
    FROM saas.audit_logs AS l
    WHERE l.row_id = saas.audit_row_id(jsonb_build_object('truncated', saas.audit_table_name(p_table)))
        AND l.operation = 'T'
        AND saas.current_team_role() IN ('admin', 'owner', 'service')
$$;
REVOKE ALL ON FUNCTION saas.table_truncations(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.table_truncations(regclass) TO saas_app, saas_service;
COMMENT ON FUNCTION saas.table_truncations(regclass) IS
'The ids of the audit rows that say that the whole table was truncated. For admins: others see none.';

CREATE OR REPLACE FUNCTION saas.row_at(p_table regclass, p_id uuid, p_at timestamptz)
RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_change saas.audit_logs;
    v_row jsonb := '{}'::jsonb;
    v_exists boolean;
    v_erased uuid;
    v_truncated_before uuid; -- the last time by p_at
    v_truncated_after uuid; -- the first time after it
BEGIN
    SELECT max(t.id::text) FILTER (WHERE saas.audit_change_time(t.id) <= p_at)::uuid,
        min(t.id::text) FILTER (WHERE saas.audit_change_time(t.id) > p_at)::uuid
    INTO v_truncated_before, v_truncated_after
    FROM saas.table_truncations(p_table) AS t (id);
    -- Later changes backwards from the row's end: what they replaced was there at p_at.
    FOR v_change IN
        SELECT h.*
        FROM saas.row_history(p_table, p_id) AS h
        WHERE saas.audit_change_time(h.id) > p_at
            AND (v_truncated_after IS NULL OR h.id < v_truncated_after)
            AND NOT EXISTS (
                SELECT FROM saas.row_history(p_table, p_id) AS e
                WHERE saas.audit_change_time(e.id) > p_at AND e.operation IN ('I', 'D') AND e.id < h.id
            )
        ORDER BY h.id DESC
    LOOP
        v_exists := v_change.operation <> 'I';
        IF v_exists AND v_change.payload_hash IS NOT NULL THEN
            v_erased := v_change.id;
        END IF;
        v_row := v_row || COALESCE(v_change.old_values, '{}');
    END LOOP;
    -- Then earlier ones forwards from the row's beginning.
    FOR v_change IN
        SELECT h.*
        FROM saas.row_history(p_table, p_id) AS h
        WHERE saas.audit_change_time(h.id) <= p_at
            AND (v_truncated_before IS NULL OR h.id > v_truncated_before)
        ORDER BY h.id
    LOOP
        v_exists := v_change.operation <> 'D';
        IF v_change.operation = 'I' THEN
            v_row := '{}';
            v_erased := NULL;
        END IF;
        IF v_exists AND v_change.payload_hash IS NOT NULL THEN
            v_erased := v_change.id;
        END IF;
        v_row := v_row || COALESCE(v_change.new_values, '{}');
    END LOOP;
    IF v_exists AND v_erased IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA047',
            MESSAGE = 'the row as of then cannot be told from the audit trail',
            DETAIL = format('The payload of audit row %s was erased.', v_erased),
            HINT = 'saas.row_history() shows what is left.';
    END IF;
    RETURN CASE WHEN v_exists THEN v_row END;
END
$$;
REVOKE ALL ON FUNCTION saas.row_at(regclass, uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.row_at(regclass, uuid, timestamptz) TO saas_app, saas_service;
COMMENT ON FUNCTION saas.row_at(regclass, uuid, timestamptz) IS
'A row of the current team as it was at a time, from the audit trail: NULL when it did not exist, or is not in the trail. Columns that never changed since the table is audited are missing, redacted ones redacted. For admins. SA047 when the answer was erased.';

-- The columns, of those named, as a list of SELECT or SET: jsonb and arrays come back through
-- jsonb_populate_record(), which does not restore the text of a json column.
CREATE OR REPLACE FUNCTION saas.undo_expression(p_table regclass, p_column text, p_values text)
RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT CASE format_type(a.atttypid, NULL)
        WHEN 'json' THEN format('(%s ->> %L)::json', p_values, p_column)
        ELSE format('(jsonb_populate_record(NULL::%s, %s)).%I', p_table, p_values, p_column)
    END
    FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = p_table
        AND a.attname = p_column
        AND a.attnum > 0
        AND NOT a.attisdropped
        AND a.attgenerated = ''
$$;
REVOKE ALL ON FUNCTION saas.undo_expression(regclass, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.undo_expression(regclass, text, text) TO saas_app, saas_service;
COMMENT ON FUNCTION saas.undo_expression(regclass, text, text) IS
'The expression that turns a value of the audit trail back into one of the column. NULL when the column is gone or generated.';

CREATE OR REPLACE FUNCTION saas.refuse_undo(p_audit_id uuid, p_why text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'SA047',
        MESSAGE = format('audit row %s cannot be undone', p_audit_id),
        DETAIL = p_why,
        HINT = 'Correct the row by hand.';
END
$$;
REVOKE ALL ON FUNCTION saas.refuse_undo(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.refuse_undo(uuid, text) TO saas_app, saas_service;
COMMENT ON FUNCTION saas.refuse_undo(uuid, text) IS 'Raises SA047. Part of saas.undo_change().';

CREATE OR REPLACE FUNCTION saas.check_undo(p_change saas.audit_logs, p_table regclass)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_columns text;
BEGIN
    IF p_change.operation NOT IN ('I', 'U', 'D') THEN
        PERFORM saas.refuse_undo(p_change.id, 'Only inserts, updates and deletes of one row can.');
    ELSIF p_change.payload_hash IS NOT NULL THEN
        PERFORM saas.refuse_undo(p_change.id, 'Its payload was erased.');
    ELSIF p_table IS NULL THEN
        PERFORM saas.refuse_undo(p_change.id, format('There is no table %s.', p_change.table_name));
    ELSIF p_change.row_id IS NULL THEN
        PERFORM saas.refuse_undo(p_change.id, 'Its table has no primary key.');
    END IF;
    IF p_change.operation = 'I' THEN
        RETURN;
    END IF;
    SELECT string_agg(v.key, ', ' ORDER BY v.key) INTO v_columns
    FROM jsonb_each(p_change.old_values) AS v
    WHERE v.value = '"[redacted]"' OR p_change.new_values -> v.key = '"[redacted]"';
    IF v_columns IS NOT NULL THEN
        PERFORM saas.refuse_undo(p_change.id, format('The trail does not hold what was in: %s.', v_columns));
    END IF;
    SELECT string_agg(v.key, ', ' ORDER BY v.key) INTO v_columns
    FROM jsonb_object_keys(p_change.old_values) AS v (key)
    WHERE NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = p_table AND a.attname = v.key AND a.attnum > 0 AND NOT a.attisdropped
    );
    IF v_columns IS NOT NULL THEN
        PERFORM saas.refuse_undo(p_change.id, format('The table no longer has: %s.', v_columns));
    END IF;
END
$$;
REVOKE ALL ON FUNCTION saas.check_undo(saas.audit_logs, regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.check_undo(saas.audit_logs, regclass) TO saas_app, saas_service;
COMMENT ON FUNCTION saas.check_undo(saas.audit_logs, regclass) IS
'Raises SA047 when a change cannot be undone whatever the row is now. Part of saas.undo_change().';

-- The condition that finds the row: its primary key, and the team when the table has one. $1 is the
-- team, $2 the audit row.
CREATE OR REPLACE FUNCTION saas.undo_condition(p_change saas.audit_logs, p_table regclass)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT string_agg(
        CASE
            WHEN a.attname = 'team_id' AND a.atttypid = 'uuid'::regtype
                AND (p_change.row_key IS NULL OR NOT p_change.row_key ? 'team_id') THEN 't.team_id = $1'
            WHEN p_change.row_key IS NULL THEN format('t.%I = ($2).row_id', a.attname)
            ELSE format('t.%I = %s', a.attname,
                        saas.undo_expression(p_table, a.attname::text, '($2).row_key'))
        END, ' AND ' ORDER BY k.place)
        || CASE WHEN p_change.table_name = 'saas.teams' THEN ' AND t.id = $1' ELSE '' END
    FROM pg_catalog.pg_index AS i
    CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, place)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
    WHERE i.indrelid = p_table AND i.indisprimary
$$;
REVOKE ALL ON FUNCTION saas.undo_condition(saas.audit_logs, regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.undo_condition(saas.audit_logs, regclass) TO saas_app, saas_service;
COMMENT ON FUNCTION saas.undo_condition(saas.audit_logs, regclass) IS
'The condition by which saas.undo_change() finds the row.';

CREATE OR REPLACE FUNCTION saas.undo_change(p_team uuid, p_audit_id uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_change saas.audit_logs;
    v_table regclass;
    v_where text;
    v_same text;
    v_set text;
    v_rows bigint;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    v_change := saas.find_audit_row(p_team, p_audit_id);
    IF v_change.id IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'P0002',
            MESSAGE = 'the team''s audit log has no row with this id',
            HINT = 'Give the id of a row of saas.audit_logs.';
    END IF;
    SELECT c.oid INTO v_table
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname || '.' || c.relname = v_change.table_name AND c.relkind IN ('r', 'p');
    PERFORM saas.check_undo(v_change, v_table);
    v_where := saas.undo_condition(v_change, v_table);
    -- Nothing that the change wrote may have changed since. Compared as text, since not every type
    -- has an equality; redacted columns are left out, except when the whole row is to go.
    SELECT COALESCE(string_agg(format('t.%I::text IS NOT DISTINCT FROM (%s)::text', n.key, n.value), ' AND '), 'true')
    INTO v_same
    FROM (
        SELECT c.key, saas.undo_expression(v_table, c.key, '($2).new_values') AS value
        FROM jsonb_each(v_change.new_values) AS c
        WHERE c.value <> '"[redacted]"'
    ) AS n
    WHERE n.value IS NOT NULL;
    IF v_change.operation = 'I' THEN
        EXECUTE format('DELETE FROM %s AS t WHERE %s AND %s', v_table, v_where, v_same)
        USING p_team, v_change;
    ELSE
        SELECT string_agg(format(CASE v_change.operation WHEN 'U' THEN '%1$I = %2$s' ELSE '%1$I' END, o.key, o.value),
                          ', ' ORDER BY o.key)
        INTO v_set
        FROM (
            SELECT c.key, saas.undo_expression(v_table, c.key, '($2).old_values') AS value
            FROM jsonb_object_keys(v_change.old_values) AS c (key)
        ) AS o
        WHERE o.value IS NOT NULL;
        IF v_change.operation = 'U' THEN
            EXECUTE format('UPDATE %s AS t SET %s WHERE %s AND %s', v_table, v_set, v_where, v_same)
            USING p_team, v_change;
        ELSE
            EXECUTE format(
                'INSERT INTO %s AS t (%s) SELECT %s ON CONFLICT DO NOTHING', v_table, v_set,
                (SELECT string_agg(saas.undo_expression(v_table, c.key, '($2).old_values'), ', ' ORDER BY c.key)
                 FROM jsonb_object_keys(v_change.old_values) AS c (key)))
            USING p_team, v_change;
        END IF;
    END IF;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    IF v_rows <> 1 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA046',
            MESSAGE = format('audit row %s cannot be undone: the row has changed since', p_audit_id),
            DETAIL = 'What the change wrote is no longer there, or the caller may not change it.',
            HINT = 'Look at saas.row_history(); undo the later changes first, or correct the row.';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION saas.undo_change(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.undo_change(uuid, uuid) TO saas_app, saas_service;
COMMENT ON FUNCTION saas.undo_change(uuid, uuid) IS
'Takes one recorded change back: an update''s columns return to what they were, an inserted row goes, a deleted one comes back. For admins, with their own rights on the table. SA046 when the row has changed since, SA047 when the trail does not hold what is needed. Undoing is itself recorded.';
