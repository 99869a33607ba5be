-- Second factors are added and taken away.
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
    v_first boolean;
BEGIN
    PERFORM FROM saas.users AS u WHERE u.id = p_user FOR NO KEY UPDATE;
    v_first := NOT saas.has_mfa(p_user);
    UPDATE saas.mfa_factors AS f
    SET state = 'active', confirmed_at = now(), last_step = p_step
    WHERE f.id = p_factor;
    -- Another one that was begun at the same time, perhaps by a thief of the session, would come without a code of
    -- this one.
    DELETE FROM saas.mfa_factors AS f WHERE f.user_id = p_user AND f.state = 'pending' AND f.id <> p_factor;
    UPDATE saas.users AS u SET two_factor_enabled = true WHERE u.id = p_user AND NOT u.two_factor_enabled;
    RETURN CASE WHEN v_first THEN saas.make_recovery_codes(p_user) END;
END
$$;
COMMENT ON FUNCTION saas.activate_factor(uuid, uuid, bigint) IS
'Makes a second factor count, and forgets those of the user that wait. With the user''s first one come recovery codes.';
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
