-- Erasing many people in one call.
CREATE OR REPLACE FUNCTION saas.open_requests(p_users uuid[], p_reason text, p_mode text, p_strict boolean)
RETURNS TABLE (
    user_id uuid,
    request_id uuid,
    is_due boolean
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
DECLARE
    v_people uuid[];
    v_made uuid[];
BEGIN
    SELECT array_agg(u.id ORDER BY u.id) INTO v_people FROM saas.users AS u WHERE u.id = ANY (p_users);
    PERFORM saas.lock_subjects(v_people);
    WITH made AS (
        INSERT INTO saas.user_deletion_requests (subject_id, subject_hash, mode, reason, is_strict, requested_by, due_at)
        SELECT p.id, saas.subject_hash(p.id), p_mode, p_reason, COALESCE(p_strict, true), saas.current_user_id(), now() + INTERVAL '1 month'
        FROM unnest(v_people) AS p (id)
        ON CONFLICT (subject_id) WHERE status IN ('requested', 'verified', 'running', 'blocked', 'erased') DO NOTHING
        RETURNING id
    )
    SELECT array_agg(m.id) INTO v_made FROM made AS m;
    UPDATE saas.user_deletion_requests AS r
    SET status = 'verified', identity_check = 'vouched for by the worker that erases', identity_checked_at = now(), grace_until = now()
    WHERE r.id = ANY (v_made);
    UPDATE saas.user_deletion_requests AS r SET grace_until = now()
    WHERE r.subject_id = ANY (v_people) AND r.status = 'verified' AND r.mode = p_mode AND r.grace_until > now();
    RETURN QUERY
    SELECT r.subject_id, r.id, r.mode = p_mode AND r.status <> 'requested'
    FROM saas.user_deletion_requests AS r
    WHERE r.subject_id = ANY (v_people) AND r.status IN ('requested', 'verified', 'running', 'blocked', 'erased');
END
$$;
COMMENT ON FUNCTION saas.open_requests(uuid[], text, text, boolean) IS
'The open requests of these people, made where there are none, without a grace period; is_due: it may be carried out.';
REVOKE ALL ON FUNCTION saas.open_requests(uuid[], text, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.open_requests(uuid[], text, text, boolean) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.gdpr_erase_users(
    p_users uuid[],
    p_reason text DEFAULT 'request of the person',
    p_mode text DEFAULT 'erase',
    p_strict boolean DEFAULT true
)
RETURNS TABLE (
    user_id uuid,
    request_id uuid,
    status text,
    status_reason text,
    records bigint
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
DECLARE
    v_users uuid[];
    v_requests uuid[];
    v_due uuid[];
    v_erased uuid[];
BEGIN
    PERFORM saas.require_privacy_access(NULL, false, false);
    PERFORM saas.require_one_of('mode', p_mode, '{erase,anonymise}');
    SELECT array_agg(o.user_id), array_agg(o.request_id), COALESCE(array_agg(o.request_id) FILTER (WHERE o.is_due), '{}'::uuid[])
    INTO v_users, v_requests, v_due
    FROM saas.open_requests(p_users, p_reason, p_mode, p_strict) AS o;
    v_erased := saas.try_erase_requests(v_due, p_mode);
    -- Step by step where it cannot be done at once; what stands against it is noted with the request.
    SELECT v_erased || COALESCE(array_agg(d.id) FILTER (WHERE saas.try_run_request(d.id, now() + INTERVAL '1 day') = 'erased'), '{}'::uuid[])
    INTO v_erased
    FROM unnest(v_due) AS d (id) WHERE d.id <> ALL (v_erased);
    PERFORM saas.try_complete_requests(v_erased);
    RETURN QUERY
    SELECT
        u.id, COALESCE(r.id, a.id), COALESCE(r.status, CASE WHEN a.id IS NULL THEN 'unknown' ELSE 'already' END), r.status_reason,
        (SELECT COALESCE(sum(s.done), 0)::bigint FROM saas.erasure_steps AS s WHERE s.request_id = r.id)
    FROM (SELECT DISTINCT x.id FROM unnest(p_users) AS x (id)) AS u
    LEFT JOIN unnest(v_users, v_requests) AS o (user_id, request_id) ON o.user_id = u.id
    LEFT JOIN saas.user_deletion_requests AS r ON r.id = o.request_id
    LEFT JOIN LATERAL (
        SELECT q.id FROM saas.user_deletion_requests AS q
        WHERE o.user_id IS NULL AND q.subject_hash = ANY (saas.subject_hashes(u.id)) AND q.status IN ('erased', 'completed')
        ORDER BY q.requested_at DESC LIMIT 1
    ) AS a ON true;
END
$$;
COMMENT ON FUNCTION saas.gdpr_erase_users(uuid[], text, text, boolean) IS
'Erases (p_mode erase) or anonymises many people now, with one search for what all of them had: far cheaper for each than saas.gdpr_erase(). One row a person: their request with its state (completed; blocked, with the reason; requested by somebody else; already; unknown) and how many rows were worked on. One who cannot be erased does not hold up the others. For workers.';
REVOKE ALL ON FUNCTION saas.gdpr_erase_users(uuid[], text, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.gdpr_erase_users(uuid[], text, text, boolean) TO saas_service;
