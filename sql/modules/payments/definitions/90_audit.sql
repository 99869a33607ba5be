-- The audit trail of the payment tables.
SELECT saas.audit_table('saas.payment_providers', '{updated_at}', '{webhook_secrets}');
SELECT saas.audit_table('saas.dispute_evidence');
SELECT saas.audit_table('saas.payment_disputes', '{updated_at}');
SELECT saas.audit_table('saas.payment_intents', '{updated_at}');
SELECT saas.audit_table('saas.payment_method_tokens', '{updated_at}', '{token_ciphertext,token_reference,token_sha256}');
SELECT saas.audit_table('saas.payment_sessions', '{updated_at}');
SELECT saas.audit_table('saas.payment_transactions', '{updated_at}');
SELECT saas.audit_table('saas.payments', '{updated_at}');
SELECT saas.audit_table('saas.payout_holds');
SELECT saas.audit_table('saas.payout_reserves');
SELECT saas.audit_table('saas.payout_schedules', '{updated_at,last_run_at,settled_before,settling_at,settling_xact_id}');
SELECT saas.audit_table('saas.payouts', '{updated_at}');
SELECT saas.audit_table('saas.provider_requests', '{updated_at}');
SELECT saas.audit_table('saas.refunds', '{updated_at}');

CREATE OR REPLACE VIEW saas.payment_audit_log
WITH (security_invoker = true) AS
SELECT
    l.team_id,
    l.created_at,
    l.id,
    l.actor_id,
    l.table_name,
    l.operation::text AS operation,
    l.row_id,
    l.old_values,
    l.new_values,
    l.xact_id,
    l.db_role,
    l.login_role,
    l.request_id,
    l.client_addr
FROM saas.audit_logs AS l
WHERE l.table_name IN (
    'saas.aml_alerts',
    'saas.aml_thresholds',
    'saas.compliance_settings',
    'saas.customer_verifications',
    'saas.dispute_evidence',
    'saas.payment_disputes',
    'saas.payment_providers',
    'saas.payment_intents',
    'saas.payment_method_tokens',
    'saas.payment_sessions',
    'saas.payment_transactions',
    'saas.payments',
    'saas.payout_holds',
    'saas.payout_reserves',
    'saas.payout_schedules',
    'saas.payouts',
    'saas.provider_requests',
    'saas.refunds',
    'saas.webhook_certificates'
);
GRANT SELECT ON saas.payment_audit_log TO saas_app, saas_service;

COMMENT ON VIEW saas.payment_audit_log IS 'The audit trail of the payment tables; for admins and owners of the team.';
COMMENT ON COLUMN saas.payment_audit_log.team_id IS 'Team. [internal]';
COMMENT ON COLUMN saas.payment_audit_log.created_at IS 'Start of the statement that made the change. [internal]';
COMMENT ON COLUMN saas.payment_audit_log.id IS 'Identifier of the entry. [internal]';
COMMENT ON COLUMN saas.payment_audit_log.actor_id IS 'User of the request context; NULL without one. [confidential]';
COMMENT ON COLUMN saas.payment_audit_log.table_name IS 'Schema and name of the audited table. [internal]';
COMMENT ON COLUMN saas.payment_audit_log.operation IS 'I insert, U update, D delete, T truncate. [internal]';
COMMENT ON COLUMN saas.payment_audit_log.row_id IS 'id of the changed row. [internal]';
COMMENT ON COLUMN saas.payment_audit_log.old_values IS 'Before the change. [confidential]';
COMMENT ON COLUMN saas.payment_audit_log.new_values IS 'After the change. [confidential]';
COMMENT ON COLUMN saas.payment_audit_log.xact_id IS 'Transaction that made the change. [internal]';
COMMENT ON COLUMN saas.payment_audit_log.db_role IS 'Database role whose rights applied. [internal]';
COMMENT ON COLUMN saas.payment_audit_log.login_role IS 'Database role that logged in, when it is another one. [internal]';
COMMENT ON COLUMN saas.payment_audit_log.request_id IS 'Setting saas.request_id of the application. [internal]';
COMMENT ON COLUMN saas.payment_audit_log.client_addr IS 'Network address of the client. [confidential]';
