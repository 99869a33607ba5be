-- Access and portability: a person's data as JSON, at once or as a job in encrypted chunks.
CREATE OR REPLACE FUNCTION saas.personal_row_columns(p_table text)
RETURNS text
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    WITH relation AS MATERIALIZED (
        SELECT saas.personal_table(p_table) AS oid
    ),
    encrypted AS MATERIALIZED (
        SELECT x.arguments
        FROM relation AS r
        JOIN pg_trigger AS t ON t.tgrelid = r.oid AND t.tgfoid = 'saas.encrypt_columns()'::regprocedure
        CROSS JOIN LATERAL (SELECT saas.trigger_arguments(t.tgargs) AS arguments) AS x
    ),
    columns AS MATERIALIZED (
        SELECT a.attname, a.attnum, a.atttypid, r.oid, e.arguments
        FROM relation AS r
        JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN encrypted AS e ON e.arguments[1] = a.attname
        LEFT JOIN saas.located_data_assets AS d ON d.table_name = r.oid AND d.column_number = a.attnum AND d.variant = ''
        -- Hashes and keys are no data about the person, and no export should carry them out.
        WHERE COALESCE(d.classification, substring(col_description(r.oid, a.attnum) FROM '\[([a-z]+)\]$'), '') <> 'restricted'
    )
    SELECT string_agg(
        CASE
            WHEN c.arguments IS NULL THEN format('c.%I', c.attname)
            -- A value whose key is gone or held is shown as what it is.
            ELSE format(
                'CASE WHEN %s THEN saas.%s(%s, %L::uuid, %s, %s) ELSE c.%I END AS %I',
                CASE c.atttypid WHEN 'bytea'::regtype THEN format('saas.is_ciphertext(c.%I)', c.attname) ELSE format('c.%I LIKE %L', c.attname, 'enc1:%') END,
                CASE c.atttypid WHEN 'bytea'::regtype THEN 'decrypt_sensitive_bytes' ELSE 'decrypt_sensitive_data' END,
                CASE c.atttypid WHEN 'bytea'::regtype THEN format('c.%I', c.attname) ELSE format('saas.ciphertext_from_text(c.%I)', c.attname) END,
                saas.asset_id(c.oid, c.attname),
                COALESCE('c.' || quote_ident(NULLIF(c.arguments[2], '')), 'NULL::uuid'),
                COALESCE('c.' || quote_ident(NULLIF(c.arguments[4], '')), 'NULL::uuid'),
                c.attname, c.attname
            )
        END,
        ', ' ORDER BY c.attnum
    )
    FROM columns AS c
