COMMENT ON TABLE saas.encryption_keys IS 'Keys that encrypt values, each wrapped by a key that lies outside the database. The team of zeros is the platform''s own.';
COMMENT ON COLUMN saas.encryption_keys.team_id IS 'The team whose values the key encrypts. [internal]';
COMMENT ON COLUMN saas.encryption_keys.key_no IS 'Number of the key, as in the header of encrypted values; random, so that it tells nothing of other teams. [internal]';
COMMENT ON COLUMN saas.encryption_keys.kind IS 'tenant, subject (one person''s values), index (blind index), export. [internal]';
COMMENT ON COLUMN saas.encryption_keys.subject_id IS 'The person whose values the key encrypts; NULL for other kinds. [internal]';
COMMENT ON COLUMN saas.encryption_keys.asset_id IS 'The column that an index key is for. [internal]';
COMMENT ON COLUMN saas.encryption_keys.version IS 'Counts the keys of one owner; the newest encrypts. [internal]';
COMMENT ON COLUMN saas.encryption_keys.status IS 'active, decrypt_only (older version), retired (no value is under it any more), shredded (destroyed), hold (under legal hold). [internal]';
COMMENT ON COLUMN saas.encryption_keys.kek_epoch IS 'Epoch of the key in the key file that wraps this one. [internal]';
COMMENT ON COLUMN saas.encryption_keys.hold_epoch IS 'Last epoch of keys under legal hold that wrapped this one; NULL when it was never held. [internal]';
COMMENT ON COLUMN saas.encryption_keys.wrapped IS 'The key, wrapped; NULL when destroyed. [restricted]';
COMMENT ON COLUMN saas.encryption_keys.kcv IS 'Check value: proves which key it was. [restricted]';
COMMENT ON COLUMN saas.encryption_keys.uses IS 'How many values were encrypted under it by AES-256-GCM, added in batches. [internal]';
COMMENT ON COLUMN saas.encryption_keys.created_at IS 'When the key was made. [internal]';
COMMENT ON COLUMN saas.encryption_keys.not_after IS 'When the key is to be rotated; NULL for no date. [internal]';
COMMENT ON COLUMN saas.encryption_keys.closed_at IS 'When the next version took over. [internal]';
COMMENT ON COLUMN saas.encryption_keys.shredded_at IS 'When the key was destroyed. [internal]';
COMMENT ON COLUMN saas.encryption_keys.shred_reason IS 'Why the key was destroyed. [internal]';

COMMENT ON TABLE saas.data_classifications IS 'The four classes of data, as the comments of columns end with.';
COMMENT ON COLUMN saas.data_classifications.name IS 'public, internal, confidential or restricted. [public]';
COMMENT ON COLUMN saas.data_classifications.rank IS 'Ascending sensitivity. [public]';
COMMENT ON COLUMN saas.data_classifications.description IS 'What the class is for. [public]';

COMMENT ON TABLE saas.data_assets IS 'Columns with their classification, under an identifier that survives renaming and dumps: what encrypted values are bound to.';
COMMENT ON COLUMN saas.data_assets.id IS 'Identifier of the asset. [internal]';
COMMENT ON COLUMN saas.data_assets.table_name IS 'The table. [internal]';
COMMENT ON COLUMN saas.data_assets.table_oid IS 'The table''s oid when the row was last refreshed; another one after a restore. [internal]';
COMMENT ON COLUMN saas.data_assets.column_number IS 'Number of the column in that table. [internal]';
COMMENT ON COLUMN saas.data_assets.column_name IS 'Name of the column when the row was last refreshed. [internal]';
COMMENT ON COLUMN saas.data_assets.variant IS 'Empty for the column''s values; a name for something derived from them, such as a blind index of their end. [internal]';
COMMENT ON COLUMN saas.data_assets.classification IS 'How sensitive the column is. [internal]';
COMMENT ON COLUMN saas.data_assets.created_at IS 'When the asset was registered. [internal]';

COMMENT ON TABLE saas.encryption_key_epochs IS 'Keys of the key file, which wrap the data keys of a team: when each began and was destroyed.';
COMMENT ON COLUMN saas.encryption_key_epochs.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.encryption_key_epochs.purpose IS 'shred, or hold for keys under legal hold. [internal]';
COMMENT ON COLUMN saas.encryption_key_epochs.epoch IS 'Counts the keys of team and purpose. [internal]';
COMMENT ON COLUMN saas.encryption_key_epochs.began_at IS 'When the key was made. [internal]';
COMMENT ON COLUMN saas.encryption_key_epochs.rewrapped IS 'How many data keys were wrapped anew by it. [internal]';
COMMENT ON COLUMN saas.encryption_key_epochs.destroyed_at IS 'When it was found to be gone from the key file. [internal]';

COMMENT ON TABLE saas.encryption_schedules IS 'How often keys are rotated.';
COMMENT ON COLUMN saas.encryption_schedules.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.encryption_schedules.kind IS 'Which keys: tenant, subject, index, export; or the epoch that wraps them. [internal]';
COMMENT ON COLUMN saas.encryption_schedules.every IS 'How often. [internal]';
COMMENT ON COLUMN saas.encryption_schedules.next_at IS 'When next. [internal]';

COMMENT ON TABLE saas.encryption_rotations IS 'How far the rows of a column were brought to the newest keys.';
COMMENT ON COLUMN saas.encryption_rotations.asset_id IS 'The column. [internal]';
COMMENT ON COLUMN saas.encryption_rotations.team_id IS 'The team; zeros for all. [internal]';
COMMENT ON COLUMN saas.encryption_rotations.pass IS 'Which walk over the table it is; the last one finds nothing. [internal]';
COMMENT ON COLUMN saas.encryption_rotations.table_oid IS 'The table or partition where the next step begins. [internal]';
COMMENT ON COLUMN saas.encryption_rotations.next_block IS 'The block where the next step begins. [internal]';
COMMENT ON COLUMN saas.encryption_rotations.end_block IS 'How many blocks the table had when the walk began. [internal]';
COMMENT ON COLUMN saas.encryption_rotations.found IS 'Outdated rows that this walk met. [internal]';
COMMENT ON COLUMN saas.encryption_rotations.skipped IS 'Rows among them that were locked. [internal]';
COMMENT ON COLUMN saas.encryption_rotations.keys_digest IS 'Which outdated keys it looks for. [internal]';
COMMENT ON COLUMN saas.encryption_rotations.index_keys IS 'Keys of blind indexes that are computed anew. [internal]';
COMMENT ON COLUMN saas.encryption_rotations.reindexing IS 'Whether this walk computes the blind indexes. [internal]';
COMMENT ON COLUMN saas.encryption_rotations.reencrypted IS 'Rows that were encrypted anew. [internal]';
COMMENT ON COLUMN saas.encryption_rotations.failed IS 'Values that did not open. [internal]';
COMMENT ON COLUMN saas.encryption_rotations.started_at IS 'When it began. [internal]';
COMMENT ON COLUMN saas.encryption_rotations.updated_at IS 'When the last step ended. [internal]';
COMMENT ON COLUMN saas.encryption_rotations.finished_at IS 'When a whole walk found nothing more to do. [internal]';

COMMENT ON TABLE saas.encryption_home IS 'Which database the epochs of the key file follow: a copy of it must not destroy keys.';
COMMENT ON COLUMN saas.encryption_home.database_oid IS 'Oid of that database. [internal]';
COMMENT ON COLUMN saas.encryption_home.taken_at IS 'Since when. [internal]';
