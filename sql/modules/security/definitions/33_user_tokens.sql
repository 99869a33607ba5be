-- Tokens that are sent to a user's address and work once.
CREATE OR REPLACE FUNCTION saas.issue_user_token(
    p_email text,
    p_purpose text,
    p_expires_in interval DEFAULT NULL
)
RETURNS TABLE (user_id uuid, token text, expires_at timestamptz)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_expires_in interval := COALESCE(p_expires_in, CASE p_purpose
        WHEN 'password_reset' THEN INTERVAL '1 hour'
        WHEN 'magic_link' THEN INTERVAL '15 minutes'
        ELSE INTERVAL '3 days'
    END);
    v_email text;
BEGIN
    IF COALESCE(p_purpose, '') NOT IN ('password_reset', 'magic_link', 'email_verification') THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'there is no such purpose of a token',
            HINT = 'The purposes are password_reset, magic_link and email_verification.';
    END IF;
    IF v_expires_in <= '0' OR v_expires_in > '30 days' THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'a token must expire',
            HINT = 'Give an interval of more than 0 and at most 30 days.';
    END IF;
    SELECT u.id, u.email INTO user_id, v_email
    FROM saas.users AS u
    WHERE lower(u.email) = lower(left(p_email, 300)) AND u.is_active AND u.deleted_at IS NULL
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- The row of the user is locked: two requests go one after another, and the later one counts.
    UPDATE saas.user_tokens AS t
    SET revoked_at = now()
    WHERE t.user_id = issue_user_token.user_id
        AND t.purpose = p_purpose
        AND t.used_at IS NULL
        AND t.revoked_at IS NULL;
    token := CASE p_purpose WHEN 'password_reset' THEN 'rst_' WHEN 'magic_link' THEN 'lnk_' ELSE 'eml_' END || saas.random_token();
    expires_at := now() + v_expires_in;
    INSERT INTO saas.user_tokens (user_id, purpose, token_hash, email, expires_at)
    VALUES (user_id, p_purpose, saas.token_hash(token), v_email, expires_at);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION saas.issue_user_token(text, text, interval) IS
