-- Who calls: workers, people with a standing on the platform, holders of a token.
CREATE OR REPLACE FUNCTION saas.acts_as_service()
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.current_team_id(); -- loads the library, which defines the setting that names the role
    -- current_user is the function's owner inside SECURITY DEFINER; the role that was set or that
    -- logged in is not.
    RETURN pg_has_role(
        CASE current_setting('role') WHEN 'none' THEN session_user ELSE current_setting('role')::name END,
        current_setting('saas.role_service')::name,
        'USAGE'
    );
END
$$;
COMMENT ON FUNCTION saas.acts_as_service() IS
'Whether the statement runs with the rights of saas_service, which may vouch for users.';
REVOKE ALL ON FUNCTION saas.acts_as_service() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.acts_as_service() TO saas_app, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.acts_as_database_owner()
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT pg_has_role(
        CASE current_setting('role') WHEN 'none' THEN session_user ELSE current_setting('role')::name END,
        'pg_database_owner',
        'USAGE'
    )
$$;
COMMENT ON FUNCTION saas.acts_as_database_owner() IS
'Whether the statement runs with the rights of the owner of the database, seen through SECURITY DEFINER functions.';
REVOKE ALL ON FUNCTION saas.acts_as_database_owner() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.acts_as_database_owner() TO saas_internal;

CREATE OR REPLACE FUNCTION saas.require_one_of(p_what text, p_value text, p_allowed text[])
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF p_value IS NULL OR p_value <> ALL (p_allowed) THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = pg_catalog.format('there is no such %s', p_what),
            HINT = pg_catalog.format('It is one of: %s.', array_to_string(p_allowed, ', '));
    END IF;
END
$$;
COMMENT ON FUNCTION saas.require_one_of(text, text, text[]) IS
'Raises 22023, with what would be right in the hint, for a value that is none of those allowed.';
REVOKE ALL ON FUNCTION saas.require_one_of(text, text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_one_of(text, text, text[]) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.platform_rank(p_role text)
RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT array_position(ARRAY['guest', 'user', 'moderator', 'admin', 'super_admin'], p_role)
$$;
COMMENT ON FUNCTION saas.platform_rank(text) IS
'The place of a platform role in ascending power, from 1; NULL when there is no such role.';
REVOKE ALL ON FUNCTION saas.platform_rank(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.platform_rank(text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.has_platform_role(p_least_role text)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF saas.platform_rank(p_least_role) IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'there is no such role on the platform',
            HINT = 'The roles are guest, user, moderator, admin and super_admin.';
    END IF;
    PERFORM FROM saas.users AS u
    WHERE u.id = saas.current_user_id()
        AND u.is_active
        AND u.deleted_at IS NULL
        AND saas.platform_rank(u.platform_role) >= saas.platform_rank(p_least_role);
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION saas.has_platform_role(text) IS
'Whether the user of the request context has at least this standing on the platform (guest, user, moderator, admin, super_admin). False without a user.';
REVOKE ALL ON FUNCTION saas.has_platform_role(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.has_platform_role(text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.require_platform_role(p_least_role text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF NOT saas.has_platform_role(p_least_role) THEN
        RAISE EXCEPTION USING
            ERRCODE = '42501',
            MESSAGE = pg_catalog.format('permission denied: needs platform role %s', p_least_role),
            HINT = 'A super_admin gives it with saas.set_platform_role().';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.require_platform_role(text) IS
'Raises 42501 unless the user of the request context has at least this standing on the platform.';
REVOKE ALL ON FUNCTION saas.require_platform_role(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_platform_role(text) TO saas_app, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.set_platform_role(p_user uuid, p_role text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    -- The owner of the database makes the first super_admin.
    IF NOT saas.acts_as_database_owner() THEN
        PERFORM saas.require_platform_role('super_admin');
    END IF;
    IF p_role IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'a platform role is needed';
    END IF;
    IF saas.platform_rank(p_role) IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'there is no such role on the platform',
            HINT = 'The roles are guest, user, moderator, admin and super_admin.';
    END IF;
    UPDATE saas.users AS u SET platform_role = p_role WHERE u.id = p_user AND u.deleted_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = 'there is no such user';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.set_platform_role(uuid, text) IS
'Gives a user a standing on the platform; for a super_admin, and for the owner of the database, who makes the first one.';
REVOKE ALL ON FUNCTION saas.set_platform_role(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.set_platform_role(uuid, text) TO saas_app, saas_service, pg_database_owner;

CREATE OR REPLACE FUNCTION saas.token_hash(p_token text)
RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- The length is known without reading a value of a gigabyte.
    SELECT CASE WHEN octet_length(p_token) <= 200 THEN sha256(convert_to(p_token, 'UTF8')) END
$$;
COMMENT ON FUNCTION saas.token_hash(text) IS
'What is stored of a token: its SHA-256; NULL for a text that is too long to be a token.';
REVOKE ALL ON FUNCTION saas.token_hash(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.token_hash(text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.token_team(p_token text)
RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT CASE
        WHEN octet_length(p_token) <= 200 AND p_token ~ '^[a-z]+_[0-9a-f]{32}_[0-9a-f]{64}$'
        THEN split_part(p_token, '_', 2)::uuid
    END
$$;
COMMENT ON FUNCTION saas.token_team(text) IS
'The team that a token names (kind_team_secret); NULL for a text of another form.';
REVOKE ALL ON FUNCTION saas.token_team(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.token_team(text) TO saas_internal;
