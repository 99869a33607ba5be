-- Attempts to sign in: who may try for whom, and how often. What may fail answers with accepted and a
-- reason instead of raising an error, which would take the count of failures back with everything else.
CREATE OR REPLACE FUNCTION saas.own_user(p_user uuid)
RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_user uuid := COALESCE(p_user, saas.current_user_id());
BEGIN
    IF v_user IS NULL OR (v_user IS DISTINCT FROM saas.current_user_id() AND NOT saas.acts_as_service()) THEN
        RAISE EXCEPTION USING
            ERRCODE = '42501',
            MESSAGE = 'permission denied to act for another user',
            HINT = 'Set the request context to the user, or call as saas_service.';
    END IF;
    RETURN v_user;
END
$$;
COMMENT ON FUNCTION saas.own_user(uuid) IS
'The user named, or that of the request context; 42501 for another one than that, unless saas_service calls.';
REVOKE ALL ON FUNCTION saas.own_user(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.begin_attempt(p_user uuid, p_kind text)
RETURNS interval
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_until timestamptz;
BEGIN
    INSERT INTO saas.credential_attempts (user_id, kind) VALUES (p_user, p_kind) ON CONFLICT DO NOTHING;
    -- Attempts of one user go one after another, so that none sees the state before the last one.
    SELECT f.locked_until INTO v_until
    FROM saas.credential_attempts AS f
    WHERE f.user_id = p_user AND f.kind = p_kind
    FOR UPDATE;
    RETURN CASE WHEN v_until > clock_timestamp() THEN v_until - clock_timestamp() END;
END
$$;
COMMENT ON FUNCTION saas.begin_attempt(uuid, text) IS
'Begins an attempt with a user''s password or second factor and holds the others off until the transaction ends. Returns for how long every attempt is refused, or NULL.';
REVOKE ALL ON FUNCTION saas.begin_attempt(uuid, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.end_attempt(p_user uuid, p_kind text, p_accepted boolean)
RETURNS interval
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_until timestamptz;
BEGIN
    IF p_accepted THEN
        UPDATE saas.credential_attempts AS f
        SET failures = 0, locked_until = NULL, accepted_at = clock_timestamp()
        WHERE f.user_id = p_user AND f.kind = p_kind;
        RETURN NULL;
    END IF;
    -- The fifth failure in a row costs 30 seconds, each further one twice as long, at most an hour.
    UPDATE saas.credential_attempts AS f
    SET failures = f.failures + 1,
        last_failed_at = clock_timestamp(),
        locked_until = CASE
            WHEN f.failures >= 4
            THEN clock_timestamp() + LEAST(INTERVAL '30 seconds' * 2 ^ LEAST(f.failures - 4, 20), INTERVAL '1 hour')
        END
    WHERE f.user_id = p_user AND f.kind = p_kind
    RETURNING f.locked_until INTO v_until;
    RETURN v_until - clock_timestamp();
END
$$;
COMMENT ON FUNCTION saas.end_attempt(uuid, text, boolean) IS
'Counts a failure, or forgets them after a success. Returns for how long every further attempt is refused, or NULL.';
REVOKE ALL ON FUNCTION saas.end_attempt(uuid, text, boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.unlock_user(p_user uuid)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    UPDATE saas.credential_attempts AS f
    SET failures = 0, locked_until = NULL
    WHERE f.user_id = p_user AND f.failures > 0;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION saas.unlock_user(uuid) IS
'Forgets the failures of a user who was locked out; for support, which has asked who it is.';
REVOKE ALL ON FUNCTION saas.unlock_user(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.unlock_user(uuid) TO saas_service;
