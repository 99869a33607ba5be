-- Passwords: bcrypt by pgcrypto, wherever that extension is installed.
CREATE OR REPLACE FUNCTION saas.bcrypt(p_password text, p_salt text)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_schema text;
    v_hash text;
BEGIN
    SELECT n.nspname INTO v_schema
    FROM pg_catalog.pg_extension AS e
    JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
    WHERE e.extname = 'pgcrypto';
    -- $2b$ and $2y$ are names that others gave to what $2a$ is here.
    EXECUTE pg_catalog.format('SELECT %I.crypt($1::text, $2::text)', v_schema)
    INTO v_hash
    USING p_password, regexp_replace(p_salt, '^\$2[by]\$', '$2a$');
    RETURN v_hash;
END
$$;
COMMENT ON FUNCTION saas.bcrypt(text, text) IS
'The bcrypt hash of a password with the salt and cost of another hash.';
REVOKE ALL ON FUNCTION saas.bcrypt(text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.password_form(p_password text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- One accented letter has two spellings in Unicode, and which one is typed depends on the device.
    SELECT CASE
        WHEN octet_length(p_password) > 1000 THEN NULL
        WHEN current_setting('server_encoding') = 'UTF8' THEN normalize(p_password, NFC)
        ELSE p_password
    END
$$;
COMMENT ON FUNCTION saas.password_form(text) IS
'A password in the spelling that is hashed; NULL when it is far too long to be one.';
REVOKE ALL ON FUNCTION saas.password_form(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.password_form(text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.hash_password(p_password text)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_password text := saas.password_form(p_password);
    v_least integer;
    v_schema text;
    v_salt text;
BEGIN
    PERFORM saas.current_team_id(); -- loads the library, which defines the settings
    v_least := current_setting('saas.password_min_length')::integer;
    IF p_password IS NULL OR length(p_password) < v_least THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA126',
            MESSAGE = 'the password is too short',
            HINT = pg_catalog.format('Use at least %s characters.', v_least);
    END IF;
    IF v_password IS NULL OR octet_length(v_password) > 72 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA126',
            MESSAGE = 'the password is too long',
            DETAIL = 'bcrypt reads 72 bytes; whatever came after them would not count.',
            HINT = 'Use at most 72 bytes: 72 letters without accents, fewer of other scripts.';
    END IF;
    SELECT n.nspname INTO v_schema
    FROM pg_catalog.pg_extension AS e
    JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
    WHERE e.extname = 'pgcrypto';
    EXECUTE pg_catalog.format('SELECT %I.gen_salt($1::text, $2::integer)', v_schema)
    INTO v_salt
    USING 'bf', current_setting('saas.password_cost')::integer;
    RETURN saas.bcrypt(v_password, v_salt);
END
$$;
COMMENT ON FUNCTION saas.hash_password(text) IS
'The bcrypt hash of a new password; SA126 when it is too short or too long.';
REVOKE ALL ON FUNCTION saas.hash_password(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.password_matches(p_password text, p_hash text)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_password text := saas.password_form(p_password);
    v_fits boolean := COALESCE(octet_length(v_password) <= 72, false);
    -- The hash of no password, for users who are not there or have none: the same work.
    v_hash text := COALESCE(
        p_hash,
        pg_catalog.format('$2a$%s$', lpad(current_setting('saas.password_cost'), 2, '0')) || repeat('.', 53)
    );
    v_right boolean;
BEGIN
    v_right := substr(saas.bcrypt(CASE WHEN v_fits THEN v_password ELSE '' END, v_hash), 4) = substr(v_hash, 4);
    RETURN v_right AND v_fits AND p_hash IS NOT NULL;
END
$$;
COMMENT ON FUNCTION saas.password_matches(text, text) IS
'Whether a password has this hash. NULL, too long a password and no hash are as much work, and false.';
REVOKE ALL ON FUNCTION saas.password_matches(text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.check_password(
    p_user uuid,
    p_hash text,
    p_password text,
    OUT accepted boolean,
    OUT reason text,
    OUT retry_after interval
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_right boolean;
BEGIN
    PERFORM saas.current_team_id(); -- loads the library, which defines the settings
    IF p_user IS NOT NULL THEN
        retry_after := saas.begin_attempt(p_user, 'password');
    ELSE
        -- A count of failures is written and waits for the disk at commit: so does this.
        PERFORM pg_logical_emit_message(true, 'pg_saas', '');
    END IF;
    -- Whatever is known already, the password is hashed, so that the time tells nothing.
    v_right := saas.password_matches(p_password, p_hash);
    accepted := COALESCE(v_right AND p_user IS NOT NULL AND retry_after IS NULL, false);
    IF retry_after IS NOT NULL THEN
        reason := 'locked';
        RETURN;
    END IF;
    reason := CASE WHEN NOT accepted THEN 'wrong password' END;
    IF p_user IS NOT NULL THEN
        retry_after := saas.end_attempt(p_user, 'password', accepted);
    END IF;
    -- A password that was hashed when less work was enough is hashed again while it is known.
    IF accepted AND substr(p_hash, 5, 2)::integer < current_setting('saas.password_cost')::integer
        AND length(p_password) >= current_setting('saas.password_min_length')::integer
    THEN
        UPDATE saas.users AS u
        SET password_hash = saas.hash_password(p_password)
        WHERE u.id = p_user AND u.password_hash = p_hash;
    END IF;
END
$$;
COMMENT ON FUNCTION saas.check_password(uuid, text, text) IS
'One attempt with a user''s password; the user may be NULL, for an address that nobody has.';
REVOKE ALL ON FUNCTION saas.check_password(uuid, text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.count_stranger(p_email text, OUT reason text, OUT retry_after interval)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    -- In place of the id of a user; nobody's id is one.
    v_stranger uuid := md5('address:' || lower(left(p_email, 300)))::uuid;
    v_now timestamptz := clock_timestamp();
    v_until timestamptz;
BEGIN
    IF v_stranger IS NULL THEN
        RETURN;
    END IF;
    SELECT n.last_failed_at + saas.attempt_pause(n.failures) INTO v_until
    FROM saas.noted_failures(v_stranger, 'password') AS n;
    IF v_until > v_now THEN
        reason := 'locked';
    ELSE
        v_until := v_now + saas.attempt_pause(saas.note_failed_attempt(v_stranger, 'password', 0));
    END IF;
    retry_after := v_until - clock_timestamp();
END
$$;
COMMENT ON FUNCTION saas.count_stranger(text) IS
'Counts a failure at an address that nobody has, in shared memory alone: it is locked as that of a user is, so that this does not tell whose addresses there are.';
REVOKE ALL ON FUNCTION saas.count_stranger(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.verify_password(
    p_email text,
    p_password text,
    OUT user_id uuid,
    OUT accepted boolean,
    OUT reason text,
    OUT retry_after interval
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_user record;
BEGIN
    -- Locked: a password that changes meanwhile is the one that counts, and a change that comes later ends
    -- the session that this opens.
    SELECT u.id, u.password_hash INTO v_user
    FROM saas.users AS u
    WHERE lower(u.email) = lower(left(p_email, 300)) AND u.is_active AND u.deleted_at IS NULL
    FOR NO KEY UPDATE;
    SELECT c.accepted, c.reason, c.retry_after
    INTO accepted, reason, retry_after
    FROM saas.check_password(v_user.id, v_user.password_hash, p_password) AS c;
    user_id := CASE WHEN accepted THEN v_user.id END;
    IF v_user.id IS NULL THEN
        SELECT COALESCE(s.reason, verify_password.reason), s.retry_after INTO reason, retry_after
        FROM saas.count_stranger(p_email) AS s;
    END IF;
END
$$;
COMMENT ON FUNCTION saas.verify_password(text, text) IS
'Whose address and password these are: accepted, or why not (wrong password, locked) and for how long every further attempt is refused. An unknown address, a user who is not active and one without a password are answered like a wrong password, after the same work. Commit also when it is refused: the failure is stored then.';
REVOKE ALL ON FUNCTION saas.verify_password(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.verify_password(text, text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.store_password(p_user uuid, p_password text, p_keep_session uuid DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    UPDATE saas.users AS u
    SET password_hash = saas.hash_password(p_password)
    WHERE u.id = p_user AND u.deleted_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = 'there is no such user';
    END IF;
    -- Whoever knew the old one is out.
    UPDATE saas.user_sessions AS s
    SET revoked_at = now()
    WHERE s.user_id = p_user AND s.revoked_at IS NULL AND s.id IS DISTINCT FROM p_keep_session;
    UPDATE saas.user_tokens AS t
    SET revoked_at = now()
    WHERE t.user_id = p_user
        AND t.purpose IN ('password_reset', 'magic_link')
        AND t.used_at IS NULL
        AND t.revoked_at IS NULL;
END
$$;
COMMENT ON FUNCTION saas.store_password(uuid, text, uuid) IS
'Gives a user a new password and ends sessions and open tokens.';
REVOKE ALL ON FUNCTION saas.store_password(uuid, text, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.set_password(
    p_password text,
    p_current_password text DEFAULT NULL,
    p_user uuid DEFAULT NULL,
    p_keep_session uuid DEFAULT NULL,
    OUT accepted boolean,
    OUT reason text,
    OUT retry_after interval
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_user uuid := saas.own_user(p_user);
    v_hash text;
BEGIN
    SELECT u.password_hash INTO v_hash
    FROM saas.users AS u
    WHERE u.id = v_user AND u.deleted_at IS NULL
    FOR NO KEY UPDATE;
    accepted := true;
    IF v_hash IS NOT NULL AND NOT saas.acts_as_service() THEN
        SELECT c.accepted, c.reason, c.retry_after
        INTO accepted, reason, retry_after
        FROM saas.check_password(v_user, v_hash, p_current_password) AS c;
    END IF;
    IF accepted THEN
        PERFORM saas.store_password(v_user, p_password, p_keep_session);
    END IF;
END
$$;
COMMENT ON FUNCTION saas.set_password(text, text, uuid, uuid) IS
'Gives the current user a new password; who has one gives it as well, and is answered as by verify_password() when it is wrong. saas_service may name any user, without the old one. SA126 for a password that is too short, or longer than bcrypt''s 72 bytes. Ends all sessions of the user but the one to keep.';
REVOKE ALL ON FUNCTION saas.set_password(text, text, uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.set_password(text, text, uuid, uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.open_session(
    p_user uuid,
    p_code text,
    p_team uuid,
    p_ip inet,
    p_user_agent text,
    p_expires_in interval,
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
    v_proved boolean := saas.has_mfa(p_user);
BEGIN
    IF v_proved THEN
        IF p_code IS NULL THEN
            reason := 'code needed';
            options := saas.make_mfa_challenge(p_user, saas.current_session_id());
            RETURN;
        END IF;
        SELECT c.reason, c.retry_after INTO reason, retry_after FROM saas.check_mfa(p_user, p_code) AS c;
        IF reason IS NOT NULL THEN
            RETURN;
        END IF;
    END IF;
    SELECT s.session_id, s.token, s.expires_at
    INTO session_id, token, expires_at
    FROM saas.create_session(p_user, p_team, p_ip, p_user_agent, p_expires_in) AS s;
    IF v_proved THEN
        UPDATE saas.user_sessions AS s SET mfa_at = clock_timestamp() WHERE s.id = open_session.session_id;
    END IF;
END
$$;
COMMENT ON FUNCTION saas.open_session(uuid, text, uuid, inet, text, interval) IS
'Signs in somebody whose first factor is proved, with the second one where there is one.';
REVOKE ALL ON FUNCTION saas.open_session(uuid, text, uuid, inet, text, interval) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.sign_in(
    p_email text,
    p_password text,
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
    v_user uuid;
BEGIN
    SELECT v.user_id, v.reason, v.retry_after
    INTO v_user, reason, retry_after
    FROM saas.verify_password(p_email, p_password) AS v;
    IF v_user IS NULL THEN
        RETURN;
    END IF;
    SELECT s.session_id, s.token, s.expires_at, s.reason, s.retry_after, s.options
    INTO session_id, token, expires_at, reason, retry_after, options
    FROM saas.open_session(v_user, p_code, p_team, p_ip, p_user_agent, p_expires_in) AS s;
    user_id := CASE WHEN session_id IS NOT NULL THEN v_user END;
END
$$;
COMMENT ON FUNCTION saas.sign_in(text, text, text, uuid, inet, text, interval) IS
'Signs a user in by address, password and, where the user has a second factor, a code of it: a session''s token, this once; or the reason (wrong password, code needed, wrong code, code was used already, locked, and those of verify_mfa() for a hardware key). With code needed come the options for the user''s hardware keys, as of challenge_hardware_key(), if there are any: the answer is the code of the next call. Commit also when it is refused: the failure is stored then.';
REVOKE ALL ON FUNCTION saas.sign_in(text, text, text, uuid, inet, text, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.sign_in(text, text, text, uuid, inet, text, interval) TO saas_app, saas_service;
