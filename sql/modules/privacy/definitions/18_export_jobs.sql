-- Exports as jobs, in encrypted chunks.
CREATE OR REPLACE FUNCTION saas.request_data_export(
    p_user uuid,
    p_portable boolean DEFAULT false,
    p_chunk_rows integer DEFAULT 1000,
    p_expires_in interval DEFAULT INTERVAL '30 days'
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_export uuid;
BEGIN
    PERFORM saas.require_privacy_access(p_user, true, false);
    PERFORM saas.require_unrestricted(p_user);
    IF p_expires_in IS NULL OR p_expires_in <= INTERVAL '0' OR p_expires_in > INTERVAL '90 days' THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'an export expires within 90 days';
    END IF;
    INSERT INTO saas.data_exports (subject_id, is_portable, chunk_rows, requested_by, expires_at)
    VALUES (p_user, COALESCE(p_portable, false), p_chunk_rows, saas.current_user_id(), now() + p_expires_in)
    RETURNING id INTO v_export;
    RETURN v_export;
END
$$;
COMMENT ON FUNCTION saas.request_data_export(uuid, boolean, integer, interval) IS
'Asks for an export as a job, for people with much data; returns its id. For the person and workers.';
REVOKE ALL ON FUNCTION saas.request_data_export(uuid, boolean, integer, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.request_data_export(uuid, boolean, integer, interval) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.require_data_export(p_export uuid, p_states text[], p_self boolean)
RETURNS saas.data_exports
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_export saas.data_exports;
BEGIN
    SELECT e.* INTO v_export FROM saas.data_exports AS e WHERE e.id = p_export FOR UPDATE;
    PERFORM saas.require_privacy_access(v_export.subject_id, p_self, false);
    IF v_export.id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = 'there is no such export';
    END IF;
    IF v_export.status <> ALL (p_states) OR v_export.expires_at <= now() THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA155',
            MESSAGE = format('the export is %s', CASE WHEN v_export.expires_at <= now() THEN 'expired' ELSE v_export.status END),
            HINT = format('This is possible while it is %s.', array_to_string(p_states, ' or '));
    END IF;
    RETURN v_export;
END
$$;
COMMENT ON FUNCTION saas.require_data_export(uuid, text[], boolean) IS
'The export, locked. P0002 when there is none, SA155 in another state or expired, 42501 for others than those concerned.';
REVOKE ALL ON FUNCTION saas.require_data_export(uuid, text[], boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.write_export_chunk(p_export uuid, p_step integer, p_table text, p_section text)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET extra_float_digits = 1
SET bytea_output = 'hex'
AS $$
DECLARE
    v_export saas.data_exports;
    v_answer text;
    v_count integer;
    v_content bytea;
    v_chunk CONSTANT uuid := saas.uuid_v7();
BEGIN
    SELECT e.* INTO v_export FROM saas.data_exports AS e WHERE e.id = p_export;
    -- Whichever rows come first: to sort those that are left for each chunk would take longer than all the rest.
    v_answer := saas.rows_as_json(
        format(
            'WITH batch AS MATERIALIZED (
                SELECT w.row_key, w.ctid AS place FROM saas.erasure_rows AS w
                WHERE w.run_id = $1 AND w.step = $2 AND NOT w.is_done LIMIT $3
                FOR UPDATE
            ),
            marked AS (
                UPDATE saas.erasure_rows AS w SET is_done = true FROM batch AS b WHERE w.ctid = b.place
            )
            SELECT %s FROM batch AS r JOIN %s AS c ON %s ORDER BY r.row_key',
            saas.privacy_answer(saas.privacy_state(), format('SELECT saas.personal_row_columns(%L)', p_table)), p_table,
            saas.personal_key_match(p_table, 'c', 'r')
        ),
        p_table, p_export, p_step, v_export.chunk_rows
    );
    v_count := split_part(v_answer, ' ', 1)::integer;
    IF v_count = 0 THEN
        -- Rows that have gone meanwhile leave no chunk, and others may come after them.
        RETURN (SELECT count(*) FROM (
            SELECT FROM saas.erasure_rows AS w WHERE w.run_id = p_export AND w.step = p_step AND NOT w.is_done LIMIT 1
        ) AS w);
    END IF;
    v_content := convert_to(
        '{"section": ' || to_json(p_section) || ', "table": ' || to_json(p_table) || ', "rows": '
            || substr(v_answer, strpos(v_answer, ' ') + 1) || '}', 'UTF8'
    );
    -- Under a key of the person's own: erasing the person makes the chunk unreadable in every backup.
    INSERT INTO saas.data_export_chunks (export_id, number, id, section, table_name, row_count, byte_count, sha256, content)
    VALUES (
        p_export, v_export.chunks + 1, v_chunk, p_section, p_table, v_count, octet_length(v_content), sha256(v_content),
        saas.encrypt_sensitive_bytes(
            v_content, saas.asset_id('saas.data_export_chunks', 'content'), v_chunk, v_export.subject_id,
            p_team => '00000000-0000-0000-0000-000000000000'
        )
    );
    UPDATE saas.data_exports AS e
    SET chunks = e.chunks + 1, row_count = e.row_count + v_count, byte_count = e.byte_count + octet_length(v_content)
    WHERE e.id = p_export;
    RETURN v_count;
END
$$;
COMMENT ON FUNCTION saas.write_export_chunk(uuid, integer, text, text) IS
'Writes the next chunk of a table''s rows; 0 when there are no more.';
REVOKE ALL ON FUNCTION saas.write_export_chunk(uuid, integer, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.write_export_chunk(uuid, integer, text, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.run_data_export(p_export uuid, p_max_ms integer DEFAULT 10000)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
DECLARE
    v_until CONSTANT timestamptz := clock_timestamp() + p_max_ms * INTERVAL '1 millisecond';
    v_export saas.data_exports;
    v_step record;
    v_manifest jsonb;
BEGIN
    PERFORM saas.require_privacy_access(NULL, false, false);
    v_export := saas.require_data_export(p_export, '{queued,running}', false);
    IF v_export.status = 'queued' THEN
        -- Steps are numbers in the map as it is now; later calls must not read them in another map.
        LOCK TABLE saas.personal_data_links, saas.personal_data_columns IN SHARE MODE;
        PERFORM saas.collect_personal_rows(p_export, v_export.subject_id, 'erase', 0);
        UPDATE saas.data_exports AS e
        SET status = 'running',
            manifest = (SELECT jsonb_build_object('steps', jsonb_agg(to_jsonb(s) ORDER BY s.step)) FROM saas.exported_steps(v_export.is_portable) AS s)
        WHERE e.id = p_export
        RETURNING e.manifest INTO v_export.manifest;
    END IF;
    FOR v_step IN
        SELECT s.step, s.table_name, s.section
        FROM jsonb_to_recordset(v_export.manifest -> 'steps') AS s (step integer, table_name text, section text)
        WHERE saas.personal_table(s.table_name) IS NOT NULL
        ORDER BY s.step
    LOOP
        WHILE saas.write_export_chunk(p_export, v_step.step, v_step.table_name, v_step.section) > 0 LOOP
            IF clock_timestamp() >= v_until THEN
                RETURN 'running';
            END IF;
        END LOOP;
    END LOOP;
    SELECT jsonb_build_object(
        'format', 'saas export 1', 'export_id', p_export, 'user_id', v_export.subject_id, 'portable', v_export.is_portable,
        'generated_at', now(),
        'chunks', COALESCE(jsonb_agg(jsonb_build_object(
            'number', c.number, 'section', c.section, 'table', c.table_name, 'rows', c.row_count, 'bytes', c.byte_count,
            'sha256', encode(c.sha256, 'hex')
        ) ORDER BY c.number), '[]'::jsonb)
    )
    INTO v_manifest
    FROM saas.data_export_chunks AS c
    WHERE c.export_id = p_export;
    UPDATE saas.data_exports AS e
    SET status = 'ready', manifest = v_manifest, manifest_sha256 = sha256(convert_to(v_manifest::text, 'UTF8')), finished_at = clock_timestamp()
    WHERE e.id = p_export;
    DELETE FROM saas.erasure_rows AS r WHERE r.run_id = p_export;
    INSERT INTO saas.privacy_events (recipient, kind, request_id, subject_id)
    SELECT p.name, 'export', p_export, v_export.subject_id
    FROM saas.privacy_recipients AS p WHERE p.is_active AND 'export' = ANY (p.kinds);
    RETURN 'ready';
END
$$;
COMMENT ON FUNCTION saas.run_data_export(uuid, integer) IS
'Works on an export for about p_max_ms and goes on where the last call that was committed ended; returns running or ready. SA100 while the keystore is sealed. For workers.';
REVOKE ALL ON FUNCTION saas.run_data_export(uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.run_data_export(uuid, integer) TO saas_service;

CREATE OR REPLACE FUNCTION saas.read_data_export(p_export uuid, p_number integer)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_text text;
BEGIN
    PERFORM saas.require_data_export(p_export, '{ready}', true);
    SELECT convert_from(
        saas.decrypt_sensitive_bytes(
            c.content, saas.asset_id('saas.data_export_chunks', 'content'), c.id, '00000000-0000-0000-0000-000000000000'
        ),
        'UTF8'
    )
    INTO v_text
    FROM saas.data_export_chunks AS c
    WHERE c.export_id = p_export AND c.number = p_number;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = 'the export has no such chunk';
    END IF;
    RETURN v_text;
END
$$;
COMMENT ON FUNCTION saas.read_data_export(uuid, integer) IS
'A chunk of an export, decrypted: the JSON text whose SHA-256 the manifest has. SA155 when it is not ready, or has expired. For the person and workers.';
REVOKE ALL ON FUNCTION saas.read_data_export(uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.read_data_export(uuid, integer) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.cancel_data_export(p_export uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_data_export(p_export, '{queued,running}', true);
    UPDATE saas.data_exports AS e SET status = 'cancelled', finished_at = now() WHERE e.id = p_export;
    DELETE FROM saas.data_export_chunks AS c WHERE c.export_id = p_export;
    DELETE FROM saas.erasure_rows AS r WHERE r.run_id = p_export;
END
$$;
COMMENT ON FUNCTION saas.cancel_data_export(uuid) IS 'Takes an export back that is not ready. For the person and workers.';
REVOKE ALL ON FUNCTION saas.cancel_data_export(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.cancel_data_export(uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.expire_data_exports()
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_expired bigint;
BEGIN
    PERFORM saas.require_privacy_access(NULL, false, false);
    -- First the states: whoever still writes chunks has ended then.
    UPDATE saas.data_exports AS e SET status = 'expired'
    WHERE e.status IN ('queued', 'running', 'ready') AND e.expires_at <= now();
    GET DIAGNOSTICS v_expired = ROW_COUNT;
    DELETE FROM saas.data_export_chunks AS c
    USING saas.data_exports AS e
    WHERE e.id = c.export_id AND e.expires_at <= now();
    DELETE FROM saas.erasure_rows AS r
    USING saas.data_exports AS e
    WHERE e.id = r.run_id AND e.expires_at <= now();
    RETURN v_expired;
END
$$;
COMMENT ON FUNCTION saas.expire_data_exports() IS
'Removes the chunks of exports whose time is over, whether they became ready or not; returns how many exports expired. Run it daily. For workers.';
REVOKE ALL ON FUNCTION saas.expire_data_exports() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.expire_data_exports() TO saas_service;
