-- Users, teams and who is in them. Rows change through these functions only.
CREATE OR REPLACE FUNCTION saas.create_user(p_email text, p_display_name text DEFAULT NULL)
RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    INSERT INTO saas.users (email, display_name) VALUES (p_email, p_display_name) RETURNING id
$$;
COMMENT ON FUNCTION saas.create_user(text, text) IS
'Creates a user and returns the id. 23505 when the address is taken, in whatever case it is written.';
REVOKE ALL ON FUNCTION saas.create_user(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.create_user(text, text) TO saas_service;

CREATE OR REPLACE FUNCTION saas.create_team(p_name text, p_slug text, p_owner uuid)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_team uuid;
BEGIN
    PERFORM FROM saas.users AS u WHERE u.id = p_owner AND u.is_active AND u.deleted_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = '23503',
            MESSAGE = 'the owner of a team must be an active user',
            HINT = 'Create the user first with saas.create_user().';
    END IF;
    INSERT INTO saas.teams (name, slug) VALUES (p_name, p_slug) RETURNING id INTO v_team;
    INSERT INTO saas.team_members (team_id, user_id, role) VALUES (v_team, p_owner, 'owner');
    RETURN v_team;
END
$$;
COMMENT ON FUNCTION saas.create_team(text, text, uuid) IS
'Creates a team with its first owner and returns the team''s id. 23505 when the slug is taken.';
REVOKE ALL ON FUNCTION saas.create_team(text, text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.create_team(text, text, uuid) TO saas_service;

CREATE OR REPLACE FUNCTION saas.require_owner_for(p_team uuid, p_user uuid, p_role text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    -- An admin neither makes nor unmakes an owner.
    PERFORM FROM saas.team_members AS m
    WHERE m.team_id = p_team AND m.user_id = p_user AND m.role = 'owner';
    PERFORM saas.require_team(p_team, CASE WHEN FOUND OR p_role = 'owner' THEN 'owner' ELSE 'admin' END);
END
$$;
COMMENT ON FUNCTION saas.require_owner_for(uuid, uuid, text) IS
'Raises 42501 unless the request context may change this membership: an owner''s by owners only, others'' by admins.';
REVOKE ALL ON FUNCTION saas.require_owner_for(uuid, uuid, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.lock_team(p_team uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'viewer');
    -- Leaves foreign keys to the team alone: other work in it goes on.
    PERFORM FROM saas.teams AS t WHERE t.id = p_team FOR NO KEY UPDATE;
END
$$;
COMMENT ON FUNCTION saas.lock_team(uuid) IS
'Makes changes of one team''s owners follow each other until the end of the transaction: first the team, then its members, so that they do not deadlock.';
REVOKE ALL ON FUNCTION saas.lock_team(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.add_team_member(p_team uuid, p_user uuid, p_role text DEFAULT 'member')
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_member uuid;
BEGIN
    PERFORM saas.require_owner_for(p_team, p_user, p_role);
    PERFORM saas.require_one_of('role in a team', p_role, ARRAY['viewer', 'member', 'admin', 'owner']);
    INSERT INTO saas.team_members (team_id, user_id, role)
    VALUES (p_team, p_user, p_role)
    RETURNING id INTO v_member;
    RETURN v_member;
END
$$;
COMMENT ON FUNCTION saas.add_team_member(uuid, uuid, text) IS
'Adds a user to the team; needs admin, and owner to add an owner. 23505 for a member already.';
REVOKE ALL ON FUNCTION saas.add_team_member(uuid, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.add_team_member(uuid, uuid, text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.change_team_member(
    p_team uuid,
    p_user uuid,
    p_role text DEFAULT NULL,
    p_status text DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.lock_team(p_team);
    PERFORM saas.require_owner_for(p_team, p_user, p_role);
    IF p_role IS NOT NULL THEN
        PERFORM saas.require_one_of('role in a team', p_role, ARRAY['viewer', 'member', 'admin', 'owner']);
    END IF;
    IF p_status IS NOT NULL THEN
        PERFORM saas.require_one_of('status of a member', p_status, ARRAY['invited', 'active', 'suspended']);
    END IF;
    UPDATE saas.team_members AS m
    SET role = COALESCE(p_role, m.role), status = COALESCE(p_status, m.status)
    WHERE m.team_id = p_team AND m.user_id = p_user;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = 'the user is not in the team';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.change_team_member(uuid, uuid, text, text) IS
'Changes role or status (active, suspended) of a member; needs admin, and owner where an owner is concerned. SA022 when no owner would be left.';
REVOKE ALL ON FUNCTION saas.change_team_member(uuid, uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.change_team_member(uuid, uuid, text, text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.remove_team_member(p_team uuid, p_user uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.lock_team(p_team);
    IF p_user = saas.current_user_id() THEN
        PERFORM saas.require_team(p_team, 'viewer'); -- anyone may leave
    ELSE
        PERFORM saas.require_owner_for(p_team, p_user, NULL);
    END IF;
    DELETE FROM saas.team_members AS m WHERE m.team_id = p_team AND m.user_id = p_user;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = 'the user is not in the team';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.remove_team_member(uuid, uuid) IS
'Takes a user out of the team: oneself always, others as admin, owners as owner. SA022 when no owner would be left.';
REVOKE ALL ON FUNCTION saas.remove_team_member(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.remove_team_member(uuid, uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.team_directory(p_team uuid)
RETURNS TABLE (user_id uuid, display_name text, avatar_url text, role text, status text)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'viewer');
    RETURN QUERY
        SELECT m.user_id, u.display_name, u.avatar_url, m.role, m.status
        FROM saas.team_members AS m
        JOIN saas.users AS u ON u.id = m.user_id
        WHERE m.team_id = p_team AND u.deleted_at IS NULL
        ORDER BY u.display_name, m.user_id;
END
$$;
COMMENT ON FUNCTION saas.team_directory(uuid) IS
'The members of the team with what they show of themselves; for every member.';
REVOKE ALL ON FUNCTION saas.team_directory(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.team_directory(uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.require_one_owner(p_team uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    -- Two owners who leave at once queue at the row of their team, and the second one sees that the
    -- first has left. A transaction with an older snapshot than that gets 40001: so an UPDATE, no lock.
    UPDATE saas.teams AS t SET updated_at = now() WHERE t.id = p_team AND t.deleted_at IS NULL;
    IF NOT FOUND THEN
        RETURN; -- the team itself is deleted, or being deleted
    END IF;
    PERFORM FROM saas.team_members AS m
    JOIN saas.users AS u ON u.id = m.user_id
    WHERE m.team_id = p_team
        AND m.role = 'owner'
        AND m.status = 'active'
        AND u.is_active
        AND u.deleted_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA022',
            MESSAGE = 'a team keeps at least one active owner',
            HINT = 'Make another member owner first.';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.require_one_owner(uuid) IS
'Raises SA022 when the team has no active owner left; transactions that ask for one team wait for each other.';
REVOKE ALL ON FUNCTION saas.require_one_owner(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.keep_one_owner()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_one_owner(old.team_id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.keep_one_owner() IS 'Trigger: refuses the change that would leave a team without an active owner.';
REVOKE ALL ON FUNCTION saas.keep_one_owner() FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.keep_owned_teams()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    -- In one order, so that two users who own the same teams do not deadlock.
    PERFORM saas.require_one_owner(o.team_id)
    FROM (
        SELECT m.team_id
        FROM saas.team_members AS m
        WHERE m.user_id = new.id AND m.role = 'owner' AND m.status = 'active'
        ORDER BY m.team_id
    ) AS o;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.keep_owned_teams() IS
'Trigger: refuses to delete or deactivate a user who is the last active owner of a team.';
REVOKE ALL ON FUNCTION saas.keep_owned_teams() FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.meet_new_owner()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    -- Whoever deletes or deactivates this user meanwhile has not seen that they own the team: the two
    -- queue at the user's row. As in require_one_owner(), an UPDATE for the sake of older snapshots.
    UPDATE saas.users AS u
    SET updated_at = now()
    WHERE u.id = new.user_id AND u.is_active AND u.deleted_at IS NULL;
    IF NOT FOUND THEN
        PERFORM saas.require_one_owner(new.team_id);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.meet_new_owner() IS
'Trigger: makes whoever becomes an owner and whoever deletes that user wait for each other.';
REVOKE ALL ON FUNCTION saas.meet_new_owner() FROM PUBLIC;

CREATE OR REPLACE TRIGGER users_20_keep_owned_teams
AFTER UPDATE OF is_active, deleted_at ON saas.users
FOR EACH ROW
WHEN (old.is_active AND old.deleted_at IS NULL AND NOT (new.is_active AND new.deleted_at IS NULL))
EXECUTE FUNCTION saas.keep_owned_teams();

CREATE OR REPLACE TRIGGER team_members_10_keep_one_owner
AFTER UPDATE OF role, status OR DELETE ON saas.team_members
FOR EACH ROW
WHEN (old.role = 'owner' AND old.status = 'active')
EXECUTE FUNCTION saas.keep_one_owner();

CREATE OR REPLACE TRIGGER team_members_11_meet_added_owner
AFTER INSERT ON saas.team_members
FOR EACH ROW
WHEN (new.role = 'owner' AND new.status = 'active')
EXECUTE FUNCTION saas.meet_new_owner();
CREATE OR REPLACE TRIGGER team_members_12_meet_new_owner
AFTER UPDATE OF role, status ON saas.team_members
FOR EACH ROW
WHEN (new.role = 'owner' AND new.status = 'active' AND NOT (old.role = 'owner' AND old.status = 'active'))
EXECUTE FUNCTION saas.meet_new_owner();

CREATE OR REPLACE TRIGGER users_10_updated_at
BEFORE UPDATE ON saas.users
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();
CREATE OR REPLACE TRIGGER teams_10_updated_at
BEFORE UPDATE ON saas.teams
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();
CREATE OR REPLACE TRIGGER team_members_20_updated_at
BEFORE UPDATE ON saas.team_members
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();
