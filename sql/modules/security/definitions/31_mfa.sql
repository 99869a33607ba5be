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
    reason := CASE
        WHEN v_code ~ '^[0-9]{6,8}$' THEN saas.use_totp(p_user, v_code)
        WHEN v_code ~ '^[a-z2-7]{16}$' THEN saas.use_recovery_code(p_user, v_code)
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
'Uses up a code of one of the user''s authenticators or telephones, or a recovery code: accepted, or why not (wrong code, code was used already, locked) and for how long every further attempt is refused. Of the current user; saas_service may name any. Commit also when it is refused: the failure counts.';
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

CREATE OR REPLACE FUNCTION saas.begin_factor(p_user uuid, p_label text)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_email text;
BEGIN
    IF p_label IS NULL OR length(p_label) NOT BETWEEN 1 AND 100 THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a second factor needs a name of 1 to 100 characters';
    END IF;
    SELECT u.email INTO v_email
    FROM saas.users AS u
    WHERE u.id = p_user AND u.is_active AND u.deleted_at IS NULL
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'only an active user has second factors';
    END IF;
    -- A stolen session alone adds no factor of the thief's.
    IF saas.has_mfa(p_user) THEN
        PERFORM saas.require_recent_mfa(p_user);
    END IF;
    DELETE FROM saas.mfa_factors AS f WHERE f.user_id = p_user AND f.state = 'pending';
    IF (SELECT count(*) FROM saas.mfa_factors AS f WHERE f.user_id = p_user) >= 5 THEN
        RAISE EXCEPTION USING ERRCODE = '54000', MESSAGE = 'a user has at most 5 second factors';
    END IF;
    RETURN v_email;
