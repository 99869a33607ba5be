-- Row-level security and rights of disputes and payouts: a team reads its own, functions write.
ALTER TABLE saas.payment_disputes ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.payment_disputes FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.payouts ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.payouts FORCE ROW LEVEL SECURITY;

CREATE POLICY payment_disputes_app_select ON saas.payment_disputes
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());
CREATE POLICY payouts_app_select ON saas.payouts
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());

GRANT SELECT ON saas.payment_disputes, saas.payouts TO saas_app, saas_service;
GRANT SELECT (
    team_id, id, payment_id, provider, provider_dispute_id, stage, status, status_source, states_seen,
    snapshot_at, snapshot_event_id, amount, currency, fee_amount, amount_withdrawn, reason,
    network_reason_code, evidence_due_at, evidence_submitted_at, is_refundable, livemode,
    provider_created_at, created_at, updated_at
) ON saas.payment_disputes TO saas_analyst;
GRANT SELECT (
    team_id, id, provider, provider_payout_id, amount, currency, status, status_source, states_seen,
    snapshot_at, snapshot_event_id, method, arrival_date, failure_code, livemode, provider_created_at,
    created_at, updated_at, payout_schedule_id, scheduled_for, scheduled_xact_id,
    reserve_amount
) ON saas.payouts TO saas_analyst;
GRANT SELECT, INSERT, UPDATE, DELETE ON saas.payment_disputes, saas.payouts TO saas_internal;
