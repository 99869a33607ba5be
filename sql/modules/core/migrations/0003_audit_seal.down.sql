DROP TABLE saas.audited_tables;

DROP TABLE saas.audit_sealing;

DROP TABLE saas.audit_keys;

DROP TABLE saas.audit_redactions;

DROP TABLE saas.audit_checkpoints;

DROP TABLE saas.audit_leaves;

DROP INDEX saas.audit_logs_xact_id_idx;

ALTER TABLE saas.audit_logs
    DROP COLUMN leaf,
    DROP COLUMN payload_hash,
    DROP COLUMN payload_salt;
