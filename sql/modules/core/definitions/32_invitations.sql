-- Invitations: a token that lets one person into a team, once.
CREATE OR REPLACE FUNCTION saas.invite_member(
    p_team uuid,
    p_email text,
    p_role text DEFAULT 'member',
    p_expires_in interval DEFAULT '7 days',
    p_match_email boolean DEFAULT true
)
RETURNS TABLE (invitation_id uuid, token text, expires_at timestamptz)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_token text := 'inv_' || replace(p_team::text, '-', '') || '_' || saas.random_token();
    v_expires timestamptz := now() + p_expires_in;
    v_id uuid;
BEGIN
    PERFORM saas.require_team(p_team, CASE p_role WHEN 'owner' THEN 'owner' ELSE 'admin' END);
    IF p_expires_in IS NULL OR p_expires_in <= '0' OR p_expires_in > '90 days' THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'an invitation must expire',
            HINT = 'Give an interval of more than 0 and at most 90 days.';
    END IF;
    -- The table checks the same, but its error would show the row, with the hash of the token.
    IF p_role NOT IN ('owner', 'admin', 'member', 'viewer')
        OR p_email !~ '^[^@[:space:]]+@[^@[:space:]]+$'
        OR length(p_email) > 254
    THEN
        RAISE EXCEPTION USING
            ERRCODE = '23514',
            MESSAGE = 'an invitation needs an e-mail address and a role',
            HINT = 'The roles are viewer, member, admin and owner.';
    END IF;
    PERFORM FROM saas.team_members AS m
    JOIN saas.users AS u ON u.id = m.user_id
    WHERE m.team_id = p_team
        AND m.status <> 'invited'
        AND lower(u.email) = lower(p_email)
        AND u.deleted_at IS NULL;
    IF FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = '23505',
            MESSAGE = 'the user with this address is in the team already',
            HINT = 'A suspended member comes back with saas.reactivate_member().';
    END IF;
    INSERT INTO saas.team_invitations AS i
        (team_id, email, role, match_email, token_hash, invited_by, expires_at)
    VALUES
        (p_team, p_email, p_role, p_match_email, saas.token_hash(v_token), saas.current_user_id(), v_expires)
    ON CONFLICT (team_id, lower(email)) WHERE accepted_at IS NULL AND revoked_at IS NULL
    DO UPDATE SET
        role = excluded.role,
        match_email = excluded.match_email,
        token_hash = excluded.token_hash,
        invited_by = excluded.invited_by,
        created_at = excluded.created_at,
        expires_at = excluded.expires_at
    RETURNING i.id INTO v_id;
    RETURN QUERY SELECT v_id, v_token, v_expires;
