-- Backends keep keys in memory, until a row changes. A new row changes nothing that is kept; counting
-- uses and wrapping a key in a later epoch do not either.
CREATE OR REPLACE TRIGGER encryption_keys_announce_change
AFTER UPDATE OF team_id, key_no, kind, subject_id, asset_id, version, status, kek_epoch, wrapped, is_restricted
ON saas.encryption_keys
FOR EACH ROW
WHEN (
    OLD.team_id IS DISTINCT FROM NEW.team_id
    OR OLD.key_no IS DISTINCT FROM NEW.key_no
    OR OLD.kind IS DISTINCT FROM NEW.kind
    OR OLD.subject_id IS DISTINCT FROM NEW.subject_id
    OR OLD.asset_id IS DISTINCT FROM NEW.asset_id
    OR OLD.version IS DISTINCT FROM NEW.version
    OR OLD.status IS DISTINCT FROM NEW.status
    OR OLD.is_restricted <> NEW.is_restricted
    OR NEW.wrapped IS NULL
    OR NEW.kek_epoch <= OLD.kek_epoch
    OR NEW.wrapped = OLD.wrapped
)
EXECUTE FUNCTION saas.announce_change();
CREATE OR REPLACE TRIGGER encryption_keys_announce_delete
AFTER DELETE ON saas.encryption_keys
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
    DELETE FROM saas.encryption_key_epochs AS e WHERE e.team_id = OLD.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.drop_team_keys() IS
'Trigger: the keys of a team go with it, as a foreign key would have it; the platform''s own keys have no team.';
REVOKE ALL ON FUNCTION saas.drop_team_keys() FROM PUBLIC;
CREATE OR REPLACE TRIGGER teams_drop_keys
AFTER DELETE ON saas.teams
FOR EACH ROW EXECUTE FUNCTION saas.drop_team_keys();
