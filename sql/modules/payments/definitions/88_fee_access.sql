-- Row-level security and rights of fees: a team reads its own, functions write.
ALTER TABLE saas.payment_fees ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.payment_fees FORCE ROW LEVEL SECURITY;

CREATE POLICY payment_fees_app_select ON saas.payment_fees
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());

GRANT SELECT ON saas.payment_fees TO saas_app, saas_analyst, saas_service;
GRANT SELECT, INSERT, UPDATE ON saas.payment_fees TO saas_internal;
