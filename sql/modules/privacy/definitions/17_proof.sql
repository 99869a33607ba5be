-- Proof: what is searched for afterwards, the search itself, and the certificate.
CREATE OR REPLACE FUNCTION saas.is_distinctive(p_value text)
RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- "Ann" stands in many texts; an address, a number of some length or a name of two words in few.
    SELECT p_value NOT LIKE 'enc1:%'
        AND length(p_value) >= 6
        AND (p_value ~ '[@]' OR p_value ~ '[0-9].*[0-9].*[0-9].*[0-9]' OR p_value ~ '\w\s+\w' OR length(p_value) >= 12)
$$;
COMMENT ON FUNCTION saas.is_distinctive(text) IS
'Whether a value is rare enough that finding it elsewhere means the person.';
REVOKE ALL ON FUNCTION saas.is_distinctive(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.is_distinctive(text) TO saas_internal;

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
                'SELECT encode(string_agg(DISTINCT saas.erasure_needle(n.key, v.value), %L::bytea), %L)
                FROM saas.erasure_needles AS n
                CROSS JOIN (
                    SELECT DISTINCT c.%I::text AS value FROM %s AS c JOIN saas.erasure_rows AS r ON %s
                    WHERE r.run_id = $1 AND r.step = $2 AND NOT r.is_done AND c.%I IS NOT NULL
                ) AS v
                WHERE n.request_id = $1 AND saas.is_distinctive(v.value)
                    AND (v.value LIKE %L OR NOT EXISTS (
                        SELECT FROM %s AS o WHERE o.%I::text = v.value
                            AND NOT EXISTS (SELECT FROM saas.erasure_rows AS w WHERE w.run_id = $1 AND w.step = $2 AND %s)
                    ))',
                '', 'hex', v_column.column_name, v_column.table_name, saas.personal_key_match(v_column.table_name, 'c', 'r'),
                v_column.column_name, '%@%', v_column.table_name, v_column.column_name,
                saas.personal_key_match(v_column.table_name, 'o', 'w')
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

CREATE OR REPLACE FUNCTION saas.scan_for_needles(p_request uuid)
RETURNS TABLE (
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
    v_answer text;
    v_found jsonb;
    v_readable boolean;
BEGIN
    FOR table_name, v_readable IN
        SELECT
            format('%I.%I', n.nspname, c.relname),
            saas.is_trusted_table(c.oid) AND has_table_privilege(current_user, c.oid, 'SELECT')
                AND has_schema_privilege(current_user, n.oid, 'USAGE')
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'm')
            AND NOT c.relispartition
            AND c.relpersistence <> 't'
            AND n.nspname !~ '^(pg_|information_schema$)'
            AND c.oid NOT IN ('saas.erasure_needles'::regclass, 'saas.erasure_rows'::regclass, 'saas.data_export_chunks'::regclass)
        ORDER BY 1
    LOOP
        column_name := NULL;
        found_rows := NULL;
        basis := NULL;
        scanned_rows := NULL;
        IF NOT v_readable THEN
            RETURN NEXT;
            CONTINUE;
        END IF;
        v_answer := saas.privacy_query(
            format(
                'SELECT concat_ws(%L, count(*), count(saas.needle_columns(t.*, n.needles)))
                FROM %s AS t
                CROSS JOIN (SELECT e.key || e.needles AS needles FROM saas.erasure_needles AS e WHERE e.request_id = $1) AS n',
                ' ', table_name
            ),
            p_request, NULL, NULL
        );
        scanned_rows := split_part(v_answer, ' ', 1)::bigint;
        RETURN NEXT;
        CONTINUE WHEN split_part(v_answer, ' ', 2) = '0';
        v_found := saas.privacy_query(
            format(
                'SELECT jsonb_object_agg(k.key, k.hits) FROM (
                    SELECT j.key, count(*) AS hits
                    FROM %s AS t
                    CROSS JOIN (SELECT e.key || e.needles AS needles FROM saas.erasure_needles AS e WHERE e.request_id = $1) AS n
                    CROSS JOIN LATERAL unnest(saas.needle_columns(t.*, n.needles)) AS j (key)
                    GROUP BY j.key
                ) AS k',
                table_name
            ),
            p_request, NULL, NULL
        )::jsonb;
        scanned_rows := NULL;
        FOR column_name, found_rows IN SELECT f.key, f.value::bigint FROM jsonb_each_text(v_found) AS f LOOP
            SELECT m.basis INTO basis
            FROM saas.personal_data_map AS m
            WHERE m.table_name = scan_for_needles.table_name AND m.column_name = scan_for_needles.column_name
                AND m.action = 'keep' AND m.basis <> 'no personal data';
            RETURN NEXT;
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.scan_for_needles(uuid) IS
'Reads every table for the erased values: one row a table with the number of rows read (NULL: not readable), and one for each column where some were found, with the basis on which they are kept.';
REVOKE ALL ON FUNCTION saas.scan_for_needles(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.scan_for_needles(uuid) TO saas_internal;

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
    FROM saas.scan_for_needles(p_request) AS s WHERE s.column_name IS NOT NULL
    ORDER BY s.basis IS NOT NULL, s.table_name, s.column_name;
END
$$;
COMMENT ON FUNCTION saas.verify_erasure(uuid) IS
'Searches all tables, texts and JSON values included, for what a request erased: no rows when nothing is left. Rows with a basis are kept on purpose. For workers.';
REVOKE ALL ON FUNCTION saas.verify_erasure(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.verify_erasure(uuid) TO saas_service;

CREATE OR REPLACE FUNCTION saas.erasure_certificate(p_request uuid, p_accepted text)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
DECLARE
    v_certificate jsonb;
    v_verification jsonb;
    v_signature text;
BEGIN
    SELECT jsonb_build_object(
        'tables', count(*) FILTER (WHERE s.scanned_rows IS NOT NULL),
        'rows', COALESCE(sum(s.scanned_rows), 0),
        'not_readable', COALESCE(jsonb_agg(s.table_name) FILTER (WHERE s.scanned_rows IS NULL AND s.column_name IS NULL), '[]'::jsonb),
        'kept', COALESCE(
            jsonb_agg(jsonb_build_object('table', s.table_name, 'column', s.column_name, 'rows', s.found_rows, 'basis', s.basis))
            FILTER (WHERE s.basis IS NOT NULL), '[]'::jsonb
        ),
        'residual', COALESCE(
            jsonb_agg(jsonb_build_object('table', s.table_name, 'column', s.column_name, 'rows', s.found_rows))
            FILTER (WHERE s.column_name IS NOT NULL AND s.basis IS NULL), '[]'::jsonb
        ),
        'accepted', p_accepted,
        'verified_at', clock_timestamp()
    )
    INTO v_verification
    FROM saas.scan_for_needles(p_request) AS s;
    v_verification := jsonb_set(v_verification, '{residual}', (v_verification -> 'residual') || (
        SELECT COALESCE(jsonb_agg(jsonb_build_object('table', s.table_name, 'column', s.column_name, 'rows', s.found_rows)), '[]'::jsonb)
        FROM saas.surviving_rows(p_request) AS s
    ));
    SELECT jsonb_build_object(
        'kind', 'erasure certificate 1',
        'request_id', r.id,
        'subject_hash', encode(r.subject_hash, 'hex'),
        'mode', r.mode,
        'requested_at', r.requested_at,
        'started_at', r.started_at,
        'erased_at', r.erased_at,
        'plan_hash', encode(r.plan_hash, 'hex'),
        'steps', (
            SELECT COALESCE(jsonb_agg(jsonb_build_object(
                'table', s.table_name, 'action', s.action, 'path', s.path, 'found', s.found, 'done', s.done,
                'basis', s.basis, 'kept_until', s.kept_until
            ) ORDER BY s.place), '[]'::jsonb)
            FROM saas.erasure_steps AS s WHERE s.request_id = r.id AND s.found > 0
        ),
        'erased_rows', r.tree_size,
        'merkle_root', encode(saas.merkle_root(r.tree_edge, r.tree_size), 'hex'),
        'keys_shredded', r.keys_shredded,
        'verification', v_verification
    )
    INTO v_certificate
    FROM saas.user_deletion_requests AS r
    WHERE r.id = p_request;
    BEGIN
        v_signature := encode(saas.sign_proof(v_certificate::text), 'hex');
    EXCEPTION
        -- Without a root key there is nothing to sign with; the certificate says so.
        WHEN SQLSTATE 'SA100' THEN NULL;
    END;
    RETURN v_certificate || jsonb_build_object('signature', v_signature);
END
$$;
COMMENT ON FUNCTION saas.erasure_certificate(uuid, text) IS
'The certificate of a request: plan, numbers, root of the rows erased, keys destroyed, what the search found, signed by a key that comes from the root key. No personal data.';
REVOKE ALL ON FUNCTION saas.erasure_certificate(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.erasure_certificate(uuid, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.verify_erasure_certificate(p_certificate jsonb)
RETURNS boolean
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF COALESCE(p_certificate ->> 'signature', '') !~ '^[0-9a-f]{64}$' THEN
        RETURN false;
    END IF;
    RETURN saas.is_proof_signed((p_certificate - 'signature')::text, decode(p_certificate ->> 'signature', 'hex'));
END
$$;
COMMENT ON FUNCTION saas.verify_erasure_certificate(jsonb) IS
'Whether a certificate of erasure is genuine and unchanged, by a root key that the server has.';
REVOKE ALL ON FUNCTION saas.verify_erasure_certificate(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.verify_erasure_certificate(jsonb) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.complete_deletion_request(p_request uuid, p_accept_residual text DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_request saas.user_deletion_requests;
    v_certificate jsonb;
BEGIN
    PERFORM saas.require_privacy_access(NULL, false, false);
    v_request := saas.require_deletion_request(p_request, '{erased}', false);
    v_certificate := saas.erasure_certificate(p_request, p_accept_residual);
    IF v_certificate #> '{verification,residual}' <> '[]'::jsonb AND p_accept_residual IS NULL THEN
        UPDATE saas.user_deletion_requests AS r
        SET status_reason = 'erased values were found: ' || (v_certificate #>> '{verification,residual}')
        WHERE r.id = p_request;
        RETURN v_certificate;
    END IF;
    INSERT INTO saas.privacy_events (recipient, kind, request_id, subject_id, payload)
    SELECT p.name, 'erasure', p_request, v_request.subject_id, jsonb_build_object('mode', v_request.mode, 'erased_at', v_request.erased_at)
    FROM saas.privacy_recipients AS p
    WHERE p.is_active AND 'erasure' = ANY (p.kinds);
    UPDATE saas.user_deletion_requests AS r
    SET status = 'completed', completed_at = now(), certificate = v_certificate, subject_id = NULL, status_reason = p_accept_residual
    WHERE r.id = p_request;
    UPDATE saas.erasure_needles AS n SET forget_at = now() + INTERVAL '90 days' WHERE n.request_id = p_request;
    DELETE FROM saas.erasure_rows AS w WHERE w.run_id = p_request;
    RETURN v_certificate;
END
$$;
COMMENT ON FUNCTION saas.complete_deletion_request(uuid, text) IS
'Searches for what was erased, signs the certificate, tells the recipients and forgets the person''s id. Without p_accept_residual, a reason, the request stays open when values are found; the certificate returned says where. For workers.';
REVOKE ALL ON FUNCTION saas.complete_deletion_request(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.complete_deletion_request(uuid, text) TO saas_service;

CREATE OR REPLACE FUNCTION saas.forget_erased_values()
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_forgotten bigint;
BEGIN
    PERFORM saas.require_privacy_access(NULL, false, false);
    DELETE FROM saas.erasure_needles AS n
    USING saas.user_deletion_requests AS r
    WHERE r.id = n.request_id AND n.forget_at <= now() AND r.status IN ('completed', 'cancelled', 'rejected');
    GET DIAGNOSTICS v_forgotten = ROW_COUNT;
    RETURN v_forgotten;
END
$$;
COMMENT ON FUNCTION saas.forget_erased_values() IS
'Removes keyed hashes of erased values whose time is over, 90 days after a request was completed. Run it daily. For workers.';
REVOKE ALL ON FUNCTION saas.forget_erased_values() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.forget_erased_values() TO saas_service;
