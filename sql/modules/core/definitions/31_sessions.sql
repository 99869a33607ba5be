-- Sessions: a token in the hands of a user who signed in, and the request context it stands for.
CREATE OR REPLACE FUNCTION saas.create_session(
    p_user uuid,
    p_default_team uuid DEFAULT NULL,
    p_ip inet DEFAULT NULL,
    p_user_agent text DEFAULT NULL,
    p_expires_in interval DEFAULT '30 days'
)
RETURNS TABLE (session_id uuid, token text, expires_at timestamptz)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_token text := 'ses_' || saas.random_token();
    v_expires timestamptz := now() + p_expires_in;
    v_id uuid;
BEGIN
    IF p_expires_in IS NULL OR p_expires_in <= '0' OR p_expires_in > '400 days' THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'a session must expire',
            HINT = 'Give an interval of more than 0 and at most 400 days.';
    END IF;
    PERFORM FROM saas.users AS u
    WHERE u.id = p_user AND u.is_active AND u.deleted_at IS NULL
    FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'only an active user can sign in';
    END IF;
    INSERT INTO saas.user_sessions (user_id, default_team_id, token_hash, ip, user_agent, expires_at)
    VALUES (p_user, p_default_team, saas.token_hash(v_token), p_ip, left(p_user_agent, 500), v_expires)
    RETURNING id INTO v_id;
    RETURN QUERY SELECT v_id, v_token, v_expires;
