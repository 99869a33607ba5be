-- PostgREST and Supabase: docs/postgrest.md.
CREATE OR REPLACE FUNCTION saas.map_supabase_roles()
RETURNS TABLE (role_name text, mapped_to text, action text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_role record;
BEGIN
    PERFORM saas.current_team_id(); -- loads the library, which knows the settings
    FOR v_role IN
        SELECT r.oid, r.rolname::text AS name, r.rolinherit,
            pg_catalog.current_setting('saas.role_' || s.package_role) AS target
        FROM (VALUES
            (1, 'anon', 'anonymous'),
            (2, 'authenticated', 'app'),
            (3, 'service_role', 'service')
        ) AS s (position, name, package_role)
        JOIN pg_catalog.pg_roles AS r ON r.rolname = s.name
        ORDER BY s.position
    LOOP
        role_name := v_role.name;
        mapped_to := v_role.target;
        IF NOT v_role.rolinherit THEN
            -- Supabase makes these roles NOINHERIT: membership alone would give them nothing.
            EXECUTE pg_catalog.format('ALTER ROLE %I INHERIT', v_role.name);
            action := 'inherits';
            RETURN NEXT;
        END IF;
        IF NOT EXISTS (
            SELECT FROM pg_catalog.pg_auth_members AS m
            JOIN pg_catalog.pg_roles AS t ON t.oid = m.roleid
            WHERE m.member = v_role.oid AND t.rolname = v_role.target
        ) THEN
            EXECUTE pg_catalog.format('GRANT %I TO %I', v_role.target, v_role.name);
            action := 'granted';
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.map_supabase_roles() IS
'Makes the roles of PostgREST and Supabase, as far as they exist, members of the package''s roles: anon of saas_anonymous, authenticated of saas_app, service_role of saas_service. One row per change, none when there is nothing to do. Needs the right to grant these roles.';
REVOKE ALL ON FUNCTION saas.map_supabase_roles() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.map_supabase_roles() TO pg_database_owner;
