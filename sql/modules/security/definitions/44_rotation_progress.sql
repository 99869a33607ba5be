-- How far rotations are.
CREATE OR REPLACE VIEW saas.encryption_rotation_progress WITH (security_invoker = true) AS
SELECT
    r.asset_id,
    l.table_name,
    l.column_name,
    NULLIF(r.team_id, '00000000-0000-0000-0000-000000000000') AS team_id,
    CASE
        WHEN r.finished_at IS NOT NULL THEN 'finished'
        WHEN r.reindexing THEN 'computing blind indexes'
        WHEN r.pass = 1 THEN 'encrypting'
        ELSE 'checking'
    END AS state,
    r.pass,
    r.next_block,
    r.reencrypted,
    r.failed,
    r.started_at,
    r.updated_at,
    r.finished_at
FROM saas.encryption_rotations AS r
LEFT JOIN saas.located_data_assets AS l ON l.id = r.asset_id;
COMMENT ON VIEW saas.encryption_rotation_progress IS 'How far each column is brought to the newest keys.';
COMMENT ON COLUMN saas.encryption_rotation_progress.asset_id IS 'The asset. [internal]';
COMMENT ON COLUMN saas.encryption_rotation_progress.table_name IS 'Its table. [internal]';
COMMENT ON COLUMN saas.encryption_rotation_progress.column_name IS 'Its column. [internal]';
COMMENT ON COLUMN saas.encryption_rotation_progress.team_id IS 'The team whose rows are brought over; NULL for all. [internal]';
COMMENT ON COLUMN saas.encryption_rotation_progress.state IS 'encrypting, computing blind indexes, checking (for rows that were locked or came later) or finished. [internal]';
COMMENT ON COLUMN saas.encryption_rotation_progress.pass IS 'Which walk over the table it is. [internal]';
COMMENT ON COLUMN saas.encryption_rotation_progress.next_block IS 'Block of the table, or of its partition, where the next step begins. [internal]';
COMMENT ON COLUMN saas.encryption_rotation_progress.reencrypted IS 'Rows that were encrypted anew. [internal]';
COMMENT ON COLUMN saas.encryption_rotation_progress.failed IS 'Values that did not open, each time that they were met. [internal]';
COMMENT ON COLUMN saas.encryption_rotation_progress.started_at IS 'When it began. [internal]';
COMMENT ON COLUMN saas.encryption_rotation_progress.updated_at IS 'When the last step ended. [internal]';
COMMENT ON COLUMN saas.encryption_rotation_progress.finished_at IS 'When a whole walk found nothing more to do. [internal]';
