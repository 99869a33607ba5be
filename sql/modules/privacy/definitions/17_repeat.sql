-- A restored backup brings back whom it was taken before: certificates that lie beside the backups say who has to go again.
CREATE OR REPLACE FUNCTION saas.erasure_certificates(p_since timestamptz DEFAULT '-infinity')
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_privacy_access(NULL, false, false);
    RETURN (
        SELECT COALESCE(jsonb_agg(r.certificate ORDER BY r.completed_at, r.id), '[]'::jsonb)
        FROM saas.user_deletion_requests AS r
        WHERE r.status = 'completed' AND r.completed_at >= p_since
    );
END
$$;
COMMENT ON FUNCTION saas.erasure_certificates(timestamptz) IS
'The certificates of the requests that were completed since then, to keep beside the backups for saas.repeat_erasures(): they name nobody. For workers.';
REVOKE ALL ON FUNCTION saas.erasure_certificates(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.erasure_certificates(timestamptz) TO saas_service;

CREATE OR REPLACE FUNCTION saas.repeat_erasures(p_certificates jsonb)
RETURNS TABLE (
    request_id uuid,
    outcome text,
    repeated_by uuid
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
DECLARE
    v_found record;
    v_open record;
BEGIN
    PERFORM saas.require_privacy_access(NULL, false, false);
    IF jsonb_typeof(p_certificates) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'an array of certificates is needed',
            HINT = 'As saas.erasure_certificates() returned it.';
    END IF;
    FOR v_found IN
        WITH given AS MATERIALIZED (
            SELECT g.place, g.value, saas.verify_erasure_certificate(g.value) IS TRUE AS is_genuine
            FROM jsonb_array_elements(p_certificates) WITH ORDINALITY AS g (value, place)
        ),
        -- Nothing is read of one that is not ours.
        genuine AS MATERIALIZED (
            SELECT
                g.place, (g.value ->> 'request_id')::uuid AS request_id, g.value ->> 'mode' AS mode,
                decode(g.value ->> 'subject_hash', 'hex') AS hash
            FROM given AS g WHERE g.is_genuine
        ),
        hashed AS MATERIALIZED (
            SELECT u.id, k.hash
            FROM saas.users AS u
            CROSS JOIN LATERAL unnest(saas.subject_hashes(u.id)) AS k (hash)
            WHERE EXISTS (SELECT FROM genuine)
        )
        SELECT
            a.place, g.request_id, g.mode, h.id AS subject,
            CASE
                WHEN g.place IS NULL THEN 'not genuine'
                WHEN EXISTS (SELECT FROM saas.user_deletion_requests AS r WHERE r.id = g.request_id AND r.status = 'completed') THEN 'done here'
                WHEN NOT EXISTS (SELECT FROM saas.credential_keys AS k WHERE uuid_send(k.id) = substring(g.hash FROM 1 FOR 16)) THEN 'unknown key'
                WHEN h.id IS NULL THEN 'nobody'
                ELSE 'queued'
            END AS outcome
        FROM given AS a
        LEFT JOIN genuine AS g ON g.place = a.place
        LEFT JOIN hashed AS h ON h.hash = g.hash
        -- Whoever was anonymised first and erased later is erased.
        ORDER BY g.mode = 'anonymise', a.place
    LOOP
        request_id := v_found.request_id;
        outcome := v_found.outcome;
        repeated_by := NULL;
        IF outcome = 'queued' THEN
            SELECT r.id, r.status, r.mode INTO v_open
            FROM saas.user_deletion_requests AS r
            WHERE r.subject_id = v_found.subject AND r.status IN ('requested', 'verified', 'running', 'blocked', 'erased');
            IF NOT FOUND THEN
                v_open.id := saas.request_user_deletion(v_found.subject, 'erased before the backup was restored: request ' || request_id, v_found.mode);
                v_open.status := 'requested';
                v_open.mode := v_found.mode;
            END IF;
            IF v_open.mode = 'anonymise' AND v_found.mode = 'erase' THEN
                outcome := 'after another';
            ELSIF v_open.status = 'requested' THEN
                PERFORM saas.verify_deletion_identity(v_open.id, 'the certificate of request ' || request_id, INTERVAL '0');
            ELSE
                UPDATE saas.user_deletion_requests AS r SET grace_until = now() WHERE r.id = v_open.id AND r.grace_until > now();
            END IF;
            repeated_by := v_open.id;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.repeat_erasures(jsonb) IS
'After a backup was restored: asks again for the erasures that these certificates prove, and that the backup does not know; saas.process_deletion_requests() carries them out. outcome: queued (repeated_by is the request), after another (it asks for less, and is open: call again when it is completed), done here, nobody (the backup does not have the person), unknown key (it is older than the key under which the person''s id was hashed), not genuine. For workers.';
REVOKE ALL ON FUNCTION saas.repeat_erasures(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.repeat_erasures(jsonb) TO saas_service;
