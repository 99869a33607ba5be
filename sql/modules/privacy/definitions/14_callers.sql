-- Who may act upon a person's data.
CREATE OR REPLACE FUNCTION saas.require_privacy_access(p_subject uuid, p_self boolean, p_admin boolean)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF saas.acts_as_service() OR p_self AND p_subject = saas.current_user_id() THEN
        RETURN;
    END IF;
    IF NOT p_admin THEN
        RAISE EXCEPTION USING
            ERRCODE = '42501',
            MESSAGE = 'permission denied: these are another person''s data',
            HINT = 'The person and workers (saas_service) may; platform admins decide on requests.';
    END IF;
    PERFORM saas.require_standing_over(p_subject);
END
$$;
COMMENT ON FUNCTION saas.require_privacy_access(uuid, boolean, boolean) IS
'Raises 42501 unless a worker calls, or (p_self) the person, or (p_admin) an admin of the platform with standing over the person.';
REVOKE ALL ON FUNCTION saas.require_privacy_access(uuid, boolean, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_privacy_access(uuid, boolean, boolean) TO saas_internal;
