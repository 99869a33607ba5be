-- Addresses are written directly, under row-level security; moving a default takes two rows at once.
CREATE OR REPLACE FUNCTION saas.set_default_address(p_team uuid, p_address uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_user uuid;
    v_kind text;
BEGIN
    PERFORM saas.require_team(p_team, 'viewer');
    SELECT a.user_id, a.kind INTO v_user, v_kind
    FROM saas.addresses AS a
    WHERE a.team_id = p_team AND a.id = p_address;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = 'there is no such address';
    END IF;
    PERFORM FROM saas.addresses AS a
    WHERE a.team_id = p_team AND a.user_id IS NOT DISTINCT FROM v_user
    ORDER BY a.id
    FOR NO KEY UPDATE;
    UPDATE saas.addresses AS a
    SET is_default = false
    WHERE a.team_id = p_team
        AND a.user_id IS NOT DISTINCT FROM v_user
        AND a.is_default
        AND a.id <> p_address
        AND (a.kind = v_kind OR 'both' IN (a.kind, v_kind));
    UPDATE saas.addresses AS a
    SET is_default = true
    WHERE a.team_id = p_team AND a.id = p_address;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'permission denied for this address';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.set_default_address(uuid, uuid) IS
'Makes an address the default of its kind for its member, or for the team, in place of the one before.';
REVOKE ALL ON FUNCTION saas.set_default_address(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.set_default_address(uuid, uuid) TO saas_app, saas_service;

CREATE OR REPLACE TRIGGER addresses_10_updated_at
BEFORE UPDATE ON saas.addresses
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();