END
$$;
COMMENT ON FUNCTION saas.invite_member(uuid, text, text, interval, boolean) IS
'Invites an address into the team and returns the token, this once. Needs admin, and owner to invite an owner. Inviting the same address again replaces the token. Unless p_match_email is false, only the user with this address can accept.';
REVOKE ALL ON FUNCTION saas.invite_member(uuid, text, text, interval, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.invite_member(uuid, text, text, interval, boolean) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.raise_invitation_error(p_team uuid, p_hash bytea, p_email text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_invitation saas.team_invitations;
BEGIN
    -- Who has the token may know what became of it; for everybody else there is one answer.
    SELECT * INTO v_invitation
    FROM saas.team_invitations AS i
    WHERE i.team_id = p_team AND i.token_hash = p_hash;
    IF v_invitation.accepted_at IS NULL AND v_invitation.revoked_at IS NULL
        AND v_invitation.expires_at > now() AND v_invitation.match_email
        AND lower(v_invitation.email) <> lower(p_email)
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA029',
            MESSAGE = 'the invitation is for another e-mail address',
            HINT = 'Sign in with the address that was invited.';
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'SA028',
        MESSAGE = CASE
            WHEN v_invitation.accepted_at IS NOT NULL THEN 'the invitation was accepted already'
            WHEN v_invitation.revoked_at IS NOT NULL THEN 'the invitation was taken back'
            WHEN v_invitation.expires_at <= now() THEN 'the invitation has expired'
            ELSE 'the invitation is not valid'
        END,
        HINT = 'Ask an admin of the team for a new one.';
END
$$;
COMMENT ON FUNCTION saas.raise_invitation_error(uuid, bytea, text) IS
'Says why an invitation could not be accepted: SA029 for another address, else SA028.';
REVOKE ALL ON FUNCTION saas.raise_invitation_error(uuid, bytea, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.join_team(p_team uuid, p_user uuid, p_role text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_status text;
BEGIN
    INSERT INTO saas.team_members AS m (team_id, user_id, role)
    VALUES (p_team, p_user, p_role)
    ON CONFLICT (team_id, user_id) DO UPDATE SET role = excluded.role, status = 'active'
    WHERE m.status = 'invited';
    IF FOUND THEN
        RETURN;
    END IF;
    SELECT m.status INTO v_status
    FROM saas.team_members AS m
    WHERE m.team_id = p_team AND m.user_id = p_user;
    RAISE EXCEPTION USING
        ERRCODE = CASE v_status WHEN 'suspended' THEN '42501' ELSE '23505' END,
        MESSAGE = CASE v_status
            WHEN 'suspended' THEN 'a suspended member cannot come back by an invitation'
            ELSE 'the user is in the team already'
        END;
END
$$;
COMMENT ON FUNCTION saas.join_team(uuid, uuid, text) IS
'Makes a user an active member, for saas.accept_invitation(): 23505 for a member already, 42501 for a suspended one.';
REVOKE ALL ON FUNCTION saas.join_team(uuid, uuid, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.accept_invitation(
    p_token text,
    p_user uuid DEFAULT NULL,
    p_session_token text DEFAULT NULL
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_team uuid := saas.token_team(p_token);
    v_hash bytea := saas.token_hash(p_token);
    v_user uuid := COALESCE(p_user, saas.verify_session(p_session_token), saas.current_user_id());
    v_email text;
    v_role text;
BEGIN
    IF p_session_token IS NOT NULL AND saas.verify_session(p_session_token) IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA030',
            MESSAGE = 'the session is not valid',
            HINT = 'Sign in again.';
    END IF;
    IF p_user IS NOT NULL AND NOT saas.acts_as_service() AND p_user IS DISTINCT FROM saas.current_user_id() THEN
        RAISE EXCEPTION USING
            ERRCODE = '42501',
            MESSAGE = 'permission denied to accept for another user',
            HINT = 'Give the session token of the user, or call as saas_service.';
    END IF;
    SELECT u.email INTO v_email
    FROM saas.users AS u
    WHERE u.id = v_user AND u.is_active AND u.deleted_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = '42501',
            MESSAGE = 'who accepts an invitation must be signed in',
            HINT = 'Give the session token of the user, or call as saas_service with p_user.';
    END IF;
    -- Two sessions with one token meet at this row, and the second one finds it taken.
    UPDATE saas.team_invitations AS i
    SET accepted_at = now(), accepted_by = v_user
    WHERE i.team_id = v_team
        AND i.token_hash = v_hash
        AND i.accepted_at IS NULL
        AND i.revoked_at IS NULL
        AND i.expires_at > now()
        AND (NOT i.match_email OR lower(i.email) = lower(v_email))
        -- Whoever may no longer invite, or not as an owner, does not come back by what they left open.
        AND (
            i.invited_by IS NULL
            OR saas.active_role(i.team_id, i.invited_by) = 'owner'
            OR (i.role <> 'owner' AND saas.active_role(i.team_id, i.invited_by) = 'admin')
        )
        AND EXISTS (
            SELECT FROM saas.teams AS t WHERE t.id = v_team AND t.is_active AND t.deleted_at IS NULL
        )
    RETURNING i.role INTO v_role;
    IF NOT FOUND THEN
        PERFORM saas.raise_invitation_error(v_team, v_hash, v_email);
    END IF;
    PERFORM saas.join_team(v_team, v_user, v_role);
    RETURN v_team;
END
$$;
COMMENT ON FUNCTION saas.accept_invitation(text, uuid, text) IS
'Makes a user a member by an invitation''s token and returns the team. The user is that of the session token or of the request context; saas_service may name any with p_user. Works once per token: SA028 when it is used, expired, taken back or unknown, SA029 for another address.';
REVOKE ALL ON FUNCTION saas.accept_invitation(text, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.accept_invitation(text, uuid, text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.revoke_invitation(p_team uuid, p_invitation uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    UPDATE saas.team_invitations AS i
    SET revoked_at = now()
    WHERE i.team_id = p_team
        AND i.id = p_invitation
        AND i.accepted_at IS NULL
        AND i.revoked_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = 'there is no such open invitation';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.revoke_invitation(uuid, uuid) IS
'Takes an open invitation back; needs admin.';
REVOKE ALL ON FUNCTION saas.revoke_invitation(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.revoke_invitation(uuid, uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.list_invitations(p_team uuid, p_open_only boolean DEFAULT true)
RETURNS TABLE (
    invitation_id uuid,
    email text,
    role text,
    state text,
    invited_by uuid,
    created_at timestamptz,
    expires_at timestamptz
)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    RETURN QUERY
        SELECT l.id, l.email, l.role, l.state, l.invited_by, l.created_at, l.expires_at
        FROM (
            SELECT i.*,
                CASE
                    WHEN i.accepted_at IS NOT NULL THEN 'accepted'
                    WHEN i.revoked_at IS NOT NULL THEN 'revoked'
                    WHEN i.expires_at <= now() THEN 'expired'
                    ELSE 'open'
                END AS state
            FROM saas.team_invitations AS i
            WHERE i.team_id = p_team
        ) AS l
        WHERE l.state = 'open' OR NOT p_open_only
        ORDER BY l.created_at DESC, l.id DESC;
END
$$;
COMMENT ON FUNCTION saas.list_invitations(uuid, boolean) IS
'The invitations of the team, newest first, for admins: the open ones, or all with state open, accepted, revoked or expired.';
REVOKE ALL ON FUNCTION saas.list_invitations(uuid, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.list_invitations(uuid, boolean) TO saas_app, saas_service;