$$;
COMMENT ON FUNCTION saas.personal_row_columns(text) IS
'The columns of a row c of the table as an export has them: decrypted, without secrets.';
REVOKE ALL ON FUNCTION saas.personal_row_columns(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.personal_row_columns(text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.exported_steps(p_portable boolean)
RETURNS TABLE (
    step integer,
    table_name text,
    section text
)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT 0, 'saas.users', 'personal_info'
    UNION ALL
    SELECT n.node, n.table_name, min(l.section)
    FROM saas.erasure_nodes('erase') AS n
    JOIN saas.personal_links AS l ON l.table_name = n.table_name AND l.action = n.action
    WHERE n.party_link IS NULL AND n.node > 0 AND l.section <> 'none' AND (l.origin = 'provided' OR NOT p_portable)
    GROUP BY n.node, n.table_name
    ORDER BY 1
$$;
COMMENT ON FUNCTION saas.exported_steps(boolean) IS
'The tables of an export with their sections; p_portable: those only whose data the person provided.';
REVOKE ALL ON FUNCTION saas.exported_steps(boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.exported_steps(boolean) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.export_program(p_state bigint, p_mode text)
RETURNS TABLE (
    kind text,
    step integer,
    table_name text,
    statement text,
    inputs integer[],
    input_types oid[],
    outputs integer[],
    section text
)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    WITH program AS MATERIALIZED (
        SELECT p.* FROM saas.erasure_program(p_state, 'erase') WITH ORDINALITY AS p
        WHERE p.kind IN ('find', 'count')
    )
    SELECT x.kind, x.step, x.table_name, x.statement, x.inputs, x.input_types, x.outputs, x.section
    FROM (
        SELECT 1 AS part, p.ordinality, p.kind, p.step, p.table_name, p.statement, p.inputs, p.input_types, p.outputs, NULL AS section
        FROM program AS p
        WHERE p.kind = 'find'
        UNION ALL
        SELECT
            2, e.step, 'select', e.step, e.table_name,
            CASE
                WHEN n.is_direct THEN format('SELECT %s %s', saas.personal_row_columns(e.table_name), f.source)
                ELSE format(
                    'SELECT %s FROM %s JOIN %s AS c ON %s ORDER BY %s',
                    saas.personal_row_columns(e.table_name), saas.program_rows(n.names, n.type_names, 1, 'r'), e.table_name,
                    saas.program_key(n.names, n.keys, 'c', 'r'),
                    (SELECT string_agg(format('r.%I', k.name), ', ' ORDER BY k.place) FROM unnest(n.names[1:n.keys]) WITH ORDINALITY AS k (name, place))
                )
            END,
            CASE WHEN n.is_direct THEN p.inputs ELSE p.outputs END,
            CASE
                WHEN n.is_direct THEN p.input_types
                ELSE array_prepend('integer[]'::regtype::oid, (
                    SELECT array_agg(to_regtype(t.name || '[]')::oid ORDER BY t.place) FROM unnest(n.type_names) WITH ORDINALITY AS t (name, place)
                ))
            END,
            '{}', e.section
        FROM saas.exported_steps(p_mode = 'portable') AS e
        JOIN saas.known_nodes(p_state, 'erase') AS n ON n.node = e.step AND n.is_supported
        JOIN program AS p ON p.step = e.step
        LEFT JOIN saas.program_searches(p_state, 'erase') AS f ON f.node = e.step
    ) AS x
    ORDER BY x.part, x.ordinality
$$;
COMMENT ON FUNCTION saas.export_program(bigint, text) IS
'What the engine does to export a person (p_mode export, or portable for what the person provided): find rows as saas.erasure_program() does, and read them.';
REVOKE ALL ON FUNCTION saas.export_program(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.export_program(bigint, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.export_metadata(p_user uuid, p_portable boolean, p_tables jsonb)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT jsonb_build_object(
        'format', 'saas export 1',
        'user_id', p_user,
        'generated_at', now(),
        'portable', p_portable,
        'tables', p_tables,
        'recipients', (SELECT COALESCE(jsonb_agg(p.name ORDER BY p.name), '[]'::jsonb) FROM saas.privacy_recipients AS p WHERE p.is_active),
        'retention', (
            SELECT COALESCE(jsonb_object_agg(k.table_name, jsonb_build_object('basis', k.basis, 'kept_for', k.kept_for)), '{}'::jsonb)
            FROM saas.retention_policies AS k
            WHERE k.is_enabled AND k.action = 'keep' AND p_tables ? k.table_name
        )
    )
$$;
COMMENT ON FUNCTION saas.export_metadata(uuid, boolean, jsonb) IS
'The section export_metadata of an export with so many rows by table.';
REVOKE ALL ON FUNCTION saas.export_metadata(uuid, boolean, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.export_metadata(uuid, boolean, jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.gdpr_export_user_data(user_uuid uuid, portable boolean DEFAULT false)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET extra_float_digits = 1
SET bytea_output = 'hex'
AS $$
BEGIN
    PERFORM saas.require_privacy_access(user_uuid, true, false);
    PERFORM saas.require_unrestricted(user_uuid);
    PERFORM FROM saas.users AS u WHERE u.id = user_uuid;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = 'there is no such user';
    END IF;
    LOCK TABLE saas.personal_data_links, saas.personal_data_columns IN SHARE MODE;
    RETURN saas.export_person(saas.privacy_state(), user_uuid, COALESCE(portable, false));
END
$$;
COMMENT ON FUNCTION saas.gdpr_export_user_data(uuid, boolean) IS
'Everything that the map says belongs to a person, decrypted, by sections: personal_info, projects, templates, activity_history, billing_history, team_memberships, further ones of declared tables, and export_metadata. portable: only what the person provided (GDPR Art. 20). For the person and workers.';
REVOKE ALL ON FUNCTION saas.gdpr_export_user_data(uuid, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.gdpr_export_user_data(uuid, boolean) TO saas_app, saas_service;

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
    DELETE FROM saas.data_export_chunks AS c
    USING saas.data_exports AS e
    WHERE e.id = c.export_id AND e.expires_at <= now();
    UPDATE saas.data_exports AS e SET status = 'expired' WHERE e.status = 'ready' AND e.expires_at <= now();
    GET DIAGNOSTICS v_expired = ROW_COUNT;
    RETURN v_expired;
END
$$;
COMMENT ON FUNCTION saas.expire_data_exports() IS
'Removes the chunks of exports whose time is over; returns how many exports expired. Run it daily. For workers.';
REVOKE ALL ON FUNCTION saas.expire_data_exports() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.expire_data_exports() TO saas_service;