END
$$;
COMMENT ON FUNCTION saas.begin_factor(uuid, text) IS
'Whether the user may add a second factor now, and the user''s address.';
REVOKE ALL ON FUNCTION saas.begin_factor(uuid, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.enroll_totp(
    p_label text DEFAULT 'Authenticator',
    p_issuer text DEFAULT NULL,
    p_user uuid DEFAULT NULL
)
RETURNS TABLE (factor_id uuid, secret text, uri text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_user uuid := saas.own_user(p_user);
    v_secret bytea := decode(left(saas.random_token(), 40), 'hex');
    v_email text := saas.begin_factor(v_user, p_label);
BEGIN
    factor_id := saas.uuid_v7();
    INSERT INTO saas.mfa_factors (id, user_id, label, sealed_secret)
    VALUES (factor_id, v_user, p_label, saas.seal_mfa_secret(factor_id, v_user, v_secret));
    secret := saas.to_base32(v_secret, false);
    uri := saas.totp_uri(v_secret, COALESCE(p_issuer, current_database()), v_email);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION saas.enroll_totp(text, text, uuid) IS
'Begins to add an authenticator: returns its secret, and the address for a QR code, this once. It counts after confirm_totp(). Who has a factor already gives verify_mfa() a code of it first (SA125). Of the current user; saas_service may name any.';
REVOKE ALL ON FUNCTION saas.enroll_totp(text, text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.enroll_totp(text, text, uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.make_recovery_codes(p_user uuid)
RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_codes text[] := ARRAY[]::text[];
    v_code text;
BEGIN
    DELETE FROM saas.mfa_recovery_codes AS c WHERE c.user_id = p_user;
    FOR v_number IN 1..10 LOOP
        -- 80 random bits.
        v_code := lower(saas.to_base32(decode(left(saas.random_token(), 20), 'hex'), false));
        INSERT INTO saas.mfa_recovery_codes (user_id, code_hash)
        VALUES (p_user, saas.credential_hash('recovery_code', p_user || v_code));
        v_codes := v_codes || regexp_replace(v_code, '(....)(....)(....)(....)', '\1-\2-\3-\4');
    END LOOP;
    RETURN v_codes;
END
$$;
COMMENT ON FUNCTION saas.make_recovery_codes(uuid) IS
'Ten new recovery codes in place of all older ones.';
REVOKE ALL ON FUNCTION saas.make_recovery_codes(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.activate_factor(p_factor uuid, p_user uuid, p_step bigint)
RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_first boolean := NOT saas.has_mfa(p_user);
BEGIN
    UPDATE saas.mfa_factors AS f
    SET state = 'active', confirmed_at = now(), last_step = p_step
    WHERE f.id = p_factor;
    UPDATE saas.users AS u SET two_factor_enabled = true WHERE u.id = p_user AND NOT u.two_factor_enabled;
    RETURN CASE WHEN v_first THEN saas.make_recovery_codes(p_user) END;
END
$$;
COMMENT ON FUNCTION saas.activate_factor(uuid, uuid, bigint) IS
'Makes a second factor count. With the user''s first one come recovery codes.';
REVOKE ALL ON FUNCTION saas.activate_factor(uuid, uuid, bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.confirm_totp(p_factor uuid, p_code text, p_user uuid DEFAULT NULL)
RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_user uuid := saas.own_user(p_user);
    v_factor saas.mfa_factors;
    v_step bigint;
BEGIN
    SELECT * INTO v_factor
    FROM saas.mfa_factors AS f
    WHERE f.id = p_factor AND f.user_id = v_user AND f.kind = 'totp' AND f.state = 'pending'
        AND f.created_at > now() - INTERVAL '1 hour'
    FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'P0002',
            MESSAGE = 'there is no such second factor that waits for its first code',
            HINT = 'Begin again with saas.enroll_totp(); it waits for an hour.';
    END IF;
    v_step := saas.totp_step_of(v_factor, translate(left(p_code, 40), ' -', ''));
    IF v_step IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA124',
            MESSAGE = 'the code of the second factor is not right',
            HINT = 'Type the code that the authenticator shows now, and check the clock of the device.';
    END IF;
    RETURN saas.activate_factor(p_factor, v_user, v_step);
END
$$;
COMMENT ON FUNCTION saas.confirm_totp(uuid, text, uuid) IS
'Makes an authenticator count, by a first code of it (SA124 when it is wrong). With the user''s first one come ten recovery codes, shown this once.';
REVOKE ALL ON FUNCTION saas.confirm_totp(uuid, text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.confirm_totp(uuid, text, uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.renew_recovery_codes(p_user uuid DEFAULT NULL)
RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_user uuid := saas.own_user(p_user);
BEGIN
    PERFORM saas.require_recent_mfa(v_user);
    RETURN saas.make_recovery_codes(v_user);
END
$$;
COMMENT ON FUNCTION saas.renew_recovery_codes(uuid) IS
'Ten new recovery codes, shown this once; the old ones are worth nothing. Needs a code of the second factor first: verify_mfa() (SA125).';
REVOKE ALL ON FUNCTION saas.renew_recovery_codes(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.renew_recovery_codes(uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.drop_factors(p_user uuid, p_factor uuid DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_dropped integer;
BEGIN
    DELETE FROM saas.mfa_factors AS f WHERE f.user_id = p_user AND (p_factor IS NULL OR f.id = p_factor);
    GET DIAGNOSTICS v_dropped = ROW_COUNT;
    IF NOT saas.has_mfa(p_user) THEN
        DELETE FROM saas.mfa_recovery_codes AS c WHERE c.user_id = p_user;
        UPDATE saas.users AS u SET two_factor_enabled = false WHERE u.id = p_user AND u.two_factor_enabled;
    END IF;
    RETURN v_dropped;
END
$$;
COMMENT ON FUNCTION saas.drop_factors(uuid, uuid) IS
'Removes one or all factors of a user, and with the last one the recovery codes.';
REVOKE ALL ON FUNCTION saas.drop_factors(uuid, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.disable_totp(p_factor uuid, p_user uuid DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_user uuid := saas.own_user(p_user);
BEGIN
    PERFORM saas.require_recent_mfa(v_user);
    -- Without a factor drop_factors() would remove all of them.
    IF p_factor IS NULL OR saas.drop_factors(v_user, p_factor) = 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = 'there is no such second factor';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.disable_totp(uuid, uuid) IS
'Removes an authenticator; needs a code of a second factor or a recovery code first: verify_mfa() (SA125).';
REVOKE ALL ON FUNCTION saas.disable_totp(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.disable_totp(uuid, uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.reset_mfa(p_user uuid)
RETURNS integer
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT saas.drop_factors(p_user)
$$;
COMMENT ON FUNCTION saas.reset_mfa(uuid) IS
'Removes all second factors of a user who has lost them; for support, which has asked who it is. Returns how many.';
REVOKE ALL ON FUNCTION saas.reset_mfa(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.reset_mfa(uuid) TO saas_service;
