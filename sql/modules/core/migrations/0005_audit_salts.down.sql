DROP TABLE saas.audit_salts;

DROP VIEW IF EXISTS saas.payment_audit_log;

ALTER TABLE saas.audit_logs
    ALTER COLUMN operation TYPE text,
    ADD COLUMN payload_salt bytea,
    ADD COLUMN leaf bytea;
