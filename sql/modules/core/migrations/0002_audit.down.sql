DROP TABLE saas.activity_logs;

DROP TABLE saas.audit_logs;
