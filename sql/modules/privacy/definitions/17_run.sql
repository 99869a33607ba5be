-- Carrying out a request: step by step, in batches, from where the last call ended.
CREATE OR REPLACE FUNCTION saas.note_found_rows(p_request uuid)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    UPDATE saas.erasure_steps AS s
    SET found = f.found
    FROM (SELECT r.step, count(*) AS found FROM saas.erasure_rows AS r WHERE r.run_id = p_request GROUP BY r.step) AS f
    WHERE s.request_id = p_request AND s.step = f.step AND s.found <> f.found
$$;
COMMENT ON FUNCTION saas.note_found_rows(uuid) IS 'Notes in its steps how many rows a request has found.';
REVOKE ALL ON FUNCTION saas.note_found_rows(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.note_found_rows(uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.leave_out_deleted_rows(p_request uuid)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    DELETE FROM saas.erasure_rows AS r
    USING saas.erasure_steps AS s
    JOIN saas.erasure_steps AS d
        ON d.request_id = s.request_id AND d.table_name = s.table_name AND d.action = 'delete' AND d.place < s.place
    JOIN saas.erasure_rows AS g ON g.run_id = d.request_id AND g.step = d.step
    WHERE s.request_id = p_request
        AND s.action NOT IN ('delete', 'keep', 'shred')
        AND r.run_id = p_request
        AND r.step = s.step
        AND r.row_key = g.row_key
        AND NOT r.is_done
$$;
COMMENT ON FUNCTION saas.leave_out_deleted_rows(uuid) IS
'Takes from the steps of a request the rows that an earlier step deletes: they have nobody to be emptied of.';
REVOKE ALL ON FUNCTION saas.leave_out_deleted_rows(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.leave_out_deleted_rows(uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.is_plan_outdated(p_request uuid, p_mode text)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT EXISTS (
        SELECT
        FROM (SELECT s.* FROM saas.erasure_steps AS s WHERE s.request_id = p_request AND s.step BETWEEN 0 AND 999999) AS s
        FULL JOIN saas.erasure_nodes(p_mode) AS n
            ON n.node = s.step AND n.table_name = s.table_name AND n.action = s.action
            AND COALESCE(n.party_link, '') = COALESCE(s.party_link, '')
        WHERE s.step IS NULL OR n.node IS NULL
    )
$$;
COMMENT ON FUNCTION saas.is_plan_outdated(uuid, text) IS
'Whether the map has other tables or actions than when a request''s plan was written down.';
REVOKE ALL ON FUNCTION saas.is_plan_outdated(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.is_plan_outdated(uuid, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.write_plan(p_request uuid, p_mode text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
BEGIN
    -- Out of the way of the new numbers. What has been done stays in the certificate.
    UPDATE saas.erasure_rows AS r SET step = r.step + 1000000 WHERE r.run_id = p_request AND r.step BETWEEN 0 AND 999999;
    UPDATE saas.erasure_steps AS s SET step = s.step + 1000000 WHERE s.request_id = p_request AND s.step BETWEEN 0 AND 999999;
    INSERT INTO saas.erasure_steps (
        request_id, step, place, table_name, action, party_link, circle, group_number, path, basis, kept_until, found, done
    )
    SELECT
        p_request, p.step, p.place, p.table_name, p.action, p.party_link, p.circle, p.group_number, p.path, p.basis,
        now() + p.kept_for, COALESCE(o.found, 0), COALESCE(o.done, 0)
    FROM saas.known_plan(saas.privacy_state(), p_mode) AS p
    LEFT JOIN saas.erasure_steps AS o
        ON o.request_id = p_request AND o.step >= 1000000 AND o.table_name = p.table_name AND o.action = p.action
        AND COALESCE(o.party_link, '') = COALESCE(p.party_link, '')
    ON CONFLICT (request_id, step) DO NOTHING;
    UPDATE saas.erasure_rows AS r
    SET step = n.step
    FROM saas.erasure_steps AS o
    JOIN saas.erasure_steps AS n
        ON n.request_id = o.request_id AND n.step BETWEEN 0 AND 999999 AND n.table_name = o.table_name
        AND n.action = o.action AND COALESCE(n.party_link, '') = COALESCE(o.party_link, '')
    WHERE r.run_id = p_request AND o.request_id = p_request AND r.step >= 1000000 AND o.step = r.step;
    DELETE FROM saas.erasure_rows AS r WHERE r.run_id = p_request AND r.step >= 1000000;
    DELETE FROM saas.erasure_steps AS o
    USING saas.erasure_steps AS n
    WHERE o.request_id = p_request AND n.request_id = p_request AND o.step >= 1000000 AND n.step BETWEEN 0 AND 999999
        AND n.table_name = o.table_name AND n.action = o.action AND COALESCE(n.party_link, '') = COALESCE(o.party_link, '');
    UPDATE saas.user_deletion_requests AS r
    SET plan_hash = (
        SELECT sha256(convert_to(string_agg(concat_ws('|', s.place, s.table_name, s.action, s.party_link, s.path, s.circle, s.basis), E'\n' ORDER BY s.place), 'UTF8'))
        FROM saas.erasure_steps AS s WHERE s.request_id = p_request AND s.step < 1000000
    )
    WHERE r.id = p_request;
END
$$;
COMMENT ON FUNCTION saas.write_plan(uuid, text) IS
'Writes down the plan of a request. When the map has changed since the last time the rows that were found follow their tables and actions to the new numbers; steps that are no longer on the map keep their counts.';
REVOKE ALL ON FUNCTION saas.write_plan(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.write_plan(uuid, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.start_erasure(p_request uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
DECLARE
    v_request saas.user_deletion_requests;
    v_rounds integer;
BEGIN
    SELECT r.* INTO v_request FROM saas.user_deletion_requests AS r WHERE r.id = p_request;
    UPDATE saas.user_deletion_requests AS r
    SET status = 'running', status_reason = NULL, started_at = COALESCE(r.started_at, clock_timestamp()),
        salt = COALESCE(r.salt, uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
    WHERE r.id = p_request;
    -- Steps are numbers in the map as it is now: it must not change between here and the search for rows.
    LOCK TABLE saas.personal_data_links, saas.personal_data_columns IN SHARE MODE;
    IF v_request.started_at IS NULL OR saas.is_plan_outdated(p_request, v_request.mode) THEN
        PERFORM saas.write_plan(p_request, v_request.mode);
    END IF;
    v_rounds := saas.collect_personal_rows(p_request, v_request.subject_id, v_request.mode, v_request.rounds);
    PERFORM saas.leave_out_deleted_rows(p_request);
    PERFORM saas.collect_audit_rows(p_request);
    PERFORM saas.gather_needles(p_request);
    PERFORM saas.note_found_rows(p_request);
    UPDATE saas.user_deletion_requests AS r SET rounds = v_rounds WHERE r.id = p_request;
END
$$;
COMMENT ON FUNCTION saas.start_erasure(uuid) IS
'Writes down the plan of a request, finds its rows, and takes keyed hashes of what is going to be erased.';
REVOKE ALL ON FUNCTION saas.start_erasure(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.start_erasure(uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.note_erased(p_request uuid, p_step integer, p_answer text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_leaves bytea := decode(split_part(p_answer, ' ', 3), 'hex');
BEGIN
    UPDATE saas.erasure_steps AS s
    SET done = s.done + split_part(p_answer, ' ', 2)::bigint
    WHERE s.request_id = p_request AND s.step = p_step;
    IF octet_length(v_leaves) > 0 THEN
        UPDATE saas.user_deletion_requests AS r
        SET tree_edge = saas.merkle_append(r.tree_edge, r.tree_size, v_leaves),
            tree_size = r.tree_size + octet_length(v_leaves) / 32
        WHERE r.id = p_request;
    END IF;
END
$$;
COMMENT ON FUNCTION saas.note_erased(uuid, integer, text) IS
'Adds the answer of a step''s statement to its count, and the leaves to the request''s tree.';
REVOKE ALL ON FUNCTION saas.note_erased(uuid, integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.note_erased(uuid, integer, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.empty_circle(p_request uuid, p_mode text, p_group integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_update record;
BEGIN
    FOR v_update IN
        SELECT c.step, c.table_name, k.assignments, k.condition
        FROM saas.erasure_steps AS c
        JOIN saas.erasure_edges(p_mode) AS e ON e.child = c.step
        JOIN saas.erasure_steps AS p ON p.request_id = p_request AND p.step = e.parent AND p.group_number = p_group
        CROSS JOIN LATERAL (
            SELECT
                string_agg(format('%I = NULL', a.attname), ', ') AS assignments,
                string_agg(format('c.%I IS NOT NULL', a.attname), ' AND ') AS condition
            FROM pg_attribute AS a
            WHERE a.attrelid = saas.personal_table(c.table_name) AND a.attname = ANY (e.columns) AND NOT a.attnotnull
        ) AS k
        WHERE c.request_id = p_request AND c.group_number = p_group AND e.kind = 'key' AND k.assignments IS NOT NULL
    LOOP
        PERFORM saas.erase_by_key(
            format(
                'UPDATE %s AS c SET %s FROM saas.erasure_rows AS r WHERE r.run_id = $1 AND r.step = $2 AND NOT r.is_done AND %s AND %s',
                v_update.table_name, v_update.assignments, saas.personal_key_match(v_update.table_name, 'c', 'r'), v_update.condition
            ),
            p_request, v_update.step, NULL
        );
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.empty_circle(uuid, text, integer) IS
'Empties the keys inside a circle of tables that may be NULL, of rows that are about to go.';
REVOKE ALL ON FUNCTION saas.empty_circle(uuid, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.empty_circle(uuid, text, integer) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.erase_circle(p_request uuid, p_group integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET extra_float_digits = 1
AS $$
DECLARE
    v_statement text;
    v_answer record;
BEGIN
    -- One statement: its keys are checked when all of its rows have gone.
    SELECT
        'WITH ' || string_agg(
            format(
                'd%s AS (DELETE FROM %s AS c USING saas.erasure_rows AS r WHERE r.run_id = $1 AND r.step = %s AND NOT r.is_done AND %s RETURNING r.row_key)',
                s.step, s.table_name, s.step, saas.personal_key_match(s.table_name, 'c', 'r')
            ),
            ', '
        ) || ', marked AS (UPDATE saas.erasure_rows AS w SET is_done = true WHERE w.run_id = $1 AND NOT w.is_done AND w.step IN ('
        || string_agg(s.step::text, ', ') || ')) SELECT jsonb_build_object(' || string_agg(
            format(
                '%L, (SELECT concat_ws(%L, count(*), count(*), saas.erased_leaves($1, %L, array_agg(g.row_key::text))) FROM d%s AS g)',
                s.step, ' ', s.table_name, s.step
            ),
            ', '
        ) || ')'
    INTO v_statement
    FROM saas.erasure_steps AS s
    WHERE s.request_id = p_request AND s.group_number = p_group AND s.action = 'delete';
    FOR v_answer IN
        SELECT a.key::integer AS step, a.value
        FROM jsonb_each_text(saas.erase_by_key(v_statement, p_request, NULL, NULL)::jsonb) AS a
    LOOP
        PERFORM saas.note_erased(p_request, v_answer.step, v_answer.value);
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.erase_circle(uuid, integer) IS
'Deletes the rows of all tables of a circle in one statement.';
REVOKE ALL ON FUNCTION saas.erase_circle(uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.erase_circle(uuid, integer) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.redact_audit_batch(p_request uuid, p_batch integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_batch record;
BEGIN
    WITH batch AS (
        UPDATE saas.erasure_rows AS w SET is_done = true
        WHERE w.ctid IN (
            SELECT r.ctid FROM saas.erasure_rows AS r
            WHERE r.run_id = p_request AND r.step = -1 AND NOT r.is_done LIMIT p_batch
        )
        RETURNING w.row_key[1]::uuid AS team_id, w.row_key[2]::timestamptz AS created_at, w.row_key[3]::uuid AS id
    )
    SELECT
        array_agg(b.team_id) AS teams, array_agg(b.created_at) AS times, array_agg(b.id) AS ids,
        array_agg('erasure request ' || p_request) AS reasons, count(*) AS rows
    INTO v_batch
    FROM batch AS b;
    PERFORM saas.redact_audit_entries(v_batch.teams, v_batch.times, v_batch.ids, v_batch.reasons);
    UPDATE saas.erasure_steps AS s SET done = s.done + v_batch.rows WHERE s.request_id = p_request AND s.step = -1;
END
$$;
COMMENT ON FUNCTION saas.redact_audit_batch(uuid, integer) IS
'Erases the values of entries of the audit trail that a request has found; their hashes stay.';
REVOKE ALL ON FUNCTION saas.redact_audit_batch(uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.redact_audit_batch(uuid, integer) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.work_on_erasure(p_request uuid, p_batch integer, p_until timestamptz)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET extra_float_digits = 1
AS $$
DECLARE
    v_request saas.user_deletion_requests;
    v_step saas.erasure_steps;
    v_state CONSTANT bigint := saas.privacy_state();
    v_searched boolean := false;
BEGIN
    LOOP
        SELECT r.* INTO v_request FROM saas.user_deletion_requests AS r WHERE r.id = p_request;
        SELECT s.* INTO v_step
        FROM saas.erasure_steps AS s
        WHERE s.request_id = p_request
            AND EXISTS (SELECT FROM saas.erasure_rows AS r WHERE r.run_id = p_request AND r.step = s.step AND NOT r.is_done)
        ORDER BY s.place LIMIT 1;
        IF NOT FOUND THEN
            RETURN true;
        END IF;
        IF v_step.step = 0 AND NOT v_searched THEN
            -- Before the person goes: rows that have come meanwhile.
            PERFORM saas.start_erasure(p_request);
            v_searched := true;
            CONTINUE;
        END IF;
        IF v_step.step = -1 THEN
            PERFORM saas.redact_audit_batch(p_request, p_batch);
        ELSIF v_step.action = 'delete' AND v_step.circle IN ('defer', 'together') THEN
            PERFORM saas.erase_circle(p_request, v_step.group_number);
        ELSE
            IF v_step.action = 'delete' AND v_step.circle = 'null_first' THEN
                PERFORM saas.empty_circle(p_request, v_request.mode, v_step.group_number);
            END IF;
            PERFORM saas.note_erased(
                p_request, v_step.step,
                saas.erase_by_key(
                    saas.privacy_answer(
                        v_state, format('SELECT saas.erasing_statement(%L, %L, %L)', v_step.table_name, v_step.action, v_step.party_link)
                    ),
                    p_request, v_step.step, p_batch
                )
            );
        END IF;
        IF clock_timestamp() >= p_until THEN
            RETURN NOT EXISTS (SELECT FROM saas.erasure_rows AS r WHERE r.run_id = p_request AND NOT r.is_done);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.work_on_erasure(uuid, integer, timestamptz) IS
'Works on a request until its rows are done (true) or the time is over (false).';
REVOKE ALL ON FUNCTION saas.work_on_erasure(uuid, integer, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.work_on_erasure(uuid, integer, timestamptz) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.shred_subject_keys(p_request uuid, p_subject uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_team uuid;
    v_shredded bigint;
BEGIN
    FOR v_team IN
        SELECT DISTINCT k.team_id FROM saas.encryption_keys AS k
        WHERE k.subject_id = p_subject AND k.status <> 'shredded'
    LOOP
        v_shredded := saas.shred_subject_key(v_team, p_subject, 'erasure request ' || p_request);
        UPDATE saas.user_deletion_requests AS r
        SET keys_shredded = r.keys_shredded || jsonb_build_object('team_id', v_team, 'keys', v_shredded, 'at', clock_timestamp())
        WHERE r.id = p_request;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.shred_subject_keys(uuid, uuid) IS
'Destroys the keys of a person in every team, so that what is encrypted under them opens no more, wherever it is.';
REVOKE ALL ON FUNCTION saas.shred_subject_keys(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.shred_subject_keys(uuid, uuid) TO saas_internal;
