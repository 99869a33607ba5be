-- Row-level security and rights of figures and decline codes. Which days are out of date is for the package alone.
ALTER TABLE saas.payment_analytics ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.payment_analytics FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.payment_analytics_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.payment_analytics_changes FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.decline_reasons ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.decline_reasons FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.decline_codes ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.decline_codes FORCE ROW LEVEL SECURITY;

CREATE POLICY payment_analytics_app_select ON saas.payment_analytics
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());
CREATE POLICY decline_reasons_app_select ON saas.decline_reasons
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (true);
CREATE POLICY decline_codes_app_select ON saas.decline_codes
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (true);

GRANT SELECT ON saas.payment_analytics, saas.decline_reasons, saas.decline_codes
TO saas_app, saas_analyst, saas_service;
GRANT SELECT, INSERT, DELETE ON saas.payment_analytics, saas.payment_analytics_changes TO saas_internal;
GRANT SELECT ON saas.decline_reasons, saas.decline_codes TO saas_internal;
