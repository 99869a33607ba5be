-- Row-level security and rights of evidence, checkout sessions, payment methods and order numbers.
ALTER TABLE saas.dispute_evidence ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.dispute_evidence FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.payment_sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.payment_sessions FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.payment_method_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.payment_method_tokens FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.order_numbers ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.order_numbers FORCE ROW LEVEL SECURITY;

CREATE POLICY dispute_evidence_app_select ON saas.dispute_evidence
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());
CREATE POLICY payment_sessions_app_select ON saas.payment_sessions
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());
CREATE POLICY payment_method_tokens_app_select ON saas.payment_method_tokens
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());
CREATE POLICY order_numbers_app_select ON saas.order_numbers
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());

GRANT SELECT ON saas.dispute_evidence, saas.payment_sessions TO saas_app, saas_service;
GRANT SELECT ON saas.order_numbers TO saas_app, saas_analyst, saas_service;
-- The token itself is read by a function for workers alone.
GRANT SELECT (
    team_id, id, provider, provider_customer_id, fingerprint, brand, last4, exp_month, exp_year, is_default,
    detached_at, metadata, created_at, updated_at
) ON saas.payment_method_tokens TO saas_app, saas_service;
GRANT SELECT (
    team_id, id, payment_dispute_id, stage, kind, due_at, submitted_at, removed_at, created_by, created_at
) ON saas.dispute_evidence TO saas_analyst;
GRANT SELECT (
    team_id, id, payment_intent_id, status, expires_at, completed_at, expired_at, created_at, updated_at
) ON saas.payment_sessions TO saas_analyst;
GRANT SELECT (
    team_id, id, provider, brand, exp_month, exp_year, is_default, detached_at, created_at, updated_at
) ON saas.payment_method_tokens TO saas_analyst;
GRANT SELECT, INSERT, UPDATE
ON saas.dispute_evidence, saas.payment_sessions, saas.payment_method_tokens, saas.order_numbers
TO saas_internal;