'A token for a user''s address, to be sent there, this once: password_reset (an hour), magic_link (15 minutes) or email_verification (3 days). It takes the place of an older one. No row for an address that nobody has: tell the visitor the same either way.';
REVOKE ALL ON FUNCTION saas.issue_user_token(text, text, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.issue_user_token(text, text, interval) TO saas_service;

CREATE OR REPLACE FUNCTION saas.take_user_token(p_token text, p_purpose text)
RETURNS saas.user_tokens
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_token saas.user_tokens;
BEGIN
    -- The user first, as everything that changes a user's tokens does: a new password that is under way
    -- ends the token, and one that comes later ends the session that the token opens.
    PERFORM FROM saas.users AS u
    WHERE u.id = (
        SELECT t.user_id
        FROM saas.user_tokens AS t
        WHERE t.token_hash = saas.token_hash(p_token) AND t.purpose = p_purpose
    )
    FOR NO KEY UPDATE;
    -- Two sessions with one token meet at this row, and the second one finds it used.
    SELECT t.* INTO v_token
    FROM saas.user_tokens AS t
    WHERE t.token_hash = saas.token_hash(p_token) AND t.purpose = p_purpose
    FOR UPDATE;
    IF v_token.used_at IS NULL
        AND v_token.revoked_at IS NULL
        AND v_token.expires_at > now()
        AND EXISTS (
            SELECT
            FROM saas.users AS u
            WHERE u.id = v_token.user_id AND u.email = v_token.email AND u.is_active AND u.deleted_at IS NULL
        )
    THEN
        RETURN v_token;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'SA127',
        MESSAGE = CASE
            WHEN v_token.used_at IS NOT NULL THEN 'the token was used already'
            WHEN v_token.revoked_at IS NOT NULL THEN 'a newer token or password took the place of this one'
            WHEN v_token.expires_at <= now() THEN 'the token has expired'
            ELSE 'the token is not valid'
        END,
        HINT = 'Ask for a new one.';
END
$$;
COMMENT ON FUNCTION saas.take_user_token(text, text) IS
'The row of a token that works, locked, for the functions that use it up; SA127 for any other.';
REVOKE ALL ON FUNCTION saas.take_user_token(text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.reset_password(p_token text, p_password text)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_token saas.user_tokens := saas.take_user_token(p_token, 'password_reset');
BEGIN
    UPDATE saas.user_tokens AS t SET used_at = now() WHERE t.id = v_token.id;
    PERFORM saas.store_password(v_token.user_id, p_password);
    UPDATE saas.credential_attempts AS a
    SET failures = 0, locked_until = NULL
    WHERE a.user_id = v_token.user_id AND a.kind = 'password';
    PERFORM saas.forget_failed_attempts(v_token.user_id, 'password');
    RETURN v_token.user_id;
END
$$;
COMMENT ON FUNCTION saas.reset_password(text, text) IS
'Sets a new password by a token for password_reset, and ends all sessions of the user. SA127 when the token is unknown, used, replaced or expired; SA126 for a password that is too short or too long, and the token still works. A second factor is asked for when signing in.';
REVOKE ALL ON FUNCTION saas.reset_password(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.reset_password(text, text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.sign_in_by_link(
    p_token text,
    p_code text DEFAULT NULL,
    p_team uuid DEFAULT NULL,
    p_ip inet DEFAULT NULL,
    p_user_agent text DEFAULT NULL,
    p_expires_in interval DEFAULT '30 days',
    OUT user_id uuid,
    OUT session_id uuid,
    OUT token text,
    OUT expires_at timestamptz,
    OUT reason text,
    OUT retry_after interval,
    OUT options jsonb
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_token saas.user_tokens := saas.take_user_token(p_token, 'magic_link');
BEGIN
    SELECT s.session_id, s.token, s.expires_at, s.reason, s.retry_after, s.options
    INTO session_id, token, expires_at, reason, retry_after, options
    FROM saas.open_session(v_token.user_id, p_code, p_team, p_ip, p_user_agent, p_expires_in) AS s;
    -- Without the code of a second factor the link waits for it.
    IF session_id IS NOT NULL THEN
        UPDATE saas.user_tokens AS t SET used_at = now() WHERE t.id = v_token.id;
        user_id := v_token.user_id;
    END IF;
END
$$;
COMMENT ON FUNCTION saas.sign_in_by_link(text, text, uuid, inet, text, interval) IS
'Signs a user in by a token for magic_link and, where the user has a second factor, a code of it: as sign_in(). SA127 when the token is unknown, used, replaced or expired.';
REVOKE ALL ON FUNCTION saas.sign_in_by_link(text, text, uuid, inet, text, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.sign_in_by_link(text, text, uuid, inet, text, interval) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.verify_email(p_token text)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_token saas.user_tokens := saas.take_user_token(p_token, 'email_verification');
BEGIN
    UPDATE saas.user_tokens AS t SET used_at = now() WHERE t.id = v_token.id;
    RETURN v_token.user_id;
END
$$;
COMMENT ON FUNCTION saas.verify_email(text) IS
'Proves a user''s address by a token for email_verification; SA127 when it is unknown, used, replaced or expired, or the address has changed.';
REVOKE ALL ON FUNCTION saas.verify_email(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.verify_email(text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.has_verified_email(p_user uuid DEFAULT NULL)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_user uuid := saas.own_user(p_user);
BEGIN
    -- What was sent there came back.
    RETURN EXISTS (
        SELECT
        FROM saas.user_tokens AS t
        JOIN saas.users AS u ON u.id = t.user_id AND u.email = t.email
        WHERE t.user_id = v_user AND t.used_at IS NOT NULL
    );
END
$$;
COMMENT ON FUNCTION saas.has_verified_email(uuid) IS
'Whether the user has proved the address that the user has now. Of the current user; saas_service may name any.';
REVOKE ALL ON FUNCTION saas.has_verified_email(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.has_verified_email(uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.purge_user_tokens(p_kept interval DEFAULT '30 days')
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_purged bigint;
BEGIN
    IF p_kept IS NULL OR now() - p_kept > now() THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'tokens are kept for an interval that is not negative',
            HINT = 'Less would remove tokens that still work.';
    END IF;
    -- Those that were used prove the address.
    DELETE FROM saas.user_tokens AS t
    WHERE t.used_at IS NULL AND (t.expires_at < now() - p_kept OR t.revoked_at < now() - p_kept);
    GET DIAGNOSTICS v_purged = ROW_COUNT;
    RETURN v_purged;
END
$$;
COMMENT ON FUNCTION saas.purge_user_tokens(interval) IS
'Removes tokens that ended unused longer ago than this; run it daily. Returns how many.';
REVOKE ALL ON FUNCTION saas.purge_user_tokens(interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.purge_user_tokens(interval) TO saas_service;
