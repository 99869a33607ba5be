-- The certificates of erasures, and what makes requests complete.
CREATE OR REPLACE FUNCTION saas.search_reports(p_requests uuid[])
RETURNS TABLE (
    request_id uuid,
    report jsonb
)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    WITH found AS MATERIALIZED (
        SELECT s.* FROM saas.scan_for_needles(p_requests) AS s
    ),
    searched AS MATERIALIZED (
        SELECT jsonb_build_object(
            'tables', count(*) FILTER (WHERE f.scanned_rows IS NOT NULL),
            'rows', COALESCE(sum(f.scanned_rows), 0),
            'not_readable', COALESCE(jsonb_agg(f.table_name) FILTER (WHERE f.scanned_rows IS NULL AND f.column_name IS NULL), '[]'::jsonb),
            'kept', '[]'::jsonb,
            'residual', '[]'::jsonb,
            'verified_at', clock_timestamp()
        ) AS report
        FROM found AS f
        WHERE f.request_id IS NULL
    ),
    of_requests AS MATERIALIZED (
        SELECT
            f.request_id,
            jsonb_build_object(
                'kept', COALESCE(
                    jsonb_agg(jsonb_build_object('table', f.table_name, 'column', f.column_name, 'rows', f.found_rows, 'basis', f.basis))
                    FILTER (WHERE f.basis IS NOT NULL), '[]'::jsonb
                ),
                'residual', COALESCE(
                    jsonb_agg(jsonb_build_object('table', f.table_name, 'column', f.column_name, 'rows', f.found_rows))
                    FILTER (WHERE f.basis IS NULL), '[]'::jsonb
                )
            ) AS report
        FROM found AS f
        WHERE f.request_id IS NOT NULL
        GROUP BY f.request_id
    )
    SELECT
        r.id,
        s.report || COALESCE(o.report, '{}'::jsonb)
            || jsonb_build_object('residual', COALESCE(o.report -> 'residual', '[]'::jsonb) || COALESCE(v.residual, '[]'::jsonb))
    FROM unnest(p_requests) AS r (id)
    CROSS JOIN searched AS s
    LEFT JOIN of_requests AS o ON o.request_id = r.id
    -- What is erased together is erased without triggers that may resist.
    LEFT JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_object('table', w.table_name, 'column', w.column_name, 'rows', w.found_rows)) AS residual
        FROM saas.surviving_rows(r.id) AS w
    ) AS v ON EXISTS (SELECT FROM saas.erasure_rows AS x WHERE x.run_id = r.id)
