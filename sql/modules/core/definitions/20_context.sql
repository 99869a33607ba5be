-- The request context: who acts in which team, for one transaction.
CREATE OR REPLACE FUNCTION saas.active_role(p_team uuid, p_user uuid)
RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT m.role
    FROM saas.team_members AS m
    JOIN saas.teams AS t ON t.id = m.team_id
    JOIN saas.users AS u ON u.id = m.user_id
    WHERE m.team_id = p_team
        AND m.user_id = p_user
        AND m.status = 'active'
        AND t.is_active
        AND t.deleted_at IS NULL
        AND u.is_active
        AND u.deleted_at IS NULL
$$;
COMMENT ON FUNCTION saas.active_role(uuid, uuid) IS
'The user''s role in the team; NULL unless user, team and membership are all active.';
REVOKE ALL ON FUNCTION saas.active_role(uuid, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.set_context(p_team uuid, p_user uuid DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_role text;
BEGIN
    IF p_user IS NULL THEN
        PERFORM FROM saas.teams AS t WHERE t.id = p_team AND t.is_active AND t.deleted_at IS NULL;
        v_role := CASE WHEN FOUND THEN 'service' END;
    ELSE
        v_role := saas.active_role(p_team, p_user);
    END IF;
    IF v_role IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = '42501',
            MESSAGE = 'no active membership in this team',
            HINT = 'User, team and membership must exist and be active.';
    END IF;
    PERFORM saas.sign_context(p_team, p_user, v_role);
END
$$;
COMMENT ON FUNCTION saas.set_context(uuid, uuid) IS
'Vouches for a user in a team until the end of the transaction; without a user, for a worker of that team. For roles that have authenticated the user themselves.';
REVOKE ALL ON FUNCTION saas.set_context(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.set_context(uuid, uuid) TO saas_service;

CREATE OR REPLACE FUNCTION saas.clear_context()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    SET LOCAL saas.context = '';
END
$$;
COMMENT ON FUNCTION saas.clear_context() IS 'Ends the request context before the transaction does.';
REVOKE ALL ON FUNCTION saas.clear_context() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.clear_context() TO saas_app, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.require_team(p_team uuid, p_least_role text DEFAULT 'viewer')
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF NOT saas.has_team_role(p_team, p_least_role) THEN
        RAISE EXCEPTION USING
            ERRCODE = '42501',
            MESSAGE = pg_catalog.format('permission denied: needs role %s in the team', p_least_role),
            HINT = CASE
                WHEN p_team IS NULL THEN 'Name the team.'
                WHEN saas.current_team_id() IS NULL
                    THEN 'There is no request context: set one with saas.set_context() or saas.authenticate().'
                WHEN saas.current_team_id() = p_team
                    THEN pg_catalog.format('The request context is in this team with role %s.', saas.current_team_role())
                ELSE 'The request context is in another team: set it to this one.'
            END;
    END IF;
END
$$;
COMMENT ON FUNCTION saas.require_team(uuid, text) IS
'Raises 42501 unless the request context is in this team with at least this role. The first line of every function that members call.';
REVOKE ALL ON FUNCTION saas.require_team(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_team(uuid, text) TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.rotate_context_key()
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    DELETE FROM saas.context_keys;
    INSERT INTO saas.context_keys (key)
    VALUES (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));
$$;
COMMENT ON FUNCTION saas.rotate_context_key() IS
'Makes a new key for request contexts and removes the old ones. For the owner, and after restoring a dump elsewhere. A transaction that is running may lose its context.';
REVOKE ALL ON FUNCTION saas.rotate_context_key() FROM PUBLIC;
