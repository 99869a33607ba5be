DROP TABLE saas.encryption_home;
DROP TABLE saas.encryption_rotations CASCADE;
DROP TABLE saas.encryption_schedules;
DROP TABLE saas.encryption_key_epochs;
DROP INDEX saas.encryption_keys_team_id_outdated_idx;
CREATE INDEX encryption_keys_team_id_kek_epoch_idx ON saas.encryption_keys (team_id, kek_epoch);
UPDATE saas.encryption_keys SET status = 'decrypt_only' WHERE status = 'retired';
ALTER TABLE saas.encryption_keys
    DROP COLUMN closed_at,
    DROP CONSTRAINT encryption_keys_status_check,
    ADD CONSTRAINT encryption_keys_status_check
        CHECK (status IN ('active', 'decrypt_only', 'shredded', 'hold'));
