-- Backends keep keys in memory, until a row changes. A new row changes nothing that is kept; counting
-- uses does not either.
CREATE OR REPLACE TRIGGER encryption_keys_announce_change
AFTER UPDATE OF team_id, key_no, kind, subject_id, asset_id, version, status, kek_epoch, wrapped
OR DELETE ON saas.encryption_keys
FOR EACH ROW EXECUTE FUNCTION saas.announce_change();
CREATE OR REPLACE TRIGGER encryption_keys_announce_truncate
AFTER TRUNCATE ON saas.encryption_keys
FOR EACH STATEMENT EXECUTE FUNCTION saas.announce_change();

CREATE OR REPLACE FUNCTION saas.drop_team_keys()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    DELETE FROM saas.encryption_keys AS k WHERE k.team_id = OLD.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.drop_team_keys() IS
'Trigger: the keys of a team go with it, as a foreign key would have it; the platform''s own keys have no team.';
REVOKE ALL ON FUNCTION saas.drop_team_keys() FROM PUBLIC;
CREATE OR REPLACE TRIGGER teams_drop_keys
AFTER DELETE ON saas.teams
FOR EACH ROW EXECUTE FUNCTION saas.drop_team_keys();
