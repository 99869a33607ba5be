-- Idempotency keys: a call that is made again returns what the first one returned.
CREATE OR REPLACE FUNCTION saas.claim_idempotency_key(
    p_team uuid,
    p_key text,
    p_operation text,
    p_request jsonb,
    p_keep interval DEFAULT '24 hours'
)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_hash bytea := sha256(convert_to(p_request::text, 'UTF8'));
    v_now timestamptz := clock_timestamp();
    v_row saas.idempotency_keys;
BEGIN
    IF p_key IS NULL OR length(p_key) NOT BETWEEN 1 AND 255 THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'an idempotency key of 1 to 255 characters is needed';
    END IF;
    PERFORM saas.require_fresh_snapshots();
    -- A duplicate waits here until the transaction of the first one has ended.
    INSERT INTO saas.idempotency_keys AS k (
        team_id, key, operation, request_sha256, created_at, expires_at
    )
    VALUES (p_team, p_key, p_operation, v_hash, v_now, v_now + p_keep)
    ON CONFLICT (team_id, key) DO UPDATE
    SET operation = excluded.operation,
        request_sha256 = excluded.request_sha256,
        result = NULL,
        created_at = excluded.created_at,
        expires_at = excluded.expires_at
    WHERE k.expires_at <= excluded.created_at;
    IF FOUND THEN
        RETURN NULL;
    END IF;
    SELECT k.* INTO v_row
    FROM saas.idempotency_keys AS k
    WHERE k.team_id = p_team AND k.key = p_key;
    IF v_row.operation <> p_operation OR v_row.request_sha256 <> v_hash THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA077',
            MESSAGE = 'the idempotency key was used for another request',
            HINT = 'Use a new key for a new request, and the same arguments to repeat one.';
    END IF;
    RETURN v_row.result;
END
$$;
COMMENT ON FUNCTION saas.claim_idempotency_key(uuid, text, text, jsonb, interval) IS
'NULL for the first call with this key, which then does its work and keeps the result; the result of the first one for the same request; SA077 for another request, 0A000 at another isolation level than read committed. Waits for a transaction that uses the key at the same time.';
REVOKE ALL ON FUNCTION saas.claim_idempotency_key(uuid, text, text, jsonb, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.claim_idempotency_key(uuid, text, text, jsonb, interval) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.keep_idempotent_result(p_team uuid, p_key text, p_result jsonb)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    UPDATE saas.idempotency_keys AS k
    SET result = p_result
    WHERE k.team_id = p_team AND k.key = p_key;
    RETURN p_result;
END
$$;
COMMENT ON FUNCTION saas.keep_idempotent_result(uuid, text, jsonb) IS
'Keeps the result of the call that claimed the key, in the same transaction, and returns it.';
REVOKE ALL ON FUNCTION saas.keep_idempotent_result(uuid, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.keep_idempotent_result(uuid, text, jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.delete_expired_idempotency_keys(p_limit integer DEFAULT 10000)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_count bigint;
BEGIN
    -- Picked once, whatever the plan.
    WITH d AS MATERIALIZED (
        SELECT e.team_id, e.id
        FROM saas.idempotency_keys AS e
        WHERE e.expires_at <= clock_timestamp()
        ORDER BY e.expires_at
        LIMIT p_limit
        FOR UPDATE SKIP LOCKED
    )
    DELETE FROM saas.idempotency_keys AS k
    USING d
    WHERE k.team_id = d.team_id AND k.id = d.id;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$$;
COMMENT ON FUNCTION saas.delete_expired_idempotency_keys(integer) IS
'Deletes up to so many expired idempotency keys, of all teams, and returns how many; for a worker that runs now and then.';
REVOKE ALL ON FUNCTION saas.delete_expired_idempotency_keys(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.delete_expired_idempotency_keys(integer) TO saas_service;
