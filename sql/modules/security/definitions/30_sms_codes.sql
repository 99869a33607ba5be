-- Second factors by text message: six digits that work once, for five minutes. The worker that sends messages
-- asks for them; nothing of them is stored but a keyed hash.
CREATE OR REPLACE FUNCTION saas.factor_number(p_factor uuid, p_sealed bytea)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    RETURN convert_from(
        saas.decrypt_sensitive_bytes(
            p_sealed,
            p_table => 'saas.mfa_factors'::regclass,
            p_column => 'sealed_secret',
            p_row => p_factor,
            p_team => '00000000-0000-0000-0000-000000000000'
        ),
        'UTF8'
    );
END
$$;
COMMENT ON FUNCTION saas.factor_number(uuid, bytea) IS 'The number of a telephone, from its factor.';
REVOKE ALL ON FUNCTION saas.factor_number(uuid, bytea) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.issue_mfa_code(p_email text, p_factor uuid DEFAULT NULL)
RETURNS TABLE (factor_id uuid, phone_number text, code text, expires_at timestamptz)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_factor saas.mfa_factors;
    v_now timestamptz := clock_timestamp();
BEGIN
    -- A telephone that still waits for its first code only when it is named.
    SELECT f.* INTO v_factor
    FROM saas.mfa_factors AS f
    JOIN saas.users AS u ON u.id = f.user_id
    WHERE lower(u.email) = lower(left(p_email, 300))
        AND u.is_active
        AND u.deleted_at IS NULL
        AND f.kind = 'sms'
        AND (f.id = p_factor OR (p_factor IS NULL AND f.state = 'active'))
    ORDER BY f.created_at
    LIMIT 1
    FOR NO KEY UPDATE OF f;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    factor_id := v_factor.id;
    phone_number := saas.factor_number(v_factor.id, v_factor.sealed_secret);
    code := lpad((('x' || left(saas.random_token(), 15))::bit(60)::bigint % 1000000)::text, 6, '0');
    expires_at := v_now + INTERVAL '5 minutes';
    UPDATE saas.mfa_codes AS c
    SET code_hash = saas.credential_hash('sms_code', v_factor.id || code),
        expires_at = issue_mfa_code.expires_at,
        failures = 0,
        sent_at = v_now,
        hour_began_at = CASE WHEN c.hour_began_at > v_now - INTERVAL '1 hour' THEN c.hour_began_at ELSE v_now END,
        sent_in_hour = CASE WHEN c.hour_began_at > v_now - INTERVAL '1 hour' THEN c.sent_in_hour + 1 ELSE 1 END
    WHERE c.factor_id = v_factor.id
        AND c.sent_at <= v_now - INTERVAL '30 seconds'
        AND (c.sent_in_hour < 5 OR c.hour_began_at <= v_now - INTERVAL '1 hour');
    IF FOUND THEN
        RETURN NEXT;
        RETURN;
    END IF;
    INSERT INTO saas.mfa_codes (factor_id, code_hash, expires_at, sent_at, hour_began_at)
    VALUES (
        v_factor.id,
        saas.credential_hash('sms_code', v_factor.id || code),
        issue_mfa_code.expires_at,
        v_now,
        v_now
    )
    ON CONFLICT ON CONSTRAINT mfa_codes_pkey DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA023',
            MESSAGE = 'too many codes were sent to this telephone',
            HINT = 'There is one in 30 seconds, and five in an hour.';
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION saas.issue_mfa_code(text, uuid) IS
'A new code for the telephone of the user with this address, and its number, this once, for the worker that sends the message; it takes the place of an older one and works once, for 5 minutes and 5 attempts. No row for a user without a telephone. SA023 above one in 30 seconds or five in an hour.';
REVOKE ALL ON FUNCTION saas.issue_mfa_code(text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.issue_mfa_code(text, uuid) TO saas_service;

CREATE OR REPLACE FUNCTION saas.use_sms_code(p_user uuid, p_code text, p_factor uuid DEFAULT NULL)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_sent record;
    v_found boolean := false;
BEGIN
    FOR v_sent IN
        SELECT c.factor_id, c.code_hash
        FROM saas.mfa_codes AS c
        JOIN saas.mfa_factors AS f ON f.id = c.factor_id
        WHERE f.user_id = p_user
            AND (f.id = p_factor OR (p_factor IS NULL AND f.state = 'active'))
            AND c.code_hash IS NOT NULL
            AND c.expires_at > clock_timestamp()
        FOR UPDATE OF c
    LOOP
        IF saas.credential_matches(v_sent.code_hash, 'sms_code', v_sent.factor_id || p_code) THEN
            UPDATE saas.mfa_codes AS c SET code_hash = NULL WHERE c.factor_id = v_sent.factor_id;
            v_found := true;
        ELSE
            -- The fifth wrong code ends the right one.
            UPDATE saas.mfa_codes AS c
            SET failures = LEAST(c.failures + 1, 5),
                code_hash = CASE WHEN c.failures < 4 THEN c.code_hash END
            WHERE c.factor_id = v_sent.factor_id;
        END IF;
    END LOOP;
    RETURN v_found;
END
$$;
COMMENT ON FUNCTION saas.use_sms_code(uuid, text, uuid) IS
'Uses up a code that was sent to one of the user''s telephones, or to this one: whether it is right. Within an attempt only.';
REVOKE ALL ON FUNCTION saas.use_sms_code(uuid, text, uuid) FROM PUBLIC;
