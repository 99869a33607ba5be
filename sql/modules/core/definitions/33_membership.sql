-- Leaving, suspending, handing over; deleting and restoring users and teams.
CREATE OR REPLACE FUNCTION saas.leave_team(p_team uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.remove_team_member(p_team, saas.current_user_id());
END
$$;
COMMENT ON FUNCTION saas.leave_team(uuid) IS
'Takes the current user out of the team. SA022 for its last owner.';
REVOKE ALL ON FUNCTION saas.leave_team(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.leave_team(uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.suspend_member(p_team uuid, p_user uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.change_team_member(p_team, p_user, NULL, 'suspended');
END
$$;
COMMENT ON FUNCTION saas.suspend_member(uuid, uuid) IS
'Keeps a member out of the team without removing them; needs admin, and owner for an owner. SA022 for the last owner.';
REVOKE ALL ON FUNCTION saas.suspend_member(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.suspend_member(uuid, uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.reactivate_member(p_team uuid, p_user uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    PERFORM FROM saas.team_members AS m
    WHERE m.team_id = p_team AND m.user_id = p_user AND m.status = 'suspended';
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = 'the user is not suspended in the team';
    END IF;
    PERFORM saas.change_team_member(p_team, p_user, NULL, 'active');
END
$$;
COMMENT ON FUNCTION saas.reactivate_member(uuid, uuid) IS
'Lets a suspended member in again; needs admin, and owner for an owner.';
REVOKE ALL ON FUNCTION saas.reactivate_member(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.reactivate_member(uuid, uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.transfer_ownership(p_team uuid, p_to uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_from uuid := saas.current_user_id();
BEGIN
    PERFORM saas.require_team(p_team, 'owner');
    PERFORM saas.lock_team(p_team);
    IF p_to = v_from THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'the user owns the team already';
    END IF;
    -- The context was set before the lock: meanwhile another owner may have demoted this one.
    PERFORM FROM saas.team_members AS m
    WHERE m.team_id = p_team AND m.user_id = v_from AND m.role = 'owner' AND m.status = 'active';
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'only an owner can hand the team over';
    END IF;
    IF saas.active_role(p_team, p_to) IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'P0002',
            MESSAGE = 'the new owner must be an active member of the team',
            HINT = 'Add or invite the user first.';
    END IF;
    UPDATE saas.team_members AS m SET role = 'owner' WHERE m.team_id = p_team AND m.user_id = p_to;
    UPDATE saas.team_members AS m SET role = 'admin' WHERE m.team_id = p_team AND m.user_id = v_from;
END
$$;
COMMENT ON FUNCTION saas.transfer_ownership(uuid, uuid) IS
'The current owner makes another active member owner and becomes admin, in one step.';
REVOKE ALL ON FUNCTION saas.transfer_ownership(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.transfer_ownership(uuid, uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.require_standing_over(p_user uuid)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_platform_role('admin');
    PERFORM FROM saas.users AS u WHERE u.id = p_user AND u.platform_role = 'super_admin';
    IF FOUND THEN
        PERFORM saas.require_platform_role('super_admin');
    END IF;
END
$$;
COMMENT ON FUNCTION saas.require_standing_over(uuid) IS
'Raises 42501 unless the user of the request context may delete and restore this user: an admin of the platform, for a super_admin another one.';
REVOKE ALL ON FUNCTION saas.require_standing_over(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.delete_user(p_user uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF p_user IS DISTINCT FROM saas.current_user_id() AND NOT saas.acts_as_service() THEN
        PERFORM saas.require_standing_over(p_user);
    END IF;
    UPDATE saas.users AS u SET deleted_at = now() WHERE u.id = p_user AND u.deleted_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = 'there is no such user';
    END IF;
    UPDATE saas.user_sessions AS s
    SET revoked_at = now()
    WHERE s.user_id = p_user AND s.revoked_at IS NULL;
    IF p_user = saas.current_user_id() THEN
        PERFORM saas.clear_context();
    END IF;
END
$$;
COMMENT ON FUNCTION saas.delete_user(uuid) IS
'Deletes a user so that they can be restored: hidden, kept out of every team, signed out everywhere, the address free again. For oneself, platform admins and saas_service. SA022 for the last owner of a team.';
REVOKE ALL ON FUNCTION saas.delete_user(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.delete_user(uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.restore_user(p_user uuid, p_email text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF NOT saas.acts_as_service() THEN
        PERFORM saas.require_standing_over(p_user);
        -- Whoever has the address may have the account: an admin does not choose it.
        PERFORM FROM saas.users AS u
        WHERE u.id = p_user
            AND p_email IS NOT NULL
            AND NOT EXISTS (
                SELECT FROM saas.users AS o
                WHERE lower(o.email) = lower(u.email) AND o.id <> u.id AND o.deleted_at IS NULL
            );
        IF FOUND THEN
            RAISE EXCEPTION USING
                ERRCODE = '42501',
                MESSAGE = 'permission denied to change the e-mail address, which is free',
                HINT = 'Restore the user without p_email, or call as saas_service.';
        END IF;
    END IF;
    UPDATE saas.users AS u
    SET deleted_at = NULL, email = COALESCE(p_email, u.email)
    WHERE u.id = p_user AND u.deleted_at IS NOT NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = 'there is no such deleted user';
    END IF;
EXCEPTION
    WHEN unique_violation THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA031',
            MESSAGE = 'the e-mail address belongs to another user by now',
            HINT = 'Restore the user with another address: p_email.';
END
$$;
COMMENT ON FUNCTION saas.restore_user(uuid, text) IS
'Brings a deleted user back, with a new address if one is given; memberships are as they were, sessions stay ended. For platform admins and saas_service. SA031 when the address has been taken.';
REVOKE ALL ON FUNCTION saas.restore_user(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.restore_user(uuid, text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.delete_team(p_team uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF NOT saas.has_team_role(p_team, 'owner') AND NOT saas.acts_as_service()
        AND NOT saas.has_platform_role('admin')
    THEN
        RAISE EXCEPTION USING
            ERRCODE = '42501',
            MESSAGE = 'permission denied: needs role owner in the team',
            HINT = 'Owners delete their team, with the request context in it; so do platform admins.';
    END IF;
    UPDATE saas.teams AS t SET deleted_at = now() WHERE t.id = p_team AND t.deleted_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = 'there is no such team';
    END IF;
    IF p_team = saas.current_team_id() THEN
        PERFORM saas.clear_context();
    END IF;
END
$$;
COMMENT ON FUNCTION saas.delete_team(uuid) IS
'Deletes a team so that it can be restored: hidden, and nobody gets a context in it any more. The slug stays taken. For its owners, platform admins and saas_service.';
REVOKE ALL ON FUNCTION saas.delete_team(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.delete_team(uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.restore_team(p_team uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF NOT saas.acts_as_service() THEN
        PERFORM saas.require_platform_role('admin');
    END IF;
    UPDATE saas.teams AS t SET deleted_at = NULL WHERE t.id = p_team AND t.deleted_at IS NOT NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = 'there is no such deleted team';
    END IF;
    PERFORM saas.require_one_owner(p_team);
END
$$;
COMMENT ON FUNCTION saas.restore_team(uuid) IS
'Brings a deleted team back with everything in it. For platform admins and saas_service. SA022 when none of its owners is active any more: restore one first.';
REVOKE ALL ON FUNCTION saas.restore_team(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.restore_team(uuid) TO saas_app, saas_service;