$$;
COMMENT ON FUNCTION saas.search_reports(uuid[]) IS
'Searches every table once for what these requests erased; the part "verification" of their certificates.';
REVOKE ALL ON FUNCTION saas.search_reports(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.search_reports(uuid[]) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.is_root_key_known()
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.sign_proof('');
    RETURN true;
EXCEPTION
    -- Without a root key there is nothing to sign with; certificates say so.
    WHEN SQLSTATE 'SA100' THEN
        RETURN false;
END
$$;
COMMENT ON FUNCTION saas.is_root_key_known() IS 'Whether certificates can be signed.';
REVOKE ALL ON FUNCTION saas.is_root_key_known() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.is_root_key_known() TO saas_internal;

CREATE OR REPLACE FUNCTION saas.make_certificates(p_requests uuid[], p_accepted text)
RETURNS TABLE (
    request_id uuid,
    certificate jsonb
)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    WITH key AS MATERIALIZED (
        SELECT saas.is_root_key_known() AS is_known
    ),
    steps AS MATERIALIZED (
        SELECT s.request_id, jsonb_agg(jsonb_build_object(
            'table', s.table_name, 'action', s.action, 'path', s.path, 'found', s.found, 'done', s.done,
            'basis', s.basis, 'kept_until', s.kept_until
        ) ORDER BY s.place) AS steps
        FROM saas.erasure_steps AS s WHERE s.request_id = ANY (p_requests) AND s.found > 0
        GROUP BY s.request_id
    ),
    certificates AS MATERIALIZED (
        SELECT r.id, jsonb_build_object(
            'kind', 'erasure certificate 1',
            'request_id', r.id,
            'subject_hash', encode(r.subject_hash, 'hex'),
            'mode', r.mode,
            'requested_at', r.requested_at,
            'started_at', r.started_at,
            'erased_at', r.erased_at,
            'plan_hash', encode(r.plan_hash, 'hex'),
            'steps', COALESCE(s.steps, '[]'::jsonb),
            'erased_rows', r.tree_size,
            'merkle_root', encode(saas.merkle_root(r.tree_edge, r.tree_size), 'hex'),
            'keys_shredded', r.keys_shredded,
            'verification', v.report || jsonb_build_object('accepted', p_accepted)
        ) AS certificate
        FROM saas.search_reports(p_requests) AS v
        JOIN saas.user_deletion_requests AS r ON r.id = v.request_id
        LEFT JOIN steps AS s ON s.request_id = r.id
    )
    SELECT c.id, c.certificate || jsonb_build_object(
        'signature', CASE WHEN k.is_known THEN encode(saas.sign_proof(c.certificate::text), 'hex') END
    )
    FROM certificates AS c
    CROSS JOIN key AS k
$$;
COMMENT ON FUNCTION saas.make_certificates(uuid[], text) IS
'The certificates of requests: plan, numbers, root of the rows erased, keys destroyed, what the search, one for all of them, found, signed by a key that comes from the root key. No personal data.';
REVOKE ALL ON FUNCTION saas.make_certificates(uuid[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.make_certificates(uuid[], text) TO saas_internal;

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

CREATE OR REPLACE FUNCTION saas.complete_requests(p_requests uuid[], p_accept_residual text)
RETURNS TABLE (
    request_id uuid,
    status text,
    certificate jsonb
)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
    WITH certificates AS MATERIALIZED (
        SELECT
            c.request_id, c.certificate,
            c.certificate #> '{verification,residual}' = '[]'::jsonb OR p_accept_residual IS NOT NULL AS is_complete
        FROM saas.make_certificates(p_requests, p_accept_residual) AS c
    ),
    found AS (
        UPDATE saas.user_deletion_requests AS r
        SET status_reason = 'erased values were found: ' || (c.certificate #>> '{verification,residual}')
        FROM certificates AS c WHERE r.id = c.request_id AND NOT c.is_complete
    ),
    told AS (
        INSERT INTO saas.privacy_events (recipient, kind, request_id, subject_id, payload)
        SELECT p.name, 'erasure', r.id, r.subject_id, jsonb_build_object('mode', r.mode, 'erased_at', r.erased_at)
        FROM certificates AS c
        JOIN saas.user_deletion_requests AS r ON r.id = c.request_id
        CROSS JOIN saas.privacy_recipients AS p
        WHERE c.is_complete AND p.is_active AND 'erasure' = ANY (p.kinds)
    ),
    completed AS (
        UPDATE saas.user_deletion_requests AS r
        SET status = 'completed', completed_at = now(), certificate = c.certificate, subject_id = NULL, status_reason = p_accept_residual
        FROM certificates AS c WHERE r.id = c.request_id AND c.is_complete
    ),
    forgotten AS (
        UPDATE saas.erasure_needles AS n SET forget_at = now() + INTERVAL '90 days'
        FROM certificates AS c WHERE n.request_id = c.request_id AND c.is_complete
    ),
    rows AS (
        DELETE FROM saas.erasure_rows AS w USING certificates AS c WHERE w.run_id = c.request_id AND c.is_complete
    )
    SELECT c.request_id, CASE WHEN c.is_complete THEN 'completed' ELSE 'erased' END, c.certificate FROM certificates AS c
$$;
COMMENT ON FUNCTION saas.complete_requests(uuid[], text) IS
'saas.complete_deletion_request() for many, with one search.';
REVOKE ALL ON FUNCTION saas.complete_requests(uuid[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.complete_requests(uuid[], text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.complete_deletion_request(p_request uuid, p_accept_residual text DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_privacy_access(NULL, false, false);
    PERFORM saas.require_deletion_request(p_request, '{erased}', false);
    RETURN (SELECT c.certificate FROM saas.complete_requests(ARRAY[p_request], p_accept_residual) AS c);
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
