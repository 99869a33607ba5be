-- Hardware keys as second factors: security keys, and the keys that telephones and computers keep (W3C Web
-- Authentication). Options go to the browser as navigator.credentials takes them, answers come back as the JSON
-- of PublicKeyCredential.toJSON().
CREATE OR REPLACE FUNCTION saas.to_base64url(p_bytes bytea)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT translate(encode(p_bytes, 'base64'), E'+/=\n', '-_')
$$;
COMMENT ON FUNCTION saas.to_base64url(bytea) IS 'Base64 for URLs without padding (RFC 4648, section 5).';
REVOKE ALL ON FUNCTION saas.to_base64url(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.to_base64url(bytea) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.hardware_keys_of(p_user uuid)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT jsonb_agg(jsonb_build_object(
        'type', 'public-key', 'id', saas.to_base64url(k.credential_id), 'transports', k.transports
    ) ORDER BY k.factor_id)
    FROM saas.mfa_hardware_keys AS k
    WHERE k.user_id = p_user
$$;
COMMENT ON FUNCTION saas.hardware_keys_of(uuid) IS
'The hardware keys of a user as PublicKeyCredentialDescriptor; NULL without any.';
REVOKE ALL ON FUNCTION saas.hardware_keys_of(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.enroll_hardware_key(p_label text DEFAULT 'Security key', p_user uuid DEFAULT NULL)
RETURNS TABLE (factor_id uuid, options jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_user uuid := saas.own_user(p_user);
    v_party record;
    v_email text := saas.begin_factor(v_user, p_label);
    v_challenge bytea := decode(saas.random_token(), 'hex');
BEGIN
    SELECT p.id, p.name, p.user_verification INTO v_party FROM saas.webauthn_party() AS p;
    factor_id := saas.uuid_v7();
    INSERT INTO saas.mfa_factors (id, user_id, kind, label, sealed_secret)
    VALUES (factor_id, v_user, 'hardware_key', p_label, saas.seal_mfa_secret(factor_id, v_user, v_challenge));
    options := jsonb_build_object(
        'challenge', saas.to_base64url(v_challenge),
        'rp', jsonb_build_object('id', v_party.id, 'name', v_party.name),
        'user', jsonb_build_object(
            'id', saas.to_base64url(uuid_send(v_user)), 'name', v_email, 'displayName', v_email
        ),
        'pubKeyCredParams', '[{"type":"public-key","alg":-8},{"type":"public-key","alg":-7},{"type":"public-key","alg":-257}]'::jsonb,
        'excludeCredentials', COALESCE(saas.hardware_keys_of(v_user), '[]'::jsonb),
        'authenticatorSelection', jsonb_build_object(
            'residentKey', 'discouraged', 'requireResidentKey', false, 'userVerification', v_party.user_verification
        ),
        'attestation', 'none',
        'timeout', 300000
    );
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION saas.enroll_hardware_key(text, uuid) IS
'Begins to add a hardware key as a second factor: returns the PublicKeyCredentialCreationOptions for navigator.credentials.create(). The answer goes to confirm_hardware_key() within ten minutes. Who has a factor already proves it first (SA125). Of the current user; saas_service may name any. SA098 when the relying party is not set up.';
REVOKE ALL ON FUNCTION saas.enroll_hardware_key(text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.enroll_hardware_key(text, uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.open_mfa_secret(p_factor uuid, p_sealed bytea)
RETURNS bytea
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    RETURN saas.decrypt_sensitive_bytes(
        p_sealed,
        p_table => 'saas.mfa_factors'::regclass,
        p_column => 'sealed_secret',
        p_row => p_factor,
        p_team => '00000000-0000-0000-0000-000000000000'
    );
END
$$;
COMMENT ON FUNCTION saas.open_mfa_secret(uuid, bytea) IS 'What saas.seal_mfa_secret() sealed for this factor.';
REVOKE ALL ON FUNCTION saas.open_mfa_secret(uuid, bytea) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.confirm_hardware_key(
    p_factor uuid,
    p_response jsonb,
    p_user uuid DEFAULT NULL,
    OUT accepted boolean,
    OUT reason text,
    OUT recovery_codes text[]
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_user uuid := saas.own_user(p_user);
    v_sealed bytea;
    v_key record;
BEGIN
    SELECT f.sealed_secret INTO v_sealed
    FROM saas.mfa_factors AS f
    WHERE f.id = p_factor AND f.user_id = v_user AND f.kind = 'hardware_key' AND f.state = 'pending'
        AND f.created_at > now() - INTERVAL '10 minutes'
    FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'P0002',
            MESSAGE = 'there is no such hardware key that waits to be registered',
            HINT = 'Begin again with saas.enroll_hardware_key(); it waits for ten minutes, and for one answer.';
    END IF;
    SELECT r.* INTO v_key
    FROM saas.webauthn_registration(
        COALESCE(p_response, 'null'::jsonb)::text, saas.open_mfa_secret(p_factor, v_sealed)
    ) AS r;
    reason := v_key.reason;
    IF reason IS NULL THEN
        INSERT INTO saas.mfa_hardware_keys (
            factor_id, user_id, credential_id, algorithm, sign_count, user_verified, backup_eligible, backed_up,
            model, attestation, transports
        )
        VALUES (
            p_factor, v_user, v_key.credential_id, v_key.algorithm, v_key.sign_count, v_key.user_verified,
            v_key.backup_eligible, v_key.backed_up, v_key.model, v_key.attestation, v_key.transports
        )
        ON CONFLICT ON CONSTRAINT mfa_hardware_keys_credential_id_key DO NOTHING;
        reason := CASE WHEN NOT FOUND THEN 'known key' END;
    END IF;
    accepted := reason IS NULL;
    IF NOT accepted THEN
        -- The challenge was answered: it waits for no second answer.
        DELETE FROM saas.mfa_factors AS f WHERE f.id = p_factor AND f.user_id = v_user;
        RETURN;
    END IF;
    UPDATE saas.mfa_factors AS f
    SET sealed_secret = saas.seal_mfa_secret(p_factor, v_user, v_key.public_key)
    WHERE f.id = p_factor;
    recovery_codes := saas.activate_factor(p_factor, v_user, NULL);
END
$$;
COMMENT ON FUNCTION saas.confirm_hardware_key(uuid, jsonb, uuid) IS
'Makes a hardware key count, by its answer to the options of enroll_hardware_key(): accepted, or why not (malformed response, wrong challenge, wrong origin, wrong relying party, user not present, user not verified, unsupported key, unsupported attestation, wrong signature, known key); after a refusal begin again. With the user''s first factor come ten recovery codes, shown this once.';
REVOKE ALL ON FUNCTION saas.confirm_hardware_key(uuid, jsonb, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.confirm_hardware_key(uuid, jsonb, uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.make_mfa_challenge(p_user uuid, p_session uuid)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_keys jsonb := saas.hardware_keys_of(p_user);
    v_party record;
    v_challenge bytea := decode(saas.random_token(), 'hex');
BEGIN
    IF v_keys IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT p.id, p.user_verification INTO v_party FROM saas.webauthn_party() AS p;
    -- One in each window that signs in; more than ten are somebody's who only asks.
    DELETE FROM saas.mfa_challenges AS c
    WHERE c.user_id = p_user
        AND (
            c.expires_at <= clock_timestamp()
            OR c.id IN (
                SELECT o.id FROM saas.mfa_challenges AS o WHERE o.user_id = p_user ORDER BY o.id DESC OFFSET 9
            )
        );
    INSERT INTO saas.mfa_challenges (user_id, session_id, challenge_hash, expires_at)
    VALUES (p_user, p_session, sha256(v_challenge), clock_timestamp() + INTERVAL '5 minutes');
    RETURN jsonb_build_object(
        'challenge', saas.to_base64url(v_challenge),
        'rpId', v_party.id,
        'allowCredentials', v_keys,
        'userVerification', v_party.user_verification,
        'timeout', 300000
    );
END
$$;
COMMENT ON FUNCTION saas.make_mfa_challenge(uuid, uuid) IS
'A challenge for the hardware keys of a user, to be answered in this session or, without one, when signing in; NULL without keys.';
REVOKE ALL ON FUNCTION saas.make_mfa_challenge(uuid, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.challenge_hardware_key(p_user uuid DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    RETURN saas.make_mfa_challenge(saas.own_user(p_user), saas.current_session_id());
END
$$;
COMMENT ON FUNCTION saas.challenge_hardware_key(uuid) IS
'The PublicKeyCredentialRequestOptions for navigator.credentials.get() with a new challenge, which holds for five minutes and one answer, in this session; the answer goes to verify_mfa(). NULL for a user without hardware keys. Commit before the answer comes. Of the current user; saas_service may name any. For signing in sign_in() returns them.';
REVOKE ALL ON FUNCTION saas.challenge_hardware_key(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.challenge_hardware_key(uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.use_hardware_key(p_user uuid, p_response text)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_claim record;
    v_key record;
    v_proof record;
BEGIN
    SELECT c.* INTO v_claim FROM saas.webauthn_claim(p_response) AS c;
    IF v_claim.credential_id IS NULL THEN
        RETURN 'malformed response';
    END IF;
    DELETE FROM saas.mfa_challenges AS c
    WHERE c.user_id = p_user
        AND c.challenge_hash = sha256(v_claim.challenge)
        AND c.session_id IS NOT DISTINCT FROM saas.current_session_id()
        AND c.expires_at > clock_timestamp();
    IF NOT FOUND THEN
        RETURN 'wrong challenge';
    END IF;
    SELECT k.factor_id, k.sign_count, k.backup_eligible, f.sealed_secret INTO v_key
    FROM saas.mfa_hardware_keys AS k
    JOIN saas.mfa_factors AS f ON f.id = k.factor_id
    WHERE k.credential_id = v_claim.credential_id AND k.user_id = p_user AND f.state = 'active'
    FOR UPDATE OF k;
    IF NOT FOUND OR v_claim.user_handle <> uuid_send(p_user) THEN
        RETURN 'unknown key';
    END IF;
    SELECT a.* INTO v_proof
    FROM saas.webauthn_assertion(
        p_response, v_claim.challenge, saas.open_mfa_secret(v_key.factor_id, v_key.sealed_secret),
        v_key.sign_count, v_key.backup_eligible
    ) AS a;
    IF v_proof.reason IS NULL THEN
        UPDATE saas.mfa_hardware_keys AS k
        SET sign_count = v_proof.sign_count,
            user_verified = v_proof.user_verified,
            backed_up = v_proof.backed_up,
            last_used_at = clock_timestamp()
        WHERE k.factor_id = v_key.factor_id;
    ELSIF v_proof.reason = 'copied key' THEN
        UPDATE saas.mfa_hardware_keys AS k SET copied_at = clock_timestamp() WHERE k.factor_id = v_key.factor_id;
    END IF;
    RETURN v_proof.reason;
END
$$;
COMMENT ON FUNCTION saas.use_hardware_key(uuid, text) IS
'Uses up the answer of a hardware key, and the challenge that it answers: NULL, or why it is refused. Within an attempt only.';
REVOKE ALL ON FUNCTION saas.use_hardware_key(uuid, text) FROM PUBLIC;

ALTER TABLE saas.mfa_hardware_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.mfa_hardware_keys FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.mfa_challenges ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.mfa_challenges FORCE ROW LEVEL SECURITY;
CREATE POLICY mfa_hardware_keys_app_select ON saas.mfa_hardware_keys
FOR SELECT TO saas_app, saas_service
USING (user_id = saas.current_user_id());
GRANT SELECT ON saas.mfa_hardware_keys TO saas_app, saas_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON saas.mfa_hardware_keys, saas.mfa_challenges TO saas_internal;

COMMENT ON TABLE saas.mfa_hardware_keys IS 'Hardware keys that are second factors, with what they said of themselves last. Their public keys are the sealed secrets of the factors.';
COMMENT ON COLUMN saas.mfa_hardware_keys.factor_id IS 'The factor. [internal]';
COMMENT ON COLUMN saas.mfa_hardware_keys.user_id IS 'Whose it is. [internal]';
COMMENT ON COLUMN saas.mfa_hardware_keys.credential_id IS 'How the key calls its credential. [confidential]';
COMMENT ON COLUMN saas.mfa_hardware_keys.algorithm IS 'ES256, EdDSA or RS256. [internal]';
COMMENT ON COLUMN saas.mfa_hardware_keys.sign_count IS 'How many signatures the key counted when it was used last; 0 for ever when it does not count. [internal]';
COMMENT ON COLUMN saas.mfa_hardware_keys.user_verified IS 'Whether the key asked for a PIN or a fingerprint when it was used last. [internal]';
COMMENT ON COLUMN saas.mfa_hardware_keys.backup_eligible IS 'Whether the key may be copied to other devices of the user. [internal]';
COMMENT ON COLUMN saas.mfa_hardware_keys.backed_up IS 'Whether it was, when it was used last. [internal]';
COMMENT ON COLUMN saas.mfa_hardware_keys.model IS 'The model of the authenticator (AAGUID), which nobody has proved; zeros when it does not tell. [internal]';
COMMENT ON COLUMN saas.mfa_hardware_keys.attestation IS 'none; self: signed by the key itself; unchecked: in a format that is not verified. [internal]';
COMMENT ON COLUMN saas.mfa_hardware_keys.transports IS 'How the browser reaches it: usb, nfc, ble, smart-card, hybrid, internal. [internal]';
COMMENT ON COLUMN saas.mfa_hardware_keys.last_used_at IS 'When it was accepted last. [internal]';
COMMENT ON COLUMN saas.mfa_hardware_keys.copied_at IS 'When an answer was refused last because the counter had been further: there may be a second one. [internal]';
COMMENT ON TABLE saas.mfa_challenges IS 'What hardware keys are to answer. A row goes with its answer.';
COMMENT ON COLUMN saas.mfa_challenges.id IS 'Identifier. [internal]';
COMMENT ON COLUMN saas.mfa_challenges.user_id IS 'Who is to answer. [internal]';
COMMENT ON COLUMN saas.mfa_challenges.session_id IS 'In which session; NULL for signing in. [internal]';
COMMENT ON COLUMN saas.mfa_challenges.challenge_hash IS 'SHA-256 of the challenge. [restricted]';
COMMENT ON COLUMN saas.mfa_challenges.expires_at IS 'When it ends. [internal]';