END
$$;
COMMENT ON FUNCTION saas.create_session(uuid, uuid, inet, text, interval) IS
'Signs a user in, whom the caller has authenticated, and returns the session''s token, this once.';
REVOKE ALL ON FUNCTION saas.create_session(uuid, uuid, inet, text, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.create_session(uuid, uuid, inet, text, interval) TO saas_service;

CREATE OR REPLACE FUNCTION saas.verify_session(p_token text)
RETURNS uuid
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT s.user_id
    FROM saas.user_sessions AS s
    JOIN saas.users AS u ON u.id = s.user_id
    WHERE s.token_hash = saas.token_hash(p_token)
        AND s.revoked_at IS NULL
        AND s.expires_at > now()
        AND u.is_active
        AND u.deleted_at IS NULL
$$;
COMMENT ON FUNCTION saas.verify_session(text) IS
'The user whose session this token proves; NULL when it is unknown, expired or revoked, or the user is not active. Sets no context.';
REVOKE ALL ON FUNCTION saas.verify_session(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.verify_session(text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.only_team_of(p_user uuid)
RETURNS uuid
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT (array_agg(m.team_id))[1]
    FROM saas.team_members AS m
    JOIN saas.teams AS t ON t.id = m.team_id
    WHERE m.user_id = p_user AND m.status = 'active' AND t.is_active AND t.deleted_at IS NULL
    HAVING count(*) = 1
$$;
COMMENT ON FUNCTION saas.only_team_of(uuid) IS
'The team of a user who is active in exactly one; NULL otherwise.';
REVOKE ALL ON FUNCTION saas.only_team_of(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.touch_session(p_session uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF current_setting('transaction_read_only')::boolean THEN
        RETURN;
    END IF;
    -- Requests of one session that run at once do not wait for each other.
    UPDATE saas.user_sessions AS s
    SET last_seen_at = now()
    WHERE s.id = (
        SELECT l.id
        FROM saas.user_sessions AS l
        WHERE l.id = p_session AND l.last_seen_at <= now() - INTERVAL '1 minute'
        FOR NO KEY UPDATE SKIP LOCKED
    );
END
$$;
COMMENT ON FUNCTION saas.touch_session(uuid) IS
'Notes that a session was used, at most once a minute and never in a read-only transaction.';
REVOKE ALL ON FUNCTION saas.touch_session(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.authenticate_session(
    p_token text,
    p_team uuid DEFAULT NULL,
    OUT user_id uuid,
    OUT team_id uuid,
    OUT role text
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_session uuid;
BEGIN
    user_id := saas.verify_session(p_token);
    IF user_id IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA030',
            MESSAGE = 'the session is not valid',
            HINT = 'It was never there, has expired or was revoked, or its user is not active: sign in again.';
    END IF;
    SELECT s.id, COALESCE(p_team, s.default_team_id, saas.only_team_of(s.user_id))
    INTO v_session, team_id
    FROM saas.user_sessions AS s
    WHERE s.token_hash = saas.token_hash(p_token);
    role := saas.active_role(team_id, user_id);
    IF role IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = '42501',
            MESSAGE = 'no active membership in this team',
            HINT = 'Name a team in which the user is an active member.';
    END IF;
    PERFORM saas.touch_session(v_session);
    PERFORM saas.sign_context(team_id, user_id, role, NULL, v_session);
END
$$;
COMMENT ON FUNCTION saas.authenticate_session(text, uuid) IS
'Sets the request context by a session''s token. Part of saas.authenticate().';
REVOKE ALL ON FUNCTION saas.authenticate_session(text, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.token_kind(p_token text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- By the form alone: what the token is worth is for others to find out.
    SELECT CASE
        WHEN p_token LIKE 'sk\_%' THEN 'api_key'
        WHEN octet_length(p_token) <= 16384 AND p_token ~ '^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$' THEN 'jwt'
        ELSE 'session'
    END
$$;
COMMENT ON FUNCTION saas.token_kind(text) IS
'What a token looks like: api_key (sk_…), jwt (three parts between dots), else session.';
REVOKE ALL ON FUNCTION saas.token_kind(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.token_kind(text) TO saas_app, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.authenticate(
    p_token text,
    p_team uuid DEFAULT NULL,
    p_ip inet DEFAULT NULL,
    OUT user_id uuid,
    OUT team_id uuid,
    OUT role text
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_kind text := saas.token_kind(p_token);
BEGIN
    IF v_kind = 'session' THEN
        SELECT s.user_id, s.team_id, s.role
        INTO user_id, team_id, role
        FROM saas.authenticate_session(p_token, p_team) AS s;
        RETURN;
    ELSIF v_kind = 'api_key' THEN
        SELECT k.team_id, k.role
        INTO team_id, role
        FROM saas.authenticate_api_key(p_token, p_ip) AS k;
    -- Module core does without the module that reads other tokens.
    ELSIF to_regprocedure(pg_catalog.format('saas.%I(text, uuid)', 'authenticate_' || v_kind)) IS NOT NULL THEN
        EXECUTE pg_catalog.format('SELECT t.user_id, t.team_id, t.role FROM saas.%I($1, $2) AS t', 'authenticate_' || v_kind)
        INTO user_id, team_id, role
        USING p_token, p_team;
    ELSE
        RAISE EXCEPTION USING
            ERRCODE = 'SA030',
            MESSAGE = 'the session is not valid',
            HINT = 'JSON Web Tokens are read by module security.';
    END IF;
    IF team_id <> p_team THEN
        RAISE EXCEPTION USING
            ERRCODE = '42501',
            MESSAGE = 'the token is for another team',
            HINT = 'Leave p_team out, or name the team of the token.';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.authenticate(text, uuid, inet) IS
'Sets the request context by a token until the end of the transaction. A session''s: its user, in the team named, else in the session''s default team, else in the user''s only one; an API key''s: its team, role and scopes, with p_ip as the caller''s address; a JSON Web Token''s. SA030 for a session that is not valid, 42501 without an active membership or for another team, else as authenticate_api_key() and authenticate_jwt().';
REVOKE ALL ON FUNCTION saas.authenticate(text, uuid, inet) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.authenticate(text, uuid, inet) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.end_session(p_token text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    UPDATE saas.user_sessions AS s
    SET revoked_at = now()
    WHERE s.token_hash = saas.token_hash(p_token) AND s.revoked_at IS NULL;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION saas.end_session(text) IS
'Signs out: the token is worth nothing from now on. False when it was not valid anyway.';
REVOKE ALL ON FUNCTION saas.end_session(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.end_session(text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.revoke_session(p_session uuid)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    UPDATE saas.user_sessions AS s
    SET revoked_at = now()
    WHERE s.id = p_session
        AND s.revoked_at IS NULL
        AND (s.user_id = saas.current_user_id() OR saas.acts_as_service());
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION saas.revoke_session(uuid) IS
'Ends a session of the current user, for saas_service of any user. False when there is no such session that still holds.';
REVOKE ALL ON FUNCTION saas.revoke_session(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.revoke_session(uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.revoke_all_sessions(
    p_user uuid DEFAULT NULL,
    p_keep_session uuid DEFAULT NULL
)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_user uuid := COALESCE(p_user, saas.current_user_id());
    v_revoked integer;
BEGIN
    IF v_user IS NULL OR (v_user IS DISTINCT FROM saas.current_user_id() AND NOT saas.acts_as_service()) THEN
        PERFORM saas.require_platform_role('admin');
    END IF;
    UPDATE saas.user_sessions AS s
    SET revoked_at = now()
    WHERE s.user_id = v_user AND s.revoked_at IS NULL AND s.id IS DISTINCT FROM p_keep_session;
    GET DIAGNOSTICS v_revoked = ROW_COUNT;
    RETURN v_revoked;
END
$$;
COMMENT ON FUNCTION saas.revoke_all_sessions(uuid, uuid) IS
'Ends all sessions of the current user but the one to keep; of any user for saas_service and platform admins. Returns how many.';
REVOKE ALL ON FUNCTION saas.revoke_all_sessions(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.revoke_all_sessions(uuid, uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.purge_sessions(p_kept interval DEFAULT '30 days')
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_purged bigint;
BEGIN
    DELETE FROM saas.user_sessions AS s
    WHERE s.expires_at < now() - p_kept OR s.revoked_at < now() - p_kept;
    GET DIAGNOSTICS v_purged = ROW_COUNT;
    RETURN v_purged;
END
$$;
COMMENT ON FUNCTION saas.purge_sessions(interval) IS
'Removes sessions that ended longer ago than this; run it daily. Returns how many.';
REVOKE ALL ON FUNCTION saas.purge_sessions(interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.purge_sessions(interval) TO saas_service;
