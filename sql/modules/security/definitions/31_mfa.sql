-- Second factors: authenticators and recovery codes.
CREATE OR REPLACE FUNCTION saas.seal_mfa_secret(p_factor uuid, p_user uuid, p_secret bytea)
RETURNS bytea
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    -- The team of zeros is the platform's own: people sign in before they act in a team.
    RETURN saas.encrypt_sensitive_bytes(
        p_secret,
        p_table => 'saas.mfa_factors'::regclass,
        p_column => 'sealed_secret',
        p_row => p_factor,
        p_subject => p_user,
        p_team => '00000000-0000-0000-0000-000000000000'
    );
END
$$;
COMMENT ON FUNCTION saas.seal_mfa_secret(uuid, uuid, bytea) IS
'The secret of a factor under its user''s own key, bound to the row.';
REVOKE ALL ON FUNCTION saas.seal_mfa_secret(uuid, uuid, bytea) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.totp_step_of(p_factor saas.mfa_factors, p_code text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    -- One step to either side: clocks drift, and people type slowly.
    RETURN saas.totp_step(
        saas.decrypt_sensitive_bytes(
            p_factor.sealed_secret,
            p_table => 'saas.mfa_factors'::regclass,
            p_column => 'sealed_secret',
            p_row => p_factor.id,
            p_team => '00000000-0000-0000-0000-000000000000'
        ),
        p_code,
        clock_timestamp(),
        1,
        p_factor.algorithm,
        p_factor.digits,
        p_factor.period_seconds
    );
END
$$;
COMMENT ON FUNCTION saas.totp_step_of(saas.mfa_factors, text) IS
'The time step whose code this is for the factor now, or one step away; NULL when it is none.';
REVOKE ALL ON FUNCTION saas.totp_step_of(saas.mfa_factors, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.use_totp(p_user uuid, p_code text)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_factor saas.mfa_factors;
    v_step bigint;
    v_reason text := 'wrong code';
BEGIN
    FOR v_factor IN
        SELECT * FROM saas.mfa_factors AS f WHERE f.user_id = p_user AND f.state = 'active' AND f.kind = 'totp'
    LOOP
        v_step := saas.totp_step_of(v_factor, p_code);
        IF v_step > COALESCE(v_factor.last_step, -1) THEN
            UPDATE saas.mfa_factors AS f SET last_step = v_step WHERE f.id = v_factor.id;
            RETURN NULL;
        ELSIF v_step IS NOT NULL THEN
            v_reason := 'code was used already';
        END IF;
    END LOOP;
    RETURN v_reason;
END
$$;
COMMENT ON FUNCTION saas.use_totp(uuid, text) IS
'Uses a one-time password up: NULL, or why it is refused. Within an attempt only.';
REVOKE ALL ON FUNCTION saas.use_totp(uuid, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.use_recovery_code(p_user uuid, p_code text)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_code record;
    v_found uuid;
BEGIN
    -- All are compared, so that the time tells nothing.
    FOR v_code IN
        SELECT c.id, c.used_at, saas.credential_matches(c.code_hash, 'recovery_code', p_user || p_code) AS matches
        FROM saas.mfa_recovery_codes AS c
        WHERE c.user_id = p_user
    LOOP
        IF v_code.matches AND v_code.used_at IS NOT NULL THEN
            RETURN 'code was used already';
        ELSIF v_code.matches THEN
            v_found := v_code.id;
        END IF;
    END LOOP;
    UPDATE saas.mfa_recovery_codes AS c SET used_at = now() WHERE c.id = v_found AND c.used_at IS NULL;
    RETURN CASE WHEN NOT FOUND THEN 'wrong code' END;
END
$$;
COMMENT ON FUNCTION saas.use_recovery_code(uuid, text) IS
'Uses a recovery code up: NULL, or why it is refused. Within an attempt only.';
REVOKE ALL ON FUNCTION saas.use_recovery_code(uuid, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.check_mfa(
    p_user uuid,
    p_code text,
    OUT accepted boolean,
    OUT reason text,
    OUT retry_after interval
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_code text := lower(translate(left(p_code, 40), ' -', ''));
BEGIN
    accepted := false;
    retry_after := saas.begin_attempt(p_user, 'mfa');
    IF retry_after IS NOT NULL THEN
        reason := 'locked';
        RETURN;
    END IF;
    -- Codes that are being sent are waited for before anything is looked at: a wrong code that met them later could be
    -- cancelled there, and would not count, while a right one had been taken.
    PERFORM
    FROM saas.mfa_codes AS c
    JOIN saas.mfa_factors AS f ON f.id = c.factor_id
    WHERE f.user_id = p_user
    FOR UPDATE OF c;
    reason := CASE
        WHEN v_code ~ '^[0-9]{6,8}$' THEN saas.use_totp(p_user, v_code)
        WHEN v_code ~ '^[a-z2-7]{16}$' THEN saas.use_recovery_code(p_user, v_code)
        WHEN v_code LIKE '{%' THEN saas.use_hardware_key(p_user, p_code)
        ELSE 'wrong code'
    END;
    IF reason IS NOT NULL AND v_code ~ '^[0-9]{6}$' AND saas.use_sms_code(p_user, v_code) THEN
        reason := NULL;
    END IF;
    accepted := reason IS NULL;
    retry_after := saas.end_attempt(p_user, 'mfa', accepted);
END
$$;
COMMENT ON FUNCTION saas.check_mfa(uuid, text) IS
'verify_mfa() without asking who calls.';
REVOKE ALL ON FUNCTION saas.check_mfa(uuid, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.verify_mfa(
    p_code text,
    p_user uuid DEFAULT NULL,
    OUT accepted boolean,
    OUT reason text,
    OUT retry_after interval
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_user uuid := saas.own_user(p_user);
BEGIN
    SELECT c.accepted, c.reason, c.retry_after
    INTO accepted, reason, retry_after
    FROM saas.check_mfa(v_user, p_code) AS c;
    IF accepted THEN
        UPDATE saas.user_sessions AS s
        SET mfa_at = clock_timestamp()
        WHERE s.id = saas.current_session_id() AND s.user_id = v_user;
    END IF;
END
$$;
COMMENT ON FUNCTION saas.verify_mfa(text, uuid) IS
'Uses up a code of one of the user''s authenticators or telephones, a recovery code, or the answer of a hardware key to challenge_hardware_key(), as JSON: accepted, or why not (wrong code, code was used already, locked; of a hardware key also malformed response, wrong challenge, unknown key, wrong origin, wrong relying party, user not present, user not verified, wrong signature, wrong backup, copied key) and for how long every further attempt is refused. Of the current user; saas_service may name any. Commit also when it is refused: the failure is stored then.';
REVOKE ALL ON FUNCTION saas.verify_mfa(text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.verify_mfa(text, uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.has_mfa(p_user uuid)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT EXISTS (SELECT FROM saas.mfa_factors AS f WHERE f.user_id = p_user AND f.state = 'active')
$$;
COMMENT ON FUNCTION saas.has_mfa(uuid) IS 'Whether the user has an active second factor.';
REVOKE ALL ON FUNCTION saas.has_mfa(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.has_mfa(uuid) TO saas_service;

CREATE OR REPLACE FUNCTION saas.require_recent_mfa(p_user uuid)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_session uuid := saas.current_session_id();
BEGIN
    -- The code is given in a transaction of its own, in which a failure counts. Another session of the same user
    -- that gave one says nothing of this one; of a context without a session no more is known than the user.
    IF saas.acts_as_service() OR EXISTS (
        SELECT
        FROM saas.user_sessions AS s
        WHERE s.id = v_session AND s.user_id = p_user AND s.mfa_at > now() - INTERVAL '10 minutes'
    ) OR v_session IS NULL AND EXISTS (
        SELECT
        FROM saas.credential_attempts AS a
        WHERE a.user_id = p_user AND a.kind = 'mfa' AND a.accepted_at > now() - INTERVAL '10 minutes'
    ) THEN
        RETURN;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'SA125',
        MESSAGE = 'a code of the second factor is needed first',
        HINT = 'Give it to saas.verify_mfa(), commit, and do this within 10 minutes.';
END
$$;
COMMENT ON FUNCTION saas.require_recent_mfa(uuid) IS
'Raises SA125 unless a code of the user was accepted in the last 10 minutes, in this session where the context has one, or saas_service calls. For changes that a stolen session shall not make.';
REVOKE ALL ON FUNCTION saas.require_recent_mfa(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_recent_mfa(uuid) TO saas_internal;
