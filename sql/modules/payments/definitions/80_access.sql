-- Row-level security and rights of module payments. A team sees its own rows; rows are written by
-- functions only. Analysts see neither personal data nor payloads; the secrets of webhooks nobody sees.

ALTER TABLE saas.currencies ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.currencies FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.provider_currency_exponents ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.provider_currency_exponents FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.state_transitions ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.state_transitions FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.payment_providers ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.payment_providers FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.payment_intents ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.payment_intents FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.payments ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.payments FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.payment_transactions ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.payment_transactions FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.refunds ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.refunds FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.webhook_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.webhook_events FORCE ROW LEVEL SECURITY;

CREATE POLICY currencies_app_select ON saas.currencies
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (true);
CREATE POLICY provider_currency_exponents_app_select ON saas.provider_currency_exponents
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (true);
CREATE POLICY state_transitions_app_select ON saas.state_transitions
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (true);
CREATE POLICY payment_providers_app_select ON saas.payment_providers
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());
CREATE POLICY payment_intents_app_select ON saas.payment_intents
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());
CREATE POLICY payments_app_select ON saas.payments
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());
CREATE POLICY payment_transactions_app_select ON saas.payment_transactions
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());
CREATE POLICY refunds_app_select ON saas.refunds
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());
CREATE POLICY webhook_events_app_select ON saas.webhook_events
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());

GRANT SELECT ON saas.currencies, saas.provider_currency_exponents, saas.state_transitions
TO saas_app, saas_analyst, saas_service, saas_internal;
GRANT SELECT ON saas.payment_intents, saas.payments, saas.payment_transactions, saas.refunds, saas.webhook_events
TO saas_app, saas_service;
GRANT SELECT (
    team_id, id, provider, display_name, webhook_tolerance_seconds, is_active, created_at,
    updated_at
) ON saas.payment_providers TO saas_app, saas_analyst, saas_service;
GRANT SELECT (
    team_id, id, provider, provider_intent_id, amount, amount_capturable, amount_received,
    currency, status, status_source, states_seen, snapshot_at, snapshot_event_id, capture_method,
    last_error_code, last_error_decline_code, cancellation_reason, canceled_at, livemode,
    provider_created_at, created_at, updated_at
) ON saas.payment_intents TO saas_analyst;
GRANT SELECT (
    team_id, id, provider, provider_payment_id, provider_intent_id, payment_intent_id, amount,
    amount_captured, amount_refunded, amount_released, snapshot_refunded, currency, status,
    status_source, states_seen, snapshot_at, snapshot_event_id, failure_code, decline_code,
    payment_method_type, card_brand, card_country, card_funding, cvc_check, address_zip_check, is_disputed, livemode,
    provider_created_at, created_at, updated_at, disputed_total, amount_disputed, is_overdrawn,
    fraud_warned_at
) ON saas.payments TO saas_analyst;
GRANT SELECT (
    team_id, id, payment_id, operation, provider_reference, amount, currency, status,
    status_source, failure_code, occurred_at, created_at, updated_at
) ON saas.payment_transactions TO saas_analyst;
GRANT SELECT (
    team_id, id, payment_id, provider, provider_refund_id, amount, currency, status,
    status_source, states_seen, snapshot_at, snapshot_event_id, reason, failure_reason,
    provider_created_at, created_at, updated_at
) ON saas.refunds TO saas_analyst;
GRANT SELECT (
    team_id, id, provider, provider_event_id, event_type, status, reason, error_code, waits_for,
    deliveries, body_sha256, body_bytes, secret_no, signed_at, provider_created_at, received_at,
    last_received_at, processed_at, created_at
) ON saas.webhook_events TO saas_analyst;

GRANT SELECT, INSERT, UPDATE, DELETE
ON saas.payment_providers, saas.payment_intents, saas.payments, saas.payment_transactions, saas.refunds,
    saas.webhook_events
TO saas_internal;
