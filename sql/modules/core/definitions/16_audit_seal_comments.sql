-- What the columns and tables of the trail's tamper evidence hold, with the data classification.
COMMENT ON COLUMN saas.audit_logs.payload_hash IS 'Commitment to the payload, in its place once it is erased; else NULL. [internal]';

COMMENT ON TABLE saas.audit_leaves IS 'The sealed leaves of each team''s Merkle tree in their order, some hundred to a row. Append-only; outlives the team and the rows.';
COMMENT ON COLUMN saas.audit_leaves.team_id IS 'Team; the nil uuid for the platform. [internal]';
COMMENT ON COLUMN saas.audit_leaves.first_index IS 'Index of the first leaf, from 0. [internal]';
COMMENT ON COLUMN saas.audit_leaves.leaf_count IS 'Number of leaves. [internal]';
COMMENT ON COLUMN saas.audit_leaves.first_xact_id IS 'Lowest transaction of the rows. [internal]';
COMMENT ON COLUMN saas.audit_leaves.last_xact_id IS 'Highest transaction of the rows. [internal]';
COMMENT ON COLUMN saas.audit_leaves.hashes IS 'The leaf hashes, 32 bytes each. [internal]';
COMMENT ON COLUMN saas.audit_leaves.positions IS 'Transaction, id and created_at of each leaf''s row, 32 bytes each; saas.audit_leaf_positions() reads them. [internal]';

COMMENT ON TABLE saas.audit_salts IS 'Salts of the sealed leaves, which keep the payloads that they commit to from being guessed. Erasure and retention overwrite them.';
COMMENT ON COLUMN saas.audit_salts.team_id IS 'Team; the nil uuid for the platform. [internal]';
COMMENT ON COLUMN saas.audit_salts.first_index IS 'The row of saas.audit_leaves that these are for. [internal]';
COMMENT ON COLUMN saas.audit_salts.salts IS '16 random bytes for each leaf; zeros once its payload is erased. [restricted]';

COMMENT ON TABLE saas.audit_checkpoints IS 'Signed states of each team''s Merkle tree, one for each sealing that had rows of the team. Append-only; outlives the team.';
COMMENT ON COLUMN saas.audit_checkpoints.team_id IS 'Team; the nil uuid for the platform. [internal]';
COMMENT ON COLUMN saas.audit_checkpoints.number IS 'Number within the team, from 1 without gaps. [internal]';
COMMENT ON COLUMN saas.audit_checkpoints.tree_size IS 'Number of leaves. [internal]';
COMMENT ON COLUMN saas.audit_checkpoints.through_xact_id IS 'The sealer had sealed every row up to this transaction, [internal]';
COMMENT ON COLUMN saas.audit_checkpoints.sealed_at IS 'When it was sealed. [internal]';
COMMENT ON COLUMN saas.audit_checkpoints.retained_from IS 'Rows created before this were dropped by retention; NULL when none were. [internal]';
COMMENT ON COLUMN saas.audit_checkpoints.through_id IS 'and, within that transaction, up to this id. [internal]';
COMMENT ON COLUMN saas.audit_checkpoints.key_id IS 'Key of the signature. [internal]';
COMMENT ON COLUMN saas.audit_checkpoints.root IS 'Root of the tree. [internal]';
COMMENT ON COLUMN saas.audit_checkpoints.previous_root IS 'Root of the checkpoint before; of the empty tree for the first. [internal]';
COMMENT ON COLUMN saas.audit_checkpoints.signature IS 'HMAC-SHA256 of the checkpoint''s text. [internal]';
COMMENT ON COLUMN saas.audit_checkpoints.edge IS 'Roots of the full subtrees, from which the tree grows on. [internal]';

COMMENT ON TABLE saas.audit_redactions IS 'Rows of the audit log whose personal payload was erased: who did it and why. Append-only, audited.';
COMMENT ON COLUMN saas.audit_redactions.team_id IS 'Team of the row; the nil uuid for the platform. [internal]';
COMMENT ON COLUMN saas.audit_redactions.id IS 'Identifier. [internal]';
COMMENT ON COLUMN saas.audit_redactions.audit_id IS 'The row''s id in saas.audit_logs. [internal]';
COMMENT ON COLUMN saas.audit_redactions.audit_created_at IS 'The row''s created_at in saas.audit_logs. [internal]';
COMMENT ON COLUMN saas.audit_redactions.created_at IS 'When the payload was erased. [internal]';
COMMENT ON COLUMN saas.audit_redactions.user_id IS 'User of the request context; NULL without one. [confidential]';
COMMENT ON COLUMN saas.audit_redactions.reason IS 'Why. [internal]';

COMMENT ON TABLE saas.audit_keys IS 'Keys that sign checkpoints of the audit trail. The newest signs; the others verify.';
COMMENT ON COLUMN saas.audit_keys.id IS 'Identifier. [internal]';
COMMENT ON COLUMN saas.audit_keys.key IS 'Key of HMAC-SHA256. [restricted]';
COMMENT ON COLUMN saas.audit_keys.created_at IS 'When it was made. [internal]';

COMMENT ON TABLE saas.audit_sealing IS 'How far the audit trail is sealed; one row.';
COMMENT ON COLUMN saas.audit_sealing.only_row IS 'True. [internal]';
COMMENT ON COLUMN saas.audit_sealing.through_xact_id IS 'Every row up to this transaction is sealed, [internal]';
COMMENT ON COLUMN saas.audit_sealing.through_id IS 'and, within that transaction, up to this id. [internal]';
COMMENT ON COLUMN saas.audit_sealing.system_identifier IS 'The cluster whose transactions are meant. [internal]';
COMMENT ON COLUMN saas.audit_sealing.sealed_at IS 'Last run of the sealer. [internal]';

COMMENT ON TABLE saas.audited_tables IS 'Tables given to saas.audit_table().';
COMMENT ON COLUMN saas.audited_tables.table_name IS 'Schema and name. [internal]';
COMMENT ON COLUMN saas.audited_tables.audited_at IS 'Since when. [internal]';
