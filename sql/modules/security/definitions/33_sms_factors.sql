-- Telephones as second factors.
CREATE OR REPLACE FUNCTION saas.enroll_sms(p_number text, p_label text DEFAULT 'Telephone', p_user uuid DEFAULT NULL)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_user uuid := saas.own_user(p_user);
    v_number text := translate(left(p_number, 40), ' -/().', '');
    v_factor uuid := saas.uuid_v7();
BEGIN
    IF v_number IS NULL OR v_number !~ '^\+[1-9][0-9]{6,14}$' THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'this is no international telephone number',
            HINT = 'It has a plus sign, the country''s code and at most 15 digits: +49 30 123456.';
    END IF;
    PERFORM saas.begin_factor(v_user, p_label);
    INSERT INTO saas.mfa_factors (id, user_id, kind, label, sealed_secret)
    VALUES (v_factor, v_user, 'sms', p_label, saas.seal_mfa_secret(v_factor, v_user, convert_to(v_number, 'UTF8')));
    RETURN v_factor;
END
$$;
COMMENT ON FUNCTION saas.enroll_sms(text, text, uuid) IS
'Begins to add a telephone as a second factor, by its international number, which is stored encrypted. The worker sends it a code (issue_mfa_code() with the factor named); it counts after confirm_sms(). Who has a factor already gives verify_mfa() a code of it first (SA125). Of the current user; saas_service may name any.';
REVOKE ALL ON FUNCTION saas.enroll_sms(text, text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.enroll_sms(text, text, uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.confirm_sms(
    p_factor uuid,
    p_code text,
    p_user uuid DEFAULT NULL,
    OUT accepted boolean,
    OUT reason text,
    OUT retry_after interval,
    OUT recovery_codes text[]
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_user uuid := saas.own_user(p_user);
BEGIN
    accepted := false;
    retry_after := saas.begin_attempt(v_user, 'mfa');
    IF retry_after IS NOT NULL THEN
        reason := 'locked';
        RETURN;
    END IF;
    PERFORM FROM saas.mfa_factors AS f
    WHERE f.id = p_factor AND f.user_id = v_user AND f.kind = 'sms' AND f.state = 'pending'
        AND f.created_at > now() - INTERVAL '1 hour'
    FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'P0002',
            MESSAGE = 'there is no such second factor that waits for its first code',
            HINT = 'Begin again with saas.enroll_sms(); it waits for an hour.';
    END IF;
    accepted := saas.use_sms_code(v_user, translate(left(p_code, 40), ' -', ''), p_factor);
    -- Counted, since a number that is not the user's own could be guessed at otherwise.
    retry_after := saas.end_attempt(v_user, 'mfa', accepted);
    IF accepted THEN
        recovery_codes := saas.activate_factor(p_factor, v_user, NULL);
    ELSE
        reason := 'wrong code';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.confirm_sms(uuid, text, uuid) IS
'Makes a telephone count, by the code that was sent to it: accepted, or why not (wrong code, locked). With the user''s first factor come ten recovery codes, shown this once. Commit also when it is refused: the failure is stored then.';
REVOKE ALL ON FUNCTION saas.confirm_sms(uuid, text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.confirm_sms(uuid, text, uuid) TO saas_app, saas_service;

ALTER TABLE saas.mfa_codes ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.mfa_codes FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON saas.mfa_codes TO saas_internal;

COMMENT ON COLUMN saas.user_sessions.mfa_at IS 'When a code of a second factor was accepted in this session last. [internal]';
COMMENT ON TABLE saas.mfa_codes IS 'The newest code that was sent to each telephone, as a keyed hash.';
COMMENT ON COLUMN saas.mfa_codes.factor_id IS 'The telephone, of saas.mfa_factors. [internal]';
COMMENT ON COLUMN saas.mfa_codes.code_hash IS 'Keyed hash of the code; NULL once it was used, or guessed at five times. [restricted]';
COMMENT ON COLUMN saas.mfa_codes.expires_at IS 'When the code ends. [internal]';
COMMENT ON COLUMN saas.mfa_codes.failures IS 'Wrong codes given since it was sent. [internal]';
COMMENT ON COLUMN saas.mfa_codes.sent_at IS 'When it was made for sending. [internal]';
COMMENT ON COLUMN saas.mfa_codes.hour_began_at IS 'When the hour began in which codes are counted. [internal]';
COMMENT ON COLUMN saas.mfa_codes.sent_in_hour IS 'Codes made in that hour. [internal]';
