-- Row-level security and rights of money movement: functions write, the application reads what waits.
ALTER TABLE saas.idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.idempotency_keys FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.provider_requests ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.provider_requests FORCE ROW LEVEL SECURITY;

CREATE POLICY idempotency_keys_app_select ON saas.idempotency_keys
FOR SELECT TO saas_app, saas_service
USING (team_id = saas.current_team_id());
CREATE POLICY provider_requests_app_select ON saas.provider_requests
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());

GRANT SELECT ON saas.idempotency_keys, saas.provider_requests TO saas_app, saas_service;
GRANT SELECT (
    team_id, id, provider, kind, ask, payment_intent_id, payment_id, payment_transaction_id, refund_id,
    payout_id, payment_dispute_id, payment_method_token_id,
    status, attempts, max_attempts, next_attempt_at, worker, last_outcome, completed_at, created_at,
    updated_at
) ON saas.provider_requests TO saas_analyst;
GRANT SELECT, INSERT, UPDATE, DELETE ON saas.idempotency_keys, saas.provider_requests TO saas_internal;
