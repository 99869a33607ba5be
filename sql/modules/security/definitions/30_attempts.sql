-- Attempts to sign in: who may try for whom, and how often. Failures are noted in shared memory, which no
-- rollback takes back, and in a table, which outlives the server. So that the table has them, what may fail
-- answers with accepted and a reason instead of raising an error.
CREATE OR REPLACE FUNCTION saas.attempt_pause(p_failures integer)
RETURNS interval
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- The fifth failure in a row costs 30 seconds, each further one twice as long, at most an hour.
    SELECT CASE
        WHEN p_failures >= 5
        THEN LEAST(INTERVAL '30 seconds' * 2 ^ LEAST(p_failures - 5, 20), INTERVAL '1 hour')
    END
$$;
COMMENT ON FUNCTION saas.attempt_pause(integer) IS
'How long no attempt is looked at after so many failures in a row; NULL for not at all.';
REVOKE ALL ON FUNCTION saas.attempt_pause(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.attempt_pause(integer) TO saas_internal;

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
    v_stored record;
    v_noted record;
    v_until timestamptz;
BEGIN
    INSERT INTO saas.credential_attempts (user_id, kind) VALUES (p_user, p_kind) ON CONFLICT DO NOTHING;
    -- Attempts of one user go one after another, so that none sees the state before the last one.
    SELECT f.failures, f.locked_until INTO v_stored
    FROM saas.credential_attempts AS f
    WHERE f.user_id = p_user AND f.kind = p_kind
    FOR UPDATE;
    v_until := v_stored.locked_until;
    -- More than are stored: those of transactions that were rolled back.
    SELECT n.failures, n.last_failed_at INTO v_noted FROM saas.noted_failures(p_user, p_kind) AS n;
    IF v_noted.failures > v_stored.failures THEN
        v_until := GREATEST(v_until, v_noted.last_failed_at + saas.attempt_pause(v_noted.failures));
    END IF;
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
    v_failures integer;
    v_until timestamptz;
BEGIN
    IF p_accepted THEN
        PERFORM saas.forget_failed_attempts(p_user, p_kind);
        UPDATE saas.credential_attempts AS f
        SET failures = 0, locked_until = NULL, accepted_at = clock_timestamp()
        WHERE f.user_id = p_user AND f.kind = p_kind;
        RETURN NULL;
    END IF;
    SELECT saas.note_failed_attempt(p_user, p_kind, f.failures) INTO v_failures
    FROM saas.credential_attempts AS f
    WHERE f.user_id = p_user AND f.kind = p_kind;
    UPDATE saas.credential_attempts AS f
    SET failures = v_failures,
        last_failed_at = clock_timestamp(),
        locked_until = clock_timestamp() + saas.attempt_pause(v_failures)
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
DECLARE
    v_noted boolean := saas.forget_failed_attempts(p_user, 'password') IS TRUE;
BEGIN
    v_noted := saas.forget_failed_attempts(p_user, 'mfa') IS TRUE OR v_noted;
    UPDATE saas.credential_attempts AS f
    SET failures = 0, locked_until = NULL
    WHERE f.user_id = p_user AND f.failures > 0;
    RETURN FOUND OR v_noted;
END
$$;
COMMENT ON FUNCTION saas.unlock_user(uuid) IS
'Forgets the failures of a user who was locked out; for support, which has asked who it is.';
REVOKE ALL ON FUNCTION saas.unlock_user(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.unlock_user(uuid) TO saas_service;
